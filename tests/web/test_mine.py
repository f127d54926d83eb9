"""What residents do with their own request, and what they say of it, through the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.ngsild.selection import Selection, Types
from mahakam.services.desk import Desk, revision_of
from mahakam.services.satisfaction import TYPE, survey
from support.portal import TOWN, Portal, hidden, two_cities, words_of

GOOD = {
    "service": "pothole",
    "description": "Deep hole near the market",
    "longitude": str(TOWN[0]),
    "latitude": str(TOWN[1]),
}
ALL_GOOD = {element.code: "3" for element in survey().elements}


class Resident:
    """Somebody who has sent a report; ``page`` is the address that was given to them."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.browser = portal.browser()
        sent = self.browser.fill("/report?city=town&lang=en", GOOD, action="/report")
        self.page = sent.headers["location"].replace("sent=1&", "lang=en&")
        self.number = re.findall(r"TOWN-\d{4}-\d{6}", self.page)[0]
        self.desk = Desk(portal.node.broker, portal.node.places, portal.node.settings.data)

    def look(self) -> str:
        return words_of(self.browser.get(self.page).text)

    def act(self, act: str, text: str = "") -> Any:
        return self.browser.fill(self.page, {"do": act, "text": text}, action=f"/requests/{self.number}/mine")

    def officer(self, state: str, text: str) -> None:
        seen = self.desk.request(self.number)
        assert seen
        self.desk.step(self.number, revision_of(seen), state, text, "Dinas PU", "siti")

    @property
    def state(self) -> str:
        found = self.desk.request(self.number)
        assert found
        return found.state

    def rate(self, **answers: str) -> Any:
        rating = self.page.replace(f"/requests/{self.number}", f"/requests/{self.number}/rate")
        return self.browser.fill(rating, ALL_GOOD | answers)


@pytest.fixture
def resident(tmp_path: Path) -> Iterator[Resident]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places"), fewest="1") as portal:
        yield Resident(portal)


def test_a_question_is_asked_and_answered(resident: Resident) -> None:
    resident.officer("waiting", "In which street?")
    assert "Send the answer" in resident.look()
    assert resident.act("answer", "").status_code == 422
    assert resident.act("answer", "Jalan Mulawarman").status_code == 303
    assert resident.state == "inProgress"
    assert "Jalan Mulawarman" in resident.look()


def test_a_report_is_withdrawn(resident: Resident) -> None:
    assert resident.act("withdraw").status_code == 303
    assert resident.state == "closed"


def test_an_answer_is_confirmed_or_reopened_once(resident: Resident) -> None:
    resident.officer("answered", "The hole is filled.")
    assert resident.act("reopen", "It is still there").status_code == 303
    assert resident.state == "reopened"
    resident.officer("answered", "Now it is.")
    assert "open it again" not in resident.look()
    assert resident.act("reopen", "Once more").status_code == 422
    assert resident.act("confirm").status_code == 303
    assert resident.state == "closed"


@pytest.mark.parametrize("act", ["answer", "confirm", "reopen", "close", ""])
def test_what_does_not_fit_is_refused(resident: Resident, act: str) -> None:
    assert resident.act(act, "some words").status_code == 422
    assert resident.state == "received"


def test_a_form_that_is_old_shows_what_is_new(resident: Resident) -> None:
    shown = hidden(resident.browser.get(resident.page).text)
    resident.officer("inProgress", "We are coming")
    answer = resident.browser.post(
        f"/requests/{resident.number}/mine", shown | {"do": "withdraw", "text": "Never mind"}
    )
    assert answer.status_code == 409
    assert "We are coming" in words_of(answer.text)
    assert "Never mind" in answer.text
    assert resident.state == "inProgress"


def test_without_the_key_nothing_can_be_done(resident: Resident) -> None:
    stranger = resident.portal.browser()
    shown = stranger.get(f"/requests/{resident.number}?lang=en")
    assert "Withdraw" not in words_of(shown.text)
    guessed = stranger.get(f"/requests/{resident.number}?lang=en&key=AAAAAAAAAAAAAAAAAAAA")
    assert "Withdraw" not in words_of(guessed.text)
    token = hidden(resident.browser.get(resident.page).text)["form"]
    fields = {"form": token, "key": "AAAAAAAAAAAAAAAAAAAA", "revision": "1", "do": "withdraw", "text": ""}
    assert stranger.post(f"/requests/{resident.number}/mine", fields).status_code == 404
    assert stranger.get(f"/requests/{resident.number}/rate?key=A").status_code == 404
    assert resident.state == "received"


