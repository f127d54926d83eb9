"""docs/reliability.md: it names every fault that a test makes, as the last run of the tool counted them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tools.reliability import FILE, main, page, rows, rows_of

ROOT = Path(__file__).parents[2]
REPORT = """<testsuites><testsuite>
<testcase name="a"><properties><property name="what" value="a server, kill -9"/><property name="kept" value="no write"/>
<property name="times" value="6"/></properties></testcase>
<testcase name="b"><properties><property name="what" value="a server, kill -9"/><property name="kept" value="no write"/>
<property name="times" value="1"/></properties><failure message="lost"/></testcase>
<testcase name="c"/>
<testcase name="d"><properties><property name="what" value="a server, kill -9"/><property name="kept" value="no write"/>
<property name="times" value="5"/></properties><skipped message="not here"/></testcase>
<testcase name="e"><properties><property name="what" value="a network"/><property name="kept" value="no write"/>
<property name="times" value="3"/></properties><skipped message="not here"/></testcase></testsuite></testsuites>"""


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


def test_the_page_is_as_the_tool_writes_it() -> None:
    text = (ROOT / "docs/reliability.md").read_text("utf-8")
    found = rows_of(text)
    assert len(found) > 15
    date, machine = re.findall(r"^(\S+ \S+ UTC), (.+): \d+ times", text, re.M)[0]
    assert text == page(found, date, machine), "run: python -m tools.reliability"


def test_a_run_that_broke_off_writes_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page_before = FILE.read_text("utf-8")
    monkeypatch.setattr("tools.reliability.CHOSEN", ["--no-such-option"])
    assert main([]) == 2
    assert page_before == FILE.read_text("utf-8")


def test_what_was_lost_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    text = page(rows(report), "today", "a machine")
    assert "| a server, kill -9 | no write | 7 | 2 | 1 |" in text
    assert "7 times something was broken, 1 of the 2 cases lost anything" in text
    assert "| a network | no write | not tried here | 0 | – |" in text, (
        "a test that was skipped has broken nothing"
    )
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
