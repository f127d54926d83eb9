"""Media types, contexts and methods: what goes together, and what is refused (clause 6.3.4-6.3.6)."""

from __future__ import annotations

from typing import Any

import pytest

from mahakam.api.ngsild.call import negotiate
from mahakam.ngsild.problem import Problem
from support.api import Api, link, problem

ONE = "urn:ngsi-ld:Weather:1"
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
ENTITY = {"id": ONE, "type": "Weather", "heat": 1}
LD = "application/ld+json"


def create(api: Api, body: Any, kind: str | None, **headers: str) -> Any:
    import json

    sent = {**headers, **({"content-type": kind} if kind else {})}
    return api("POST", "/entities", content=json.dumps(body).encode(), headers=sent)


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json(api: Api, kind: str) -> None:
    assert create(api, ENTITY, kind).status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", None, "application/x-www-form-urlencoded"])
def test_other_bodies_are_not_supported(api: Api, kind: str | None) -> None:
    problem(create(api, ENTITY, kind), 415, "InvalidRequest")


def test_json_ld_carries_its_context(api: Api) -> None:
    body = {**ENTITY, "@context": [{"heat": "https://example.org/heat"}, CORE]}
    assert create(api, body, LD).status_code == 201
    assert api.read(ONE)["https://example.org/heat"]["value"] == 1


def test_contexts_in_the_wrong_place(api: Api) -> None:
    problem(create(api, {**ENTITY, "@context": CORE}, "application/json"), 400, "BadRequestData")
    problem(create(api, ENTITY, LD), 400, "BadRequestData")
    problem(create(api, {**ENTITY, "@context": CORE}, LD, **link(CORE)), 400, "BadRequestData")
    problem(create(api, {**ENTITY, "@context": 7}, LD), 400, "BadRequestData")
    two = {"link": f"{link(CORE)['link']}, {link(CORE)['link']}"}
    problem(create(api, ENTITY, "application/json", **two), 400, "BadRequestData")


def test_a_link_header_of_another_kind_is_no_context(api: Api) -> None:
    other = {"link": '<https://example.org/next>; rel="next"'}
    assert create(api, ENTITY, "application/json", **other).status_code == 201


@pytest.mark.parametrize("query", ["", "?options=concise"])
def test_answers_as_json_ld(api: Api, query: str) -> None:
    create(api, ENTITY, "application/json")
    for path in (f"/entities/{ONE}{query}", f"/entities?type=Weather{query.replace('?', '&')}"):
        answer = api.get(path, accept=LD)
        assert answer.headers["content-type"] == LD
        assert "link" not in answer.headers
        value = answer.json()
        assert (value[0] if isinstance(value, list) else value)["@context"] == CORE


def test_what_nobody_can_answer_is_not_acceptable(api: Api) -> None:
    create(api, ENTITY, "application/json")
    for path in (f"/entities/{ONE}", "/entities?type=Weather", "/types"):
        problem(api.get(path, accept="text/turtle"), 406, "InvalidRequest")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", "a/json"),
        ("a/*", "a/json"),
        ("a/ld", "a/ld"),
        ("a/json;q=0.5, a/ld", "a/ld"),
        ("text/html, */*;q=0.1", "a/json"),
        ("A/LD", "a/ld"),
        ("a/json;q=0, */*", "a/ld"),
    ],
)
def test_the_best_media_type_is_chosen(accept: str, chosen: str) -> None:
    assert negotiate(accept, ("a/json", "a/ld")) == chosen


@pytest.mark.parametrize("accept", ["text/html", "a/json;q=0", ";", "b/*"])
def test_no_media_type_is_left(accept: str) -> None:
    with pytest.raises(Problem) as refusal:
        negotiate(accept, ("a/json",))
    assert refusal.value.status == 406


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/entities", "GET, POST, DELETE, OPTIONS"),
        ("POST", f"/entities/{ONE}", "GET, PUT, PATCH, DELETE, OPTIONS"),
        ("GET", f"/entities/{ONE}/attrs", "POST, PATCH, OPTIONS"),
        ("GET", "/entityOperations/create", "POST, OPTIONS"),
        ("DELETE", "/types", "GET, OPTIONS"),
        ("POST", "/openapi.json", "GET, OPTIONS"),
    ],
)
def test_methods(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api(method, path)
    problem(answer, 405, "InvalidRequest")
    assert answer.headers["allow"] == allowed
    options = api("OPTIONS", path)
    assert (options.status_code, options.headers["allow"]) == (204, allowed)


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/entitiesx", "/types/", "/entityOperations/explode"])
def test_unknown_resources(api: Api, path: str) -> None:
    answer = api("GET", path)
    if path == "/types/":
        assert answer.status_code == 200
    else:
        problem(answer, 404, "ResourceNotFound")


def test_head_is_a_get_without_a_body(api: Api) -> None:
    create(api, ENTITY, "application/json")
    answer = api("HEAD", f"/entities/{ONE}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(api.get(f"/entities/{ONE}").content)


def test_an_earlier_version_of_the_standard(api: Api) -> None:
    api.create(ONE, use={"vocab": "shop"}, heat=1)
    for path in (f"/entities/{ONE}", "/entities?type=Weather"):
        answer = api.get(path, prefer="ngsi-ld=1.5")
        assert (answer.status_code, answer.headers["preference-applied"]) == (203, "ngsi-ld=1.5")
        found = answer.json()[0] if isinstance(answer.json(), list) else answer.json()
        assert found["use"] == {"type": "Property", "value": "shop"}
        native = api.get(path, prefer="ngsi-ld=1.9")
        assert (native.status_code, native.headers["preference-applied"]) == (200, "ngsi-ld=1.9")
        assert native.json() == api.get(path).json()
        assert "preference-applied" not in api.get(path, prefer="ngsi-ld=7.1").headers
        for prefer in ('NGSI-LD="1.5"', "respond-async, ngsi-ld=1.5", "ngsi-ld=1.5;q=0.1"):
            assert api.get(path, prefer=prefer).headers["preference-applied"] == "ngsi-ld=1.5"


def test_queries_that_select_by_system_attributes_alone_are_too_wide(api: Api) -> None:
    for query in (
        "attrs=createdAt,modifiedAt",
        "q=modifiedAt>2020-01-01T00:00:00Z",
        "attrs=createdAt&q=createdAt",
    ):
        problem(api.get(f"/entities?{query}"), 400, "BadRequestData")
    assert api.get("/entities?q=modifiedAt>2020-01-01T00:00:00Z;heat").status_code == 200
    problem(api.get("/entities?type=Weather&csf=((a"), 400, "BadRequestData")
    assert api.get('/entities?type=Weather&csf=name=="x"').status_code == 200
