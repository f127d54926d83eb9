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
