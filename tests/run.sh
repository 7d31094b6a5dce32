#!/bin/sh
# Installs what is missing, builds weir with warnings as errors, runs its tests.
#
#   sh tests/run.sh                  every test: g++ -O2; layering, headers, compile-fail, docs, packaging, examples
#   sh tests/run.sh --only ROOM...   only these rooms (folders of tests/, `examples`, `benchmarks`)
#   sh tests/run.sh --long           the same tests with far more random scripts (hours)
#   sh tests/run.sh --kills          one example alone, with a worker that is killed 300 times (minutes)
#   sh tests/run.sh --soak           a day of a pipeline with every operator in simulated time, with all that can go wrong (two hours)
#   sh tests/run.sh --fuzz           hostile bytes for restore, inspect and combine: clang 14, sanitizers (two hours)
#
# Other ways to build, alone or several in a row; what does not depend on the compiler's flags is left out of them:
#   --asan --ubsan --tsan            sanitizers
#   --dev                            debug, address and undefined behaviour sanitizers in one
#   --hardened                       assertions of the standard library and of Abseil
#   --clang --clang19                clang 14, clang 19
#   --noexcept                       headers, examples and a host program with -fno-exceptions -fno-rtti
#   --coverage                       line coverage per file of include/ and src/; fails below 95 %
#   --tidy                           clang-tidy over headers, sources and examples
#   --format                         clang-format in check mode
# Short for --only: --packaging --headers --compile-fail --docs --layering
#
# WEIR_NO_INSTALL=1 names missing packages instead of installing them; WEIR_JOBS sets the number of parallel jobs.
# Tests read WEIR_EFFORT: quick (sanitizers, coverage), normal or long. WEIR_SEED is the seed of --kills, --soak and random damage,
# WEIR_FUZZ_SECONDS how long --fuzz runs; with WEIR_FUZZ_KEEP=1 it writes the corpus in the tree anew. --soak reads
# WEIR_SOAK_HOURS (24), simulated ones, and WEIR_SOAK_EVENTS_PER_SECOND (50000).
# The log of each build is build/log/<preset>.txt.
set -eu
cd "$(dirname "$0")/.."
. tests/setup.sh

least_coverage=95

usage() {
  sed -n '2,/^set -eu/{/^set -eu/d; s/^# \{0,1\}//; p}' tests/run.sh
}

suites=
only=
long=no
while [ $# -gt 0 ]; do
  case $1 in
    --asan | --ubsan | --tsan | --dev | --hardened | --noexcept | --clang19 | --coverage | --tidy | --format | --kills | --soak | --fuzz)
      suites="$suites ${1#--}" ;;
    --clang) suites="$suites clang14" ;;
    --packaging | --headers | --docs | --layering) only="$only ${1#--}" ;;
    --compile-fail) only="$only compile_fail" ;;
    --long) long=yes ;;
    --only)
      [ $# -gt 1 ] || { usage; exit 2; }
      while [ $# -gt 1 ]; do
        case $2 in --*) break ;; esac
        only="$only $2"
        shift
      done ;;
    --help | -h) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown option $1"; usage; exit 2 ;;
  esac
  shift
done
[ -n "$suites" ] || suites=release

packages=$weir_packages
for suite in $suites; do
  case $suite in
    release) packages="$packages clang-14" ;;  # the compile-fail cases hold the messages of both compilers
    clang14) packages="$packages clang-14" ;;
    clang19) packages="$packages clang-19" ;;
    coverage) packages="$packages clang-14 llvm-14 libclang-rt-14-dev" ;;
    fuzz) packages="$packages clang-14 llvm-14 libclang-rt-14-dev xz-utils" ;;
    tidy) packages="$packages clang-14 clang-tidy-14" ;;
    format) packages="$packages clang-format-14" ;;
  esac
done
# shellcheck disable=SC2086  # lists of words
need_packages $packages
jobs=$(job_count)
mkdir -p build/log

targets() {  # the build arguments for the chosen rooms; nothing for everything
  [ -n "$only" ] || return 0
  printf '%s' '--target'
  for room in $only; do
    case $room in
      examples | benchmarks) printf ' weir_%s' "$room" ;;
      *) printf ' weir_test_%s' "$room" ;;
    esac
  done
}

