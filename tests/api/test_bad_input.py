"""Bad input over HTTP gets a clear answer and leaves the store as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mahakam.api.http import MAX_BODY
from support.api import Api, problem, running
from support.ngsild import anything

JSON = {"content-type": "application/json"}


def post(api: Api, content: bytes, path: str = "/entities") -> Any:
    return api("POST", path, content=content, headers=JSON)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"{", "line 1"),
        (b'{"id": "urn:a:b",\n "heat": NaN}', "line 2"),
        (b'{"id": "urn:a:b", "heat": 1e999}', "infinity"),
        (b'\xff\xfe{"id"', "line 1"),
        (b"[" * 100_000, "line 1"),
        (b"[]", "JSON object"),
        (b"7", "JSON object"),
    ],
)
def test_json_that_is_none(api: Api, content: bytes, word: str) -> None:
    details = problem(post(api, content), 400, "InvalidRequest")
    assert word in details["title"] + details["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"id": "no uri", "type": "Weather"}', "id"),
        (b'{"id": "urn:a:b", "type": "../../etc/passwd"}', "type"),
        (
            b'{"id": "urn:a:b", "type": "Weather", "<script>alert(1)</script>": 1}',
            "<script>alert(1)</script>",
        ),
        (
            b'{"id": "urn:a:b", "type": "W", "location": {"type": "Point", "coordinates": [-0.5, 117.1]}}',
            "location.coordinates",
        ),
        (
            b'{"id": "urn:a:b", "type": "W", "location": {"type": "Polygon",'
            b' "coordinates": [[[0,0],[1,1],[1,0],[0,1],[0,0]]]}}',
            "location",
        ),
    ],
)
def test_entities_that_are_none(api: Api, body: bytes, field: str) -> None:
    details = problem(post(api, body), 400, "BadRequestData")
    assert [reason["field"] for reason in details["reasons"]] == [field]
    assert api.get("/entities?local=true").json() == []


def test_a_body_too_large(api: Api) -> None:
    answer = post(api, b" " * (MAX_BODY + 1))
    assert problem(answer, 413, "InvalidRequest")["detail"] == "at most 50,000,000 bytes"


def test_a_body_too_large_that_comes_in_pieces(api: Api) -> None:
    def pieces() -> Any:
        for _ in range(60):
            yield b" " * 1_000_000

    headers = JSON | {"content-length": "100"}
    assert api("POST", "/entities", content=pieces(), headers=headers).status_code == 413


def test_a_body_of_unknown_length(api: Api) -> None:
    """Clause 6.3.2: 411, and no body."""
    answer = api("POST", "/entities", content=iter([b"{}"]), headers=JSON)
    assert (answer.status_code, answer.content) == (411, b"")


def test_html_in_an_answer_is_no_html(api: Api) -> None:
    answer = api.get("/entities?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_refused_batch_member_does_not_stop_the_others(api: Api) -> None:
    answer = post(api, b'[{"id": "urn:a:b", "type": "W"}, {"id": "urn:a:c"}]', "/entityOperations/create")
    assert answer.status_code == 207
    assert api.read("urn:a:b")


def test_any_json_is_answered_in_order(tmp_path: Path) -> None:
    """Whatever JSON comes, the answer is no server error."""
    import orjson

    with running(tmp_path / "data") as api:

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(anything)
        def check(value: Any) -> None:
            try:
                content = orjson.dumps(value)
            except TypeError:
                return
            for method, path in (
                ("POST", "/entities"),
                ("POST", "/entityOperations/upsert"),
                ("POST", "/entityOperations/query"),
                ("PATCH", "/entities/urn:a:b"),
                ("PATCH", "/entities/urn:a:b/attrs/heat"),
            ):
                assert api(method, path, content=content, headers=JSON).status_code < 500

        check()


HTML = "<script>alert('x')</script>"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"heat": NaN}', 400),
        (b'{"heat": {"type": "Property", "value": -Infinity}}', 400),
        (b'{"heat": ', 400),
        (
            b'{"where": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-0.5, 117.1]}}}',
            400,
        ),
        (b'{"../heat": 1}', 400),
        (b'{"<b>heat</b>": 1}', 400),
    ],
)
def test_a_bad_change_leaves_the_entity_as_it_was(api: Api, method: str, content: bytes, status: int) -> None:
    id = api.create("urn:a:b", heat={"type": "Property", "value": 1})
    before = api.get(f"/entities/{id}?options=sysAttrs").content
    path = f"/entities/{id}" + ("/attrs" if method == "POST" else "")
    answer = api(method, path, content=content, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert api.get(f"/entities/{id}?options=sysAttrs").content == before


@pytest.mark.parametrize("id", ["b", "../../etc/passwd", "urn:a:b c", "%3Cb%3E", "urn:", ""])
@pytest.mark.parametrize("path", ["/entities", "/entityOperations/create", "/entityOperations/upsert"])
def test_an_id_that_is_no_uri(api: Api, id: str, path: str) -> None:
    import json

    entity = {"id": id, "type": "Weather"}
    single = path == "/entities"
    answer = post(api, json.dumps(entity if single else [entity]).encode(), path)
    assert answer.status_code == (400 if single else 207), answer.text
    refusal = answer.json() if single else answer.json()["errors"][0]["error"]
    assert [(reason["field"], reason["value"]) for reason in refusal["reasons"]] == [("id", id)]
    assert "a URI, e.g. urn:" in refusal["reasons"][0]["expected"]
    assert api.get("/entities?local=true").json() == []


@pytest.mark.parametrize("id", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "b", "%00", "%FF"])
def test_an_id_in_the_address_that_is_no_uri(api: Api, id: str) -> None:
    for method in ("GET", "DELETE"):
        answer = api(method, f"/entities/{id}")
        assert answer.status_code in (400, 404), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_html_in_a_value_is_kept_as_text(api: Api) -> None:
    id = api.create("urn:a:b", name={"type": "Property", "value": HTML})
    answer = api.get(f"/entities/{id}")
    assert answer.json()["name"]["value"] == HTML
    assert answer.headers["content-type"].startswith("application/json")


def test_a_real_server_refuses_and_goes_on(tmp_path: Path) -> None:
    """50 MB and more, broken JSON and NaN on the wire: refused, not held in memory, and the next request is served."""
    import httpx

    from support.node import RunningNode

    def piece() -> Any:
        for _ in range(64):
            yield b" " * (1 << 20)

    with (
        RunningNode(tmp_path / "data", open=True) as node,
        httpx.Client(base_url=node.url, timeout=60) as client,
    ):
        entities = "/ngsi-ld/v1/entities"
        before = _resident(node.pid)
        for content, headers in (
            (b" " * (MAX_BODY + 1), JSON),
            (piece(), JSON | {"content-length": str(64 << 20)}),
        ):
            try:
                answer = client.post(entities, content=content, headers=headers)
            except httpx.TransportError:  # it may hang up on who goes on sending
                continue
            assert answer.status_code == 413
            assert answer.json()["detail"] == "at most 50,000,000 bytes"
        assert _resident(node.pid) < before + (120 << 10)
        for content, word in (
            (b'{"id": ', "line 1"),
            (b'{"id": "urn:a:b", "type": "W", "heat": NaN}', "line 1"),
        ):
            answer = client.post(entities, content=content, headers=JSON)
            assert answer.status_code == 400
            assert word in answer.text
        answer = client.post(entities, json={"id": "b", "type": "W"})
        assert answer.status_code == 400
        assert client.get(entities, params={"local": "true"}).json() == []
        assert client.post(entities, json={"id": "urn:a:b", "type": "W"}).status_code == 201
        assert "Traceback" not in node.log()


def _resident(pid: int) -> int:
    """KiB of memory that a process and its children hold."""
    total = 0
    for each in (pid, *_children(pid)):
        status = Path(f"/proc/{each}/status").read_text()
        total += int(status.split("VmRSS:")[1].split()[0])
    return total


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed] + [each for child in listed for each in _children(int(child))]
