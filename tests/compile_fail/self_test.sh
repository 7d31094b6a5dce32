#!/bin/sh
# Checks check.sh itself: a good case passes, and each way of being wrong is noticed.
#   sh tests/compile_fail/self_test.sh COMPILER
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

expect() {  # $1: text the check must print, or `ok`; standard input: the case
  cat >"$scratch/case.cpp"
  if found=$(sh "$here/check.sh" "$compiler" "$scratch/case.cpp" 2>&1); then found=ok; fi
  case $found in
    *"$1"*) ;;
    *) printf 'self-test: expected %s, found %s, for\n' "$1" "$found"; cat "$scratch/case.cpp"; status=1 ;;
  esac
}
compiler=$1

expect ok <<'EOT'
// expect: a window needs a size
// lines: 12
template <int size> void window() { static_assert(size > 0, "a window needs a size"); }
#ifdef TWIN
void use() { window<1>(); }
#else
void use() { window<0>(); }
#endif
EOT
expect 'compiles, but should not' <<'EOT'
// expect: anything
int x;
EOT
expect "lacks 'two words'" <<'EOT'
// expect: one
// expect: two words
#ifndef TWIN
static_assert(false, "one");
#endif
EOT
expect 'twin (-DTWIN) does not compile' <<'EOT'
// expect: always
static_assert(false, "always");
EOT
expect 'at most 2 are allowed' <<'EOT'
// expect: long
// lines: 2
#ifndef TWIN
static_assert(false, "long");
static_assert(false, "long");
#endif
EOT
expect 'first line must be' <<'EOT'
int x = "no expectation";
EOT
[ "$status" = 0 ] && echo "compile_fail self-test ($compiler): ok"
exit "$status"
