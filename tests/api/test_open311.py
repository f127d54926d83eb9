"""Open311 GeoReport v2: the whole use by HTTP, XML and JSON alike, refusals in its own words, and a real client."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from georeport import GeoReport
from PIL import Image

from mahakam.access.keys import add_key
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services.desk import Desk
from mahakam.services.request import Draft, entity_id
from support.node import RunningNode
from support.notify import until
from support.portal import BAY, TOWN, Portal, two_cities

QUESTIONS = """form:
  properties:
    size:
      title: {en: Size, id: Ukuran}
      type: string
      oneOf: [{const: hand, title: Hand}, {const: car, title: {en: Car, id: Mobil}}]
    seen: {title: Seen, type: array, items: {oneOf: [{const: water, title: Water}, {const: glass, title: Glass}]}}
  required: [size]
"""
GOOD = {
    "jurisdiction_id": "town",
    "service_code": "pothole",
    "lat": str(TOWN[1]),
    "long": str(TOWN[0]),
    "description": "A deep hole in the road",
    "attribute[size]": "car",
    "attribute[seen][]": ["water", "glass"],
}
LATER = dt.timedelta(seconds=1)


class World:
    """Two cities with services; ``key`` may send to the town only."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        store = portal.node.store.tenant()
        self.key = add_key(store, "reporter", ("write",), ("town",))[0]
        self.reader = add_key(store, "reader", ("read",), ("*",))[0]
        self.desk = Desk(portal.node.broker, portal.node.places, portal.node.settings.data)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.portal.browser().get(f"/open311{path}", **headers)

    def post(self, fields: Mapping[str, Any], format: str = "json", files: Any = None) -> httpx.Response:
        return self.portal.browser().post(f"/open311/requests.{format}", dict(fields), files)

    def send(self, **more: Any) -> str:
        """Send a good request; its number."""
        answer = self.post({**GOOD, "api_key": self.key, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()[0]["service_request_id"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    places = two_cities(tmp_path / "places")
    path = places / "prov/town/services/pothole.yaml"
    path.write_text(path.read_text() + QUESTIONS)
    with Portal(tmp_path / "data", places) as portal:
        yield World(portal)


def _errors(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    rows = answer.json()
    assert rows
    assert all(row["code"] == str(status) and row["description"] for row in rows)
    return "\n".join(row["description"] for row in rows)


def _xml(answer: httpx.Response) -> ElementTree.Element:
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.text.startswith('<?xml version="1.0" encoding="utf-8"?>')
    return ElementTree.fromstring(answer.content)


def test_discovery_leads_to_the_endpoint(world: World) -> None:
    found = world.get("/discovery.json").json()
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert endpoint["url"].endswith("/open311")
    assert found["contact"]
    assert found["key_service"]
    assert dt.datetime.fromisoformat(found["changeset"]) <= dt.datetime.now(dt.UTC)
    root = _xml(world.get("/discovery.xml"))
    assert root.tag == "discovery"
    assert root.findtext("endpoints/endpoint/url") == endpoint["url"]
    assert [one.text for one in root.findall("endpoints/endpoint/formats/format")] == endpoint["formats"]


def test_services_and_their_questions(world: World) -> None:
    rows = {row["service_code"]: row for row in world.get("/services.json?jurisdiction_id=town").json()}
    assert rows["pothole"] == {
        "service_code": "pothole",
        "service_name": "Pothole",
        "description": None,
        "metadata": True,
        "type": "realtime",
        "keywords": "aspal",
        "group": "Roads",
    }
    assert rows["street-light"]["metadata"] is False
    indonesian = world.get("/services.json?jurisdiction_id=town&locale=id").json()
    assert "Jalan berlubang" in [row["service_name"] for row in indonesian]
    definition = world.get("/services/pothole.json?jurisdiction_id=town").json()
    assert definition["service_code"] == "pothole"
    size, seen = definition["attributes"]
    assert (size["datatype"], size["required"], size["order"]) == ("singlevaluelist", True, 1)
    assert size["values"] == [{"key": "hand", "name": "Hand"}, {"key": "car", "name": "Car"}]
    assert (seen["datatype"], seen["required"], seen["order"]) == ("multivaluelist", False, 2)
    root = _xml(world.get("/services/pothole.xml?jurisdiction_id=town"))
    assert [one.findtext("code") for one in root.findall("attributes/attribute")] == ["size", "seen"]
    assert root.findtext("attributes/attribute/variable") == "true"


def test_a_request_is_sent_followed_and_answered(world: World) -> None:
    number = world.send(email="ana@example.org", first_name="Ana", phone="0812")
    (row,) = world.get(f"/requests/{number}.json?jurisdiction_id=town&extensions=true").json()
    assert row["status"] == "open"
    assert row["service_name"] == "Pothole"
    assert (row["lat"], row["long"]) == (TOWN[1], TOWN[0])
    assert {one["code"]: one["value"] for one in row["attributes"]} == {"size": "car", "seen": "water, glass"}
    assert "Ana" not in str(row)
    assert "ana@example.org" not in str(row)
    private = world.desk.private(number)
    assert (private.contact, private.person) == ("ana@example.org", {"first_name": "Ana", "phone": "0812"})
    document = world.portal.node.broker.get(entity_id(number))
    assert document
    assert "0812" not in str(document)
    world.desk.step(number, 1, "answered", "The hole is filled.", "Dinas PU", "siti")
    (row,) = world.get(f"/requests/{number}.json?jurisdiction_id=town&extensions=true").json()
    assert (row["status"], row["status_notes"]) == ("closed", "The hole is filled.")
    assert row["extended_attributes"]["detailed_status"] == "answered"
    assert [note["description"] for note in row["notes"]] == ["The hole is filled."]
    updates = world.get("/servicerequestupdates.json?jurisdiction_id=town").json()
    assert [(one["service_request_id"], one["status"]) for one in updates] == [(number, "closed")]
    token = world.get(f"/tokens/{number}.json?jurisdiction_id=town").json()
    assert token == [{"service_request_id": number, "token": number}]


def test_xml_and_json_say_the_same(world: World) -> None:
    first, second = world.send(description="<b>Loch & \x0bMatsch</b>"), world.send()
    rows = world.get("/requests.json?jurisdiction_id=town").json()
    root = _xml(world.get("/requests.xml?jurisdiction_id=town"))
    assert root.tag == "service_requests"
    assert [one.tag for one in root] == ["request", "request"]
    assert [row["service_request_id"] for row in rows] == [second, first]
    for row, element in zip(rows, root, strict=True):
        assert list(row) == [child.tag for child in element]
        assert {name: "" if value is None else str(value) for name, value in row.items()} == {
            child.tag: child.text or "" for child in element
        }


def test_filters(world: World) -> None:
    first = world.send()
    light = world.send(service_code="street-light", **{"attribute[size]": "", "attribute[seen][]": ""})
    world.desk.step(first, 1, "answered", "Done.", "Dinas PU", "siti")

    def numbers(query: str) -> list[str]:
        answer = world.get(f"/requests.json?jurisdiction_id=town&{query}")
        assert answer.status_code == 200, answer.text
        return [row["service_request_id"] for row in answer.json()]

    assert numbers("") == [light, first]
    assert numbers("status=open") == [light]
    assert numbers("status=closed") == [first]
    assert numbers("status=open,closed") == [light, first]
    assert numbers("service_code=pothole") == [first]
    assert numbers("service_code=pothole,street-light") == [light, first]
    assert numbers(f"service_request_id={first},{light}&status=open") == [first, light], (
        "ids override the rest"
    )
    assert numbers("service_request_id=TOWN-1999-000001") == []
    assert numbers("page_size=1") == [light]
    assert numbers("page_size=1&page=2") == [first]
    assert numbers("page_size=1&page=3") == []
    assert numbers("start_date=2020-01-01T00:00:00Z") == [], "90 days from the start"
    assert numbers("end_date=2020-01-01T00:00:00Z") == []
    assert numbers("updated_after=2020-01-01T00:00:00Z") == [light, first]
    now = dt.datetime.now(dt.UTC)
    assert numbers(f"start_date={(now - dt.timedelta(hours=1)):%Y-%m-%dT%H:%M:%SZ}") == [light, first]
    assert numbers(f"start_date={(now + dt.timedelta(hours=1)):%Y-%m-%dT%H:%M:%S}%2B00:00") == []


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/services.json", 400, "jurisdiction_id is missing; it is one of bay, town"),
        ("/services.json?jurisdiction_id=atlantis", 404, "atlantis"),
        ("/services/boat.json?jurisdiction_id=town", 404, "boat"),
        ("/services.yaml?jurisdiction_id=town", 404, ""),
        ("/requests/TOWN-2026-999999.json?jurisdiction_id=town", 404, "TOWN-2026-999999"),
        ("/tokens/nonsense.json?jurisdiction_id=town", 404, "nonsense"),
        ("/requests.json?jurisdiction_id=town&status=lost", 400, "open, closed"),
        ("/requests.json?jurisdiction_id=town&start_date=yesterday", 400, "2026-01-31T08:00:00Z"),
        ("/requests.json?jurisdiction_id=town&page=0", 400, "page is a whole number"),
        ("/requests.json?jurisdiction_id=town&page_size=1001", 400, "from 1 to 1000"),
        ("/nothing.json", 404, "discovery"),
    ],
)
def test_what_is_not_there_is_said(world: World, path: str, status: int, says: str) -> None:
    answer = world.get(path)
    if path.startswith("/services.yaml"):
        assert answer.status_code == 404
        return
    assert says in _errors(answer, status)


def test_errors_come_in_xml_too(world: World) -> None:
    answer = world.get("/services/boat.xml?jurisdiction_id=town")
    assert answer.status_code == 404
    root = _xml(answer)
    assert root.tag == "errors"
    assert root.findtext("error/code") == "404"
    assert "boat" in (root.findtext("error/description") or "")


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"api_key": ""}, 403, "api_key is missing"),
        ({"api_key": "mhk_wrong"}, 403, "not valid"),
        (
            {"jurisdiction_id": "bay", "lat": str(BAY[1]), "long": str(BAY[0])},
            403,
            "may not send requests to bay",
        ),
        ({"service_code": ""}, 400, "service_code is missing"),
        ({"service_code": "boat"}, 404, "boat"),
        ({"lat": "", "long": ""}, 400, "send lat and long, or address_string"),
        ({"lat": "north"}, 400, "lat is a decimal number"),
        ({"lat": str(TOWN[0]), "long": str(TOWN[1])}, 400, "wrong way round|-90 to 90"),
        ({"lat": str(BAY[1]), "long": str(BAY[0])}, 400, "outside"),
        ({"lat": "", "long": "", "address_string": "Nowhere 5"}, 400, "names no village"),
        ({"description": ""}, 400, "description is missing"),
        ({"description": "x" * 4001}, 400, "4000"),
        ({"email": "nobody"}, 400, "e-mail"),
        ({"attribute[size]": ""}, 400, "attribute[size]: missing"),
        ({"attribute[size]": "boat"}, 400, "attribute[size]: choice"),
        ({"attribute[colour]": "red"}, 400, "attribute[colour]: unknown"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
    ],
)
def test_a_request_that_cannot_be_taken(world: World, change: dict[str, str], status: int, says: str) -> None:
    answer = world.post({**GOOD, "api_key": world.key, **change})
    words = _errors(answer, status)
    assert any(part in words for part in says.split("|")), words
    assert world.get("/requests.json?jurisdiction_id=town").json() == []


