"""The page of a node for its administrator: a feed that fails, rows that are held, letters given up, a slow request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from mahakam.operations import metered
from mahakam.services.outbox import DEAD
from support.feeds import GOOD, Town
from support.portal import Browser, Portal, words_of

PASSWORD = "correct horse battery"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    town = Town(tmp_path)
    town.stops(GOOD + "B1;;laut;banyak;200;-0.4\n")
    assert town.run().held == 1
    assert town.run("shapes").state == "failed", "its file is not there"
    town.node.close()
    with Portal(town.data, town.config) as made:
        store = made.node.store.tenant()
        accounts.add_account(store, "budi", PASSWORD, ["admin"], ["*"])
        accounts.add_account(store, "wati", PASSWORD, ["admin"], ["town"])
        accounts.add_account(store, "siti", PASSWORD, ["steward"], ["*"])
        store.write(lambda transaction: transaction.save_record(DEAD, "1", {"to": "x"}))
        yield made


def signed_in(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    fields = {"name": name, "password": PASSWORD}
    assert browser.fill("/signin?lang=en", fields, action="/signin").status_code == 303
    return browser


def test_an_administrator_sees_what_needs_a_hand(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    budi = signed_in(portal, "budi")
    assert 'href="/node"' in budi.get("/signin").text
    monkeypatch.setattr(metered, "SLOW", 0.0)
    budi.get("/kiosk/a-secret-word")
    page = budi.get("/node")
    words = words_of(page.text)
    assert page.headers["cache-control"] == "no-store"
    assert "1 feed needs a hand" in words
    feeds = {one["feed"]: one for one in budi.get("/node.json").json()}
    (failing,) = [one for one in feeds.values() if one["problem"]]
    assert next(iter(feeds.values())) == failing, "it comes first"
    assert [one["held"] for one in feeds.values()] == [0, 1]
    assert str(portal.node.settings.data) not in page.text, "where files lie is not shown"
    queues = {one["queue"]: one["dead"] for one in budi.get("/node/queues.json").json()}
    assert queues["Mail"] == 1
    slow = budi.get("/node/slow.json").json()
    assert "GET /kiosk" in [one["path"] for one in slow]
    assert "a-secret-word" not in budi.get("/node").text


@pytest.mark.parametrize("path", ["/node", "/node/queues", "/node/slow"])
def test_nobody_else_does(portal: Portal, path: str) -> None:
    assert portal.browser().get(path).status_code == 303
    assert portal.browser().get(f"{path}.json").status_code == 401
    for name in ("siti", "wati"):
        other = signed_in(portal, name)
        assert other.get(path).status_code == 403
        assert other.get(f"{path}.csv").status_code == 403
        assert 'href="/node"' not in other.get("/signin").text
