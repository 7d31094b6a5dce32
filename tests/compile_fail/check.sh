#!/bin/sh
# A mistake must fail to compile with one short message that says what to do.
#   sh tests/compile_fail/check.sh COMPILER CASE.cpp [FLAG...]
# The first lines of a case say what must come out (every text, on this many lines at most):
#   // expect: text            repeat it for several texts
#   // lines: N                optional; 25 when not given
# The same file compiled with -DTWIN is the corrected program; it must compile, so that a case fails for its own reason only.
set -eu
compiler=$1
case_file=$2
shift 2

expected=$(sed -n '/^\/\/ \(expect\|lines\): /!q; s/^\/\/ expect: //p' "$case_file")
most=$(sed -n '/^\/\/ \(expect\|lines\): /!q; s/^\/\/ lines: //p' "$case_file")
most=${most:-25}
if [ -z "$expected" ]; then
  echo "$case_file: the first line must be '// expect: text'"
  exit 1
fi

compile() {
  LC_ALL=C "$compiler" -std=c++20 -fsyntax-only -fno-diagnostics-color "$@" "$case_file" 2>&1
}

status=0
complain() { echo "$case_file ($compiler): $1"; status=1; }

if output=$(compile "$@"); then
  complain "compiles, but should not"
fi
count=$(printf '%s\n' "$output" | wc -l)
[ "$count" -le "$most" ] || complain "$count lines of output, at most $most are allowed"

# One text per line; a here-document keeps the loop in this shell.
while IFS= read -r text; do
  case $output in
    *"$text"*) ;;
    *) complain "the output lacks '$text'" ;;
  esac
done <<EOT
$expected
EOT

[ "$status" = 0 ] || printf '%s\n' "--- output" "$output" "---"

if ! twin=$(compile -DTWIN "$@"); then
  complain "the corrected twin (-DTWIN) does not compile"
  printf '%s\n' "$twin"
fi
exit "$status"
