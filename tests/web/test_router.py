"""The router that looks near a path first finds what one that tries every route in turn would find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Match, Route

from mahakam.web.router import NearRouter
from mahakam.web.site import build
from support.portal import Portal, two_cities


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        yield made


def test_every_path_leads_where_it_did(portal: Portal) -> None:
    router = build(portal.node).router
    assert isinstance(router, NearRouter)
    routes = [route for route in router.routes if isinstance(route, Route)]
    words = ("x", "1.json", "mine", "new")
    paths = {re.sub(r"\{[^}]*\}", word, route.path) for route in routes for word in words}
    found = 0
    for path in paths:
        for method in ("GET", "POST", "HEAD"):
            scope = {"type": "http", "path": path, "method": method, "headers": []}
            full = [one for one in routes if one.matches(scope)[0] == Match.FULL]
            near = [one for one in router.near(path) if one.matches(scope)[0] == Match.FULL]
            assert not near or near[0] is full[0], (method, path)
            found += bool(near)
    assert found > len(paths), "what is not found near is looked for everywhere"


def test_what_is_not_there_and_what_is_not_taken_is_said_as_before(portal: Portal) -> None:
    browser = portal.browser()
    assert browser.get("/nowhere").status_code == 404
    assert browser.get("/report/nowhere").status_code == 404
    assert browser.post("/about", {}).status_code == 405
    slashed = browser.get("/about/")
    assert (slashed.status_code, slashed.headers["location"]) == (307, "http://127.0.0.1:8000/about")
