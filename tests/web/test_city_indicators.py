"""A hub's pages show what the cities' own nodes sent, from which node, and whether that answers."""

from __future__ import annotations

import csv
import datetime as dt
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node, open_node
from mahakam.config import Place, Settings
from mahakam.indicators.definition import Definition
from mahakam.network.measured import Measurements
from mahakam.network.plan import Outcome, Plan
from mahakam.network.plan import Text as PlanText
from mahakam.network.plan_status import Rules, standing_of
from mahakam.nodes import hub as hub_acts
from mahakam.nodes.member import note_contact
from mahakam.web.origins import Origins
from support.copies import add_member, send, values_of
from support.demo_part import EXAMPLES
from support.html import Page

FIRES = Definition(
    id="fires", path=Path(), name={"en": "Fires", "id": "Kebakaran"}, source="Fire", formula="count(*)",
    where="year > 2000", theme="safety", per="year", time="year", unit="1/100000", decimals=1, better="lower",
    note={"en": "Counted by the brigade.", "id": "Dihitung oleh dinas."},
)  # fmt: skip
TEPIAN = Place("tepian", "city", Path(), {"name": {"en": "Tepian", "id": "Tepian"}})
PHUKET = Place("phuket", "city", Path(), {"name": {"en": "Phuket"}})


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Node]:
    """The network's hub, which has no file of a city; two cities have nodes of their own."""
    node = open_node(Settings(tmp_path, (EXAMPLES / "ascn" / "network.yaml",), private_addresses=True))
    for place, values in ((TEPIAN, {"2023": 4.0, "2024": 3.0}), (PHUKET, {"2023": 7.5, "2025": None})):
        entities = values_of(place, FIRES, values)
        add_member(node.broker, place.id, f"https://{place.id}.example", entities, place.name["en"])
        send(node.broker, place.id, entities)
    yield node
    node.close()


@pytest.fixture
def reader(hub: Node) -> TestClient:
    return TestClient(Application(hub), base_url="http://localhost", headers={"accept-language": "en"})


def rows(reader: TestClient, path: str) -> list[dict[str, str]]:
    answer = reader.get(path)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_the_newest_value_of_every_city_stands_with_date_source_and_node(reader: TestClient) -> None:
    tepian, phuket = sorted(
        rows(reader, "/network/indicators.csv"), key=lambda row: row["city"], reverse=True
    )
    assert (tepian["value"], tepian["period"], tepian["unit"]) == ("3.0", "2024", "1/100000")
    assert (phuket["value"], phuket["period"]) == ("7.5", "2023"), "not the year without enough data"
    assert (tepian["node"], tepian["node_address"]) == ("tepian", "https://tepian.example")
    assert tepian["source"] == "tepian/register"
    assert tepian["computed"]
    page = Page(reader.get("/network/indicators").text)
    assert {"https://tepian.example", "https://phuket.example", "/network/indicators/fires"} <= set(
        page.links
    )
    assert "/trace/value/tepian/fires/2024" in page.links
    assert "31 rows, to 31 Dec 2024" in page.text


def test_one_measure_is_compared_by_the_newest_period_that_all_have(reader: TestClient) -> None:
    listed = rows(reader, "/network/indicators/fires.csv")
    assert [(row["city"], row["common"], row["value"]) for row in listed] == [
        ("Tepian", "4.0", "3.0"), ("Phuket", "7.5", "7.5"),
    ], "the better first, by 2023"  # fmt: skip
    text = Page(reader.get("/network/indicators/fires").text).text
    assert "Lower is better." in text
    assert "Tepian: Counted by the brigade." in text
    assert reader.get("/network/indicators/floods").status_code == 404