def test_a_key_that_only_reads_sends_nothing(world: World) -> None:
    assert "may not send" in _errors(world.post({**GOOD, "api_key": world.reader}), 403)


def test_everything_wrong_is_said_at_once(world: World) -> None:
    words = _errors(world.post({"jurisdiction_id": "town", "api_key": world.key}), 400)
    assert len(words.splitlines()) == 3


def test_a_photo_comes_with_the_request(world: World) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    answer = world.post(
        {**GOOD, "api_key": world.key}, files={"media": ("a.png", picture.getvalue(), "image/png")}
    )
    assert answer.status_code == 201, answer.text
    number = answer.json()[0]["service_request_id"]
    (row,) = world.get(f"/requests/{number}.json?jurisdiction_id=town").json()
    photo = world.portal.browser().get(httpx.URL(row["media_url"]).path)
    assert photo.headers["content-type"] == "image/jpeg"
    bad = world.post({**GOOD, "api_key": world.key}, files={"media": ("a.png", b"<script>", "image/png")})
    assert "no photo" in _errors(bad, 400)
    elsewhere = world.send(media_url="https://example.org/a.jpg")
    (row,) = world.get(f"/requests/{elsewhere}.json?jurisdiction_id=town").json()
    assert row["media_url"] == "https://example.org/a.jpg"


