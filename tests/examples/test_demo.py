"""What the program finds in the demo's files is what was counted in them by hand (see each SOURCES.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from mahakam.app import Node, open_node
from mahakam.config import Settings
from mahakam.ngsild.entity import Document
from mahakam.ngsild.selection import Scopes, Selection, Types
from mahakam.store.model import Run
from support.node import demo_data

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Count:
    read: int
    stored: int
    held: int = 0
    left_out: int = 0


EXPECTED = {
    "ascn/cities": Count(38, 38),
    "ascn/countries": Count(11, 11),
    "ascn/projects": Count(134, 130, left_out=4),
    "ascn/projects-singapore": Count(134, 4, left_out=130),
    "ascn/terms": Count(38, 38),
    "jakarta/air-quality": Count(5538, 5538),
    "jakarta/building-permits": Count(15, 15),
    "jakarta/fire-stations": Count(95, 95),
    "jakarta/fires-2013": Count(1592, 840, held=205, left_out=547),
    "jakarta/flood-areas-2017-02-21": Count(168, 168),
    "jakarta/population-density-2013": Count(267, 267),
    "kuala-lumpur/rail-stops": Count(167, 167),
    "kuala-lumpur/ridership": Count(1917, 1917),
    "singapore/car-parks": Count(2066, 2066),
    "singapore/pm25-2016-12": Count(3300, 3300),
    "singapore/rain-2017-06": Count(390045, 390045),
    "kaltim/earthquakes-2021": Count(10705, 258, left_out=10436 + 11),
    "kaltim/regencies": Count(10, 10),
    "kaltim/reported-crimes": Count(175, 170, left_out=5),
    "samarinda/districts": Count(19, 10, left_out=9),
    "samarinda/flood-days-assumed": Count(2161, 1559, left_out=314 + 288),
    "samarinda/flood-days-looked-up": Count(2161, 267, left_out=1847 + 47),
    "samarinda/health-centres": Count(10292, 26, left_out=10266),
    "samarinda/mahakam": Count(14, 13, held=1),
    "samarinda/rain": Count(2161, 1826, left_out=335),
    "samarinda/villages": Count(59, 59),
    "balikpapan/bus-corridors": Count(9, 9),
    "balikpapan/districts": Count(19, 6, left_out=13),
    "balikpapan/health-centres": Count(10292, 27, left_out=10265),
    "balikpapan/roads": Count(8, 8),
    "balikpapan/villages": Count(34, 34),
    "bontang/districts": Count(19, 3, left_out=16),
    "bontang/health-centres": Count(10292, 6, left_out=10286),
    "bontang/villages": Count(15, 15),
}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    node = open_node(Settings(demo_data(), config=(EXAMPLES,)))
    yield node
    node.close()


def run_of(node: Node, feed: str) -> Run:
    place, _, name = feed.partition("/")
    runs = node.store.tenant().runs(place, name)
    assert runs, f"{feed} did not run"
    return runs[0]


def entities(node: Node, type: str, scope: str) -> list[Document]:
    return list(node.broker.scan(Selection(types=Types(((type,),)), scopes=Scopes(((scope,),)))))


def values(documents: list[Document], name: str) -> list[object]:
    return [document[name]["value"] for document in documents if name in document]


def test_every_feed_of_the_examples_is_counted(node: Node) -> None:
    feeds = {f"{place.id}/{name}" for place in node.places.values() for name in place.files("feeds")}
    assert feeds == set(EXPECTED)


@pytest.mark.parametrize("feed", EXPECTED)
def test_a_feed_reads_stores_holds_and_leaves_out_what_was_counted(node: Node, feed: str) -> None:
    run = run_of(node, feed)
    assert run.state in ("clean", "held"), run.message
    expected = EXPECTED[feed]
    assert (run.read, run.stored, run.held, run.left_out) == astuple(expected), run.summary
    assert run.read == run.stored + run.unchanged + run.held + run.left_out


@pytest.mark.parametrize(
    ("feed", "warnings"),
    [
        (
            "jakarta/air-quality",
            {
                "max-is-greatest": 43,
                "level-fits-index": 27,
                "critical-is-greatest": 81,
                "so2-above-zero": 19,
                "station-given": 1,
            },
        ),
        ("jakarta/building-permits", {"a-permit-has-a-building": 4, "buildings-given": 1}),
        ("jakarta/fire-stations", {"on-the-map": 17, "postcode-fits-city": 4}),
        ("ascn/cities", {"area-given": 5, "population-and-area-of-one-city": 1}),
        ("kaltim/reported-crimes", {"count-given": 3}),
        ("balikpapan/bus-corridors", {"active-has-buses": 3}),
        ("kuala-lumpur/ridership", {}),
    ],
)  # fmt: skip
def test_the_known_defects_are_the_warnings(node: Node, feed: str, warnings: dict[str, int]) -> None:
    found: Counter[str] = Counter()
    for reason, count in run_of(node, feed).summary.items():
        assert reason.startswith("warning: "), reason
        found[reason.removeprefix("warning: ").split()[0]] += count
    assert dict(found) == warnings


def test_rows_with_unknown_names_wait_with_every_reason(node: Node) -> None:
    held = node.store.tenant().held("jakarta", "fires-2013", limit=1000)
    assert len(held) == 205
    by_field = Counter(r["field"] for h in held for r in h.reasons if r["rule"] == "foreignKey")
    assert by_field == {"district": 182, "village": 71}
    districts = Counter(h.raw["kecamatan"] for h in held if any(r["field"] == "district" for r in h.reasons))
    assert districts == {
        "Kalideres": 47, "Kebun Jeruk": 36, "Tangerang": 24, "Pulogadung": 22, "Tamansari": 22,
        "Setiabudi": 13, "Bekasi": 11, "Depok": 7,
    }  # fmt: skip
    assert all(h.raw["alamat_kejadian"] is not None for h in held)
    assert all(h.line == h.row + 1 for h in held)


def test_the_river_of_madagascar_is_no_mahakam(node: Node) -> None:
    (held,) = node.store.tenant().held("samarinda", "mahakam")
    assert held.raw["@id"] == "way/27361144"
    assert held.raw["name"] == "Mahakamba"


def test_crimes_of_the_province_are_the_published_ones_and_the_total_is_left_out(node: Node) -> None:
    crimes = entities(node, "ReportedCrime", "/kaltim")
    assert "INDONESIA" not in values(crimes, "regionalPolice")
    own = {
        d["year"]["value"]: d["crimes"]["value"]
        for d in crimes
        if d["regionalPolice"]["value"] == "KALIMANTAN TIMUR"
    }
    assert own == {2015: 8764, 2017: 9149, 2019: 4417, 2021: 4564, 2023: 6762}
    without = {(d["regionalPolice"]["value"], d["year"]["value"]) for d in crimes if "crimes" not in d}
    assert without == {("KALIMANTAN UTARA", 2015), ("SULAWESI BARAT", 2015), ("KALIMANTAN UTARA", 2017)}


def test_flood_days_of_both_ways_of_knowing_stand_side_by_side(node: Node) -> None:
    days = entities(node, "FloodMonitoring", "/kaltim/samarinda")
    assert len(days) == 1826
    known = Counter((d["basis"]["value"], d["floodLevelStatus"]["value"]) for d in days)
    assert known == {
        ("looked up", "flooded"): 52,
        ("looked up", "not flooded"): 215,
        ("assumed", "not flooded"): 1559,
    }


def test_bontang_is_north_of_the_equator_on_the_map(node: Node) -> None:
    north = {}
    for place in ("samarinda", "balikpapan", "bontang"):
        villages = [
            d
            for d in entities(node, "AdministrativeArea", f"/kaltim/{place}")
            if d["level"]["value"] == "village"
        ]
        latitudes = [
            point[1] for d in villages for part in d["location"]["value"]["coordinates"] for point in part[0]
        ]
        north[place] = (min(latitudes) > 0, max(latitudes) < 0, len(villages))
    assert north == {
        "samarinda": (False, True, 59),
        "balikpapan": (False, True, 34),
        "bontang": (True, False, 15),
    }


def test_car_parks_lie_in_singapore_after_the_projection(node: Node) -> None:
    parks = entities(node, "OffStreetParking", "/ascn/singapore")
    points = [d["location"]["value"]["coordinates"] for d in parks]
    assert len(points) == 2066
    assert all(103.6 < longitude < 104.1 and 1.2 < latitude < 1.5 for longitude, latitude in points)


def test_the_network_has_its_countries_cities_and_all_projects(node: Node) -> None:
    countries, cities, projects = (
        entities(node, type, "/ascn") for type in ("Country", "SmartCity", "SmartCityProject")
    )
    assert (len(countries), len(cities), len(projects)) == (11, 38, 134)
    assert {d["country"]["object"] for d in cities} <= {d["id"] for d in countries}
    assert set(values(projects, "city")) <= set(values(cities, "name"))
    assert Counter(values(projects, "focusArea")) == {
        "Civic & Social": 34, "Built Infrastructure": 32, "Quality Environment": 25,
        "Safety & Security": 19, "Industry & Innovation": 16, "Health & Well-Being": 8,
    }  # fmt: skip
    assert Counter(values(projects, "status")) == {"ongoing or planning": 116, "completed": 18}
    joined = Counter(values(cities, "joined"))
    assert joined == {2018: 26, 2023: 3, 2024: 2, 2025: 6, 2026: 1}
    lacking = set(values(cities, "name")) - set(values(projects, "city"))
    assert lacking == {"Denpasar", "Dili", "Semarang"}
    singapore = {d["name"]["value"] for d in projects if d["city"]["value"] == "Singapore"}
    assert len(singapore) == 6
    assert "Marine Digital Twin" in singapore
