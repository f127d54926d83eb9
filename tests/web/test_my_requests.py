"""Reports with an account: a list of one's own, of which nobody else learns; without the wish for it there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from mahakam.access.accounts import add_account, remove_account
from mahakam.access.keys import add_key
from mahakam.services.contact_data import forget, holders
from mahakam.services.owner import key_of
from support.portal import TOWN, Browser, Portal, two_cities, words_of

PASSWORD = "correct horse battery"
FORM = "/report?city=town&lang=en"


@pytest.fixture
def portal(tmp_path: Path, store_url: str) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places"), store=store_url) as made:
        for name in ("nina", "oto"):
            add_account(made.node.store.tenant(), name, PASSWORD, ["resident"], ["town"])
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert browser.fill("/signin", {"name": name, "password": PASSWORD}).status_code == 303
    return browser


def _send(browser: Browser, words: str, **more: str) -> str:
    place = {"longitude": str(TOWN[0]), "latitude": str(TOWN[1])}
    answer = browser.fill(FORM, {"service": "pothole", "description": words, "anyway": "1", **place, **more})
    assert answer.status_code == 303, words_of(answer.text)
    return answer.headers["location"].split("/")[2].partition("?")[0]


def test_what_one_sends_is_in_ones_own_list_with_the_way_to_answer(portal: Portal) -> None:
    nina = _as(portal, "nina")
    assert "Keep it in my list (nina)" in words_of(nina.get(FORM).text)
    kept, unnamed = _send(nina, "A hole", mine="1"), _send(nina, "Another hole")
    page = nina.get("/my-requests?lang=en").text
    assert f"/requests/{kept}?key={key_of(portal.node.store.tenant(), kept)}" in page
    assert "A hole" in words_of(page)
    assert unnamed not in page
    assert kept not in _as(portal, "oto").get("/my-requests").text
    assert nina.get("/my-requests").headers["cache-control"] == "no-store"
    for path in (
        f"/requests/{kept}",
        "/requests.json",
        f"/ngsi-ld/v1/entities/urn:ngsi-ld:ServiceRequest:{kept}",
    ):
        assert "nina" not in portal.browser().get(path).text


def test_without_an_account_there_is_no_list(portal: Portal) -> None:
    assert "Keep it in my list" not in portal.browser().get(FORM).text
    _send(portal.browser(), "A hole", mine="1")
    answer = portal.browser().get("/my-requests")
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=%2Fmy-requests")
    assert list(holders(portal.node.store.tenant())) == []


def test_a_fault_keeps_the_choice(portal: Portal) -> None:
    nina = _as(portal, "nina")
    page = nina.fill(FORM, {"service": "pothole", "description": "", "mine": "1"}).text
    assert 'name="mine" value="1" checked' in page
    page = nina.fill(FORM, {"service": "pothole", "description": ""}).text
    assert 'name="mine" value="1">' in page


def test_the_list_ends_with_the_account_and_with_the_days_that_contacts_are_kept(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = portal.node.store.tenant()
    first, second = (_send(_as(portal, "nina"), words, mine="1") for words in ("A hole", "Another hole"))
    assert sorted(holders(store)) == sorted([first, second])
    store.write(lambda transaction: forget(transaction, first))
    page = _as(portal, "nina").get("/my-requests").text
    assert first not in page
    assert second in page
    assert remove_account(store, "nina")
    monkeypatch.setattr(accounts, "_now", lambda: "2031-01-01T00:00:00Z")
    add_account(store, "nina", PASSWORD, ["resident"], ["town"])
    assert second not in _as(portal, "nina").get("/my-requests").text


def test_answers_are_columns_of_the_services_table(portal: Portal, tmp_path: Path) -> None:
    path = tmp_path / "places/prov/town/services/street-light.yaml"
    path.write_text(
        path.read_text()
        + "form: {properties: {poles: {title: Poles, type: integer}, colour: {title: Colour, type: string}}}\n"
    )
    fields = {"service": "street-light", "q-street-light-poles": "3", "q-street-light-colour": "=1+1"}
    _send(portal.browser(), "Dark", **fields)
    of_service = "/requests{}?city=town&service=street-light"
    (row,) = portal.browser().get(of_service.format(".json")).json()
    assert (row["answer_poles"], row["answer_colour"]) == (3, "=1+1")
    head, line = portal.browser().get(of_service.format(".csv")).text.splitlines()[:2]
    assert head.endswith("answer_poles,answer_colour")
    assert "'=1+1" in line
    assert "answer_poles" not in portal.browser().get("/requests.csv?city=town").text


def test_a_key_that_is_called_as_somebody_has_none_of_their_list(portal: Portal) -> None:
    kept = _send(_as(portal, "nina"), "A hole", mine="1")
    secret, _key = add_key(portal.node.store.tenant(), "nina", ["work"], ["town"])
    page = portal.browser().get("/my-requests", Authorization=f"Bearer {secret}")
    assert kept not in page.text
