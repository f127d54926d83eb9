"""Hosting, listing, serving, deleting and reloading of @contexts over HTTP (clause 5.13, 6.29, 6.30)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.test_contexts import Server, server  # noqa: F401  a real server of contexts
from support.api import BASE, Api, link, problem, running

CORE_16 = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld"
HEAT = {"@context": {"heat": "https://example.org/heat"}}


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Api]:
    """A node that may fetch from this machine."""
    with running(tmp_path / "data", private_addresses=True) as found:
        yield found


def hosted(api: Api, document: Any = HEAT, **headers: str) -> str:
    answer = api("POST", "/jsonldContexts", json=document, headers=headers)
    assert (answer.status_code, answer.content) == (201, b"")
    location: str = answer.headers["location"]
    assert location.startswith(f"{BASE}/jsonldContexts/")
    return location.removeprefix(BASE)


def test_a_hosted_context_is_served_as_it_came_and_used_by_its_url(api: Api) -> None:
    path = hosted(api)
    assert api.get(path).json() == HEAT
    details = api.get(f"{path}?details=true").json()
    assert details == {
        "URL": f"http://localhost{BASE}{path}",
        "localId": path.rpartition("/")[2],
        "kind": "Hosted",
        "createdAt": details["createdAt"],
    }
    entity = {"id": "urn:ngsi-ld:Weather:1", "type": "Weather", "heat": 1}
    assert api("POST", "/entities", json=entity, headers=link(details["URL"])).status_code == 201
    assert api.read("urn:ngsi-ld:Weather:1")["https://example.org/heat"]["value"] == 1


def test_the_list_has_urls_or_details_of_one_kind(api: Api) -> None:
    path = hosted(api)
    url = f"http://localhost{BASE}{path}"
    assert url in api.get("/jsonldContexts").json()
    assert api.get("/jsonldContexts?kind=Hosted").json() == [url]
    assert url not in api.get("/jsonldContexts?kind=Cached").json()
    assert [one["kind"] for one in api.get("/jsonldContexts?kind=Hosted&details=true").json()] == ["Hosted"]
    problem(api.get("/jsonldContexts?kind=Own"), 400, "BadRequestData")
    problem(api.get("/jsonldContexts?details=perhaps"), 400, "BadRequestData")


def test_what_is_no_context_is_refused(api: Api) -> None:
    problem(api("POST", "/jsonldContexts", json={"heat": "https://example.org/heat"}), 400, "InvalidRequest")
    for wrong in (42, True, ["https://example.org/c.jsonld", 7], None, {"heat": 3}):
        problem(api("POST", "/jsonldContexts", json={"@context": wrong}), 400, "BadRequestData")
    problem(api.get("/jsonldContexts/urn:none"), 404, "ResourceNotFound")


def test_a_deleted_context_is_gone(api: Api) -> None:
    path = hosted(api)
    problem(api("DELETE", f"{path}?reload=true"), 400, "BadRequestData")
    assert api("DELETE", path).status_code == 204
    problem(api.get(path), 404, "ResourceNotFound")
    problem(api("DELETE", path), 404, "ResourceNotFound")
    problem(api("DELETE", "/jsonldContexts/unknown?reload=true"), 400, "BadRequestData")


def test_a_hosted_context_is_its_tenants_alone(api: Api) -> None:
    path = hosted(api, **{"ngsild-tenant": "one"})
    hosted(api, **{"ngsild-tenant": "two"})
    assert api.get(path, ngsild_tenant="one").status_code == 200
    for tenant in ({}, {"ngsild-tenant": "two"}):
        problem(api("GET", path, headers=tenant), 404, "ResourceNotFound")
        problem(api("DELETE", path, headers=tenant), 404, "ResourceNotFound")
    url = f"http://localhost{BASE}{path}"
    entity = {"id": "urn:ngsi-ld:Weather:1", "type": "Weather", "heat": 1}
    problem(api("POST", "/entities", json=entity, headers=link(url)), 504, "LdContextNotAvailable")
    mine = {**link(url), "ngsild-tenant": "one"}
    assert api("POST", "/entities", json=entity, headers=mine).status_code == 201


def test_the_core_context_is_always_there(api: Api) -> None:
    path = "/jsonldContexts/" + CORE_16.replace("/", "%2F")
    assert api.get(f"{path}?details=true").json()["kind"] == "Cached"
    problem(api("DELETE", path), 400, "BadRequestData")
    assert api("DELETE", f"{path}?reload=true").status_code == 204


def test_a_cached_context_is_described_reloaded_and_deleted(near: Api, server: Server) -> None:  # noqa: F811
    url = server.put("/c.jsonld", HEAT)
    path = "/jsonldContexts/" + url.replace("/", "%2F")
    problem(near.get(path), 404, "ResourceNotFound")
    assert near.get("/entities?type=Weather", **link(url)).status_code == 200
    assert near.get(f"{path}?details=true").json()["kind"] == "Cached"
    problem(near.get(path), 422, "OperationNotSupported")
    server.put("/c.jsonld", {"@context": {"heat": "https://example.org/warmth"}})
    assert near("DELETE", f"{path}?reload=true").status_code == 204
    entity = {"id": "urn:ngsi-ld:Weather:1", "type": "Weather", "heat": 1}
    near("POST", "/entities", json=entity, headers=link(url))
    assert "https://example.org/warmth" in near.read("urn:ngsi-ld:Weather:1")
    server.put("/c.jsonld", b"", status=404)
    problem(near("DELETE", f"{path}?reload=true"), 504, "LdContextNotAvailable")
    assert near.get(f"{path}?details=true").status_code == 200
    assert near("DELETE", path).status_code == 204
    problem(near.get(f"{path}?details=true"), 404, "ResourceNotFound")


def test_a_subscription_with_a_context_of_its_own_makes_one(api: Api) -> None:
    subscription = {
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "Weather"}],
        "notification": {"endpoint": {"uri": "https://example.org/notify"}},
        "@context": [HEAT["@context"]],
    }
    media = {"content-type": "application/ld+json"}
    assert api("POST", "/subscriptions", json=subscription, headers=media).status_code == 201
    url = api.get("/subscriptions/urn:ngsi-ld:Subscription:1").json()["jsonldContext"]
    assert api.get("/jsonldContexts?kind=ImplicitlyCreated").json() == [url]
    path = "/jsonldContexts/" + url.rpartition("/")[2]
    assert api.get(path).json() == {"@context": [HEAT["@context"]]}
    assert api("DELETE", path).status_code == 204


def test_a_node_says_who_it_is(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        first = api.get("/info/sourceIdentity").json()
        other = api.get("/info/sourceIdentity", ngsild_tenant="city-a").json()
    assert first["type"] == "ContextSourceIdentity"
    assert first["contextSourceUptime"].startswith("PT")
    assert first["contextSourceTimeAt"].endswith("Z")
    assert first["contextSourceAlias"] != other["contextSourceAlias"]
    with running(tmp_path) as api:  # started again, it is the same node
        again = api.get("/info/sourceIdentity").json()
    assert again["contextSourceAlias"] == first["contextSourceAlias"]
    assert again["id"] == first["id"]