def test_a_number_of_another_city_is_not_there(world: World) -> None:
    number = world.send()
    assert _errors(world.get(f"/requests/{number}.json?jurisdiction_id=bay"), 404)
    assert world.get(f"/requests.json?jurisdiction_id=bay&service_request_id={number}").json() == []


@pytest.mark.parametrize("format", ["json", "xml"])
def test_a_real_client_lists_and_reads(tmp_path: Path, format: str) -> None:
    places = two_cities(tmp_path / "places")
    node = Node(Settings(data=tmp_path / "data", config=(places,)))
    key = add_key(node.store.tenant(), "reporter", ("write",), ("town",))[0]
    node.close()
    with RunningNode(tmp_path / "data", config=(places,)) as server:
        fields = {**GOOD, "api_key": key, "attribute[size]": "", "attribute[seen][]": []}
        numbers = []
        for _ in range(2):
            answer = httpx.post(f"{server.url}/open311/requests.json", data=fields)
            assert answer.status_code == 201, answer.text
            numbers.append(answer.json()[0]["service_request_id"])
        client = GeoReport(f"{server.url}/open311", jurisdiction="town", output_format=format)
        assert {one["service_code"] for one in client.get_service_list()} == {"pothole", "street-light"}
        assert client.get_service_definition("pothole")["service_code"] == "pothole"
        found = client.get_service_requests(service_code="pothole", status="open")
        assert [one["service_request_id"] for one in found] == numbers[::-1]
        one = client.get_service_request(numbers[0])
        assert (one[0] if isinstance(one, list) else one)["description"] == GOOD["description"]