labels() {  # the test arguments for the chosen rooms
  [ -n "$only" ] || return 0
  # shellcheck disable=SC2086
  printf '%s' "-L ^($(printf '%s\n' $only | paste -s -d '|' -))\$"
}

failed_tests() {  # of ctest's output in $1: every failed test with what it printed, 60 lines of each
  awk '/^ *(Start +[0-9]+:|[0-9]+\/[0-9]+ Test +#)/ { show = /\*\*\*/ ? 60 : 0 }
       /tests passed|^The following tests FAILED/ { show = 0 }
       show-- > 0' "$1"
}

run_tests() {  # $1: preset; leaves ctest's own summary in `summary`
  output=build/log/$1-tests.txt
  printf '%s: test (%s jobs) ... ' "$1" "$jobs"
  started=$(date +%s)
  code=0
  set -- --preset "$1" -j "$jobs"
  [ "$long" = no ] || set -- "$@" --timeout 100000
  # shellcheck disable=SC2046
  $launch ctest "$@" $(labels) >"$output" 2>&1 || code=$?
  printf '%s s, %s\n' "$(($(date +%s) - started))" "$output"
  [ "$code" = 0 ] || failed_tests "$output"
  summary=$(sed -n '/tests passed/,$p' "$output")
  [ -n "$summary" ] || summary=$(tail -n 20 "$output")
  return "$code"
}

coverage_table() {
  profiles=build/coverage/profiles
  llvm-profdata-14 merge -sparse -o "$profiles/all.profdata" "$profiles"/*.profraw || return 1
  set --
  # weir_test_headers only compiles.
  for program in $(find build/coverage/tests build/coverage/examples -type f -perm -u+x \
      \( -name 'weir_test_*' -o -name 'weir_example_*' \) ! -name weir_test_headers | sort); do
    set -- "$@" -object "$program"
  done
  shift  # the first object is named without -object
  llvm-cov-14 report "$@" -instr-profile="$profiles/all.profdata" "$PWD/include" "$PWD/src" \
    >build/log/coverage-report.txt 2>>"$log" || return 1
  # Columns: file, regions (3), functions (3), lines, missed lines, cover, branches (3).
  awk -v least="$least_coverage" '
    NF >= 10 && $8 ~ /^[0-9]+$/ {
      name = $1 == "TOTAL" ? "all lines" : $1
      percent = $8 == 0 ? 100 : 100 * ($8 - $9) / $8
      printf "%-52s %6d lines %6d missed %7.2f %%\n", name, $8, $9, percent
      if ($1 == "TOTAL") total = percent
    }
    END {
      if (total == "") { print "coverage: nothing measured"; exit 1 }
      if (total < least) { printf "coverage: %.2f %% of the lines, at least %d %% are asked for\n", total, least; exit 1 }
    }' build/log/coverage-report.txt
}

check_format() {
  find include src tests examples benchmarks \( -name '*.hpp' -o -name '*.cpp' \) -type f |
    xargs clang-format-14 --dry-run -Werror
}

kill_workers() {
  step "$log" "kills: configure" cmake --preset release || return 1
  step "$log" "kills: build ($jobs jobs)" cmake --build --preset release -j "$jobs" --target weir_example_exactly_once || return 1
  build/release/examples/weir_example_exactly_once --kills 300 --seed "${WEIR_SEED:-1}"
}

soak() {
  step "$log" "soak: configure" cmake --preset release || return 1
  step "$log" "soak: build ($jobs jobs)" cmake --build --preset release -j "$jobs" --target weir_soak || return 1
  build/release/tests/soak/weir_soak --hours "${WEIR_SOAK_HOURS:-24}" \
    --events-per-second "${WEIR_SOAK_EVENTS_PER_SECOND:-50000}" --seed "${WEIR_SEED:-1}"
}

fuzz() {
  seconds=${WEIR_FUZZ_SECONDS:-7200}
  found=build/fuzz/found
  corpus=tests/fuzz/corpus.tar.xz
  mkdir -p "$found/corpus" "$found/seeds" "$found/kept"
  step "$log" "fuzz: configure" cmake --preset fuzz || return 1
  step "$log" "fuzz: build ($jobs jobs)" cmake --build --preset fuzz -j "$jobs" || return 1
  # What the run before has found is gone on from. Limits are for one input; what they mean is in restore.fuzz.cpp.
  step "$log" "fuzz: seeds" build/fuzz/tests/fuzz/weir_fuzz_seeds "$found/seeds" || return 1
  [ ! -f "$corpus" ] || tar -xJf "$corpus" -C "$found/kept"
  step "$log" "fuzz: restore ($seconds s)" build/fuzz/tests/fuzz/weir_fuzz_restore "$found/corpus" "$found/seeds" "$found/kept" \
    -dict=tests/fuzz/restore.dict -max_len=65536 -timeout=300 -rss_limit_mb=2048 -malloc_limit_mb=512 -entropic=0 \
    -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$found/" ||
    { echo "fuzz: the input lies in $found; give it to build/fuzz/tests/fuzz/weir_fuzz_restore"; return 1; }
  sed -n 's/^stat::number_of_executed_units: */fuzz: inputs: /p' "$log" | tail -n 1
  [ -n "${WEIR_FUZZ_KEEP:-}" ] || return 0
  # Few inputs that reach all code that any has reached.
  rm -rf "$found/least"
  mkdir "$found/least"
  step "$log" "fuzz: keep" build/fuzz/tests/fuzz/weir_fuzz_restore -merge=1 -use_counters=0 "$found/least" "$found/seeds" "$found/kept" "$found/corpus" \
    -max_len=65536 -timeout=300 -rss_limit_mb=2048 -malloc_limit_mb=512 || return 1
  tar -C "$found/least" --sort=name --mtime=@0 --owner=0 --group=0 -c . | xz -9e >"$corpus"
}

