"""Subscriptions and undelivered notifications through the pages: who sees them, and sending them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from mahakam.broker.broker import Broker
from mahakam.store.model import Owed
from support.notify import entity, subscription
from support.portal import Browser, Portal, two_cities, words_of

PASSWORD = "correct horse battery"
DEAD = "/subscriptions/dead"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """Two subscriptions; three notifications to the first and one to the second were given up."""
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        accounts.add_account(made.node.store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
        accounts.add_account(made.node.store.tenant(), "rini", PASSWORD, ["resident"], ["town"])
        broker = made.node.broker
        for id in ("urn:s:1", "urn:s:2"):
            broker.subscriptions.create(subscription("https://ani:rahasia@example.org/n", id=id))
        for number in range(3):
            broker.create(entity(number))
        for one in (*broker.store.owed("urn:s:1"), broker.store.owed("urn:s:2")[0]):
            _bury(broker, one)
        yield made


def _bury(broker: Broker, one: Owed) -> None:
    broker.transact(lambda work: work.bury(one.number, "the receiver answered <503>"))


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    fields = {"name": name, "password": PASSWORD}
    assert browser.fill("/signin?lang=en", fields, action="/signin").status_code == 303
    return browser


def test_an_officer_sees_what_was_not_delivered(portal: Portal) -> None:
    siti = _as(portal, "siti")
    page = siti.get("/subscriptions").text
    assert "4 undelivered notifications" in words_of(page)
    assert "rahasia" not in page
    assert f'href="{DEAD}?only=urn:s:1"' in page
    dead = siti.get(DEAD).text
    assert words_of(dead).count("Send again") == 5  # the column and a button each
    assert "the receiver answered <503>" in words_of(dead)
    assert "<503>" not in dead
    assert len(siti.get(f"{DEAD}.json?only=urn:s:2").json()) == 1
    assert siti.get(f"{DEAD}.csv").text.count("\r\n") == 5
    assert "/subscriptions" in siti.get("/signin").text


def test_one_or_all_are_sent_again(portal: Portal) -> None:
    siti, broker = _as(portal, "siti"), portal.node.broker
    number = broker.subscriptions.dead_letters("urn:s:1")[1].number
    page = f"{DEAD}?only=urn:s:1"
    answer = siti.fill(page, {"number": str(number)}, action=f"{DEAD}/replay")
    assert answer.status_code == 303
    assert "1 notification is sent again" in words_of(siti.get(answer.headers["location"]).text)
    assert [one.number for one in broker.store.owed("urn:s:1")] == [number]
    assert siti.fill(page, {}, action=f"{DEAD}/replay").status_code == 303
    assert (len(broker.store.owed("urn:s:1")), broker.store.count_dead()) == (3, 1)
    assert siti.fill(DEAD, {}, action=f"{DEAD}/replay").status_code == 303
    assert broker.store.count_dead() == 0
    assert "was delivered, or is on its way" in words_of(siti.get(DEAD).text)


def test_others_are_kept_out(portal: Portal) -> None:
    assert portal.browser().get(DEAD).status_code == 303
    assert portal.browser().get(f"{DEAD}.json").status_code == 401
    rini = _as(portal, "rini")
    for path in ("/subscriptions", DEAD, f"{DEAD}.csv", "/subscriptions.json"):
        assert rini.get(path).status_code == 403
    siti = _as(portal, "siti")
    assert siti.post(f"{DEAD}/replay", {"number": "1"}).status_code == 403  # a form that is not ours
    assert portal.node.broker.store.count_dead() == 4
