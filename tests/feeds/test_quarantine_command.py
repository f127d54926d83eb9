"""``mahakam quarantine``: what is held is listed, shown, put right, made a rule, left out, replayed, exported."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from mahakam.cli import run
from support.feeds import GOOD, Town

BAD = GOOD + "B1;Ulu;kotta;4;117.05;-0.45\nB2;Ilir;kotta;x;117.06;-0.46\nB3;;air;1;117.07;-0.47\n"


class Command:
    """``mahakam quarantine`` on the town's store: exit code, standard output and standard error."""

    def __init__(self, town: Town, capsys: pytest.CaptureFixture[str]) -> None:
        self.town = town
        self.capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        places = ["--data", str(self.town.data), "--config", str(self.town.config)]
        code = run(["quarantine", *arguments, *places])
        said = self.capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    def held(self) -> dict[str, dict[str, Any]]:
        """Held rows by their code."""
        return {row["raw"]["kode"]: row for row in json.loads(self("list", "town/stops", "--json")[1])}


@pytest.fixture
def quarantine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    town = Town(tmp_path)
    town.stops(BAD)
    done = town.run()
    assert (done.stored, done.held) == (3, 3)
    town.node.close()
    return Command(town, capsys)


def test_list_counts_by_reason_then_shows_the_rows(quarantine: Command) -> None:
    code, out, _ = quarantine("list")
    assert code == 0
    assert out.splitlines()[0] == "town/stops: 3 held"
    assert ["2", "enum", "kind"] in [line.split() for line in out.splitlines()], out
    code, out, _ = quarantine("list", "town/stops")
    assert len(out.splitlines()) == 3
    assert "“kotta”" in out.splitlines()[0]
    _, out, err = quarantine("list", "town/stops", "--limit", "1")
    assert len(out.splitlines()) == 1
    assert "2 more: --offset 1" in err
    _, out, _ = quarantine("list", "town/stops", "--rule", "required")
    assert len(out.splitlines()) == 1


def test_show_has_every_cell_and_every_reason(quarantine: Command) -> None:
    id = quarantine.held()["B2"]["id"]
    code, out, _ = quarantine("show", str(id))
    assert code == 0
    assert "row 6" in out
    assert out.count("  ! ") == 2
    assert "“x”" in out
    assert "“Ilir”" in out


def test_a_fixed_row_goes_in_and_its_original_stays(quarantine: Command) -> None:
    id = quarantine.held()["B3"]["id"]
    code, out, _ = quarantine("fix", str(id), "nama=Muara", "--reason", "asked the agency", "--replay")
    assert code == 1, "the two others are still held"
    assert "2 quarantined" in out
    assert set(quarantine.held()) == {"B1", "B2"}
    shown = json.loads(quarantine("show", str(id), "--json")[1])
    assert (shown["state"], shown["raw"]["nama"], shown["fixed"]) == ("released", None, {"nama": "Muara"})
    (change,) = (one for one in shown["changes"] if one["column"] == "nama")
    assert (change["old"], change["new"], change["reason"]) == (None, "Muara", "asked the agency")
    assert change["author"]


def test_a_rule_cures_all_alike(quarantine: Command) -> None:
    id = quarantine.held()["B1"]["id"]
    assert quarantine("fix", str(id), "kelas=kota", "--always")[0] == 0
    assert quarantine("replay", "town/stops")[0] == 1
    held = quarantine.held()
    assert set(held) == {"B2", "B3"}
    assert [reason["field"] for reason in held["B2"]["reasons"]] == ["seats"], (
        "the rule holds for this row too"
    )


def test_a_dismissed_row_comes_back_no_more(quarantine: Command) -> None:
    id = quarantine.held()["B3"]["id"]
    assert quarantine("dismiss", str(id), "--reason", "no such stop")[0] == 0
    quarantine("replay", "town/stops")
    assert set(quarantine.held()) == {"B1", "B2"}
    code, _, err = quarantine("fix", str(id), "nama=x")
    assert code == 2
    assert "held no longer" in err


def test_all_put_right_ends_with_0(quarantine: Command) -> None:
    held = quarantine.held()
    quarantine("fix", str(held["B1"]["id"]), "kelas=kota", "--always")
    quarantine("fix", str(held["B2"]["id"]), "kursi=7")
    code, out, _ = quarantine("fix", str(held["B3"]["id"]), "nama=Muara", "--replay")
    assert code == 0, out
    assert quarantine("list")[1] == ""


def test_export_is_the_rows_as_they_came_with_their_reasons(quarantine: Command, tmp_path: Path) -> None:
    code, out, _ = quarantine("export", "town/stops")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["line"], row["kode"], row["kelas"]) for row in rows] == [
        ("5", "B1", "kotta"),
        ("6", "B2", "kotta"),
        ("7", "B3", "air"),
    ]
    assert all(row["reasons"] for row in rows)
    target = tmp_path / "held.json"
    assert quarantine("export", "town/stops", "--format", "json", "--to", str(target))[0] == 0
    assert len(json.loads(target.read_text())) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "99999"), "no row 99999"),
        (("list", "town"), "PLACE/FEED"),
        (("list", "town/nothing"), "has no feed 'nothing'"),
        (("list", "nowhere/stops"), "no place 'nowhere'"),
        (("fix", "1", "nonsense"), "COLUMN=VALUE"),
        (("fix", "1", "colour=red"), "has no column 'colour'; it has kode, nama"),
        (("fix", "1", "kelas=", "--always"), "neither may be empty"),
        (("replay", "town/nothing"), "has no feed"),
    ],
)
def test_what_cannot_be_is_said(quarantine: Command, arguments: tuple[str, ...], said: str) -> None:
    before = quarantine.held()
    first = str(min(row["id"] for row in before.values()))
    code, _, err = quarantine(*(first if word == "1" else word for word in arguments))
    assert code == 2
    assert said in err
    assert quarantine.held() == before
