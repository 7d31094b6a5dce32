#!/usr/bin/env python3
"""From Google Benchmark's raw JSON to the results: table, JSON, SVG, and the tables inside benchmarks/README.md.

Standard library only. Called by benchmarks/run.sh.
"""

import argparse
import html
import json
import os
import platform
import re
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "README.md")
NAME = re.compile(r"^(?P<suite>[^/]+)/(?P<case>.*)/keys:(?P<keys>\d+)/dist:(?P<dist>\w+)/api:(?P<api>\w+)/against:(?P<against>\w+)")
DRIFT = 1.2  # a canary this much off the run's start means that the machine has changed


def median(runs, key):
    values = [run[key] for run in runs if key in run]
    return statistics.median(values) if values else None


def read_raw(paths):
    """Runs of all files, each in the order in which they were made, with the compiler."""
    runs, compiler = [], "unknown"
    for path in paths:
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
        compiler = raw["context"].get("compiler", compiler)
        of_file = [run for run in raw["benchmarks"] if run.get("run_type") == "iteration"]
        of_file.sort(key=lambda run: run.get("sequence", 1e9))
        runs.append(of_file)
    return runs, compiler


def judge_canaries(run_groups):
    """Marks the runs during which the machine was slower than at the start; says how the whole went."""
    report = {"void": False, "disturbed": 0, "runs": 0}
    for runs in run_groups:
        measured = [run for run in runs if "sequence" in run]
        if not measured:
            continue
        for kind in ("compute", "random"):
            # The start is the best of the first three, so that one unlucky moment does not pass for the machine.
            start = min(run[f"canary_{kind}_before"] for run in measured[:3])
            for run in measured:
                worst = max(run[f"canary_{kind}_before"], run[f"canary_{kind}_after"])
                if worst > DRIFT * start or worst < start / DRIFT:
                    run["disturbed"] = True
            report.setdefault(f"{kind}_start_ns", round(start, 3))
            report[f"{kind}_end_ns"] = round(measured[-1][f"canary_{kind}_after"], 3)
        report["runs"] += len(measured)
        report["disturbed"] += sum(1 for run in measured if run.get("disturbed"))
        report["void"] = report["void"] or bool(measured[-1].get("disturbed")) or 2 * report["disturbed"] > report["runs"]
    return report


def summarise(run_groups):
    """One result per case, keys, distribution and api; errors beside them."""
    groups, errors = {}, []
    for runs in run_groups:
        for run in runs:
            match = NAME.match(run["name"])
            if not match:
                continue
            key = tuple(match[part] for part in ("case", "keys", "dist", "api", "against"))
            if run.get("error_occurred"):
                errors.append((key, run.get("error_message", "failed")))
                groups.setdefault(key, [])
            else:
                groups.setdefault(key, []).append(run)
    results = []
    for (case, keys, dist, api, against), runs in groups.items():
        # Undisturbed repetitions only, as long as there are any. Both sides of a ratio were measured within a
        # round, so a ratio from a disturbed repetition is still the best there is when there is no other.
        quiet = [run for run in runs if not run.get("disturbed")] or runs
        result = {"case": case, "keys": int(keys), "dist": dist, "api": api, "against": against, "repetitions": len(quiet)}
        for field in ("ours_ns", "limit_ns", "naive_ns", "ratio", "naive_ratio", "naive_to_limit", "required", "required_ns", "required_naive"):
            value = median(quiet, field)
            result[field] = None if value is None else round(value, 4)
        ratios = [run["ratio"] for run in quiet if "ratio" in run]
        result["ratio_range"] = [round(min(ratios), 4), round(max(ratios), 4)] if ratios else None
        result["verdict"] = verdict(result)
        results.append(result)
    return sorted(results, key=lambda r: (r["case"], r["api"], r["keys"], r["dist"])), errors


def verdict(result):
    if result["ours_ns"] is None:
        return "not measured"
    judged = [(result["ratio"], result["required"]), (result["ours_ns"], result["required_ns"]),
              (result["naive_ratio"], result["required_naive"])]
    judged = [(value, most) for value, most in judged if most is not None]
    if not judged:
        return "reported"
    return "met" if all(value is not None and value <= most for value, most in judged) else "ABOVE"


def flags_of(commands):
    """The flags that decide speed, from CMake's compile commands."""
    try:
        with open(commands, encoding="utf-8") as file:
            entries = json.load(file)
    except (OSError, TypeError, ValueError):
        return "unknown"
    line = next((e["command"] for e in entries if e["file"].endswith("versus.cpp")), "")
    words = [w for w in line.split() if re.match(r"-(O|m|std|f|DNDEBUG)", w)]
    # The last -O wins.
    level = [w for w in words if w.startswith("-O")][-1:]
    return " ".join(level + [w for w in words if not w.startswith("-O")])


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} logical cores"
    except OSError:
        pass
    return platform.processor() or "unknown"


