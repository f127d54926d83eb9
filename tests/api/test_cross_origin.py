"""Web applications elsewhere: only those that the node names may use it from a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from mahakam.app import open_node
from mahakam.config import ConfigError, Settings
from support.api import Api, running

APP, OTHER = "https://app.example.org", "https://other.example.org"


def preflight(api: Api, origin: str) -> dict[str, str]:
    headers = {"origin": origin, "access-control-request-method": "PATCH"}
    answer = api("OPTIONS", "/entities/urn:ngsi-ld:Weather:1", headers=headers)
    assert answer.status_code == 204
    return {name: text for name, text in answer.headers.items() if name.startswith("access-control")}


def test_nobody_by_default(api: Api) -> None:
    assert preflight(api, APP) == {}
    assert "access-control-allow-origin" not in api.get("/types", origin=APP).headers


@pytest.mark.parametrize(("origins", "answered"), [(f"{APP}, {OTHER}2/", APP), ("*", "*")])
def test_who_is_named(tmp_path: Path, origins: str, answered: str) -> None:
    with running(tmp_path, origins=origins) as api:
        found = preflight(api, APP)
        assert found["access-control-allow-origin"] == answered
        assert "PATCH" in found["access-control-allow-methods"]
        assert "Authorization" in found["access-control-allow-headers"]
        api.create("urn:ngsi-ld:Weather:1")
        answer = api.get("/entities?type=Weather&count=true", origin=APP)
        assert answer.headers["access-control-allow-origin"] == answered
        assert "NGSILD-Results-Count" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"
        refused = api.get("/entities?type=Weather&q=", origin=APP)
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, answered)
        if answered == APP:
            assert preflight(api, OTHER) == {}
        assert "access-control-allow-origin" not in api.get("/types").headers


def test_what_is_no_origin_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no origin"):
        open_node(Settings(data=tmp_path, origins="app.example.org"))
