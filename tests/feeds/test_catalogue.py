"""The catalogue's entries: found in spite of slips of the pen, filtered, and their rows as public tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.catalogue.entry import entries, entry
from mahakam.feeds.catalogue.search import counted, search
from mahakam.feeds.catalogue.tables import shown_table
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.feeds.schedule import period_of
from support.demo_part import CONFIG
from support.portal import two_cities, with_stops

BY_HAND = {
    "id": "urn:ngsi-ld:BusStop:town:B1",
    "type": "BusStop",
    "scope": "/prov/town",
    "code": {"type": "Property", "value": "B1"},
    "name": {"type": "Property", "value": "Written by an application"},
    "district": {"type": "Property", "value": "Tebet"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.05, -0.45]}},
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(Settings(data=tmp_path / "data", config=CONFIG))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("rain", "rain"),
        ("hujn", "rain"),
        ("curha hujan", "rain"),
        ("puskesmas", "health-centres"),
        ("pukesmas samarinda", "health-centres"),
    ],
)
def test_a_slip_of_the_pen_is_forgiven(node: Node, query: str, wanted: str) -> None:
    found = search(entries(node.store.tenant(), node.places, node.rights.open), query)
    assert wanted in [one.feed.name for one in found[:3]]


def test_filters_narrow_and_count(node: Node) -> None:
    every = list(entries(node.store.tenant(), node.places, node.rights.open))
    themes = counted(every, "theme")
    assert sum(themes.values()) == len([one for one in every if one.feed.theme])
    for theme, n in themes.items():
        assert len(search(every, wanted={"theme": theme})) == n
    both = search(every, "rain", {"theme": "environment", "place": "samarinda"})
    assert {one.place.id for one in both} == {"samarinda"}
    assert search(every, "zeppelin timetable") == []


def test_names_are_one_to_one(node: Node) -> None:
    every = list(entries(node.store.tenant(), node.places, node.rights.open))
    assert len({one.name for one in every}) == len({one.table for one in every}) == len(every)


def test_a_table_has_the_feed_s_own_rows_typed(tmp_path: Path) -> None:
    node = Node(Settings(data=tmp_path / "data", config=(with_stops(two_cities(tmp_path / "places")),)))
    try:
        parts = Parts.of(node)
        one = entry(parts.store, parts.places, node.rights.open, "town", "stops")
        assert one
        assert shown_table(parts, one) is None, "no run yet"
        run_feed(parts, "town", "stops", author="tester")
        parts.broker.upsert(BY_HAND)
        one = entry(parts.store, parts.places, node.rights.open, "town", "stops")
        assert one
        path = shown_table(parts, one)
        assert path
        (row,) = parquet.read_table(path).to_pylist()
        assert row["id"] == "urn:ngsi-ld:BusStop:town:A1", "what others wrote is not the feed's"
        assert (row["code"], row["seats"]) == ("A1", 4)
        assert row["location"] == '{"type":"Point","coordinates":[117.01,-0.41]}'
        assert shown_table(parts, one) == path
    finally:
        node.close()


@pytest.mark.parametrize(
    ("cron", "word"),
    [
        ("*/15 * * * *", "HOURLY"), ("0 6 * * *", "DAILY"), ("0 6 * * 1", "WEEKLY"), ("0 6 1 * *", "MONTHLY"),
        ("0 6 1 */3 *", "QUARTERLY"), ("0 6 1 1 *", "ANNUAL"), ("", ""),
    ],
)  # fmt: skip
def test_how_often_a_schedule_comes(node: Node, cron: str, word: str) -> None:
    import dataclasses

    one = entry(node.store.tenant(), node.places, node.rights.open, "samarinda", "rain")
    assert one
    assert period_of(dataclasses.replace(one.feed, schedule=cron)) == word


def test_moments_are_utc(tmp_path: Path) -> None:
    from mahakam.feeds.catalogue.tables import _cell

    assert _cell("2025-01-01T00:00:00Z", "timestamp") == datetime(2025, 1, 1, tzinfo=UTC)
    assert _cell({"@type": "DateTime", "@value": "2025-01-01T00:00:00"}, "timestamp") == datetime(
        2025, 1, 1, tzinfo=UTC
    )
