"""mahakam indicator: data on standard output, talk on standard error, 0, 1 or 2."""

from __future__ import annotations

import json

import pytest

from mahakam.cli import run
from support.indicators import City

FIRES = '{name: F, from: Fire, formula: "count(*)", counted: "big", per: year, time: year}'


@pytest.fixture
def fires(city: City) -> City:
    city.bring("Fire", [{"year": 2020, "big": number % 3 == 0} for number in range(9)])
    city.indicator("fires", FIRES)
    return city


def call(city: City, *arguments: str) -> int:
    return run(["indicator", *arguments, "--data", str(city.data), "--config", str(city.config)])


def test_compute_list_trace(fires: City, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(fires, "compute", "--json") == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert (outcome["place"], outcome["state"], outcome["written"]) == ("town", "computed", 1)
    assert call(fires, "list", "town") == 0
    assert capsys.readouterr().out == "town/fires: 9 in 2020 (confidence poor)\n"
    assert call(fires, "trace", "town/fires", "2020", "--limit", "4", "--json") == 0
    traced = json.loads(capsys.readouterr().out)
    assert (traced["value"], traced["total"], len(traced["rows"])) == (9, 9, 4)
    assert [row["counted"] for row in traced["rows"]] == [True, True, True, False]
    assert call(fires, "trace", "town/fires", "--only", "counted") == 0
    printed = capsys.readouterr()
    assert printed.out.count("  * file.csv line ") == 3
    assert "more:" not in printed.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("compute", "nowhere"), "there is no place 'nowhere'; the places are prov, town"),
        (("compute", "town/fire"), "town has no indicator 'fire'"),
        (("trace", "town"), "is no PLACE/NAME"),
        (("trace", "town/fires", "1999"), "has no value"),
    ],
)
def test_what_cannot_run_says_why(
    fires: City, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    assert call(fires, *arguments) == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert printed.out == ""


def test_one_that_cannot_be_computed_ends_with_1(fires: City, capsys: pytest.CaptureFixture[str]) -> None:
    fires.indicator("wrong", FIRES.replace("count(*)", "sum(yaer)"))
    assert call(fires, "compute") == 1
    printed = capsys.readouterr()
    assert "town/fires: 1 of 1 periods with a value" in printed.out
    assert "did you mean 'year'?" in printed.err
