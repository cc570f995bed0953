#!/usr/bin/env python3
"""Load on an axum server whose dependency is up, then down, then up; and what the breaker costs while it is up.

    python3 examples/load_test.py [PAIRS [SECONDS]]

The pairs of runs, with the breaker and without, are many and short (101 of half a second), which is steadier than a few long ones.

It needs oha (`cargo install --locked oha`) and builds the examples in release mode. The figures go to standard output; it fails if the
rejected calls are not faster than the successful ones at the 99th percentile, or if the throughput with the breaker is below
97 % of that without, in the median of the pairs. Where there are several processors the server that is measured has one to itself.
"""

import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import urllib.request

ROOT = pathlib.Path(__file__).parent.parent
CONNECTIONS = "32"
RATE = "2000"
# An odd number of them, in seconds; open, the circuit waits for one.
TURNS, TURN = 9, 3


CPUS = sorted(os.sched_getaffinity(0))
OWN, OTHERS = CPUS[:1], CPUS[1:] or CPUS


def example(name, *arguments, cpus=OTHERS):
    """Starts an example on these processors; the URL is the last word of its first line."""
    binary = TARGET / "release" / "examples" / name
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(process.pid, cpus)
    return process, process.stdout.readline().split()[-1]


def oha(url, seconds, *more):
    command = ["oha", "--no-tui", "--output-format", "json", "--stats-success-breakdown", *more]
    command += ["-c", CONNECTIONS, "-z", f"{round(seconds * 1000)}ms", url]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def cpu(process):
    """The processor time that a process has used, in seconds."""
    return int(pathlib.Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9


def run(server, seconds):
    """Requests in a second of time, and in a second of the server's processor time."""
    process, url = server
    before = cpu(process)
    report = oha(url, seconds)
    statuses, summary = report["statusCodeDistribution"], report["summary"]
    if set(statuses) != {"200"}:
        sys.exit(f"not all were answered well: {statuses}")
    rate = summary["requestsPerSec"]
    return rate, rate * summary["total"] / (cpu(process) - before)


def pairs(guarded, bare, count, seconds, at_once):
    """The median throughput with the breaker over that without, by pairs whose order alternates."""
    ratios = []
    with concurrent.futures.ThreadPoolExecutor(2 if at_once else 1) as workers:
        for pair in range(count):
            order = [guarded, bare] if pair % 2 == 0 else [bare, guarded]
            rates = list(workers.map(lambda server: run(server, seconds), order))
            with_it, without = rates if pair % 2 == 0 else reversed(rates)
            ratios.append([with_it[0] / without[0], with_it[1] / without[1]])
    medians = []
    for name, column in zip(["throughput", "by processor time"], zip(*ratios)):
        low, middle, high = statistics.quantiles(column, n=4)
        print(f"  {name}: median {middle:.3f}, quartiles {low:.3f} and {high:.3f},", end=" ")
        print(f"from {min(column):.3f} to {max(column):.3f}")
        medians.append(middle)
    return medians[0]


def up_down_up(guarded, downstream):
    """Up and down in turn, up at the end; the 99th percentiles of the successful and of the other calls."""

    def mood(name):
        urllib.request.urlopen(f"{downstream}?mood={name}").read()

    # Many turns, so that what else the machine does meets both alike.
    for turn in range(1, TURNS):
        threading.Timer(turn * TURN, mood, ["failing" if turn % 2 else "healthy"]).start()
    # At a fixed rate, far from the limit, so that what is compared is how long an answer takes.
    report = oha(guarded, TURNS * TURN, "-q", RATE)
    statuses = report["statusCodeDistribution"]
    print("  answers by status:", ", ".join(f"{count} of {status}" for status, count in sorted(statuses.items())))
    p99 = []
    for name, key in [("successful", "latencyPercentilesSuccessful"), ("other", "latencyPercentilesNotSuccessful")]:
        millis = {percentile: value * 1000 for percentile, value in report[key].items() if value is not None}
        print(f"  {name}: p50 {millis['p50']:.3f} ms, p99 {millis['p99']:.3f} ms, p99.9 {millis['p99.9']:.3f} ms")
        p99.append(millis["p99"])
    return p99


build = ["cargo", "build", "-q", "--release", "-p", "breaker-examples"]
build += ["--example", "axum_server", "--example", "mock_downstream"]
subprocess.run(build, cwd=ROOT, check=True)
metadata = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, check=True, capture_output=True)
TARGET = pathlib.Path(json.loads(metadata.stdout)["target_directory"])
count, seconds = (kind(given or usual) for kind, given, usual in zip((int, float), [*sys.argv[1:], None, None], (101, 0.5)))

running = []
os.sched_setaffinity(0, OTHERS)
try:
    process, downstream = example("mock_downstream")
    running.append(process)
    guarded = example("axum_server", "--serve", downstream, "0", cpus=OWN)
    running.append(guarded[0])
    bare = example("axum_server", "--serve-bare", downstream, "0", cpus=OWN)
    running.append(bare[0])
    for _, url in (guarded, bare):
        oha(url, 1)
    print(f"{count} pairs of {seconds} s each while the dependency is up, in turn")
    median = pairs(guarded, bare, count, seconds, at_once=False)
    print("as many at the same time, on one processor: what else the machine does meets both alike")
    pairs(guarded, bare, count, seconds, at_once=True)
    print(f"{TURNS} turns of {TURN} s each, up and down, up at the end")
    successful, other = up_down_up(guarded[1], downstream)
finally:
    for process in running:
        process.terminate()
if other >= successful:
    sys.exit("the rejected calls are slower than the successful ones")
if median < 0.97:
    sys.exit("the breaker costs more than 3 % of the throughput")
