"""A node under a mixed load for long: ``python -m tools.soak [--minutes 30] [--workers N] [--postgresql] [--print]``.

The most it can do is measured first, then 70 % of that goes on for the minutes. Its memory may not grow by more than
5 % after the first sixth (five minutes of thirty), and its p99 may not end at more than twice what it was then. The
result is the table of docs/soak.md; it ends with 1 if it did not hold.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import sys
import tempfile
import threading
from argparse import ArgumentParser
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tools.load import Done, Served, database, fill, load
from tools.load import memory as memory_of

FILE = Path(__file__).parents[1] / "docs" / "soak.md"
SHARE, WINDOWS, GROWTH, SLOWER = 0.7, 6, 0.05, 2.0
HEAD = """# Under load for long

Written by `python -m tools.soak`: reads (60 %), queries (15 %), changes (20 %) and new entities (5 %) at 70 % of the
most that the node answered before, with the load's own process on the same machine. A request that is sent late has
waited since it was due. A window is a sixth of the time; memory is the median of a window, of all processes.

{date}, {machine}, load average {busy:.1f} before it began: {minutes:g} minutes,
{workers} on {store}. The most: {most:,.0f} requests/s; the load: {rate:,.0f} requests/s;
{answered:,} answered, {failed} failed. Memory after the first window {before:,.0f} MB, at the end {after:,.0f} MB:
{growth:+.1%} (at most +5 %). **{verdict}**

| window | requests | p99, ms | memory, MB |
|---|---|---|---|
{rows}
"""


@dataclass(frozen=True)
class Window:
    """``memory``: bytes, the median of the window."""

    requests: int
    p99: float
    memory: float


def windows(done: Done, memory: list[tuple[float, int]], seconds: float) -> list[Window]:
    """The load in equal parts."""
    found = []
    for number in range(WINDOWS):
        first, last = seconds * number / WINDOWS, seconds * (number + 1) / WINDOWS
        some = [bytes for at, bytes in memory if first <= at < last] or [0]
        requests = sum(first <= at < last for at in done.sent)
        found.append(Window(requests, done.p99(first, last), statistics.median(some)))
    return found


def faults(found: list[Window], done: Done) -> list[str]:
    """What did not hold."""
    said = []
    if done.failed:
        said.append(f"{done.failed} requests failed")
    if found[-1].memory > found[1].memory * (1 + GROWTH):
        said.append(f"memory grew by {found[-1].memory / found[1].memory - 1:.1%}")
    if found[-1].p99 > found[1].p99 * SLOWER:
        said.append(f"p99 went from {found[1].p99 * 1e3:.1f} to {found[-1].p99 * 1e3:.1f} ms")
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
    busy = os.getloadavg()[0]
    store = database() if asked.postgresql else nullcontext(("", 0))
    with store as (url, _), tempfile.TemporaryDirectory() as data:  # noqa: SIM117 - in this order
        with Served(Path(data), workers=asked.workers, store=url) as node:
            fill(node.url)
            most = load(node.url, min(20.0, seconds / 3)).rate
            memory: list[tuple[float, int]] = []
            ended = threading.Event()

            def watch() -> None:
                step = min(2.0, seconds / 60)
                for number in range(10**9):
                    memory.append((number * step, memory_of(node.pid)))
                    if ended.wait(step):
                        return

            watcher = threading.Thread(target=watch)
            watcher.start()
            done = load(node.url, seconds, rate=most * SHARE, clients=64)
            ended.set()
            watcher.join()
    found = windows(done, memory, seconds)
    wrong = faults(found, done)
    text = HEAD.format(
        date=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"), machine=machine(), busy=busy,
        minutes=asked.minutes,
        workers="1 worker" if asked.workers == 1 else f"{asked.workers} workers",
        store="PostgreSQL" if asked.postgresql else "SQLite", most=most, rate=most * SHARE,
        answered=len(done.took), failed=done.failed, before=found[1].memory / 1e6, after=found[-1].memory / 1e6,
        growth=found[-1].memory / found[1].memory - 1,
        verdict="It held." if not wrong else f"It did not hold: {'; '.join(wrong)}.",
        rows="\n".join(
            f"| {number} | {one.requests:,} | {one.p99 * 1e3:.1f} | {one.memory / 1e6:,.0f} |"
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
