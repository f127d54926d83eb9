"""What another node answers is taken as it stands where that is right, and means the same as if it were parsed."""

from __future__ import annotations

from typing import Any

import pytest

from mahakam.ngsild import merging
from mahakam.ngsild.context import CORE
from mahakam.ngsild.problem import Problem

AT = "2026-01-01T00:00:00.000Z"
TIMES = {"createdAt": AT, "modifiedAt": AT}
STOP: dict[str, Any] = {
    "id": "urn:ngsi-ld:BusStop:1",
    "type": "BusStop",
    "scope": "/kaltim/samarinda",
    **TIMES,
    "waiting": {"type": "Property", "value": 7, "unitCode": "C62", "observedAt": AT, **TIMES},
    "line": {"type": "Property", "value": "A"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.1, -0.5]}, **TIMES},
}


def closely(payload: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The document if all of it is parsed, or the refusal's text."""
    with monkeypatch.context() as patch:
        patch.setattr(merging, "_plain", lambda _payload, _context: None)
        return taken(payload)


def taken(payload: dict[str, Any]) -> Any:
    try:
        return merging.received(payload, CORE)
    except Problem as problem:
        return str(problem)


def test_a_plain_entity_is_taken_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert merging._plain(STOP, CORE) == STOP
    assert closely(STOP, monkeypatch) == STOP


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "no uri"},
        {"id": 7},
        {"type": ["BusStop", "Shelter"]},
        {"type": ""},
        {"type": "https://example.org/BusStop"},
        {"scope": ["/a", "/b"]},
        {"scope": "a"},
        {"scope": "/a b"},
        {"createdAt": "yesterday"},
        {"modifiedAt": 3},
        {"expiresAt": AT},
        {"waiting": 7},
        {"waiting": {"type": "Property"}},
        {"waiting": {"type": "Property", "value": None}},
        {"waiting": {"type": "Property", "value": "urn:ngsi-ld:null"}},
        {"waiting": {"type": "Property", "value": 7, "modifiedAt": "then"}},
        {"waiting": {"type": "Property", "value": 7, "observedAt": "then"}},
        {"waiting": {"type": "Property", "value": 7, "unitCode": ""}},
        {"waiting": {"type": "Property", "value": {"a": 1}, **TIMES}},
        {"waiting": {"type": "Property", "value": 7, "accuracy": {"type": "Property", "value": 1}, **TIMES}},
        {
            "waiting": [
                {"type": "Property", "value": 7},
                {"type": "Property", "value": 8, "datasetId": "urn:x:y"},
            ]
        },
        {"of": {"type": "Relationship", "object": "urn:ngsi-ld:Line:1", **TIMES}},
        {"of": {"type": "Relationship", "object": "no uri"}},
        {"name": {"type": "LanguageProperty", "languageMap": {"en": "Market"}}},
        {"location": {"type": "Property", "value": 7}},
        {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [999, 0]}}},
        {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": ["a", 0]}}},
        {
            "location": {
                "type": "GeoProperty",
                "value": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
            }
        },
        {"datasetId": {"type": "Property", "value": 7}},
        {"a b": {"type": "Property", "value": 7}},
        {"https://example.org/waiting": {"type": "Property", "value": 7}},
    ],
)
def test_whatever_is_not_plain_means_what_the_parser_says(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = {**STOP, **changed}
    assert taken(payload) == closely(payload, monkeypatch)
