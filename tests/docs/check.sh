#!/bin/sh
# Shown code is run code: keeps README.md and docs/ true to the tree.
#   sh tests/docs/check.sh [ROOT]            checks, prints what is wrong, fails if anything is
#   sh tests/docs/check.sh --update [ROOT]   rewrites the fences from their regions
#   sh tests/docs/check.sh --self-test
# Rules: a C++ fence has `<!-- region: examples/docs/FILE.cpp:NAME -->` on the line before and shows exactly the lines between
# `// [region NAME]` and `// [end]` of that file, without their common indentation (other languages may do the same,
# `# [region NAME]` works too); include/weir/ROOM/HEADER.hpp and docs/reference/ROOM/HEADER.md exist in pairs; relative links resolve;
# docs/reference/aggregates.md shows the cards of the aggregates, whole and in one form.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

pages() {
  (cd "$1" && find README.md docs examples benchmarks tests -name '*.md' -type f 2>/dev/null | sort)
}

check_fences() {  # $1: root, $2: check or update, $3: scratch folder
  pages "$1" | while IFS= read -r page; do
    awk -v "root=$1" -v "page=$page" -v "problems=$3/problems" -f "$here/fences.awk" "$1/$page" >"$3/page"
    cmp -s "$1/$page" "$3/page" && continue
    if [ "$2" = update ]; then
      cat "$3/page" >"$1/$page"
      echo "updated $page"
    else
      echo "$page: a fence differs from its region; sh tests/docs/check.sh --update mends it" >>"$3/problems"
      diff -u "$1/$page" "$3/page" | sed '1,2d' >>"$3/problems" || :
    fi
  done
}

check_links() {  # $1: root, $2: scratch folder
  pages "$1" | while IFS= read -r page; do
    awk -f "$here/links.awk" "$1/$page" | while read -r line target; do
      case $target in
        /*) echo "$page:$line: $target: links are relative" >>"$2/problems"; continue ;;
      esac
      path=$(dirname "$1/$page")/$target
      folder=$(CDPATH='' cd -- "$(dirname "$path")" 2>/dev/null && pwd) || folder=missing
      case $folder/ in
        "$1"/*) [ -e "$path" ] || echo "$page:$line: $target does not exist" >>"$2/problems" ;;
        *) echo "$page:$line: $target does not exist in this tree" >>"$2/problems" ;;
      esac
    done
  done
}

check_reference() {  # $1: root, $2: scratch folder
  (cd "$1/include/weir" && find . -name '*.hpp' | sort) | while IFS= read -r header; do
    name=${header#./}
    page=docs/reference/${name%.hpp}.md
    [ -f "$1/$page" ] || echo "include/weir/$name: its page $page is missing" >>"$2/problems"
  done
  [ -d "$1/docs/reference" ] || return 0
  (cd "$1/docs/reference" && find . -mindepth 2 -name '*.md' | sort) | while IFS= read -r page; do
    name=${page#./}
    [ "${name##*/}" = README.md ] || [ -f "$1/include/weir/${name%.md}.hpp" ] ||
      echo "docs/reference/$name: there is no header include/weir/${name%.md}.hpp" >>"$2/problems"
  done
}

check_cards() {  # $1: root, $2: check or update, $3: scratch folder
  [ -f "$1/include/weir/aggregate/aggregate.hpp" ] || return 0
  # shellcheck disable=SC2046  # names without blanks
  (cd "$1/include/weir" && awk -v "problems=$3/problems" -f "$here/cards.awk" \
    $(sed -n 's|^#include <weir/\(aggregate/.*\)>.*|\1|p' aggregate/aggregate.hpp)) >"$3/cards"
  page=$1/docs/reference/aggregates.md
  cmp -s "$3/cards" "$page" && return 0
  if [ "$2" = update ]; then
    cat "$3/cards" >"$page"
    echo "updated docs/reference/aggregates.md"
  else
    echo "docs/reference/aggregates.md differs from the headers; sh tests/docs/check.sh --update mends it" >>"$3/problems"
  fi
}

check() {  # $1: root, $2: check or update; prints what is wrong
  scratch=$(mktemp -d)
  : >"$scratch/problems"
  check_fences "$1" "$2" "$scratch"
  check_links "$1" "$scratch"
  check_reference "$1" "$scratch"
  check_cards "$1" "$2" "$scratch"
  cat "$scratch/problems"
  problems=$(wc -l <"$scratch/problems")
  rm -rf "$scratch"
  [ "$problems" -eq 0 ]
}