def test_a_settled_request_is_rated_once_and_names_nobody(resident: Resident) -> None:
    assert "Rate what was done" not in resident.look()
    resident.officer("answered", "The hole is filled.")
    assert "Rate what was done" in resident.look()
    refused = resident.rate(time="")
    assert refused.status_code == 422
    assert refused.text.count("checked") == 8, "the other answers are still there"
    assert resident.rate(time="4").status_code == 303
    assert resident.rate().status_code == 409
    assert "Rate what was done" not in resident.look()
    (row,) = resident.browser.get("/satisfaction.json?city=town").json()
    assert (row["service"], row["agency"], row["answers"]) == ("pothole", "Dinas PU", 1)
    assert (row["index"], row["grade"]) == (77.78, "B")
    assert resident.browser.get("/satisfaction.json?city=bay").json() == []
    assert "77.78" in words_of(resident.browser.get("/satisfaction?lang=en").text)
    (kept,) = resident.portal.node.broker.query(Selection(types=Types(((TYPE,),))), 10)
    assert resident.number not in str(kept), "nobody can tell whose answer it was"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        yield made


class Waited:
    """A report that waited on a phone and went out when nobody could be asked, near one that is open."""

    def __init__(self, portal: Portal, **other: str) -> None:
        self.first = Resident(portal)
        self.browser = portal.browser()
        report = GOOD | {"description": "Hole in the road by the market", "anyway": "1"} | other
        self.said = self._sent(report)
        self.again = self._sent(report)
        self.page = self.said["page"].replace("sent=1&", "lang=en&")
        self.number = self.said["number"]

    def _sent(self, report: dict[str, str]) -> dict[str, Any]:
        form = hidden(self.browser.get("/report?city=town&lang=en").text) | {"idempotency": "kept"} | report
        return dict(self.browser.post("/report", form, accept="application/json").json())

    def same(self, into: str, page: str = "") -> Any:
        return self.browser.fill(page or self.page, {"into": into}, action=f"/requests/{self.number}/same")


def test_what_waited_on_a_phone_is_sent_and_says_what_is_near(portal: Portal) -> None:
    waited = Waited(portal)
    assert waited.said["alike"] == 1
    assert waited.again == waited.said, "sent once more, it is not its own likeness"
    shown = words_of(waited.browser.get(waited.page).text)
    assert "Somebody has reported this near by" in shown
    assert "Deep hole near the market" in shown
    bare = waited.page.replace("&alike=1", "")
    assert "Somebody has reported this" not in waited.browser.get(bare).text
    assert "alike" not in waited.first.page, "nothing is near, nothing is asked"


def test_a_report_continues_as_the_one_that_its_sender_names(portal: Portal) -> None:
    waited = Waited(portal)
    first = waited.first.number
    answer = waited.same(first)
    assert answer.status_code == 303, answer.text
    assert f"Continues as {first}" in words_of(waited.browser.get(answer.headers["location"]).text)
    assert f"Also reported as {waited.number}" in waited.first.look()
    waited.first.officer("inProgress", "A crew is on its way.")
    assert f"News of {first}" in words_of(waited.browser.get(waited.page).text)


def test_a_report_continues_as_nothing_that_is_elsewhere_or_not_its_senders(portal: Portal) -> None:
    waited = Waited(portal)
    far = portal.browser().fill(
        "/report?city=town&lang=en", GOOD | {"latitude": "-0.41", "longitude": "117.01"}, action="/report"
    )
    (elsewhere,) = re.findall(r"TOWN-\d{4}-\d{6}", far.headers["location"])
    for into in (elsewhere, waited.number, "TOWN-2020-000001", ""):
        refused = waited.same(into)
        assert refused.status_code == 422
        assert "choose one that is open" in words_of(refused.text)
    stranger = waited.browser.fill(
        waited.page, {"into": waited.first.number, "key": "a" * 24}, action=f"/requests/{waited.number}/same"
    )
    assert stranger.status_code == 404
    assert waited.first.desk.request(waited.number).open  # type: ignore[union-attr]
