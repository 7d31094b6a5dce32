#!/usr/bin/env python3
"""Compiles the quick start and says what it took. Called by run.sh beside it, from the root of the tree."""

import json
import os
import subprocess
import sys

PROGRAM = "examples/docs/quick_start.cpp"
FLAGS = ["-std=c++20", "-O2", "-Iinclude"]
MOST_SECONDS, MOST_MB = 3.0, 400.0
ROUNDS = 3


def compile_once(compiler, flags, source):
    """Processor seconds and peak megabytes of one compilation; the compiler proper is a grandchild, which wait4 covers."""
    arguments = [compiler, *flags, "-c", source, "-o", os.devnull]
    child = subprocess.Popen(arguments)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit("compile_time: this does not compile: " + " ".join(arguments))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    compiler, out = sys.argv[1], sys.argv[2]
    if not os.path.exists(PROGRAM):
        sys.exit(f"compile_time: {PROGRAM} is not there")
    runs = [compile_once(compiler, FLAGS, PROGRAM) for _ in range(ROUNDS)]
    seconds, peak = min(run[0] for run in runs), max(run[1] for run in runs)
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    met = seconds <= MOST_SECONDS and peak <= MOST_MB
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"suite": "compile_time", "program": PROGRAM, "compiler": version, "flags": " ".join(FLAGS), "seconds": round(seconds, 3),
                   "most_seconds": MOST_SECONDS, "peak_mb": round(peak, 1), "most_mb": MOST_MB, "met": met}, file, indent=1)
        file.write("\n")
    print(f"{PROGRAM}, {version}, {' '.join(FLAGS[:2])}: {seconds:.2f} s of {MOST_SECONDS:g} s, {peak:.0f} MB of {MOST_MB:g} MB: "
          + ("met" if met else "ABOVE"))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