run_suite() {  # $1: preset, or one of format, kills, soak and fuzz
  log=build/log/$1.txt
  : >"$log"
  summary=
  launch=
  effort=normal
  if [ "$1" = format ]; then
    step "$log" "format: check" check_format
    return
  fi
  if [ "$1" = kills ]; then
    kill_workers
    return
  fi
  if [ "$1" = soak ]; then
    soak
    return
  fi
  if [ "$1" = fuzz ]; then
    fuzz
    return
  fi
  case $1 in asan | ubsan | tsan | dev | hardened | coverage) effort=quick ;; esac
  [ "$long" = no ] || effort=long
  export WEIR_EFFORT="${WEIR_EFFORT:-$effort}"
  if [ "$1" = tsan ] && setarch -R true 2>/dev/null; then
    launch='setarch -R'  # its shadow memory does not bear every random layout of newer kernels
  fi
  if [ "$1" = coverage ]; then
    export LLVM_PROFILE_FILE="$PWD/build/coverage/profiles/%8m.profraw"
  fi
  if [ "$1" = tidy ]; then
    only=
    # clang-tidy goes on without a configuration that it cannot read.
    clang-tidy-14 --dump-config 2>>"$log" | grep -q "^WarningsAsErrors: *'\*'" ||
      { echo "tidy: clang-tidy-14 does not understand .clang-tidy"; cat "$log"; return 1; }
  fi
  step "$log" "$1: configure" cmake --preset "$1" || return 1
  keep_going=
  [ "$1" != tidy ] || keep_going='-- -k 0'  # every finding, not only the first
  # shellcheck disable=SC2046,SC2086
  step "$log" "$1: build ($jobs jobs)" $launch cmake --build --preset "$1" -j "$jobs" $(targets) $keep_going || return 1
  [ "$1" != tidy ] || return 0
  [ "$1" != coverage ] || rm -rf build/coverage/profiles  # listing the tests has left some
  result=0
  run_tests "$1" || result=1
  printf '%s\n' "$summary"
  if [ "$1" = coverage ]; then
    coverage_table || result=1
  fi
  return "$result"
}

status=0
failed=
for suite in $suites; do
  (run_suite "$suite") || { status=1; failed="$failed $suite"; }
done
# A single suite ends with ctest's own summary.
[ "$status" = 0 ] || [ "$failed" = " $suite" ] || echo "failed:$failed"
exit "$status"
