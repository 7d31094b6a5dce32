#!/bin/sh
# Runs conformance cases through weir's public API: one line per case, then totals; exit 1 if a case fails.
#
#   sh tests/conformance/run.sh [OPTION...] [DIR...]      every case below each DIR; without any, the shared cases
#     --json FILE            totals and one entry per case as JSON
#     --metamorphic          also each case cut finer, reordered, batched, shifted, doubled, split and restored
#     --one-process          no process per case; for debuggers
#
# Builds what it needs first (preset release, or the one named by PRESET). WEIR_NO_INSTALL=1 names missing packages
# instead of installing them.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
preset=${PRESET:-release}

build() {
  cd "$root"
  . tests/setup.sh
  # shellcheck disable=SC2154,SC2086  # set by setup.sh; a list of words
  need_packages $weir_packages
  mkdir -p build/log
  log=build/log/conformance.txt
  : >"$log"
  step "$log" "conformance: configure" cmake --preset "$preset"
  step "$log" "conformance: build" cmake --build --preset "$preset" -j "$(job_count)" --target conformance
}

has_place=false
is_value=false
for argument in "$@"; do
  case $is_value$argument in
    true*) is_value=false ;;
    false--json) is_value=true ;;
    false-*) ;;
    *) has_place=true ;;
  esac
done
$has_place || set -- "$@" "$here/cases"

(build) >&2
exec "$root/build/$preset/tests/conformance/weir_test_conformance" "$@"
