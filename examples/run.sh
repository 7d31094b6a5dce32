#!/bin/sh
# Installs what is missing, builds the examples and replays three real streams:
# a shop's payments, web server logs, and flights; then looks features up while they come, and kills a worker over and over.
# Fails if a golden value of their READMEs is not met.
#
#   sh examples/run.sh               all of them
#   sh examples/run.sh retail        one of retail, web_sessions, flights, fraud, recommender, exactly_once
#
# WEIR_NO_INSTALL=1 names missing packages instead of installing them; WEIR_JOBS sets the parallel jobs.
set -eu
cd "$(dirname "$0")/.."
. tests/setup.sh

[ $# -gt 0 ] || set -- retail web_sessions flights fraud recommender exactly_once
for name in "$@"; do
  [ -f "examples/$name/main.cpp" ] || { echo "examples/run.sh: there is no example $name"; exit 2; }
done

# shellcheck disable=SC2086  # a list of words
need_packages $weir_packages
mkdir -p build/log
log=build/log/examples.txt
: >"$log"
jobs=$(job_count)
step "$log" "examples: configure" cmake --preset release
step "$log" "examples: build ($jobs jobs)" cmake --build --preset release -j "$jobs" \
  --target $(printf 'weir_example_%s ' "$@")

for name in "$@"; do
  printf '\n################ %s\n\n' "$name"
  "build/release/examples/weir_example_$name" || { echo "examples: $name: FAILED"; exit 1; }
done
