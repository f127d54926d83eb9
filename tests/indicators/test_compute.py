"""Values are what a person gets who counts the rows by hand; what is missing is said, never zero."""

from __future__ import annotations

import csv
from calendar import isleap
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.indicators.compute import compute_all
from mahakam.indicators.confidence import confidence, doubts, when_read
from mahakam.indicators.definition import Definition
from mahakam.indicators.evaluate import figures
from mahakam.indicators.inputs import entity_table
from mahakam.indicators.series import Series, all_series, series
from mahakam.indicators.value import value_id
from support.indicators import EXAMPLES, City, ispu_rows

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


def test_crimes_are_those_of_the_table(city: City) -> None:
    """Tables of several years; a year between them has no table and therefore no value, not zero."""
    folder = EXAMPLES / "kaltim" / "data"
    expected = {}
    records = []
    for path in sorted(folder.glob("crimes-per-regional-police-*.csv")):
        year = int(path.stem[-4:])
        for line in path.read_text("utf-8-sig").splitlines()[3:]:
            name, _, cases = line.strip().partition(",")
            if name == "INDONESIA" or not cases.strip().isdigit():
                continue
            records.append({"regionalPolice": name, "year": year, "crimes": int(cases)})
            if name == "KALIMANTAN TIMUR":
                expected[year] = int(cases)
    assert expected[2023] == 6762
    city.bring("ReportedCrime", records)
    city.indicator("crimes", (EXAMPLES / "kaltim/indicators/reported-crimes.yaml").read_text("utf-8"))
    compute_all(city.broker)
    found = series(city.broker, city.place, "crimes")
    assert found
    assert {value.period.year: value.value for value in found.available} == expected
    between = [value for value in found.values if value.state != "available"]
    assert [(value.period.year, value.value, value.reason) for value in between] == [
        (2016, None, "noInputs"),
        (2018, None, "noInputs"),
        (2020, None, "noInputs"),
        (2022, None, "noInputs"),
    ]
    trend = found.trend
    assert trend
    assert (trend.latest.label, trend.previous, trend.change, trend.of) == ("2023", None, None, 1)
    assert trend.broken
    assert "another way" in trend.broken["en"]
    assert [value.label for value in found.available if found.broken_at(value)] == ["2023"]


def test_the_sums_of_months_are_the_sum_of_the_year(city: City) -> None:
    path = EXAMPLES / "kaltim" / "samarinda" / "data" / "rain-flood.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rain = {row["tanggal"]: float(row["curah_hujan_mm"] or 0) for row in csv.DictReader(file)}
    city.bring("Rain", [{"date": day, "mm": mm} for day, mm in rain.items()], key="date")
    for name, formula in (("rain", "sum(mm)"), ("wet", "count(*) filter (where mm > 20)")):
        for per in ("month", "year"):
            city.indicator(
                f"{name}-{per}",
                f'{{name: N, from: Rain, formula: "{formula}", per: {per}, time: date, expected: days}}',
            )
    compute_all(city.broker)
    got = {one.definition.id: one for one in all_series(city.broker, city.place)}
    for name in ("rain", "wet"):
        by_year: Counter[int] = Counter()
        for value in got[f"{name}-month"].values:
            by_year[value.period.year] += value.value or 0  # type: ignore[assignment]
        for value in got[f"{name}-year"].values:
            assert value.value == pytest.approx(by_year[value.period.year])
    by_hand: Counter[str] = Counter()
    for day, mm in rain.items():
        by_hand[day[:4]] += mm > 20
    assert {value.label: value.value for value in got["wet-year"].values} == dict(by_hand)
    november = next(value for value in got["rain-month"].values if value.label == "2025-11")
    assert november.value == pytest.approx(sum(mm for day, mm in rain.items() if day.startswith("2025-11")))
    assert (november.covered, november.expected, november.completeness) == (30, 30, 1.0)


