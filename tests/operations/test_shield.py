"""Every answer says to browsers what they may do with it, and what somebody signed in sees is kept by none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from support.portal import Portal, two_cities

ENTITY = {"id": "urn:x:1", "type": "X", "a": {"type": "Property", "value": 1}}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("node")
    with Portal(folder / "data", two_cities(folder / "places"), url="https://city.example") as made:
        store = made.node.store.tenant()
        accounts.add_account(store, "siti", "correct horse battery", ["officer"], ["town"])
        made.node.broker.create(dict(ENTITY))
        yield made


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nope",
        "/signin",
        "/queue",
        "/queue.csv",
        "/static/nope",
        "/sw.js",
        "/health",
        "/ready",
        "/metrics",
        "/ngsi-ld/v1/entities/urn:x:1",
        "/ngsi-ld/v1/entities?type=X",
        "/ngsi-ld/v1/nope",
        "/open311/v2/services.json",
        "/open311/v2/services.xml",
        "/open311/nope",
        "/catalogue.ttl",
        "/api/3/action/package_list",
        "/api/nope",
        "/oauth2/token",
        "/.well-known/oauth-authorization-server",
    ],
)
def test_every_answer_is_shielded(portal: Portal, path: str) -> None:
    headers = portal.browser().get(path).headers
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    (policy,) = headers.get_list("content-security-policy")
    said = {part.strip() for part in policy.split(";")}
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= said
    (always,) = headers.get_list("strict-transport-security")
    assert always == "max-age=31536000; includeSubDomains"


def test_a_node_that_has_no_https_does_not_ask_for_it(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as plain:
        assert "strict-transport-security" not in plain.browser().get("/").headers


def test_a_browser_keeps_no_page_of_somebody_signed_in(portal: Portal) -> None:
    siti = portal.browser()
    assert siti.get("/").headers["cache-control"] == "no-cache"
    siti.fill("/signin", {"name": "siti", "password": "correct horse battery"})
    for path in ("/", "/queue", "/queue.csv", "/signin", "/nope"):
        assert "no-store" in siti.get(path).headers["cache-control"], path
    gone = siti.fill("/signin", {}, action="/signout")
    assert gone.headers["clear-site-data"] == '"cache"'
