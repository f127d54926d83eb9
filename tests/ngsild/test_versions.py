"""Documents for consumers of earlier versions (clause 4.3.6.8)."""

from __future__ import annotations

from typing import Any

from mahakam.ngsild.context import Context
from mahakam.ngsild.versions import for_version

CONTEXT = Context("https://example.org/c", {"shop": "https://example.org/shop"})
DOCUMENT: dict[str, Any] = {
    "id": "urn:1",
    "type": "Place",
    "createdAt": "2026-01-01T00:00:00Z",
    "name": {"type": "LanguageProperty", "languageMap": {"en": "Market"}},
    "use": {
        "type": "VocabProperty",
        "vocab": ["https://example.org/shop", "other"],
        "since": {"type": "JsonProperty", "json": {"year": 2020}},
    },
    "near": [{"type": "ListRelationship", "objectList": [{"object": "urn:2"}], "datasetId": "urn:d"}],
    "heat": {"type": "Property", "value": 1, "raw": {"type": "ListProperty", "valueList": [1]}},
}


def test_types_that_a_version_does_not_know_are_properties() -> None:
    found = for_version(DOCUMENT, (1, 5), CONTEXT)
    assert found["name"] is DOCUMENT["name"]
    assert found["use"] == {
        "type": "Property",
        "value": ["shop", "other"],
        "since": {"type": "Property", "value": {"year": 2020}},
    }
    assert found["near"] == [{"type": "Property", "value": ["urn:2"], "datasetId": "urn:d"}]
    assert found["heat"]["raw"] == {"type": "Property", "value": [1]}
    assert for_version(DOCUMENT, (1, 3), CONTEXT)["name"]["value"] == {"en": "Market"}
    assert DOCUMENT["use"]["type"] == "VocabProperty"


def test_what_a_version_knows_stays() -> None:
    assert for_version(DOCUMENT, (1, 8), CONTEXT) is DOCUMENT
    plain = {"id": "urn:1", "type": "Place", "heat": {"type": "Property", "value": 1}}
    assert for_version(plain, (1, 3), CONTEXT) is plain
