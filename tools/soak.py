"""A node under a mixed load for long: ``python -m tools.soak [--minutes 30] [--workers N] [--postgresql] [--print]``.

The most it can do is measured first, then 70 % of that goes on for the minutes. Its memory may not grow by more than
5 % after the first sixth (five minutes of thirty), its p99 may not end at more than twice what it was then, and a
request may not take 1.2 times the CPU time. The result is the table of docs/soak.md; it ends with 1 if it did not hold.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tools.load import Done, Served, cpu, database, fill, load
from tools.load import memory as memory_of

FILE = Path(__file__).parents[1] / "docs" / "soak.md"
SHARE, WINDOWS, GROWTH, SLOWER, COSTLIER = 0.7, 6, 0.05, 2.0, 1.2
HEAD = """# Under load for long

Written by `python -m tools.soak`: reads (60 %), queries (15 %), changes (20 %) and new entities (5 %) at 70 % of the
most that the node answered before, with the load's own process on the same machine. A request that is sent late has
waited since it was due. A window is a sixth of the time; memory is the median of a window, of all processes. The CPU
time a request is the node's alone: what else the machine does makes p99 worse, that not.

{date}, {machine}, load average {busy:.1f} before it began: {minutes:g} minutes,
{workers} on {store}. The most: {most:,.0f} requests/s; the load: {rate:,.0f} requests/s;
{answered:,} answered, {failed} failed. Memory after the first window {before:,.0f} MB, at the end {after:,.0f} MB:
{growth:+.1%} (at most +5 %). Others took {others:.0%} of the machine's CPU time meanwhile. **{verdict}**

| window | requests | p99, ms | node, µs CPU a request | memory, MB |
|---|---|---|---|---|
{rows}
"""


@dataclass(frozen=True)
class Sample:
    """What the node has at a second of the load: bytes of memory, and seconds of CPU time that it has taken so far."""

    at: float
    memory: int
    cpu: float


@dataclass(frozen=True)
class Window:
    """``memory``: bytes, the median of the window. ``cpu``: seconds of the node's CPU time a request."""

    requests: int
    p99: float
    memory: float
    cpu: float


def windows(done: Done, samples: list[Sample], seconds: float) -> list[Window]:
    """The load in equal parts."""
    found = []
    for number in range(WINDOWS):
        first, last = seconds * number / WINDOWS, seconds * (number + 1) / WINDOWS
        some = [one for one in samples if first <= one.at < last] or [Sample(first, 0, 0.0)]
        requests = sum(first <= at < last for at in done.sent)
        asked = sum(some[0].at <= at < some[-1].at for at in done.sent)
        each = (some[-1].cpu - some[0].cpu) / asked if asked else 0.0
        memory = statistics.median(one.memory for one in some)
        found.append(Window(requests, done.p99(first, last), memory, each))
    return found


def busy() -> float:
    """Seconds of CPU time that all processes of the machine have taken so far."""
    user, nice, system, _, _, interrupts, soft, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def faults(found: list[Window], done: Done) -> list[str]:
    """What did not hold."""
    said = []
    if done.failed:
        said.append(f"{done.failed} requests failed")
    if found[-1].memory > found[1].memory * (1 + GROWTH):
        said.append(f"memory grew by {found[-1].memory / found[1].memory - 1:.1%}")
    if found[-1].p99 > found[1].p99 * SLOWER:
        said.append(f"p99 went from {found[1].p99 * 1e3:.1f} to {found[-1].p99 * 1e3:.1f} ms")
    if found[-1].cpu > found[1].cpu * COSTLIER:
        grown = f"{found[1].cpu * 1e6:.0f} to {found[-1].cpu * 1e6:.0f} µs of CPU time"
        said.append(f"a request went from {grown}")
    return said


def main(arguments: list[str]) -> int:
    from bench.results import machine

    parser = ArgumentParser(prog="python -m tools.soak")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--print", action="store_true")
    asked = parser.parse_args(arguments)
    seconds = asked.minutes * 60
    average = os.getloadavg()[0]
    store = database() if asked.postgresql else nullcontext(("", 0))
    with store as (url, server), tempfile.TemporaryDirectory() as data:  # noqa: SIM117 - in this order
        with Served(Path(data), workers=asked.workers, store=url) as node:
            fill(node.url)
            most = load(node.url, min(20.0, seconds / 3)).rate
            samples: list[Sample] = []
            ended = threading.Event()

            def watch() -> None:
                began = time.monotonic()
                while not ended.wait(min(2.0, seconds / 60)):
                    at = time.monotonic() - began
                    samples.append(Sample(at, memory_of(node.pid), cpu(node.pid)))

            watcher = threading.Thread(target=watch)
            watcher.start()
            pids = [node.pid, *([server] if server else [])]
            before = busy() - sum(map(cpu, pids))
            done = load(node.url, seconds, rate=most * SHARE, clients=64)
            theirs = busy() - sum(map(cpu, pids)) - before - done.cpu
            ended.set()
            watcher.join()
    found = windows(done, samples, seconds)
    wrong = faults(found, done)
    text = HEAD.format(
        date=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"), machine=machine(), busy=average,
        minutes=asked.minutes, others=max(theirs, 0.0) / (done.seconds * (os.cpu_count() or 1)),
        workers="1 worker" if asked.workers == 1 else f"{asked.workers} workers",
        store="PostgreSQL" if asked.postgresql else "SQLite", most=most, rate=most * SHARE,
        answered=len(done.took), failed=done.failed, before=found[1].memory / 1e6, after=found[-1].memory / 1e6,
        growth=found[-1].memory / found[1].memory - 1,
        verdict="It held." if not wrong else f"It did not hold: {'; '.join(wrong)}.",
        rows="\n".join(
            f"| {number} | {one.requests:,} | {one.p99 * 1e3:.1f} | {one.cpu * 1e6:.0f} | {one.memory / 1e6:,.0f} |"
            for number, one in enumerate(found, 1)
        ),
    )  # fmt: skip
    if asked.print:
        print(text, end="")
    else:
        FILE.write_text(text, "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
