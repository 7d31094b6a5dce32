#!/bin/sh
# Time and peak memory of compiling the quick start (examples/docs/quick_start.cpp) with g++ 12 -O2.
#
#   sh benchmarks/compile_time/run.sh [--json FILE]      CXX=... for another compiler
#
# Least of three compilations, in processor seconds, so that other work on the machine does not count.
# Exit 1 above 3 s or 400 MB. The result also goes to build/bench-results/compile_time.json.
set -eu
cd "$(dirname "$0")/../.."
. tests/setup.sh

json=
while [ $# -gt 0 ]; do
  case $1 in
    --json)
      [ $# -gt 1 ] || { sed -n '2,7s/^# \{0,1\}//p' benchmarks/compile_time/run.sh; exit 2; }
      json=$2
      shift ;;
    *) sed -n '2,7s/^# \{0,1\}//p' benchmarks/compile_time/run.sh; exit 2 ;;
  esac
  shift
done

need_packages g++ libabsl-dev libxxhash-dev python3
compiler=${CXX:-}
if [ -z "$compiler" ]; then
  compiler=g++
  ! command -v g++-12 >/dev/null 2>&1 || compiler=g++-12
fi
mkdir -p build/bench-results
python3 benchmarks/compile_time/measure.py "$compiler" build/bench-results/compile_time.json
[ -z "$json" ] || cp build/bench-results/compile_time.json "$json"
