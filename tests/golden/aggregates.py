#!/usr/bin/env python3
"""Computes what the aggregates must give on the four data sets, without weir, and prints aggregates.tsv.

    python3 tests/golden/aggregates.py > tests/golden/aggregates.tsv

Definitions only: sorted lists, exact fractions, two passes. Columns: data set, group, aggregate, value; `-` is empty.
A group has records (t, x, y, w, c): microseconds, two integers, a weight, a category; in the order (t, place in the file).
"""
import csv
import gzip
import io
import math
import os
import sys
from collections import Counter, OrderedDict
from fractions import Fraction

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "data")
SECOND = 1_000_000


def rows(*path):
    with gzip.open(os.path.join(DATA, *path), "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def flights():
    """By carrier over the year: delays at departure and arrival, weighed by distance, by destination."""
    for row in rows("flights-houston-2011", "flights.csv.gz"):
        yield (row["carrier"], int(row["out_time_s"]) * SECOND, int(row["dep_delay_min"]),
               int(row["arr_delay_min"]), int(row["distance_mi"]), row["dest"])


def retail():
    """By country over the year: thousandths of a pound, and pieces, by article."""
    for row in rows("online-retail", "online_retail.csv.gz"):
        quantity = int(row["quantity"])
        price = Fraction(row["unit_price_gbp"]) * 1000
        assert price.denominator == 1
        yield (row["country"], int(row["event_time_s"]) * SECOND, quantity * int(price), quantity, abs(quantity),
               row["stock_code"])


def inference():
    """By service over the hour: tokens out and in, by the size of what came in."""
    for name in ("code", "conversation"):
        for row in rows("llm-inference", name + ".csv.gz"):
            context = int(row["context_tokens"])
            yield (name, int(row["event_time_us"]), int(row["generated_tokens"]), context, 1 + context % 7,
                   str(context // 512))


def web():
    """By status of July 1995: bytes and client, by path."""
    for row in rows("web-logs", "nasa_1995_07.csv.gz"):
        yield (row["status"], int(row["event_time_s"]) * SECOND, int(row["bytes"]), int(row["client_id"]), 1,
               row["path"])


def root(value):
    """The square root of a fraction, to 60 digits and more."""
    scale = 10 ** 80
    return Fraction(math.isqrt(value.numerator * scale * scale // value.denominator), scale)


def mean(values):
    return Fraction(sum(values), len(values))


def central(values, power):
    m = mean(values)
    return sum((v - m) ** power for v in values)


class Powers:
    """Central sums by integers: n^k times them is whole."""

    def __init__(self, values):
        self.n = len(values)
        self.sums = [sum(v ** k for v in values) for k in range(5)]

    def of(self, power):
        m = Fraction(self.sums[1], self.n)
        return sum(math.comb(power, k) * self.sums[k] * (-m) ** (power - k) for k in range(power + 1))


def quantile(ordered, q):
    """Type 7: linear between the neighbours of (n - 1) q."""
    at = (len(ordered) - 1) * q
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def runs(flags):
    longest = current = 0
    for flag in flags:
        current = current + 1 if flag else 0
        longest = max(longest, current)
    return longest, current


def aggregates(records):
    n = len(records)
    t = [r[0] for r in records]
    x = [r[1] for r in records]
    y = [r[2] for r in records]
    w = [r[3] for r in records]
    c = [r[4] for r in records]
    some = n >= 2
    px, py = Powers(x), Powers(y)
    sx2, sx3, sx4, sy2 = px.of(2), px.of(3), px.of(4), py.of(2)
    sxy = sum(a * b for a, b in zip(x, y)) - Fraction(sum(x) * sum(y), n)
    ordered = sorted(x)
    positive = [v for v in x if v > 0]
    counts = Counter(c)
    gaps = [b - a for a, b in zip(t, t[1:])]
    end = t[-1] + 1  # the instant behind the newest record

    yield "count", n
    yield "sum", sum(x)
    yield "mean", mean(x)
    yield "min", ordered[0]
    yield "max", ordered[-1]
    yield "range", ordered[-1] - ordered[0]
    yield "abs_max", max(abs(v) for v in x)
    yield "variance", sx2 / (n - 1) if some else None
    yield "stddev", root(sx2 / (n - 1)) if some else None
    yield "population_variance", sx2 / n
    yield "sem", root(sx2 / (n - 1) / n) if some else None
    if sx2 > 0:
        g1 = root(Fraction(n)) * sx3 / (sx2 * root(sx2))
        g2 = n * sx4 / (sx2 * sx2) - 3
        yield "population_skewness", g1
        yield "population_kurtosis", g2
        yield "skewness", g1 * root(Fraction(n * (n - 1))) / (n - 2) if n > 2 else None
        yield "kurtosis", Fraction(n - 1, (n - 2) * (n - 3)) * ((n + 1) * g2 + 6) if n > 3 else None
    yield "covariance", sxy / (n - 1) if some else None
    yield "correlation", sxy / root(sx2 * sy2) if sx2 > 0 and sy2 > 0 else None
    yield "slope", sxy / sx2 if sx2 > 0 else None  # of y over x
    st = [v - t[0] for v in t]
    st2 = sum(v * v for v in st) - Fraction(sum(st) ** 2, n)
    sty = sum(a * b for a, b in zip(st, x)) - Fraction(sum(st) * sum(x), n)
    yield "trend", sty / st2 * SECOND if st2 > 0 else None
    if n > 2:
        others = x[:-1]
        p = Powers(others)
        spread = p.of(2) / (n - 2)
        yield "z_score", (x[-1] - mean(others)) / root(spread) if spread > 0 else None
    yield "weighted_mean", Fraction(sum(a * b for a, b in zip(x, w)), sum(w)) if sum(w) != 0 else None
    yield "bayesian_mean", (Fraction(10 * 5) + sum(x)) / (5 + n)  # prior 10 that weighs as 5 records
    if positive:
        yield "geometric_mean", math.exp(math.fsum(math.log(v) for v in positive) / len(positive))
        yield "harmonic_mean", len(positive) / sum(Fraction(1, v) for v in positive)
    yield "ratio", Fraction(sum(x), sum(y)) if sum(y) != 0 else None
    yield "share", Fraction(len(positive), n)
    half_life = 86400 * SECOND
    weights = [2.0 ** (-(end - v) / half_life) for v in t]
    yield "decayed_count", math.fsum(weights)
    yield "decayed_sum", math.fsum(a * b for a, b in zip(weights, x))
    yield "decayed_mean", math.fsum(a * b for a, b in zip(weights, x)) / math.fsum(weights)
    yield "median", quantile(ordered, Fraction(1, 2))
    yield "p90", quantile(ordered, Fraction(9, 10))
    yield "iqr", quantile(ordered, Fraction(3, 4)) - quantile(ordered, Fraction(1, 4))
    middle = quantile(ordered, Fraction(1, 2))
    yield "mad", quantile(sorted(abs(v - middle) for v in x), Fraction(1, 2))
    yield "distinct", len(counts)
    yield "entropy", -math.fsum(v / n * math.log2(v / n) for v in counts.values())
    yield "top_share", Fraction(max(counts.values()), n)
    yield "mode", min(v for v in counts if counts[v] == max(counts.values()))
    yield "first", x[0]
    yield "last", x[-1]
    yield "second", x[1] if some else None
    yield "lag_1", x[-2] if some else None
    yield "delta", x[-1] - x[-2] if some else None
    yield "top_3", ",".join(str(v) for v in sorted(x, reverse=True)[:3])
    yield "bottom_3", ",".join(str(v) for v in ordered[:3])
    yield "first_distinct_3", ",".join(list(OrderedDict.fromkeys(c))[:3])
    yield "last_distinct_3", ",".join(list(OrderedDict.fromkeys(reversed(c)))[:3][::-1])
    longest, current = runs([v > 0 for v in x])
    yield "longest_streak", longest
    yield "current_streak", current
    yield "transitions", sum(a != b for a, b in zip(c, c[1:]))
    yield "elapsed", t[-1] - t[0]
    if gaps:
        yield "inter_arrival_mean", Fraction(sum(gaps), len(gaps) * SECOND)
        yield "inter_arrival_max", max(gaps)
        yield "inter_arrival_min", min(gaps)
        if len(gaps) > 1:
            g = Powers(gaps)
            yield "inter_arrival_stddev", root(g.of(2) / (len(gaps) - 1)) / SECOND
    peak, fall = x[0], 0
    for v in x:
        peak = max(peak, v)
        fall = max(fall, peak - v)
    yield "drawdown", fall
    if sx2 > 0 and some:
        m = mean(x)
        lagged = sum(a * b for a, b in zip(x, x[1:])) - m * (sum(x[:-1]) + sum(x[1:])) + (n - 1) * m * m
        yield "autocorrelation_1", lagged / sx2


def shown(value):
    if value is None:
        return "-"
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    return repr(float(value))


def main():
    out = io.StringIO()
    for data in (flights, retail, inference, web):
        groups = {}
        for place, (group, t, *rest) in enumerate(data()):
            groups.setdefault(group, []).append((t, place, *rest))
        for group in sorted(groups):
            records = [(r[0], *r[2:]) for r in sorted(groups[group], key=lambda r: r[:2])]
            for name, value in aggregates(records):
                out.write(f"{data.__name__}\t{group}\t{name}\t{shown(value)}\n")
    sys.stdout.write(out.getvalue())


if __name__ == "__main__":
    main()
