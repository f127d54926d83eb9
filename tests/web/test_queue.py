"""The officers' queue through the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from mahakam.services.request import Draft
from mahakam.web.request_desk import desk_of
from mahakam.web.site import Site
from support.portal import BAY, TOWN, Browser, Portal, hidden, two_cities, words_of

PASSWORD = "correct horse battery"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        store = made.node.store.tenant()
        accounts.add_account(store, "siti", PASSWORD, ["officer"], ["town"])
        accounts.add_account(store, "budi", PASSWORD, ["officer"], ["prov"])
        accounts.add_account(store, "wati", PASSWORD, ["steward"], ["town"])
        desk = desk_of(Site(made.node))
        desk.send(Draft("town", "pothole", "Deep hole", TOWN, contact="warga@example.id"))
        desk.send(Draft("bay", "street-light", "Dark street", BAY))
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert browser.fill("/signin", {"name": name, "password": PASSWORD}, action="/signin").status_code == 303
    return browser


def test_an_officer_sees_the_queue_of_her_places(portal: Portal) -> None:
    siti, budi = _as(portal, "siti"), _as(portal, "budi")
    assert [row["number"] for row in siti.get("/queue.json").json()] == ["TOWN-2026-000001"]
    assert {row["number"] for row in budi.get("/queue.json").json()} == {
        "TOWN-2026-000001",
        "BAY-2026-000001",
    }
    assert [row["number"] for row in budi.get("/queue.json?city=bay").json()] == ["BAY-2026-000001"]
    assert budi.get("/queue.json?city=town&service=street-light").json() == []
    assert "Queue of Town" in words_of(siti.get("/queue?lang=en").text)
    assert siti.get("/queue/BAY-2026-000001").status_code == 403
    assert siti.get("/queue/TOWN-2026-000009").status_code == 404
    assert _as(portal, "wati").get("/queue").status_code == 403
    assert portal.browser().get("/queue/TOWN-2026-000001").status_code == 303


def test_an_answer_is_public_and_a_note_is_not(portal: Portal) -> None:
    siti = _as(portal, "siti")
    page = "/queue/TOWN-2026-000001"
    assert "warga@example.id" in siti.get(page).text
    assert siti.fill(page, {"note": "Ask the contractor"}, action=page + "/notes").status_code == 303
    assert (
        siti.fill(page, {"state": "answered", "text": "Filled <today>"}).headers["location"]
        == page + "?done=1"
    )
    shown = portal.browser().get("/requests/TOWN-2026-000001?lang=en").text
    assert "Filled <today>" in words_of(shown)
    assert "<today>" not in shown
    assert "Answered" in words_of(shown)
    assert "Ask the contractor" not in shown
    assert "siti" not in shown
    assert "Ask the contractor" in siti.get(page).text
    assert siti.get("/queue.json").json() == [], "it waits no more"
    assert [row["number"] for row in siti.get("/queue.json?status=answered").json()] == ["TOWN-2026-000001"]


def test_two_officers_lose_nothing(portal: Portal) -> None:
    siti, budi = _as(portal, "siti"), _as(portal, "budi")
    page = "/queue/TOWN-2026-000001"
    seen_by_budi = hidden(budi.get(page).text)
    assert siti.fill(page, {"state": "inProgress", "text": "A crew comes"}).status_code == 303
    late = budi.post(page, seen_by_budi | {"state": "answered", "text": "My careful answer"})
    assert late.status_code == 409
    words = words_of(late.text)
    assert "My careful answer" in words, "what was typed is kept"
    assert "A crew comes" in words, "and what is new is shown"
    public = words_of(portal.browser().get("/requests/TOWN-2026-000001").text)
    assert "My careful answer" not in public
    again = budi.post(page, hidden(late.text) | {"state": "answered", "text": "My careful answer"})
    assert again.status_code == 303
    assert "My careful answer" in words_of(portal.browser().get("/requests/TOWN-2026-000001").text)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"state": "answered", "text": " "}, "Write a few words"),
        ({"state": "closed", "text": "done"}, "cannot go from here"),
        ({"state": "received", "text": ""}, "Write a few words"),
        ({"state": "answered", "text": "x" * 4001}, "too long"),
    ],
)
def test_a_bad_answer_keeps_its_words(portal: Portal, fields: dict[str, str], says: str) -> None:
    siti = _as(portal, "siti")
    siti.get("/?lang=en")
    answer = siti.fill("/queue/TOWN-2026-000001", fields)
    assert answer.status_code == 422
    assert says in words_of(answer.text)
    assert fields["text"].strip() in words_of(answer.text)


def test_nobody_answers_through_a_forged_or_a_strangers_form(portal: Portal) -> None:
    siti = _as(portal, "siti")
    page = "/queue/TOWN-2026-000001"
    fields = hidden(siti.get(page).text) | {"state": "answered", "text": "forged"}
    assert siti.post(page, fields, Origin="https://evil.example").status_code == 403
    assert (
        siti.post(page, fields | {"form": hidden(portal.browser().get("/signin").text)["form"]}).status_code
        == 403
    )
    assert portal.browser().post(page, fields).status_code == 303
    assert "forged" not in portal.browser().get("/requests/TOWN-2026-000001").text