def power(keys):
    exponent = len(str(keys)) - 1
    return "-" if keys == 0 else f"1e{exponent}" if keys == 10**exponent else str(keys)


def number(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def required(result):
    parts = []
    if result["required"] is not None:
        parts.append(f"{result['required']:g}")
    if result["required_ns"] is not None:
        parts.append(f"{result['required_ns']:g} ns")
    if result["required_naive"] is not None:
        parts.append("< naive")
    return ", ".join(parts) or "-"


ALONE = "in cache, "  # cases of one aggregate's steps, without a pipeline and without a limit


def steps(results):
    """The steps of the aggregates alone, a line for each aggregate; nothing if there are none."""
    alone = {}
    for r in results:
        if r["case"].startswith(ALONE):
            alone.setdefault(r["case"][len(ALONE):], {})[r["api"]] = r["ours_ns"]
    if alone:
        yield ["in cache", "add ns", "merge ns", "result ns"]
    for name, ns in alone.items():
        yield [name] + [number(ns.get(step), 1) for step in ("add", "merge", "result")]


def rows(results):
    results = [r for r in results if not r["case"].startswith(ALONE)]
    yield ["case", "keys", "ours ns", "limit ns", "ratio", "naive ratio", "required", ""]
    for r in results:
        case = f"{r['case']}, {r['api']}, {r['dist']}" if r["keys"] else f"{r['case']}, {r['api']}"
        if r["against"] != "limit":
            case += f" (against: {r['against'].replace('_', ' ')})"
        yield [case, power(r["keys"]), number(r["ours_ns"], 1), number(r["limit_ns"], 1), number(r["ratio"], 2),
               number(r["naive_ratio"], 2), required(r), "" if r["verdict"] == "reported" else r["verdict"]]


def print_table(lines):
    lines = list(lines)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))] if lines else []
    for line in lines:
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:7], widths[1:7])] + line[7:]
        print(" | ".join(cells).rstrip(" |"))


def markdown(lines):
    lines = list(lines)
    # A bar inside a cell would end it.
    lines = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    out = ["| " + " | ".join(lines[0]) + " |", "| --- |" + " ---: |" * (len(lines[0]) - 1)]
    return "\n".join(out + ["| " + " | ".join(line) + " |" for line in lines[1:]])


def svg(summary):
    """One bar per result: the ratio to the limit, with a tick at what is required."""
    shown = [r for r in summary["results"] if r["ratio"] is not None]
    step, left, width = 17, 430, 420
    most = max([3.0] + [min(6.0, r["ratio"]) for r in shown])
    scale = width / most
    height = 70 + step * len(shown)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="10" y="20" font-size="14">weir, {html.escape(summary["suite"])}: time over the limit (1 = nothing wasted; mark = required)</text>',
           f'<text x="10" y="37" fill="#666">{html.escape(summary["compiler"])} {html.escape(summary["flags"])}, {html.escape(summary["machine"])}</text>']
    for tick in range(int(most) + 1):
        x = left + tick * scale
        out.append(f'<line x1="{x:.1f}" y1="46" x2="{x:.1f}" y2="{height - 8}" stroke="{"#999" if tick == 1 else "#e4e4e4"}"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 1 if tick < 0 else 45}" text-anchor="middle" fill="#666" font-size="9">{tick}</text>')
    for i, r in enumerate(shown):
        y = 52 + i * step
        label = f"{r['case']}, {r['api']}, {r['dist']}, {power(r['keys'])}" if r["keys"] else f"{r['case']}, {r['api']}"
        colour = "#b3392f" if r["verdict"] == "ABOVE" else "#2f6f8f" if r["dist"] == "uniform" else "#7fb0c8"
        bar = min(r["ratio"], most) * scale
        out.append(f'<text x="{left - 6}" y="{y + 10}" text-anchor="end">{html.escape(label)}</text>')
        out.append(f'<rect x="{left}" y="{y}" width="{bar:.1f}" height="{step - 5}" fill="{colour}"/>')
        if r["required"] is not None:
            x = left + min(r["required"], most) * scale
            out.append(f'<line x1="{x:.1f}" y1="{y - 2}" x2="{x:.1f}" y2="{y + step - 3}" stroke="black" stroke-width="1.5"/>')
        out.append(f'<text x="{left + bar + 4:.1f}" y="{y + 10}" fill="#333">{r["ratio"]:.2f}</text>')
    return "\n".join(out + ["</svg>", ""])


