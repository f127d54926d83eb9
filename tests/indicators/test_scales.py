"""Index scales agree with the regulations' worked values, and with the official indices of Jakarta."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.indicators.formula import FormulaError, parse
from mahakam.indicators.scales import scales

JAKARTA = Path(__file__).parents[2] / "examples/ascn/jakarta/data/ispu-jakarta-2010-2025.csv.gz"
PARAMETERS = ("pm25", "pm10", "so2", "co", "o3", "no2")
LEVELS = ((50, "BAIK"), (100, "SEDANG"), (200, "TIDAK SEHAT"), (300, "SANGAT TIDAK SEHAT"))


def index(parameter: str, value: float) -> float | None:
    tree = parse(f"ispu('{parameter}', x)", aggregate=False)
    found = duckdb.execute(
        f"SELECT {tree.sql('duckdb')} FROM (SELECT CAST(? AS DOUBLE) AS x)", [value]
    ).fetchone()
    assert found is not None
    return found[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("parameter", "value", "wanted"),
    [
        ("pm25", 0, 0),
        ("pm25", 15.5, 50),
        ("pm25", 55.4, 100),
        ("pm25", 35.45, 75),
        ("pm10", 250, 150),
        ("no2", 665, 150),
        ("co", 22500, 250),
        ("hc", 648, 500),
        ("pm10", 501, None),
        ("so2", -1, None),
    ],
)
def test_worked_values(parameter: str, value: float, wanted: float | None) -> None:
    assert index(parameter, value) == wanted


@settings(deadline=None)
@given(st.sampled_from(sorted(scales()["ispu"].scales)), st.data())
def test_more_in_the_air_is_never_a_lower_index(parameter: str, data: st.DataObject) -> None:
    most = scales()["ispu"].scales[parameter][-1]
    one, other = sorted(data.draw(st.lists(st.floats(0, most), min_size=2, max_size=2)))
    low, high = index(parameter, one), index(parameter, other)
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 500


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("ispu('lead', x)", "no scale 'lead'; there are co, hc, no2"),
        ("ispu(x)", "write ispu('NAME', value)"),
        ("ispu(parameter, x)", "write ispu('NAME', value)"),
        ("ispu('pm25', (select 1))", "a query inside"),
    ],
)
def test_what_is_no_scale_is_said(formula: str, said: str) -> None:
    with pytest.raises(FormulaError) as refused:
        parse(formula, aggregate=False)
    assert said in str(refused.value)


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def test_the_official_days_of_jakarta_agree() -> None:
    """Category and critical parameter from the parameters' indices; docs/indicators.md says why the rest differs."""
    with gzip.open(JAKARTA, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    judged = 0
    other_level: list[str] = []
    other_critical: list[str] = []
    without: list[str] = []
    for row in rows:
        given = {name: found for name in PARAMETERS if (found := number(row[name])) is not None}
        most = max(given.values(), default=0)
        if most <= 0:
            continue  # nothing was measured: TIDAK ADA DATA
        judged += 1
        if row["categori"] != next((name for bound, name in LEVELS if most <= bound), "BERBAHAYA"):
            other_level.append(row["tanggal"])
        critical = row["critical"].lower()
        if critical not in given:
            without.append(row["tanggal"])
        elif given[critical] != most:
            other_critical.append(row["tanggal"])
    assert judged == 5534
    assert len(other_level) / judged <= 0.01
    assert len(other_critical) / (judged - len(without)) <= 0.01
    assert (len(other_level), len(other_critical), len(without)) == (41, 34, 47)
    assert {day[:4] for day in other_critical + without} == {"2020"}
