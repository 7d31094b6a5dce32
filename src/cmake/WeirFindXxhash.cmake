# Defines weir::xxhash, where <xxhash.h> is, and sets weir_xxhash_FOUND.
# Used by weir's own build and, installed beside weirConfig.cmake, by every consumer.
set(weir_xxhash_FOUND TRUE)
if(TARGET weir::xxhash)
  return()
endif()

# vcpkg and Conan bring a CMake package; Debian only brings the header, which is enough: weir inlines the hash.
find_package(xxHash CONFIG QUIET)
if(TARGET xxHash::xxhash)
  add_library(weir::xxhash INTERFACE IMPORTED GLOBAL)
  set_property(TARGET weir::xxhash PROPERTY INTERFACE_LINK_LIBRARIES xxHash::xxhash)
  return()
endif()

find_path(WEIR_XXHASH_INCLUDE_DIR xxhash.h)
mark_as_advanced(WEIR_XXHASH_INCLUDE_DIR)
if(WEIR_XXHASH_INCLUDE_DIR)
  add_library(weir::xxhash INTERFACE IMPORTED GLOBAL)
  set_property(TARGET weir::xxhash PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${WEIR_XXHASH_INCLUDE_DIR}")
else()
  set(weir_xxhash_FOUND FALSE)
  set(weir_xxhash_MESSAGE "weir needs the header <xxhash.h> (Debian: libxxhash-dev; vcpkg and Conan: xxhash)")
endif()
