"""Values are what a person gets who counts the rows by hand; what is missing is said, never zero."""

from __future__ import annotations

from calendar import isleap
from collections import Counter

import pytest

from mahakam.indicators.compute import compute_all
from mahakam.indicators.series import series
from support.indicators import City, ispu_rows

UNHEALTHY = {"TIDAK SEHAT", "SANGAT TIDAK SEHAT", "BERBAHAYA"}
DAYS = """
name: {en: Days with unhealthy air, id: Hari dengan udara tidak sehat}
from: AirQualityIndex
where: "category != 'TIDAK ADA DATA'"
formula: >-
  365.0 * count(*) filter (where category in ('TIDAK SEHAT','SANGAT TIDAK SEHAT','BERBAHAYA')) / count(*)
counted: "category in ('TIDAK SEHAT','SANGAT TIDAK SEHAT','BERBAHAYA')"
per: year
time: date
unit: d/a
better: lower
target: {2030: 30, 2045: 0}
needs: {completeness: 0.75}
expected: 365
"""


def air(city: City) -> None:
    records = (
        {
            "date": row["tanggal"],
            "category": row["categori"],
            "max": float(row["max"]) if row["max"] else None,
        }
        for row in ispu_rows()
    )
    city.bring("AirQualityIndex", records, feed="air", key="date")


def test_days_with_unhealthy_air_are_those_counted_by_hand(city: City) -> None:
    counted: Counter[int] = Counter()
    measured: Counter[int] = Counter()
    for row in ispu_rows():
        year = int(row["tanggal"][:4])
        if row["categori"] and row["categori"] != "TIDAK ADA DATA":
            measured[year] += 1
            counted[year] += row["categori"] in UNHEALTHY
    assert len(counted) == 16
    assert sum(counted.values()) > 500

    air(city)
    city.indicator("unhealthy", DAYS)
    (outcome,) = compute_all(city.broker)
    assert (outcome.state, outcome.problem) == ("computed", "")

    found = series(city.broker, city.place, "unhealthy")
    assert found
    assert [value.period.year for value in found.values] == sorted(measured)
    for value in found.values:
        year = value.period.year
        assert value.inputs == measured[year]
        assert value.counted == counted[year]
        days = 366 if isleap(year) else 365
        assert value.completeness == pytest.approx(min(1, measured[year] / days), abs=1e-4)
        if measured[year] / days < 0.75:
            assert (value.state, value.value, value.reason) == ("notEnoughData", None, "completeness")
        else:
            assert value.value == pytest.approx(365 * counted[year] / measured[year])
            assert [term.value for term in value.terms] == [counted[year], measured[year]]
    assert found.values[-1].state == "notEnoughData", "2025 has January and February only"
    assert found.latest
    assert found.latest.label == "2024"
