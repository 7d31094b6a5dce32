# What the run scripts share; sourced by them from the root of the tree:
#   . tests/setup.sh
#   need_packages g++ cmake ...      installs the Debian packages that are missing (WEIR_NO_INSTALL=1: only names them)
#   jobs=$(job_count)                min(cores, memory / 2 GB), or WEIR_JOBS
#   step LOG TEXT COMMAND...         runs a command into a log, prints one line, and on failure the part that matters

# What every build of weir with its tests, examples and benchmarks needs.
weir_packages="g++ cmake ninja-build pkg-config libabsl-dev libxxhash-dev libsimdjson-dev catch2 libbenchmark-dev zlib1g-dev libsqlite3-dev"

export DEBIAN_FRONTEND=noninteractive

# A compiler cache is used when there is one; CMake reads this when it configures a tree for the first time.
if [ -z "${CMAKE_CXX_COMPILER_LAUNCHER:-}" ] && command -v ccache >/dev/null 2>&1; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi

missing_packages() {
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf ' %s' "$package"
  done
}

need_packages() {
  if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "weir: not a Debian system; taking it that the equivalents of these are installed: $*"
    return 0
  fi
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  as_root=
  [ "$(id -u)" = 0 ] || as_root='sudo env DEBIAN_FRONTEND=noninteractive '
  install="${as_root}apt-get install -y --no-install-recommends$missing"
  if [ "${WEIR_NO_INSTALL:-0}" = 1 ]; then
    echo "weir: packages are missing, and WEIR_NO_INSTALL=1 forbids to install them. The line would be:"
    echo "  $install"
    return 1
  fi
  if [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
    echo "weir: packages are missing, and there is no sudo. As root:"
    echo "  apt-get install -y --no-install-recommends$missing"
    return 1
  fi
  echo "weir: $install"
  mkdir -p build/log
  ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || ${as_root}apt-get update >build/log/apt.txt 2>&1 || :
  # Old package lists name files that are gone; then once more with new ones.
  if ! $install >>build/log/apt.txt 2>&1; then
    ${as_root}apt-get update >>build/log/apt.txt 2>&1 || :
    $install >>build/log/apt.txt 2>&1 || { tail -n 20 build/log/apt.txt; return 1; }
  fi
}

job_count() {
  if [ -n "${WEIR_JOBS:-}" ]; then
    echo "$WEIR_JOBS"
    return
  fi
  kilobytes=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
  [ "$limit" = max ] || [ "$((limit / 1024))" -ge "${kilobytes:-0}" ] || kilobytes=$((limit / 1024))
  by_memory=$((${kilobytes:-4194304} / 2097152))
  count=$(nproc 2>/dev/null || echo 2)
  [ "$by_memory" -ge "$count" ] || count=$by_memory
  [ "$count" -ge 1 ] || count=1
  echo "$count"
}

step() {
  step_log=$1
  printf '%s ... ' "$2"
  shift 2
  step_started=$(date +%s)
  step_first=$(($(wc -l <"$step_log") + 1))
  if "$@" >>"$step_log" 2>&1; then
    printf '%s s\n' "$(($(date +%s) - step_started))"
    return 0
  fi
  printf 'failed\n'
  # From the first failed command of a build; from CMake's first error; else the end.
  tail -n "+$step_first" "$step_log" | awk '
    { line[NR] = $0 }
    !first && /^(FAILED:|CMake Error)/ { first = NR }
    END { if (!first) first = NR > 40 ? NR - 39 : 1
          for (i = first; i <= NR && i < first + 60; i++) print substr(line[i], 1, 600) }'
  echo "full log: $step_log"
  return 1
}
