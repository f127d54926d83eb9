"""``mahakam year``: a list is taken, shown, carried into the next year, and what is late ends with 1."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from mahakam.cli import run
from support.feeds import Town

LIST = """data:
  - {title: {en: Stops, id: Halte}, producer: Dishub, feed: stops, frequency: quarterly, first: 2025-01-31}
  - {title: Roads, producer: PUPR, frequency: yearly, first: 2025-12-01, priority: Mobility}
"""


def test_a_list_is_taken_shown_and_carried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    town = Town(tmp_path)
    town.node.close()
    (town.config / "town" / "plans").mkdir()

    def year(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["year", *arguments, "--data", str(town.data), "--config", str(town.config)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    code, _out, said = year("take", "town", "2025")
    assert (code, "town has no plans/2025.yaml" in said) == (2, True)
    town.write("plans/2025.yaml", LIST.replace("yearly", "always"))
    code, _out, said = year("take", "town", "2025")
    assert code == 2
    assert "frequency is not right: choose" in said
    town.write("plans/2025.yaml", LIST)
    assert "2 of 2 datasets are new" in year("take", "town", "2025", "--listed")[2]
    assert "0 of 2 datasets are new" in year("take", "town", "2025", "--listed")[2]
    listed = json.loads(year("list", "town", "2025", "--format", "json")[1])
    assert [(one["number"], one["title"], one["state"]) for one in listed] == [
        ("D-2025-001", "Halte", "listed"),
        ("D-2025-002", "Roads", "listed"),
    ]
    assert year("calendar", "town", "2025", "--month", "4")[1].split()[:3] == [
        "2025-04-30",
        "D-2025-001",
        "2025-Q2",
    ]
    to = tmp_path / "late.csv"
    assert year("late", "town", "2025", "--format", "csv", "--to", str(to))[0] == 1, "2025 is over"
    late = list(csv.DictReader(io.StringIO(to.read_text("utf-8"))))
    assert [one["period"] for one in late] == ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4", "2025"]
    assert all(int(one["late"]) > 200 for one in late)
    assert "2 of 2 datasets of 2025 are proposed for 2026" in year("carry", "town", "2026")[2]
    assert {one["state"] for one in json.loads(year("list", "town", "2026", "--format", "json")[1])} == {
        "proposed"
    }
    assert year("late", "town", "2026")[0] == 0, "what is only proposed is not late"
    assert "there is no place 'bay'" in year("list", "bay", "2026")[2]
