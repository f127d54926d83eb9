"""A whole node in this process, spoken to over ASGI: real store, real broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from mahakam.app import Application, open_node
from mahakam.config import Settings

BASE = "/ngsi-ld/v1"
CONTEXT_REL = "http://www.w3.org/ns/json-ld#context"


class Api:
    """The NGSI-LD API of a node. Paths are below ``/ngsi-ld/v1``."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        return self.client.request(method, BASE + path, **more)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def create(self, id: str, type: str = "Weather", **attributes: Any) -> str:
        answer = self("POST", "/entities", json={"id": id, "type": type, **attributes})
        assert answer.status_code == 201, answer.text
        return id

    def read(self, id: str, query: str = "") -> Any:
        answer = self.get(f"/entities/{id}{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def running(data: Path, **settings: Any) -> Iterator[Api]:
    """A node over a data folder; open unless the settings say otherwise."""
    node = open_node(Settings(data=data, **{"open": True, **settings}))
    try:
        with TestClient(Application(node), base_url="http://localhost") as client:
            yield Api(client)
    finally:
        node.close()


def link(url: str) -> dict[str, str]:
    """The Link header that names a context."""
    return {"link": f'<{url}>; rel="{CONTEXT_REL}"; type="application/ld+json"'}


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    """The problem details of an answer that must be a refusal of this kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    details: dict[str, Any] = answer.json()
    assert details["type"] == "https://uri.etsi.org/ngsi-ld/errors/" + kind
    assert details["status"] == status
    assert details["title"]
    return details
