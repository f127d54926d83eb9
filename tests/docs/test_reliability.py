"""docs/reliability.md: it names every fault that a test makes, as the last run of the tool counted them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tools.reliability import page, rows

ROOT = Path(__file__).parents[2]
REPORT = """<testsuites><testsuite>
<testcase name="a"><properties><property name="what" value="a server, kill -9"/><property name="kept" value="no write"/>
<property name="times" value="6"/></properties></testcase>
<testcase name="b"><properties><property name="what" value="a server, kill -9"/><property name="kept" value="no write"/>
<property name="times" value="1"/></properties><failure message="lost"/></testcase>
<testcase name="c"/></testsuite></testsuites>"""


def test_every_fault_that_a_test_makes_has_its_row() -> None:
    text = (ROOT / "docs/reliability.md").read_text("utf-8")
    marks = [
        match.groups()
        for path in (ROOT / "tests").rglob("test_*.py")
        for match in re.finditer(
            r'^@pytest\.mark\.fault\(\s*"([^"]+)",\s*"([^"]+)"', path.read_text("utf-8"), re.M
        )
    ]
    assert len(marks) > 15
    for what, kept in marks:
        assert f"| {what} | {kept} |" in text, "run: python -m tools.reliability"


def test_what_was_lost_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    text = page(rows(report), "today", "a machine")
    assert "| a server, kill -9 | no write | 7 | 2 | 1 |" in text
    assert "7 times something was broken, 1 of the 2 cases lost anything" in text
    report.write_text("<testsuites/>")
    with pytest.raises(ValueError, match="no test"):
        rows(report)


def test_a_mark_reaches_the_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    chosen = "tests/store/test_durability.py::test_acknowledged_writes_survive_kill"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", chosen, f"--junitxml={report}", "-p", "no:cacheprovider"],
        cwd=ROOT, capture_output=True, check=True, timeout=300,
    )  # fmt: skip
    (row,) = rows(report).values()
    assert (row.times, row.cases, row.lost) == (3, 3, 0)
