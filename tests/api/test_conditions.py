"""ETag, If-Match and If-None-Match: nothing is sent twice, and of two writers none undoes the other unseen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given

from mahakam.api.ngsild.conditions import version_of
from mahakam.broker.transient import mark, split
from mahakam.ngsild import represent
from mahakam.ngsild.context import CORE
from mahakam.ngsild.entity import parse_entity
from mahakam.store.sql.packing import times_of, unpack
from support.api import BASE, Api, problem
from support.ngsild import entities
from support.node import RunningNode

ID = "urn:ngsi-ld:Weather:1"
PATH = f"/entities/{ID}"
LD, GEO = "application/ld+json", "application/geo+json"


def tag(api: Api, query: str = "", **headers: str) -> str:
    """The tag of a representation. A read that asks for a tag says so by naming one, or by HEAD."""
    answer = api.get(PATH + query, **{"if_none_match": '"none"', **headers})
    assert answer.status_code == 200, answer.text
    found: str = answer.headers["etag"]
    assert found[0] == found[-1] == '"'
    return found


def send(api: Api, method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api(method, path, headers=named, **({} if body is None else {"json": body}))


FORMS = (
    ("", ""),
    ("", LD),
    ("", GEO),
    ("?options=keyValues", ""),
    ("?options=concise", ""),
    ("?options=sysAttrs", ""),
    ("?pick=id,name", ""),
    ("?lang=en", ""),
)


@pytest.mark.parametrize(("query", "accept"), FORMS)
def test_what_the_caller_has_is_not_sent_again(api: Api, query: str, accept: str) -> None:
    api.create(ID, name="Hujan", temperature=30)
    given = {"accept": accept} if accept else {}
    known = tag(api, query, **given)
    for named in (known, f'"x", {known}', f"W/{known}", "*"):
        answer = api.get(PATH + query, if_none_match=named, **given)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == known
        assert "content-length" not in answer.headers
    api("PATCH", f"{PATH}/attrs", json={"name": "Hujan lebat"})
    answer = api.get(PATH + query, if_none_match=known, **given)
    assert answer.status_code == 200
    assert answer.headers["etag"] not in ("", known)


def test_each_representation_has_a_tag_of_its_own_of_one_version(api: Api) -> None:
    api.create(ID, name="Hujan", temperature=30)
    tags = [tag(api, query, **({"accept": accept} if accept else {})) for query, accept in FORMS]
    assert len(set(tags)) >= len(FORMS) - 1  # lang changes nothing where there is no LanguageProperty
    assert len({one.strip('"').partition(".")[0] for one in tags}) == 1
    head = api("HEAD", PATH)
    assert (head.headers["etag"], head.content) == (tags[0], b"")


WRITES = (
    ("PUT", "", {"type": "Weather", "name": "Kering"}),
    ("PATCH", "", {"name": "Kering"}),
    ("POST", "/attrs", {"name": "Kering"}),
    ("PATCH", "/attrs", {"name": "Kering"}),
    ("PATCH", "/attrs/name", {"value": "Kering"}),
    ("PUT", "/attrs/name", {"type": "Property", "value": "Kering"}),
    ("DELETE", "/attrs/name", None),
    ("DELETE", "", None),
)


@pytest.mark.parametrize(("method", "below", "body"), WRITES)
@pytest.mark.parametrize("query", ["", "?options=keyValues"])
def test_a_write_is_refused_once_the_entity_is_another_one(
    api: Api, method: str, below: str, body: Any, query: str
) -> None:
    api.create(ID, name="Hujan", temperature=30)
    known = tag(api, query)
    api("PATCH", f"{PATH}/attrs", json={"temperature": 31})
    before = api.read(ID, "?options=sysAttrs")

    details = problem(send(api, method, PATH + below, body, if_match=known), 412, "PreconditionFailed")
    assert "read it again" in details["detail"]
    problem(send(api, method, PATH + below, body, if_none_match=tag(api)), 412, "PreconditionFailed")
    problem(send(api, method, PATH + below, body, if_none_match="*"), 412, "PreconditionFailed")
    weak = f"W/{tag(api)}"
    problem(send(api, method, PATH + below, body, if_match=weak), 412, "PreconditionFailed")
    assert api.read(ID, "?options=sysAttrs") == before

    answer = send(api, method, PATH + below, body, if_match=f'"other", {tag(api, query)}')
    assert answer.status_code == 204, answer.text


def test_any_entity_that_is_there_fulfils_a_star(api: Api) -> None:
    api.create(ID, name="Hujan")
    assert send(api, "PATCH", PATH, {"name": "Kering"}, if_match="*").status_code == 204
    missing = "/entities/urn:ngsi-ld:Weather:none"
    problem(send(api, "PATCH", missing, {"name": "Kering"}, if_match="*"), 404, "ResourceNotFound")


def test_create_only_what_is_not_there(api: Api) -> None:
    entity = {"id": ID, "type": "Weather", "name": "Hujan"}
    problem(send(api, "POST", "/entities", entity, if_match='"a"'), 412, "PreconditionFailed")
    assert send(api, "POST", "/entities", entity, if_none_match="*").status_code == 201
    problem(send(api, "POST", "/entities", entity, if_none_match="*"), 412, "PreconditionFailed")
    problem(send(api, "POST", "/entities", entity), 409, "AlreadyExists")


def test_a_read_may_be_conditional_on_a_version(api: Api) -> None:
    api.create(ID, name="Hujan")
    known = tag(api)
    assert api.get(PATH, if_match=known).status_code == 200
    api("PATCH", PATH, json={"name": "Kering"})
    problem(api.get(PATH, if_match=known), 412, "PreconditionFailed")


@pytest.mark.parametrize("header", ["if-match", "if-none-match"])
@pytest.mark.parametrize("value", ["abc", '"abc', "*, *", '"a" "b"', "", '"a";'])
def test_a_header_that_is_not_valid_is_refused_in_words(api: Api, header: str, value: str) -> None:
    api.create(ID, name="Hujan")
    for method, body in (("GET", None), ("PATCH", {"name": "Kering"})):
        details = problem(send(api, method, PATH, body, **{header: value}), 400, "InvalidRequest")
        assert header in details["title"]
    assert api.read(ID)["name"]["value"] == "Hujan"


def test_the_end_of_what_expires_is_part_of_the_version(api: Api) -> None:
    ends = {"type": "Property", "value": "Hujan", "expiresAt": "2999-01-01T00:00:00Z"}
    api.create(ID, name=ends)
    known = tag(api)
    assert known.strip('"') == tag(api, "?options=sysAttrs").strip('"').partition(".")[0]
    later = ends | {"expiresAt": "2999-01-02T00:00:00Z"}
    assert send(api, "PUT", f"{PATH}/attrs/name", later, if_match=known).status_code == 204
    problem(send(api, "DELETE", PATH, if_match=known), 412, "PreconditionFailed")


def test_numbers_have_one_version_however_they_were_written(api: Api) -> None:
    """A plain payload is stored as it was encoded once, and read again by the write."""
    answer = api(
        "POST",
        "/entities",
        content=b'{"id":"%b","type":"Weather","mass":{"type":"Property","value":1.50e+30}}' % ID.encode(),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 201
    assert send(api, "PATCH", PATH, {"mass": 2}, if_match=tag(api)).status_code == 204


@given(entities())
def test_stored_bytes_and_the_document_have_one_version(entity: dict[str, Any]) -> None:
    stored, ends = split(parse_entity(entity, CORE, "2026-01-01T00:00:00Z"))
    body, times = represent.body(stored), times_of(stored)
    assert version_of(mark(unpack(body, times), ends)) == version_of(mark(orjson.loads(body), ends))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("conditions") / "data", open=True) as found:
        yield found


WRITERS, ROUNDS = 4, 25


def test_writers_at_the_same_time_lose_no_update(node: RunningNode) -> None:
    """Each round all writers read the same version, and then write: one is done, the others are refused."""
    path = f"{BASE}/entities/urn:ngsi-ld:Counter:1"
    with httpx.Client(base_url=node.url) as http:
        http.post(
            f"{BASE}/entities", json={"id": "urn:ngsi-ld:Counter:1", "type": "Counter", "n": 0}
        ).raise_for_status()
    together = Barrier(WRITERS)

    def writer(_: int) -> list[int]:
        statuses = []
        with httpx.Client(base_url=node.url, timeout=60) as http:
            for _ in range(ROUNDS):
                read = http.get(path, headers={"if-none-match": '"none"'})
                together.wait(60)
                answer = http.patch(
                    f"{path}/attrs",
                    json={"n": read.json()["n"]["value"] + 1},
                    headers={"if-match": read.headers["etag"]},
                )
                statuses.append(answer.status_code)
                together.wait(60)
        return statuses

    with ThreadPoolExecutor(WRITERS) as pool:
        rounds = list(zip(*pool.map(writer, range(WRITERS)), strict=True))
    assert [sorted(statuses) for statuses in rounds] == [[204] + [412] * (WRITERS - 1)] * ROUNDS
    assert httpx.get(node.url + path).json()["n"]["value"] == ROUNDS
