#!/bin/sh
# The same scripts give the same bytes whatever the compiler and the optimisation.
#   sh tests/determinism/compare.sh SOURCE_DIR WORK_DIR [FLAG...]
# Builds digest.cpp and the library with g++ and clang++-14 at -O0 and -O3 and compares what they print. The flags are
# include directories and libraries. A compiler that is not there is left out, with a message.
set -eu
source=$1
work=$2
shift 2
mkdir -p "$work"
# All in one translation unit: its parts are compiled four times.
find "$source/src" "$source/tests/determinism" -name '*.cpp' ! -path '*/src/testing/*' | sort |
  sed 's/.*/#include "&"/' >"$work/all.cpp"

status=0
reference=
for compiler in g++ clang++-14; do
  if ! command -v "$compiler" >/dev/null 2>&1; then
    echo "determinism: $compiler is not installed and was left out"
    continue
  fi
  for level in -O0 -O3; do
    name=$work/digest-$compiler$level
    "$compiler" -std=c++20 "$level" -I"$source/include" "$work/all.cpp" "$@" -o "$name"
    code=0
    "$name" >"$name.txt" || code=$?
    if [ "$code" != 0 ]; then
      echo "determinism: $compiler $level: batches or hash seeds change the output"
      grep -B 1 'another output' "$name.txt" || true
      status=1
    fi
    if [ -z "$reference" ]; then
      reference=$name.txt
    elif ! diff "$reference" "$name.txt"; then
      echo "determinism: $compiler $level prints other digests than $reference"
      status=1
    fi
  done
done
[ -z "$reference" ] || echo "determinism: $(wc -l <"$reference") digests"
exit "$status"
