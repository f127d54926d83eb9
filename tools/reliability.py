"""docs/reliability.md: every test that breaks something is run, and what it broke, how often, and what was lost.

``python -m tools.reliability [--print] [--only TESTS …]``. With ``--only`` (files and tests as pytest names them) those
alone are run, and their rows of the page replaced. A test fails as soon as one thing is lost: the table counts those.
Ends with 1 if anything was, with 2 if the tests could not be run to their end: then no page is written.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "reliability.md"
CHOSEN = ["-n", "auto", "-m", "fault"]
HEAD = """# What happens when things break

Written by `python -m tools.reliability`, which runs every test that breaks something on purpose: real processes on real
stores, killed without a word (SIGKILL) while they work, given a disk without room or a clock that jumps. A test fails
as soon as one thing is lost that it names.

{date}, {machine}: {times} times something was broken, {lost} of the {cases} cases lost anything.

| what is broken | must not be lost | times | cases | lost in |
|---|---|---|---|---|
{rows}

Much of it is run on SQLite and on PostgreSQL. The date is of the last run; one with `--only TESTS` replaces the rows of
those tests, and leaves the others as they were counted before. What stands here is what was tried, on one machine; a
power cut that takes the disk's own cache with it was not.
"""


@dataclass
class Row:
    """How often it was broken, in how many cases, and in how many of those something was lost. No case: this machine
    does not let it be broken (no network of its own, no small disk), and nothing was tried."""

    times: int = 0
    cases: int = 0
    lost: int = 0


def run(report: Path, only: Sequence[str] = ()) -> None:
    """Run the tests; the report says what came of each. Raises ValueError if they were not run to their end."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *CHOSEN, f"--junitxml={report}", *only],
        cwd=ROOT, check=False, stdout=sys.stderr,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise ValueError(f"the tests were not run to their end: pytest ended with {done.returncode}")


def rows(report: Path) -> dict[tuple[str, str], Row]:
    """What was broken and what must not be lost → how it went. Raises ValueError for a run without a test."""
    found: dict[tuple[str, str], Row] = defaultdict(Row)
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own pytest wrote it
        said = {one.get("name"): one.get("value", "") for one in case.iter("property")}
        if "what" not in said:
            continue
        row = found[said["what"], said["kept"]]
        if case.find("skipped") is not None:
            continue
        row.times += int(said["times"])
        row.cases += 1
        row.lost += case.find("failure") is not None or case.find("error") is not None
    if not found:
        raise ValueError(f"{report} has no test that breaks anything")
    return dict(sorted(found.items()))


def rows_of(text: str) -> dict[tuple[str, str], Row]:
    """The rows of a page."""
    found = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| (\d+|not tried here) \| (\d+) \| (\d+|–) \|$", text, re.MULTILINE
    )
    return {
        (what, kept): Row(int(times), int(cases), int(lost)) if times.isdigit() else Row()
        for what, kept, times, cases, lost in found
    }


def page(found: dict[tuple[str, str], Row], date: str, machine: str) -> str:
    lines = [
        f"| {what} | {kept} | {one.times} | {one.cases} | {one.lost} |"
        if one.cases
        else f"| {what} | {kept} | not tried here | 0 | – |"
        for (what, kept), one in found.items()
    ]
    return HEAD.format(
        date=date,
        machine=machine,
        times=sum(one.times for one in found.values()),
        cases=sum(one.cases for one in found.values()),
        lost=sum(one.lost for one in found.values()),
        rows="\n".join(lines),
    )


def main(arguments: list[str]) -> int:
    from bench.results import machine

    only = arguments[arguments.index("--only") + 1 :] if "--only" in arguments else []
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        try:
            run(report, only)
            found = rows(report)
            if only:
                found = dict(sorted((rows_of(FILE.read_text("utf-8")) | found).items()))
        except ValueError as error:
            print(f"reliability: {error}", file=sys.stderr)
            return 2
    text = page(found, dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"), machine())
    if "--print" in arguments:
        print(text, end="")
    else:
        FILE.write_text(text, "utf-8")
    return 1 if any(one.lost for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
