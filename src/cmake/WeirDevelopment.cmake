# What weir asks of its own code. Never applied when weir is part of another project.

# Strict warnings on a target of ours; CMAKE_COMPILE_WARNING_AS_ERROR, which the presets set, makes them errors.
function(weir_strict target)
  if(PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast)
  endif()
endfunction()