def replace_block(text, name, block):
    """Puts `block` between the markers called `name`; the markers have to be there."""
    begin, end = f"<!-- {name}: made by report.py -->", f"<!-- {name}: end -->"
    at, until = text.find(begin), text.find(end)
    if at < 0 or until < at:
        sys.exit(f"report.py: README.md has no markers for {name}")
    return text[:at] + begin + "\n\n" + block + "\n\n" + text[until:]


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def describe(summary):
    canary = summary["canary"]
    line = (f"{summary['compiler']}, `{summary['flags']}`, {summary['machine']}. Canaries: compute {canary.get('compute_start_ns')} ns at the start, "
            f"{canary.get('compute_end_ns')} at the end; random update {canary.get('random_start_ns')}, {canary.get('random_end_ns')}; "
            f"{canary['disturbed']} of {canary['runs']} repetitions were disturbed and left out.")
    if max((result["repetitions"] for result in summary["results"]), default=0) <= 1:
        line += " A quick run: one repetition of each case."
    return line + ("\n\n**This run is void: its canary drifted.**" if canary["void"] else "")


def fill_readme(results, suite):
    """Puts in what this run has measured; with the kernel also latencies and the time of compiling."""
    with open(README, encoding="utf-8") as file:
        text = file.read()
    for name in (suite, suite + "-native"):
        summary = load(os.path.join(results, name + ".json"))
        if summary:
            tables = [markdown(table) for table in (list(rows(summary["results"])), list(steps(summary["results"]))) if table]
            text = replace_block(text, name, "\n\n".join([describe(summary)] + tables))
    latency = load(os.path.join(results, "latency.json")) if suite == "kernel" else None
    if latency:
        lines = [["call", "calls", "p50", "p99", "p99.9", "p99.99", "max"]]
        for r in latency["results"]:
            lines.append([r["call"], str(r["count"])] + [f"{r[p]:,} ns" for p in ("p50", "p99", "p99_9", "p99_99", "max")])
        head = f"{power(latency['keys'])} keys, {latency['records']:,} records; state of the 36 features: {latency['bytes_per_key']:.0f} bytes a key."
        text = replace_block(text, "latency", head + "\n\n" + markdown(lines))
    compile_time = load(os.path.join(results, "compile_time.json")) if suite == "kernel" else None
    if compile_time:
        lines = [["program", "compiler", "seconds", "limit", "peak MB", "limit"],
                 [compile_time["program"], compile_time["compiler"], f"{compile_time['seconds']:.2f}", f"{compile_time['most_seconds']:g}",
                  f"{compile_time['peak_mb']:.0f}", f"{compile_time['most_mb']:g}"]]
        text = replace_block(text, "compile time", markdown(lines))
    with open(README, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", default="kernel")
    parser.add_argument("--name")
    parser.add_argument("--results", required=True, help="folder of the results")
    parser.add_argument("--commands", help="compile_commands.json of the build")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--raw", nargs="+", default=[])
    options = parser.parse_args()
    if not options.raw:
        fill_readme(options.results, options.suite)
        return 0

    run_groups, compiler = read_raw(options.raw)
    canary = judge_canaries(run_groups)
    results, errors = summarise(run_groups)
    summary = {"suite": options.suite, "compiler": compiler, "flags": flags_of(options.commands), "machine": processor(),
               "canary": canary, "results": results}
    base = os.path.join(options.results, options.name or options.suite)
    with open(base + ".json", "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    with open(base + ".svg", "w", encoding="utf-8") as file:
        file.write(svg(summary))

    print_table(rows(results))
    print_table(steps(results))
    for key, message in errors:
        print(f"ERROR {', '.join(key[:4])}: {message}")
    print(f"canary: compute {canary.get('compute_start_ns')} -> {canary.get('compute_end_ns')} ns, "
          f"random update {canary.get('random_start_ns')} -> {canary.get('random_end_ns')} ns, "
          f"{canary['disturbed']} of {canary['runs']} repetitions disturbed")
    print(f"{base}.json, {base}.svg")
    if options.readme:
        fill_readme(options.results, options.suite)

    code = 0
    if any("wrong result" in message for _, message in errors):
        code = 1
    if options.check:
        for result in results:
            wanted = result["required"] is not None or result["required_ns"] is not None
            if result["verdict"] == "ABOVE" or (wanted and result["verdict"] == "not measured"):
                code = 1
        unmeasured = [r for r in results if r["verdict"] == "not measured"]
        if unmeasured:
            print(f"check: {len(unmeasured)} cases were not measured")
            code = 1
        print("check: " + ("failed" if code else "every required ratio is met"))
    if canary["void"]:
        print(f"VOID: a canary was more than {DRIFT}x off its own start at the end or in most repetitions; run again when the machine is quiet")
        if options.check and code == 0:
            code = 3
    return code


if __name__ == "__main__":
    sys.exit(main())