def test_what_is_measured_in_another_way_is_left_out_and_named(hub: Node, reader: TestClient) -> None:
    other = Definition(**{**{name: getattr(FIRES, name) for name in FIRES.__dataclass_fields__}, "where": ""})
    place = Place("hanoi", "city", Path(), {"name": {"en": "Hanoi"}})
    entities = values_of(place, other, {"2023": 1.0})
    add_member(hub.broker, "hanoi", "https://hanoi.example", entities)
    send(hub.broker, "hanoi", entities)
    assert {row["city"] for row in rows(reader, "/network/indicators.csv")} == {"Hanoi", "Phuket", "Tepian"}
    compared = {row["city"] for row in rows(reader, "/network/indicators/fires.csv")}
    apart = {"Hanoi", "Phuket", "Tepian"} - compared
    assert apart in ({"Hanoi"}, {"Phuket", "Tepian"})
    text = Page(reader.get("/network/indicators/fires").text).text
    assert "Left out because they are measured in another way" in text
    assert "where" in text


def test_a_node_that_is_off_line_is_marked_and_its_values_stay(hub: Node, reader: TestClient) -> None:
    store = hub.store.tenant()
    assert "has not answered since" not in reader.get("/network/cities/tepian").text
    since = time.time() - 3600
    note_contact(store, "tepian", off_since=since, error="no answer", answered=since - 60)
    for path in ("/network/indicators", "/network/indicators/fires", "/network/cities/tepian",
                 "/trace/value/tepian/fires/2024"):  # fmt: skip
        text = Page(reader.get(path).text).text
        assert "Tepian has not answered since" in text, path
        assert "Phuket has not answered" not in text
        assert "3.0" in text, path
    marked = {row["city"]: row["node_off_since"] for row in rows(reader, "/network/indicators.csv")}
    assert marked["Tepian"].startswith("20")
    assert marked["Phuket"] == ""
    assert "off-line since" in reader.get("/network").text
    note_contact(store, "tepian", off_since=None, error=None)
    assert "has not answered since" not in reader.get("/network/cities/tepian").text


def test_where_a_number_comes_from_leads_on_to_the_node_that_computed_it(reader: TestClient) -> None:
    page = Page(reader.get("/trace/value/tepian/fires/2024").text)
    assert "https://tepian.example/trace/value/tepian/fires/2024" in page.links
    assert "count(*)" in page.text
    assert "year > 2000" in page.text
    rows_there = reader.get("/trace/value/tepian/fires/2024.csv")
    assert rows_there.status_code == 404
    assert "https://tepian.example" in rows_there.text
    assert reader.get("/trace/value/tepian/fires/1999").status_code == 404
    missing = Page(reader.get("/trace/value/phuket/fires/2025").text).text
    assert "Nothing was reported for this period." in missing


def test_a_city_of_the_register_is_tied_to_what_its_node_sent(reader: TestClient) -> None:
    page = Page(reader.get("/network/cities/tepian").text)
    assert "https://tepian.example/cities/tepian" in page.links
    assert "/network/indicators/fires" in page.links
    assert reader.get("/network/cities/nowhere").status_code == 404
    network = Page(reader.get("/network").text)
    assert {"/network/cities/tepian", "/network/cities/phuket"} <= set(network.links)


def test_what_a_node_shares_no_more_is_gone_at_once(hub: Node, reader: TestClient) -> None:
    hub_acts.end(hub.broker, "tepian", "node")
    assert [row["city"] for row in rows(reader, "/network/indicators.csv")] == ["Phuket"]
    assert reader.get("/network/cities/tepian").status_code == 404
    assert reader.get("/trace/value/tepian/fires/2024").status_code == 404


def test_a_new_value_is_there_with_the_next_request(hub: Node, reader: TestClient) -> None:
    assert {row["value"] for row in rows(reader, "/network/indicators.csv")} == {"3.0", "7.5"}
    send(hub.broker, "phuket", values_of(PHUKET, FIRES, {"2025": 6.0}))
    assert {row["value"] for row in rows(reader, "/network/indicators.csv")} == {"3.0", "6.0"}


def test_what_no_node_has_sent_is_not_taken_for_a_citys_word(hub: Node, reader: TestClient) -> None:
    """A value that was written at the hub under a city's name, by whom ever."""
    hub.broker.create(values_of(TEPIAN, FIRES, {"2026": 0.0})[0] | {"scope": "/elsewhere"})
    hub.broker.create(values_of(Place("hue", "city", Path(), {"name": "Hue"}), FIRES, {"2026": 0.0})[0])
    assert {row["city"] for row in rows(reader, "/network/indicators.csv")} == {"Phuket", "Tepian"}
    assert {row["value"] for row in rows(reader, "/network/indicators.csv")} == {"3.0", "7.5"}