@given(
    days=st.lists(
        st.tuples(st.dates(date(2019, 12, 1), date(2021, 2, 1)), st.integers(-50, 50) | st.none()),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=25, deadline=None)
def test_any_rows_add_up(days: list[tuple[date, int | None]]) -> None:
    """Whatever the rows: months add up to years, years to all there is, and to a loop over the rows."""
    documents = [
        {
            "id": f"urn:x:{number}",
            "type": "X",
            "date": {"type": "Property", "value": day.isoformat()},
            **({} if value is None else {"n": {"type": "Property", "value": value}}),
        }
        for number, (day, value) in enumerate(days)
    ]
    documents.append({**documents[0], "id": "urn:x:n", "n": {"type": "Property", "value": 1}})
    counts, sums = {}, {}
    for per in ("month", "year", "none"):
        definition = Definition(
            "x", Path("x.yaml"), {"en": "x"}, "X", "count(*) + 0 * coalesce(sum(n), 0)", per=per, time="date"
        )
        found = figures(definition, entity_table(definition, documents, "Asia/Makassar"))
        counts[per] = {one.period.label: one.inputs for one in found}
        sums[per] = {one.period.label: one.value for one in found if one.inputs}
        assert sums[per] == {label: count for label, count in counts[per].items() if count}
    by_hand = Counter(document["date"]["value"][:4] for document in documents)  # type: ignore[index]
    assert sums["year"] == dict(by_hand)
    assert sums["none"] == {"all": len(documents)}
    of_months: Counter[str] = Counter()
    for label, count in counts["month"].items():
        of_months[label[:4]] += count
    assert dict(of_months) == {**dict.fromkeys(counts["year"], 0), **by_hand}


def test_computing_again_writes_nothing(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    air(city)
    city.indicator("unhealthy", DAYS)
    (first,) = compute_all(city.broker)
    assert first.written == first.values > 10
    ids = [value.id for value in _series(city).values]
    before = [city.broker.get(id) for id in ids]

    (again,) = compute_all(city.broker)
    assert (again.state, again.written) == ("unchanged", 0)
    (forced,) = compute_all(city.broker, force=True)
    assert (forced.state, forced.written, forced.removed) == ("computed", 0, 0)
    assert [city.broker.get(id) for id in ids] == before


def test_only_what_changed_is_computed_again(city: City) -> None:
    city.bring("Rain", [{"year": 2020, "mm": 5}, {"year": 2021, "mm": 7}])
    city.bring("Fire", [{"year": 2020}], feed="fires")
    city.indicator("rain", '{name: R, from: Rain, formula: "sum(mm)", per: year, time: year}')
    city.indicator("fires", '{name: F, from: Fire, formula: "count(*)", per: year, time: year}')
    compute_all(city.broker)

    def states() -> dict[str, str]:
        return {one.indicator: one.state for one in compute_all(city.broker)}

    assert states() == {"rain": "unchanged", "fires": "unchanged"}
    city.bring("Rain", [{"year": 2020, "mm": 6}, {"year": 2021, "mm": 7}])
    assert states() == {"rain": "computed", "fires": "unchanged"}
    assert [value.value for value in _series(city, "rain").values] == [6, 7]
    city.broker.delete("urn:ngsi-ld:Rain:feed-2")
    assert states() == {"rain": "computed", "fires": "unchanged"}
    assert [value.label for value in _series(city, "rain").values] == ["2020"]
    assert city.broker.get(value_id("town", "rain", "2021")) is None
    city.indicator("fires", '{name: F, from: Fire, formula: "count(*) * 2", per: year, time: year}')
    assert states() == {"rain": "unchanged", "fires": "computed"}
    assert _series(city, "fires").values[0].value == 2
    (city.folder / "indicators" / "fires.yaml").unlink()
    compute_all(city.broker)
    assert city.broker.get(value_id("town", "fires", "2020")) is None


def test_an_indicator_that_was_gone_for_a_while_has_its_values_again(city: City) -> None:
    city.bring("Fire", [{"year": 2020}])
    path = city.indicator("fires", '{name: F, from: Fire, formula: "count(*)", per: year, time: year}')
    text = path.read_text()
    compute_all(city.broker)
    path.unlink()
    compute_all(city.broker)
    assert city.broker.store.document("urn:ngsi-ld:KeyPerformanceIndicator:town:fires:2020") is None
    path.write_text(text)
    (outcome,) = compute_all(city.broker, only=("town",), names=("fires",))
    assert (outcome.state, outcome.written) == ("computed", 1)


def test_a_live_write_counts(city: City) -> None:
    city.bring("Fire", [{"year": 2020}])
    city.indicator("fires", '{name: F, from: Fire, formula: "count(*)", per: year, time: year}')
    compute_all(city.broker)
    document = {"id": "urn:x:1", "type": "Fire", "scope": "/prov/town", "year": _property(2020)}
    city.broker.create(document)
    (outcome,) = compute_all(city.broker)
    assert outcome.state == "computed"
    assert _series(city, "fires").values[0].value == 2


def test_other_places_do_not_count_unless_asked(city: City) -> None:
    city.bring("Fire", [{"year": 2020}], feed="a")
    city.bring("Fire", [{"year": 2020}, {"year": 2020}], feed="b", scope="/prov/other")
    text = '{name: F, from: Fire, formula: "count(*)", per: year, time: year%s}'
    city.indicator("fires", text % "")
    city.indicator("fires", text % ", within: below", where="prov")
    compute_all(city.broker)
    assert _series(city, "fires").values[0].value == 1
    found = series(city.broker, city.places["prov"], "fires")
    assert found
    assert found.values[0].value == 3


def test_no_rows_is_no_value(city: City) -> None:
    city.indicator("fires", '{name: F, from: Fire, formula: "count(*)", per: year, time: year}')
    (outcome,) = compute_all(city.broker)
    assert (outcome.state, outcome.values) == ("noInputs", 0)
    found = _series(city, "fires")
    assert (found.latest, found.trend, found.confidence, found.values) == (None, None, None, ())


@pytest.mark.parametrize(
    ("indicator", "problem"),
    [
        (
            '{name: F, from: Fire, formula: "sum(street)", per: year, time: year}',
            "formula cannot be computed",
        ),
        ('{name: F, from: Fire, formula: "max(street)", per: year, time: year}', "a number is needed"),
        ('{name: F, from: Fire, formula: "sum(yaer)", per: year, time: year}', "did you mean 'year'?"),
        ("{name: F, from: Fire}", "needs 'formula'"),
    ],
)
def test_a_formula_that_fails_stops_no_other(city: City, indicator: str, problem: str) -> None:
    city.bring("Fire", [{"year": 2020, "street": "Jalan Damai"}])
    city.indicator("wrong", indicator)
    city.indicator("right", '{name: F, from: Fire, formula: "count(*)", per: year, time: year}', where="prov")
    city.bring("Fire", [{"year": 2020}], feed="above", scope="/prov")
    outcomes = {(one.place, one.indicator): one for one in compute_all(city.broker)}
    assert outcomes["prov", "right"].state == "computed"
    failed = next(one for one in outcomes.values() if one.place == "town")
    assert failed.state == "failed"
    assert problem in failed.problem


def test_division_by_nothing_and_unreadable_times(city: City) -> None:
    rows = [{"date": "2020-05-01", "of": 0}, {"date": "no date", "of": 1}, {"date": "2021-01-01", "of": 4}]
    city.bring("Poll", rows)
    city.indicator("share", '{name: S, from: Poll, formula: "1.0 / sum(of)", per: year, time: date}')
    (outcome,) = compute_all(city.broker)
    assert (outcome.undated, outcome.problem) == (1, "")
    found = _series(city, "share")
    assert [(value.label, value.value, value.reason) for value in found.values] == [
        ("2020", None, "noResult"),
        ("2021", 0.25, ""),
    ]


def test_warnings_lower_the_confidence(city: City) -> None:
    days = [{"date": f"2023-01-{day:02}", "mm": 1} for day in range(1, 32)]
    city.bring("Rain", days, flags=dict.fromkeys(range(1, 5), "mm"))
    city.indicator(
        "rain", '{name: R, from: Rain, formula: "sum(mm)", per: month, time: date, expected: days}'
    )
    compute_all(city.broker)
    value = _series(city, "rain").values[0]
    assert value.flagged == pytest.approx(4 / 31, abs=1e-4)
    assert (value.completeness, value.confidence) == (1.0, "fair")


def test_an_old_value_does_not_speak_for_today(city: City) -> None:
    city.bring("Rain", [{"year": 2020, "mm": 1}])
    city.indicator("rain", '{name: R, from: Rain, formula: "sum(mm)", per: year, time: year, expected: 1}')
    compute_all(city.broker)
    for today, stale, word in ((date(2022, 12, 31), False, "good"), (date(2023, 1, 1), True, "fair")):
        found = series(city.broker, city.place, "rain", today)
        assert found
        assert (found.stale, found.confidence) == (stale, word)
        assert found.doubts == (("old",) if stale else ())


def test_the_stored_value_is_an_entity_that_explains_itself(city: City) -> None:
    air(city)
    city.indicator("unhealthy", DAYS)
    compute_all(city.broker)
    entity = city.broker.get(value_id("town", "unhealthy", "2023"))
    assert entity
    assert entity["scope"] == "/prov/town"
    assert entity["calculationPeriod"]["value"] == {"from": "2023-01-01", "to": "2023-12-31"}
    assert entity["kpiValue"]["value"] == pytest.approx(
        365 * entity["counted"]["value"] / entity["inputs"]["value"]
    )
    assert entity["runs"]["value"] == [{"run": 1, "inputs": entity["inputs"]["value"]}]
    assert entity["source"]["value"] == ["town/air"]
    short = city.broker.get(value_id("town", "unhealthy", "2025"))
    assert short
    assert "kpiValue" not in short
    assert (short["state"]["value"], short["reason"]["value"]) == ("notEnoughData", "completeness")


def _property(value: object) -> dict[str, object]:
    return {"type": "Property", "value": value}


def _series(city: City, name: str = "unhealthy") -> Series:
    found = series(city.broker, city.place, name)
    assert found
    return found


@given(st.none() | st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_good_is_what_nothing_speaks_against(completeness: float | None, flagged: float, old: bool) -> None:
    word = when_read(confidence(completeness, flagged), 2 if old else 0, 1)
    against = doubts(completeness, flagged, old=old)
    assert (word == "good") is (against == ())
    if completeness is not None and completeness < 0.75:
        assert word == "poor"
