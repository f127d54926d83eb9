"""A file that a steward wrote wrongly is named on the page, and hides nothing that is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, open_node
from mahakam.config import Settings

_FEED = """
title: Houses
source: {file: data/houses.csv}
contract: houses
map: {number: nr}
entity: {id: "urn:x:{number}"}
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "places" / "town"
    for room in ("contracts", "feeds", "indicators"):
        (folder / room).mkdir(parents=True)
    (folder / "city.yaml").write_text("name: Town\nthemes: [housing]\n")
    (folder / "feeds" / "good.yaml").write_text(_FEED)
    (folder / "feeds" / "wrong.yaml").write_text(_FEED.replace("contract:", "contrakt:"))
    return folder


@pytest.fixture
def portal(tmp_path: Path, town: Path) -> Iterator[TestClient]:
    node = open_node(Settings(data=tmp_path / "data", config=(town.parent,)))
    client = TestClient(
        Application(node),
        base_url="http://localhost",
        headers={"accept-language": "en"},
        raise_server_exceptions=False,
    )
    yield client
    node.close()


@pytest.mark.parametrize(
    "path", ["/cities/town", "/quality", "/quality/town", "/quality/town/wrong", "/upload?place=town"]
)
def test_a_wrong_feed_is_named_and_the_others_stay(portal: TestClient, path: str) -> None:
    answer = portal.get(path)
    assert answer.status_code == 200
    if "upload" not in path:
        assert "contrakt" in answer.text
    if not path.endswith("wrong"):
        assert "Houses" in answer.text


def test_a_wrong_boundary_is_named(portal: TestClient, town: Path) -> None:
    (town / "city.yaml").write_text("name: Town\nboundary: boundary.geojson\n")
    for content in ("{", '{"type": "Feature', "[1, 2]", ""):
        (town / "boundary.geojson").write_text(content)
        node = open_node(Settings(data=town / "data", config=(town.parent,)))
        client = TestClient(Application(node), base_url="http://localhost", headers={"accept-language": "en"})
        answer = client.get("/cities/town")
        assert answer.status_code == 500
        assert "boundary.geojson" in answer.text
        assert "Traceback" not in answer.text
        node.close()


def test_what_breaks_is_said_in_the_same_look(portal: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("mahakam.web.pages.city.all_series", broken)
    answer = portal.get("/cities/town")
    assert answer.status_code == 500
    assert "The fault is ours" in answer.text
    assert "secret detail" not in answer.text
    assert '<html lang="en">' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