def test_a_hub_begins_with_its_network_and_a_citys_node_keeps_none(hub: Node, tmp_path: Path) -> None:
    there = TestClient(Application(hub), base_url="http://localhost", follow_redirects=False)
    assert there.get("/").headers["location"] == "/network"
    city = open_node(Settings(tmp_path / "city", (EXAMPLES / "kaltim",)))
    try:
        page = TestClient(Application(city), base_url="http://localhost", headers={"accept-language": "en"})
        assert page.get("/").status_code == 200
        shown = Page(page.get("/network").text)
        assert "This node keeps no network" in shown.text
        administration = ("people", "meetings", "recommendations", "report", "plans", "members")
        assert not {f"/network/{one}" for one in administration} & set(shown.links)
    finally:
        city.close()


def test_indonesian_words(hub: Node) -> None:
    reader = TestClient(Application(hub), base_url="http://localhost", headers={"accept-language": "id"})
    assert "Kebakaran" in reader.get("/network/indicators").text
    assert "Indikator" in reader.get("/network/indicators").text


def test_whom_to_ask_names_cities_by_what_their_nodes_sent(reader: TestClient) -> None:
    (row,) = rows(reader, "/network/matches.csv?city=phuket")
    assert (row["city"], row["indicator"], row["from"], row["to"]) == ("Tepian", "Fires", "4.0", "3.0")
    assert (row["place"], row["node"]) == ("tepian", "Tepian")
    assert row["computed"]
    page = Page(reader.get("/network/matches?city=phuket").text)
    assert {"/network/cities/tepian", "/network/indicators/fires", "/trace/value/tepian/fires/2024"} <= set(
        page.links
    )
    assert "Sent by the node Tepian, computed on" in page.text
    for link in ("/network/cities/tepian", "/network/indicators/fires", "/trace/value/tepian/fires/2024"):
        assert reader.get(link).status_code == 200, link
    assert rows(reader, "/network/matches.csv?city=tepian") == [], (
        "it is the best, and met no target that it has not"
    )
    assert reader.get("/network/matches?city=atlantis").status_code == 404


def test_what_no_member_sent_is_nobodys_word(hub: Node, reader: TestClient) -> None:
    sent = values_of(TEPIAN, FIRES, {"2025": 1.0})
    own = {"id": "urn:ngsi-ld:KeyPerformanceIndicator:own", "scope": "/bangkok"}
    hub.broker.create(sent[0] | own | {"place": {"type": "Property", "value": "bangkok"}})
    assert reader.get("/network/matches?city=bangkok").status_code == 404
    hub_acts.end(hub.broker, "tepian", "hub")
    assert reader.get("/network/matches?city=tepian").status_code == 404
    assert rows(reader, "/network/matches.csv?city=phuket") == []


def test_outcomes_are_held_against_what_a_city_s_node_sent(hub: Node, reader: TestClient) -> None:
    origins = Origins(hub.store.tenant())
    values = Measurements(hub.broker, origins.title_of)
    assert [(one.label, one.value, one.node) for one in values("tepian", "fires")] == [
        ("2023", 4.0, "Tepian"), ("2024", 3.0, "Tepian"),
    ]  # fmt: skip
    stray = values_of(TEPIAN, FIRES, {"2025": 1.0}, "/phuket")
    send(hub.broker, "phuket", stray)
    hub.broker.create(values_of(TEPIAN, FIRES, {"2026": 9.0})[0])
    values = Measurements(hub.broker, origins.title_of)
    assert [one.label for one in values("tepian", "fires")] == ["2023", "2024"], (
        "neither another's word nor nobody's"
    )
    aim = Outcome(
        place="tepian", indicator="fires", baseline_year=2020, baseline=6, target_year=2030, target=2
    )
    plan = Plan(key="tepian", text=PlanText(outcomes=(aim,)))
    (found,) = standing_of(plan, values, Rules(), dt.date(2026, 1, 1)).outcomes
    assert (found.state, found.latest and found.latest.value) == ("on_path", 3.0)
