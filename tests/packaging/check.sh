#!/bin/sh
# The ways into a host, each tried as a host would do it.
#   sh tests/packaging/check.sh CASE SOURCE BUILD SCRATCH
# SOURCE is weir's tree, BUILD a build tree of it that `install` takes the library from, SCRATCH a folder of the tests' own.
# CXX names the compiler, CMAKE the cmake to use.
set -eu
case_name=$1
source=$2
build=$3
scratch=$4/$case_name
prefix=$4/install/moved
cmake=${CMAKE:-cmake}
export CXX="${CXX:-c++}"
strict='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Werror'
here=$source/tests/packaging
# The library as one translation unit: a tenth of the time, and hosts do that, too.
unity='-DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0'

fail() { echo "packaging: $*"; exit 1; }

# weir's version as its header has it.
version() {
  for part in MAJOR MINOR PATCH; do
    sed -n "s/^#define WEIR_VERSION_$part //p" "$source/include/weir/version.hpp"
  done | paste -s -d . -
}

fresh() { rm -rf "$scratch"; mkdir -p "$scratch"; }

consumer() {  # copies a consumer project into SCRATCH and enters it
  fresh
  cp "$here/consumer/"*.cpp "$here/$case_name/CMakeLists.txt" "$scratch"
  cd "$scratch"
}

build_and_run() {  # configures the project in the current folder with the given arguments, builds it, runs it
  # shellcheck disable=SC2086  # a list of options
  "$cmake" -S . -B build -G Ninja -DCMAKE_CXX_FLAGS="$strict" $unity "$@"
  "$cmake" --build build -j 1
  ./build/service
}

library_build() {  # $1: prefix; the rest: arguments; a build of only the library, installed
  library_prefix=$1
  shift
  # shellcheck disable=SC2086  # a list of options
  "$cmake" -S "$source" -B build -G Ninja -DCMAKE_CXX_FLAGS=-O0 -DWEIR_BUILD_TESTS=OFF -DWEIR_BUILD_EXAMPLES=OFF $unity "$@"
  "$cmake" --build build -j 1
  "$cmake" --install build --prefix "$library_prefix"
}

pkg_config_folder() { dirname "$(find "$1" -name weir.pc)"; }

compile_with_pkg_config() {  # $1: prefix; the rest: arguments of pkg-config
  PKG_CONFIG_PATH=$(pkg_config_folder "$1")
  export PKG_CONFIG_PATH
  shift
  [ "$(pkg-config --modversion weir)" = "$(version)" ] || fail "weir.pc has another version than version.hpp"
  # shellcheck disable=SC2046,SC2086
  $CXX -std=c++20 $strict "$here/consumer/main.cpp" -o service $(pkg-config "$@" --cflags --libs weir)
}

case $case_name in
  install)  # installs, moves the prefix, and looks for paths that should not be there
    fresh
    first=$scratch/first
    "$cmake" --install "$build" --prefix "$first"
    cp -r "$first" "$scratch/plain"
    # Debug information may say where a library was built; everything else may not.
    find "$scratch/plain" \( -name '*.a' -o -name '*.so*' \) -type f -exec strip --strip-debug {} +
    for path in "$source" "$build" "$first"; do
      if found=$(grep -rlF "$path" "$scratch/plain"); then fail "$path is written in: $found"; fi
    done
    rm -rf "$scratch/plain"
    (cd "$source/include" && find weir -name '*.hpp' | sort) >"$scratch/source-headers"
    (cd "$first/include" && find weir -type f | sort) >"$scratch/installed-headers"
    diff "$scratch/source-headers" "$scratch/installed-headers" || fail "other headers are installed than lie in include/"
    find "$first" -name LICENSE | grep -q . || fail "the licence is not installed"
    mv "$first" "$prefix"
    ;;

  find_package)
    consumer
    build_and_run -Dweir_ROOT="$prefix"
    ;;

  add_subdirectory)  # nothing but the library may be looked for or defined
    consumer
    mkdir third_party
    ln -s "$source" third_party/weir
    build_and_run -DCMAKE_DISABLE_FIND_PACKAGE_Catch2=ON -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON \
      -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON
    if found=$("$cmake" --build build --target help | grep -E 'weir_(test|example|bench)'); then
      fail "a host gets targets it did not ask for: $found"
    fi
    "$cmake" --install build --prefix "$scratch/prefix"
    [ ! -e "$scratch/prefix/include/weir" ] || fail "weir installs itself with its host without being asked"
    ;;

  fetch_content)
    consumer
    build_and_run -DFETCHCONTENT_SOURCE_DIR_WEIR="$source" -DFETCHCONTENT_FULLY_DISCONNECTED=ON
    ;;

  pkg_config_static)
    fresh
    cd "$scratch"
    compile_with_pkg_config "$prefix" --static
    ./service
    ;;

  pkg_config_shared)
    fresh
    cd "$scratch"
    library_build "$scratch/prefix" -DBUILD_SHARED_LIBS=ON
    compile_with_pkg_config "$scratch/prefix"
    libraries=$(dirname "$(find "$scratch/prefix" -name libweir.so)")
    LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ./service
    LC_ALL=C readelf -d service | grep -q 'NEEDED.*libweir\.so\.[0-9]' || fail "the service does not use the versioned libweir.so"
    ;;

  versions)  # version.hpp is the source; every other place must say the same
    expected=$(version)
    expr "$expected" : '[0-9]*\.[0-9]*\.[0-9]*$' >/dev/null || fail "version.hpp holds '$expected'"
    same() { [ "$2" = "$expected" ] || fail "$1 has version '$2', version.hpp has $expected"; }
    same vcpkg.json "$(sed -n 's/.*"version-semver": *"\([^"]*\)".*/\1/p' "$source/vcpkg.json")"
    same weirConfigVersion.cmake "$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)").*/\1/p' "$(find "$prefix" -name weirConfigVersion.cmake)")"
    for name in weir weir-core; do
      same $name.pc "$(sed -n 's/^Version: //p' "$(find "$prefix" -name $name.pc)")"
    done
    if grep -nE "version *= *[\"'][0-9]" "$source/conanfile.py"; then
      fail "conanfile.py reads version.hpp and has no version of its own"
    fi
    for page in "$source/README.md" "$source"/tests/packaging/*/CMakeLists.txt; do
      [ -f "$page" ] || continue
      for tag in $(grep -oE 'GIT_TAG v[0-9.]+' "$page" | sed 's/.*v//'); do same "$page" "$tag"; done
      for asked in $(grep -oE 'find_package\(weir [0-9.]+ CONFIG REQUIRED' "$page" | awk '{ print $2 }'); do
        case $expected in "$asked"*) ;; *) fail "$page asks for weir $asked, version.hpp has $expected" ;; esac
      done
    done
    ;;

  *) fail "no case $case_name" ;;
esac
echo "packaging: $case_name: ok"
