#!/bin/sh
# The house rules: which room includes which, and what a public header never contains.
#   sh tests/layering/check.sh [ROOT]       checks ROOT/include/weir and ROOT/src
#   sh tests/layering/check.sh --self-test  checks the checker on small houses that break one rule each
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

check() {  # prints the breaches of the house at $1
  find "$1/include/weir" "$1/src" -type f \( -name '*.hpp' -o -name '*.h' -o -name '*.cpp' \) 2>/dev/null | sort |
    xargs awk -v "root=$1" -v "table=$here/allowed.txt" -f "$here/check.awk"
}

self_test() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  failures=0
  expect() {  # $1: part of the message, or nothing for a clean house; $2: file; $3: its text
    rm -rf "$scratch/house"
    mkdir -p "$scratch/house/src" "$scratch/house/$(dirname "$2")"
    printf '#pragma once\n%b\n' "$3" >"$scratch/house/$2"
    found=$(check "$scratch/house")
    if [ -z "$1" ]; then
      [ -n "$found" ] || return 0
    else
      case $found in *"$1"*) return 0 ;; esac
    fi
    printf 'self-test: %s: %s\n  expected: %s\n  found:    %s\n' "$2" "$3" "${1:-nothing}" "$found"
    failures=1
  }
  expect '' include/weir/time/a.hpp '#include <weir/base/assert.hpp>\n#include <weir/time/b.hpp>\n#include <weir/version.hpp>'
  expect '' include/weir/time/a.hpp '// try to catch\n/* throw\n typeid */ int x = 1;\nauto s = "throw"; char c = '"'\"'"'; int n = 1'"'"'000;'
  expect '' include/weir/time/a.hpp 'int retry, catch_all, try_again; // #include <iostream>'
  expect '' include/weir/testing/a.hpp '#include <weir/graph/graph.hpp>\n#include <weir/weir.hpp>'
  expect '' src/graph/a.cpp '#include <fmt/format.h>\n#include <functional>\nint f() { try { throw 1; } catch (int) { return 1; } }'
  expect 'time may not include <weir/state/x.hpp>' include/weir/time/a.hpp '#include <weir/state/x.hpp>'
  expect 'graph may not include <weir/operators/x.hpp>' src/graph/a.cpp '#include <weir/operators/x.hpp>'
  expect 'operators may not include <weir/graph/x.hpp>' include/weir/operators/a.hpp '  #  include <weir/graph/x.hpp>'
  expect 'base may not include <weir/weir.hpp>' include/weir/base/a.hpp '#include <weir/weir.hpp>'
  expect 'weir.hpp may not include <weir/testing/x.hpp>' include/weir/weir.hpp '#include <weir/testing/x.hpp>'
  expect "'cupboard' has no row" include/weir/cupboard/a.hpp 'int x;'
  expect "'loose.cpp' has no row" src/loose.cpp 'int x;'
  expect 'public headers use' include/weir/base/a.hpp '#include "b.hpp"'
  expect 'only a neighbour' src/base/a.cpp '#include "../time/b.hpp"'
  for name in iostream regex ranges functional; do
    expect "a.hpp:2: <$name> has no place" include/weir/base/a.hpp "#include <$name>"
  done
  expect 'a.hpp:2: <fmt/format.h> is private' include/weir/base/a.hpp '#include <fmt/format.h>'
  expect 'a.hpp:2: <simdjson.h> is private' include/weir/base/a.hpp '#include <simdjson.h>'
  expect "'fmt::' is private" include/weir/base/a.hpp 'auto s = fmt::format("x");'
  for word in throw try catch typeid dynamic_cast; do
    expect "a.hpp:3: '$word' has no place" include/weir/base/a.hpp "int before;\n  if (x) $word(y);"
  done
  expect "'throw' has no place" include/weir/base/a.hpp 'throw;'
  [ "$failures" = 0 ] && echo "layering self-test: ok"
  return "$failures"
}

if [ "${1:-}" = --self-test ]; then
  self_test
  exit
fi

root=$(CDPATH='' cd -- "${1:-$here/../..}" && pwd)
breaches=$(check "$root")
if [ -n "$breaches" ]; then
  printf '%s\n' "$breaches"
  exit 1
fi
echo "layering: ok"
