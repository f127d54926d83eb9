"""A value says enough of itself that a node which does not have the city's files can show and compare it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mahakam.broker.writes import Upsert
from mahakam.indicators.compute import compute_all
from mahakam.indicators.elsewhere import newest_elsewhere, series_elsewhere, value_told
from mahakam.indicators.series import Series, comparison, series
from mahakam.indicators.value import TYPE, value_id
from support.indicators import City

TODAY = date(2026, 1, 1)
FIRES = """
name: {en: Fires, id: Kebakaran}
theme: safety
from: Fire
where: "year > 2000"
formula: "count(*) / 3.0"
per: year
time: year
unit: 1/100000
decimals: 2
better: lower
compare: fires-per-people
breaks: {2021: {en: Small ones are counted too., id: Yang kecil ikut dihitung.}}
note: {en: Counted by the brigade., id: Dihitung oleh dinas.}
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[City]:
    """A node that has neither the city nor its files."""
    hub = City(tmp_path / "hub", name="harbour")
    yield hub
    hub.close()


def sent(city: City, hub: City, **changed: Any) -> list[dict[str, Any]]:
    """The city's values as they are, written at the hub."""
    documents = [one for one in city.broker.scan(_values()) if one["type"] == TYPE]
    copies = [{**one, **changed} for one in documents]
    for written in hub.broker.batch([Upsert(one) for one in copies], author="node town"):
        assert written.problem is None
    return copies


def _values() -> Any:
    from mahakam.ngsild.selection import Selection, Types

    return Selection(types=Types(((TYPE,),)))


@pytest.fixture
def fires(city: City) -> Series:
    city.bring("Fire", [{"year": year} for year in (2019, 2020, 2020, 2021, 2021, 2021)])
    city.indicator("fires", FIRES)
    compute_all(city.broker)
    found = series(city.broker, city.place, "fires", TODAY)
    assert found
    assert len(found.available) == 3
    return found


def test_a_series_is_the_same_where_its_files_are_not(city: City, hub: City, fires: Series) -> None:
    sent(city, hub)
    (found,) = series_elsewhere(hub.broker, today=TODAY)
    assert found.values == fires.values
    assert (found.place.id, found.place.name) == ("town", city.place.name)
    kept = (
        "id", "name", "source", "formula", "where", "theme", "per", "unit", "decimals", "better", "compare", "note",
        "breaks",
    )  # fmt: skip
    for field in kept:
        assert getattr(found.definition, field) == getattr(fires.definition, field), field
    assert found.trend is not None
    assert fires.trend is not None
    assert dataclasses.replace(found.trend) == fires.trend
    assert found.trend.of == 1, "nothing is compared across the break"


def test_one_place_and_one_measure_are_found_by_either_name(city: City, hub: City, fires: Series) -> None:
    sent(city, hub)
    for asked in ({"place": "town"}, {"measure": "fires"}, {"measure": "fires-per-people"}):
        (found,) = series_elsewhere(hub.broker, **asked)
        assert found.definition.id == fires.definition.id
    assert series_elsewhere(hub.broker, place="village") == []
    assert series_elsewhere(hub.broker, measure="floods") == []
    (newest,) = newest_elsewhere(hub.broker, TODAY)
    assert newest.values == (fires.latest,)


def test_it_stands_beside_one_of_the_hubs_own_if_it_is_measured_alike(
    city: City, hub: City, fires: Series
) -> None:
    sent(city, hub)
    hub.bring("Fire", [{"year": 2020}])
    hub.indicator("fires", FIRES)
    compute_all(hub.broker)
    own = series(hub.broker, hub.place, "fires", TODAY)
    (other,) = series_elsewhere(hub.broker, measure="fires", today=TODAY)
    assert own
    both = comparison("fires-per-people", [own, other])
    assert [one.place.id for one in both.series] == ["harbour", "town"]
    assert both.common == "2020"
    months = dataclasses.replace(other, definition=dataclasses.replace(other.definition, per="month"))
    assert comparison("fires-per-people", [own, months]).apart


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": "/prov/village"},
        {"scope": "/prov/town/harbour"},
        {"period": {"type": "Property", "value": "last year"}},
        {"state": {"type": "Property"}},
        {"kpiValue": {"type": "Property", "value": "many"}},
        {"kpiValue": {"type": "Property", "value": True}},
        {"name": {"type": "Property", "value": "Fires"}},
        {"calculationFrequency": {"type": "Property", "value": "daily"}},
        {"breaks": {"type": "Property", "value": "2021"}},
    ],
)
def test_what_is_no_value_of_that_place_is_left_out(
    city: City, hub: City, fires: Series, changed: dict[str, Any]
) -> None:
    assert fires.available
    sent(city, hub, **changed)
    assert series_elsewhere(hub.broker, today=TODAY) == []
    assert newest_elsewhere(hub.broker, TODAY) == []
    assert value_told(hub.broker, value_id("town", "fires", "2021")) is None


def test_a_value_of_a_place_of_this_node_is_no_value_of_elsewhere(city: City, fires: Series) -> None:
    assert fires.available
    assert series_elsewhere(city.broker) == []
    told = value_told(city.broker, value_id("town", "fires", "2021"))
    assert told is not None
    assert told.values == (fires.latest,)


def test_a_change_of_what_it_means_is_written_though_the_number_is_the_same(
    city: City, hub: City, fires: Series
) -> None:
    assert fires.definition.better == "lower"
    (unchanged,) = compute_all(city.broker)
    assert unchanged.state == "unchanged"
    city.indicator("fires", FIRES.replace("better: lower", "better: higher").replace("decimals: 2\n", ""))
    (outcome,) = compute_all(city.broker)
    assert (outcome.state, outcome.written) == ("computed", 3)
    sent(city, hub)
    (found,) = series_elsewhere(hub.broker, today=TODAY)
    assert (found.definition.better, found.definition.decimals) == ("higher", None)
    assert compute_all(city.broker, force=True)[0].written == 0
