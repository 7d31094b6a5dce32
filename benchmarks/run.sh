#!/bin/sh
# Builds the benchmarks, runs a suite and prints `case | keys | ours ns | limit ns | ratio | naive ratio | required`.
#
#   sh benchmarks/run.sh                    the kernel suite in full, 1e7 keys and latencies included (about 20 minutes)
#   sh benchmarks/run.sh --quick            uniform keys, one repetition; measures for less than 60 s
#   sh benchmarks/run.sh --check            exit 1 when a ratio is above what is required, exit 3 when the run is void
#
# Further options:
#   --suite NAME    kernel, features, state or aggregates
#   --json FILE     writes the results there as well
#   --only REGEX    only the cases whose name matches
#   --native        -O3 -march=native for ours and the limits alike, instead of -O2
#   --latency       only the latency program
#   --readme        puts the tables of this run into benchmarks/README.md
#
# ratio: ours / limit, naive ratio: ours / naive (below 1 ours is faster); medians of ratios taken within one round.
# Results, raw numbers and the chart (SVG) go to build/bench-results/. WEIR_NO_INSTALL=1 names missing packages only.
set -eu
cd "$(dirname "$0")/.."
. tests/setup.sh

usage() {
  sed -n '2,/^set -eu/{/^set -eu/d; s/^# \{0,1\}//; p}' benchmarks/run.sh
}

suite=kernel
quick=no
check=no
native=no
readme=no
latency=no
only=
json=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=yes ;;
    --check) check=yes ;;
    --native) native=yes ;;
    --readme) readme=yes ;;
    --latency) latency=only ;;
    --suite | --json | --only)
      [ $# -gt 1 ] || { usage; exit 2; }
      case $1 in
        --suite) suite=$2 ;;
        --json) json=$2 ;;
        --only) only=$2 ;;
      esac
      shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "benchmarks/run.sh: unknown option $1"; usage; exit 2 ;;
  esac
  shift
done
case $suite in
  kernel | features | state | aggregates) ;;
  *) echo "benchmarks/run.sh: unknown suite $suite; there are kernel, features, state and aggregates"; exit 2 ;;
esac
if [ "$latency" = no ] && [ "$quick" = no ] && [ -z "$only" ] && [ "$suite" = kernel ]; then latency=also; fi

# shellcheck disable=SC2086  # a list of words
need_packages $weir_packages python3
results=build/bench-results
mkdir -p build/log "$results"

tree=build/bench
name=$suite
set -- -DWEIR_BUILD_BENCHMARKS=ON -DWEIR_BUILD_TESTS=OFF -DWEIR_BUILD_EXAMPLES=OFF
if [ "$native" = yes ]; then
  tree=build/bench-native
  name=$suite-native
  # Last on the command line, so that they win over the flags of an ordinary host. g++ 12 warns of its own headers there.
  set -- "$@" '-DCMAKE_CXX_COMPILE_OBJECT=<CMAKE_CXX_COMPILER> <DEFINES> <INCLUDES> <FLAGS> -O3 -march=native -Wno-error -o <OBJECT> -c <SOURCE>'
fi
log=build/log/bench.txt
: >"$log"
step "$log" "$tree: configure" cmake --preset release -B "$tree" "$@"
step "$log" "$tree: build ($(job_count) jobs)" cmake --build "$tree" --target weir_benchmarks -j "$(job_count)"

run_latency() {
  "$tree/benchmarks/latency/weir_latency" --json "$results/latency.json" "$@"
}

measure() {  # $1: raw file, $2: repetitions, $3: filter
  "$tree/benchmarks/weir_bench" --benchmark_filter="$3" --benchmark_repetitions="$2" \
    --benchmark_enable_random_interleaving=true --benchmark_out="$1" --benchmark_out_format=json >>"$log" 2>&1 ||
    { tail -n 20 "$log"; return 1; }
}

if [ "$latency" = only ]; then
  run_latency
  [ "$readme" = no ] || python3 benchmarks/report.py --readme --results "$results"
  exit 0
fi

filter="^$suite/.*$only"
if [ -z "$(WEIR_BENCH_FULL=1 "$tree/benchmarks/weir_bench" --benchmark_list_tests --benchmark_filter="$filter" 2>/dev/null)" ]; then
  echo "benchmarks/run.sh: no case of suite $suite matches '$only'"
  exit 2
fi
raw=$results/$name-raw.json
started=$(date +%s)
if [ "$quick" = yes ]; then
  printf '%s, quick ... ' "$suite"
  WEIR_BENCH_QUICK=1 WEIR_BENCH_SECONDS=45 measure "$raw" 1 "$filter"
  set -- "$raw"
else
  printf '%s, 5 repetitions ... ' "$suite"
  measure "$raw" 5 "$filter"
  set -- "$raw"
  # At 1e7 keys the tables are gigabytes: reported, with fewer repetitions.
  large=$results/$name-1e7-raw.json
  list=$(WEIR_BENCH_FULL=1 "$tree/benchmarks/weir_bench" --benchmark_list_tests --benchmark_filter="$filter.*keys:10000000" 2>/dev/null || :)
  if [ -n "$list" ]; then
    WEIR_BENCH_FULL=1 measure "$large" 2 "$filter.*keys:10000000"
    set -- "$raw" "$large"
  fi
fi
printf '%s s\n' "$(($(date +%s) - started))"

options="--suite $suite --results $results --name $name --commands $tree/compile_commands.json"
[ "$check" = no ] || options="$options --check"
[ "$readme" = no ] || options="$options --readme"
code=0
# shellcheck disable=SC2086
python3 benchmarks/report.py $options --raw "$@" || code=$?
[ -z "$json" ] || cp "$results/$name.json" "$json"
if [ "$latency" = also ]; then
  run_latency
  [ "$readme" = no ] || python3 benchmarks/report.py --readme --results "$results"
fi
exit "$code"
