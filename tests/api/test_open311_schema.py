"""Every answer of Open311 in JSON has the names and kinds that GeoReport v2 gives it, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mahakam.access.keys import add_key
from mahakam.services.desk import Desk
from mahakam.services.photo import keep_photo
from mahakam.services.request import Draft
from support.papers import photo
from support.portal import TOWN, Portal, two_cities

SCHEMA = json.loads(Path(__file__).with_name("georeport-v2.json").read_text())
FORM = """form:
  properties:
    size: {title: {en: Size, id: Ukuran}, type: string, oneOf: [{const: hand, title: Hand}, {const: car, title: Car}]}
    kinds: {title: Kinds, type: array, items: {oneOf: [{const: water, title: Water}, {const: glass, title: Glass}]}}
    depth: {title: Depth, type: number}
    wet: {title: Wet, type: boolean}
    since: {title: Since, type: string, format: date-time}
    more: {title: More, type: string}
"""
ANSWERS = {
    "size": "car",
    "kinds": ["water"],
    "depth": "2.5",
    "wet": "true",
    "since": "2026-01-02T03:04",
    "more": "x",
}


def _wrong(name: str, document: Any) -> list[str]:
    schema = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    found = jsonschema_rs.Draft202012Validator(schema).iter_errors(document)
    return [f"{'/'.join(map(str, one.instance_path))}: {one.message}" for one in found]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    path = places / "prov/town/services/pothole.yaml"
    path.write_text(path.read_text() + FORM)
    with Portal(tmp_path / "data", places) as made:
        yield made


def _get(portal: Portal, path: str) -> Any:
    return portal.browser().get(f"/open311/{path}{'&' if '?' in path else '?'}jurisdiction_id=town").json()


def test_what_is_listed(portal: Portal) -> None:
    assert _wrong("discovery", _get(portal, "discovery.json")) == []
    assert _wrong("services", _get(portal, "services.json")) == []
    definition = _get(portal, "services/pothole.json")
    assert len(definition["attributes"]) == len(ANSWERS)
    assert _wrong("definition", definition) == []


def test_requests_in_every_state_bare_and_with_all_there_can_be(portal: Portal) -> None:
    data = portal.node.settings.data
    desk = Desk(portal.node.broker, portal.node.places, data)
    bare = desk.send(Draft("town", "street-light", "Out", TOWN)).number
    full = desk.send(
        Draft(
            "town", "pothole", "x" * 4000, TOWN, photos=(keep_photo(data, photo()).name,), answers=ANSWERS,
            contact="a@example.id", person={"first_name": "Ana"}, address="Jl. Dahlia 1",
        )
    ).number  # fmt: skip
    desk.send(Draft("town", "street-light", "Kept elsewhere", TOWN, media="https://example.id/a.jpg"))
    for revision, (state, text) in enumerate((("inProgress", ""), ("answered", "Done"), ("closed", ""))):
        assert _wrong("requests", _get(portal, "requests.json?extensions=true")) == []
        desk.step(full, revision + 1, state, text, "Dinas PU", "siti", frozenset({"officer", "resident"}))
    rows = _get(portal, "requests.json")
    assert len(rows) == 3
    assert _wrong("requests", rows) == []
    assert _wrong("requests", _get(portal, f"requests/{bare}.json?extensions=true")) == []
    assert _wrong("token", _get(portal, f"tokens/{full}.json")) == []


def test_what_is_sent_and_what_is_refused(portal: Portal) -> None:
    key = add_key(portal.node.store.tenant(), "reporter", ("write",), ("town",))[0]
    good = {
        "jurisdiction_id": "town", "service_code": "street-light", "lat": str(TOWN[1]), "long": str(TOWN[0]),
        "description": "Lamp out", "api_key": key,
    }  # fmt: skip
    answer = portal.browser().post("/open311/requests.json", good)
    assert answer.status_code == 201
    assert _wrong("sent", answer.json()) == []
    for wrong in (
        {"api_key": "none"},
        {"service_code": ""},
        {"service_code": "none"},
        {"lat": "north", "description": ""},
    ):
        answer = portal.browser().post("/open311/requests.json", good | wrong)
        assert answer.status_code >= 400
        assert _wrong("errors", answer.json()) == []
    assert _wrong("errors", portal.browser().get("/open311/services.json?jurisdiction_id=none").json()) == []


def test_what_does_not_fit_is_found() -> None:
    assert _wrong("requests", [{"service_request_id": 1}])
    assert _wrong("services", [])
