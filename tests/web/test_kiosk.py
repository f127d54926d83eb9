"""The tablet at a counter: answers are counted once each, nothing can be read, and no link leads out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access.accounts import add_account
from mahakam.services import kiosk, satisfaction
from mahakam.services.kiosk import Kiosk
from mahakam.web.language import DEFAULT
from support.portal import Browser, Portal, hidden, two_cities

CODES = [element.code for element in satisfaction.survey().elements]
PASSWORD = "correct horse battery"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        yield made


@pytest.fixture
def secret(portal: Portal) -> str:
    return kiosk.make(portal.node.store.tenant(), "town", "pothole", "Dinas PU", "Counter 2", "siti")


def _results(portal: Portal) -> dict[tuple[str, str], satisfaction.Result]:
    return satisfaction.results(portal.node.broker, "/prov/town")


def _answer_all(browser: Browser, secret: str, value: str) -> dict[str, str]:
    """Press through the nine questions; the fields of the last press."""
    shown = browser.post(f"/kiosk/{secret}", {})
    for code in CODES:
        assert f'name="{code}" value="{value}"' in shown.text, "each question is asked in its turn"
        fields = hidden(shown.text) | {code: value}
        shown = browser.post(f"/kiosk/{secret}", fields)
    assert shown.status_code == 303
    assert shown.headers["location"] == f"/kiosk/{secret}/thanks"
    return fields


def test_nine_presses_are_one_answer_and_a_press_too_many_is_none(portal: Portal, secret: str) -> None:
    browser = portal.browser()
    last = _answer_all(browser, secret, "4")
    assert browser.post(f"/kiosk/{secret}", last).status_code == 303
    found = _results(portal)["pothole", "Dinas PU"]
    assert (found.answers, float(found.index)) == (1, 100.0)
    _answer_all(browser, secret, "1")
    assert _results(portal)["pothole", "Dinas PU"].answers == 2


def test_one_can_go_back_and_choose_otherwise(portal: Portal, secret: str) -> None:
    browser = portal.browser()
    shown = browser.post(f"/kiosk/{secret}", {CODES[0]: "1", CODES[1]: "1", "back": CODES[1]})
    assert f'name="{CODES[1]}" value="4"' in shown.text
    assert hidden(shown.text)[CODES[0]] == "1"


@pytest.mark.parametrize("path", ["", "/thanks"])
def test_every_page_goes_back_to_the_start_and_leads_nowhere_else(
    portal: Portal, secret: str, path: str
) -> None:
    browser = portal.browser()
    for answer in (browser.get(f"/kiosk/{secret}{path}"), browser.post(f"/kiosk/{secret}", {CODES[0]: "2"})):
        assert re.fullmatch(rf"\d+;url=/kiosk/{secret}\?lang={DEFAULT}", answer.headers["refresh"])
        assert answer.headers["cache-control"] == "no-store"
        ways = re.findall(r'(?:<a [^>]*href|action)="([^"]*)"', answer.text)
        assert ways
        assert {way.partition("?")[0] for way in ways} == {f"/kiosk/{secret}"}
        assert "<script" not in answer.text


def test_the_link_is_not_guessed_not_kept_and_can_be_ended(portal: Portal, secret: str) -> None:
    browser, store = portal.browser(), portal.node.store.tenant()
    assert browser.get(f"/kiosk/{secret[:-1]}x").status_code == 404
    assert secret not in str(store.records(kiosk.KIND))
    (one,) = kiosk.kiosks(store, "town")
    assert isinstance(one, Kiosk)
    assert browser.get(f"/kiosk/{one.id}").status_code == 404, "the digest is no link"
    kiosk.end(store, one.id)
    assert browser.get(f"/kiosk/{secret}").status_code == 404
    assert browser.post(f"/kiosk/{secret}", dict.fromkeys(CODES, "4")).status_code == 404


def test_a_tablet_that_is_played_with_is_held_back(
    portal: Portal, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kiosk, "MOST_ANSWERS", 3)
    other = kiosk.make(portal.node.store.tenant(), "town", "pothole", "Dinas PU", "Counter 3", "siti")
    browser = portal.browser()
    for at in range(5):
        answer = browser.post(f"/kiosk/{secret}", dict.fromkeys(CODES, "1") | {"once": f"press-{at}"})
    assert answer.status_code == 429
    assert "minute" in answer.text or "menit" in answer.text
    assert _results(portal)["pothole", "Dinas PU"].answers == 3
    _answer_all(browser, other, "4")


def test_what_is_no_answer_is_asked_again(portal: Portal, secret: str) -> None:
    shown = portal.browser().post(f"/kiosk/{secret}", dict.fromkeys(CODES, "9") | {"once": "<b>"})
    assert shown.status_code == 200
    assert "<b>" not in shown.text
    assert _results(portal) == {}


def test_an_officer_sets_one_up_and_a_stranger_does_not(portal: Portal) -> None:
    add_account(portal.node.store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
    browser = portal.browser()
    assert browser.get("/kiosks").status_code == 303
    signed = browser.fill("/signin", {"name": "siti", "password": PASSWORD})
    assert signed.status_code == 303
    made = browser.fill("/kiosks", {"city": "town", "service": "pothole", "name": "Counter 2"})
    (link,) = re.findall(r"/kiosk/[\w-]+", made.text)
    assert portal.browser().get(link).status_code == 200
    assert browser.fill("/kiosks", {"city": "town", "service": "", "name": "Counter 2"}).status_code == 422
    shown = browser.get("/kiosks").text
    assert link not in shown, "it is shown once"
    (id,) = re.findall(r'name="end" value="(\w+)"', shown)
    assert browser.fill("/kiosks", {"city": "town", "end": id}).status_code == 303
    assert portal.browser().get(link).status_code == 404
    token = hidden(shown) | {"city": "bay", "service": "pothole", "name": "Elsewhere"}
    assert browser.post("/kiosks", token).status_code == 403
