"""The OpenAPI document says what is served: schemathesis draws requests from it, and answers keep to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mahakam.api import ngsild
from mahakam.api.ngsild.routes import ROUTES
from mahakam.api.openapi import document
from mahakam.app import open_node
from mahakam.config import Settings
from support.api import BASE, Api

OPERATIONS = sorted({(route.method, route.template) for route in ROUTES})


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """The document as a node serves it, bound to that node."""
    node = open_node(Settings(data=Path(tmp_path_factory.mktemp("openapi")), open=True))
    api = ngsild.build(node).application

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await api(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    yield schemathesis.openapi.from_asgi(f"{BASE}/openapi.json", app, headers={"host": "localhost"})
    node.close()


def test_it_is_served(api: Api) -> None:
    answer = api.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document()
    assert answer.json()["openapi"].startswith("3.1")


def test_it_names_every_route_once() -> None:
    found = document()["paths"]
    assert {(method.upper(), path) for path, methods in found.items() for method in methods} == set(
        OPERATIONS
    )
    names = [operation["operationId"] for methods in found.values() for operation in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("method", "template"), OPERATIONS)
def test_answers_keep_to_it(schema: schemathesis.BaseSchema, method: str, template: str) -> None:
    """Drawn requests, right and wrong: no server error, only documented statuses and media types."""
    operation = schema[template][method]
    modes = st.one_of(
        operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=12,
        deadline=None,
        phases=(Phase.generate,),
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(modes)
    def check(case: schemathesis.Case) -> None:
        answer = case.call(headers={"host": "localhost"})
        documented = {int(status) for status in operation.definition.raw["responses"]}
        assert answer.status_code in documented, (
            case.method,
            case.formatted_path,
            answer.status_code,
            answer.text,
        )
        assert answer.status_code < 500 or answer.status_code == 504
        kind = (answer.headers.get("content-type") or [""])[0].partition(";")[0]
        if answer.status_code >= 400 and answer.status_code != 411:
            assert kind == "application/problem+json"
            assert {"type", "title", "status"} <= answer.json().keys()

    check()