def test_a_list_that_is_asked_for_again_is_as_things_are_now(world: World) -> None:
    """Rows are remembered: what changed, another language, address or format, is another row."""
    number = world.send()
    path = "/requests.json?jurisdiction_id=town"
    (before,) = world.get(path).json()
    assert world.get(path).json() == [before]
    assert world.get(f"{path}&locale=id").json()[0]["service_name"] == "Jalan berlubang"
    assert "extended_attributes" in world.get(f"{path}&extensions=true").json()[0]
    world.desk.step(number, 1, "answered", "Done.", "Dinas PU", "siti")
    (after,) = world.get(path).json()
    assert (before["status"], after["status"], after["status_notes"]) == ("open", "closed", "Done.")
    services = world.portal.node.places["town"].folder / "services/pothole.yaml"
    services.write_text(services.read_text().replace("en: Pothole", "en: Hole"))
    until(lambda: world.get(path).json()[0]["service_name"] == "Hole")


def test_what_came_late_into_the_store_is_still_older(world: World) -> None:
    """A request of long ago that is taken in last is not among those of the last 90 days, and hides none of them."""
    now = dt.datetime.now(dt.UTC)
    draft = Draft("town", "street-light", "Lamp out", TOWN)
    recent = [world.desk.send(draft, now - dt.timedelta(days=days)).number for days in (5, 4)]
    old = world.desk.send(draft, now - dt.timedelta(days=200)).number
    listed = [row["service_request_id"] for row in world.get("/requests.json?jurisdiction_id=town").json()]
    assert listed == recent[::-1]
    for size in (1, 2):
        rows = world.get(f"/requests.json?jurisdiction_id=town&page_size={size}").json()
        assert [row["service_request_id"] for row in rows] == recent[::-1][:size]
    since = (now - dt.timedelta(days=201)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = world.get(f"/requests.json?jurisdiction_id=town&start_date={since}").json()
    assert [row["service_request_id"] for row in rows] == [old]