self_test() {
  house=$(mktemp -d)
  trap 'rm -rf "$house"' EXIT
  mkdir -p "$house/include/weir/base" "$house/docs/reference/base" "$house/examples/docs"
  touch "$house/include/weir/base/a.hpp" "$house/docs/reference/base/a.md"
  printf '%s\n' 'int main() {' '  // [region sum]' '  int a = 1;' '' '  // [region inner]' '  if (a)' '    return a;' '  // [end]' '  // [end]' '}' \
    '// [region open]' 'int x;' >"$house/examples/docs/a.cpp"

  expect() {  # $1: text the check must print, or nothing; standard input: README.md
    cat >"$house/README.md"
    if found=$(check "$house" check); then code=0; else code=1; fi
    if [ -z "$1" ]; then
      [ "$code$found" != 0 ] || return 0
    else
      case $code$found in 1*"$1"*) return 0 ;; esac
    fi
    printf 'self-test: expected %s, found %s, for\n' "${1:-nothing}" "${found:-nothing}"
    cat "$house/README.md"
    touch "$house/failed"  # a variable would be lost: the right side of a pipe is a shell of its own
  }
  page() { printf '%s\n' "$@"; }
  comment='<!-- region: examples/docs/a.cpp:'

  page '# weir' '[a](docs/reference/base/a.md#here) [b](https://example.org/x) `[c](nowhere)`' "${comment}sum -->" '```cpp' 'int a = 1;' '' 'if (a)' '  return a;' '```' '```sh' '[x](nowhere)' '```' | expect ''
  page '- item' "  ${comment}inner -->" '  ```cpp' '  if (a)' '    return a;' '  ```' | expect ''
  page '```cpp' 'int a;' '```' | expect 'README.md:1: C++ without'
  page '~~~c++' 'int a;' '~~~' | expect 'README.md:1: C++ without'
  page "${comment}inner -->" '```cpp' 'if (b)' '```' | expect '-if (b)'
  page "${comment}gone -->" '```cpp' '```' | expect "no region 'gone'"
  page "${comment}open -->" '```cpp' 'int x;' '```' | expect 'has no [end]'
  page '<!-- region: examples/docs/b.cpp:x -->' '```cpp' '```' | expect 'cannot read examples/docs/b.cpp'
  page '<!-- region: src/a.cpp:x -->' '```cpp' '```' | expect 'regions are taken from'
  page "${comment}sum -->" 'prose' | expect 'needs a fence'
  page '```sh' 'ls' | expect 'not closed'
  page '[a](docs/none.md)' | expect 'README.md:1: docs/none.md does not exist'
  page '[a](../outside.md)' | expect 'does not exist in this tree'
  page '[a]: docs/none.md' | expect 'docs/none.md does not exist'
  page '<img src="docs/none.svg">' | expect 'docs/none.svg does not exist'
  touch "$house/include/weir/base/b.hpp" "$house/docs/reference/base/c.md"
  page 'text' | expect 'include/weir/base/b.hpp: its page docs/reference/base/b.md is missing'
  page 'text' | expect 'there is no header include/weir/base/c.hpp'
  rm "$house/include/weir/base/b.hpp" "$house/docs/reference/base/c.md"

  mkdir -p "$house/include/weir/aggregate" "$house/docs/reference/aggregate"
  mkdir -p "$house/docs/guides"
  touch "$house/docs/guides/custom_aggregators.md"
  page '#pragma once' >"$house/include/weir/aggregate/feature.hpp"
  for name in aggregate count feature; do page "# $name" >"$house/docs/reference/aggregate/$name.md"; done
  page '#include <weir/aggregate/count.hpp>' >"$house/include/weir/aggregate/aggregate.hpp"
  card() { page '/// How many.' '///' '/// Use:      count()' '/// Formula:  n' '/// Result:   a number;' '///           0 of nothing' "$@" 'struct Count {};'; }
  card '/// Missing:  none' '/// Merge:    exact' '/// Error:    none' '/// Memory:   8' '/// Cost:     1' '/// Source:   -' >"$house/include/weir/aggregate/count.hpp"
  page 'text' | expect 'aggregates.md differs from the headers'
  check "$house" update >/dev/null
  page 'text' | expect ''
  card '/// Merge:    exact' >"$house/include/weir/aggregate/count.hpp"
  page 'text' | expect 'Count: its card has Merge where Missing belongs'
  rm -r "$house/include/weir/aggregate" "$house/docs/reference/aggregate" "$house/docs/reference/aggregates.md"

  page "${comment}inner -->" '```cpp' 'stale' '```' 'after' >"$house/README.md"
  check "$house" update >/dev/null
  check "$house" check || touch "$house/failed"
  [ ! -e "$house/failed" ] || return 1
  echo "docs self-test: ok"
}

mode=check
case ${1:-} in
  --self-test) self_test; exit ;;
  --update) mode=update; shift ;;
esac
root=$(CDPATH='' cd -- "${1:-$here/../..}" && pwd)
check "$root" "$mode" || exit 1
echo "docs: ok"
