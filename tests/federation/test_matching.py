"""Which registrations a request concerns (clause 5.12)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mahakam.broker.federation.client import Client, SourceError, url_of
from mahakam.broker.federation.matching import Index
from mahakam.broker.federation.operations import GROUPS, KNOWN, expanded
from mahakam.broker.federation.registration import Registration, of_payload

AT = "2026-01-01T00:00:00Z"


def registered(id: str, *information: dict[str, Any], **more: Any) -> Registration:
    return of_payload({"id": id, "information": list(information), "endpoint": "https://a.example/", **more})


def entities(*selectors: dict[str, Any], names: tuple[str, ...] = ()) -> dict[str, Any]:
    part: dict[str, Any] = {"entities": list(selectors)}
    return part | ({"propertyNames": list(names)} if names else {})


INDEX = Index(
    [
        registered("all", entities({"type": "Weather"})),
        registered("one", entities({"type": "Weather", "id": "urn:w:1"}, names=("heat",))),
        registered("some", entities({"type": "Weather", "idPattern": "^urn:w:[12]$"}, {"type": "Tram"})),
        registered("heat", {"propertyNames": ["heat"]}),
        registered("gone", entities({"type": "Weather"}), expiresAt=AT),
    ]
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "all one some heat"),
        ({"types": ["Weather"]}, "all one some heat"),
        ({"types": ["Tram"]}, "some heat"),
        ({"ids": ["urn:w:1"]}, "all one some heat"),
        ({"ids": ["urn:w:3"], "types": ["Weather"]}, "all heat"),
        ({"ids": ["urn:w:3", "urn:w:2"], "types": ["Weather"]}, "all some heat"),
        ({"types": ["Weather"], "attributes": ["rain"]}, "all some"),
        ({"types": ["Weather"], "id_pattern": "9$"}, "all some heat"),
        ({"types": ["Boat"]}, "heat"),
    ],
)
def test_requests_find_their_sources(query: dict[str, Any], found: str) -> None:
    assert [match.registration.id for match in INDEX.find(at=AT, **query)] == found.split()


def test_a_request_is_narrowed_to_what_is_registered() -> None:
    matches = {match.registration.id: match for match in INDEX.find(at=AT, types=["Weather"])}
    assert matches["one"].ids == ("urn:w:1",)
    assert matches["one"].attributes == {"heat"}
    assert matches["some"].id_pattern == "^urn:w:[12]$"
    assert matches["one"].holds("urn:w:1", ["Weather"])
    assert not matches["one"].holds("urn:w:2", ["Weather"])


def test_groups_stand_for_known_operations() -> None:
    assert set(expanded(GROUPS)) <= KNOWN
    assert expanded(["retrieveOps", "createBatch"]) == {"retrieveEntity", "queryEntity", "createBatch"}


@pytest.mark.parametrize(
    "endpoint", ["https://a.example", "https://a.example/", "https://a.example/ngsi-ld/v1"]
)
def test_an_endpoint_may_name_the_api_or_not(endpoint: str) -> None:
    one = of_payload({"id": "a", "information": [], "endpoint": endpoint})
    assert str(url_of(one, "/types")) == "https://a.example/ngsi-ld/v1/types"


async def _refused(endpoint: str) -> None:
    one = of_payload({"id": "a", "information": [], "endpoint": endpoint})
    with pytest.raises(SourceError, match="private address"):
        await Client().send(one, "GET", "/types", {})


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9", "http://10.0.0.1"]
)
def test_private_addresses_are_looked_at_after_they_are_resolved(endpoint: str) -> None:
    asyncio.run(_refused(endpoint))
