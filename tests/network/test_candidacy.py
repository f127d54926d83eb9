"""Candidacy: dossier, findings, consensus of the countries, membership; on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.faults import Changed, Refused
from mahakam.network import candidacy as steps
from mahakam.network.candidacies import candidacies, change_candidacy
from mahakam.network.candidacy import Candidacy, Dossier, Line, Part
from mahakam.network.plans import Seat
from mahakam.network.recommendation import Author
from mahakam.network.terms import recorded
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

AT = "2026-03-02T01:00:00+00:00"
COUNTRIES = ("ID", "TH")
CITY = Author("siti", "Siti", "city_officer", "samarinda")
OFFICE = Author("sec", "Sec", "secretariat", "")
SEAT = Seat("samarinda", "Samarinda", "Indonesia", "ID", "candidate", "samarinda")


def country(code: str) -> Author:
    return Author(f"nr-{code}", code, "representative", code)


def dossier(why: str = "We measure") -> Dossier:
    part = Part("Readiness", (Line("Action plan", "written", "/network/plans/samarinda", True),))
    return Dossier(AT, CITY, {"en": why} if why else {}, {"en": (part,), "id": (part,)})


def before_the_countries() -> Candidacy:
    found = steps.submit(Candidacy(key="samarinda"), dossier())
    return steps.put(steps.review(found, "Good", True, 1, OFFICE, AT), "2027-01-01", OFFICE, AT)


def decide(found: Candidacy, code: str, consents: bool, reason: str = "") -> Candidacy:
    seen = (found.version, found.round)
    return steps.decide(found, code, consents, reason, seen, COUNTRIES, country(code), AT)


def test_an_objection_blocks_until_it_is_taken_back_and_is_kept() -> None:
    found = decide(before_the_countries(), "TH", False, "The data is old.")
    found = decide(found, "ID", True)
    assert found.state == "decision"
    found = decide(found, "TH", True)
    assert found.state == "admitted"
    assert [one.reason for one in found.positions] == ["The data is old.", "", ""]


def test_silence_is_no_consent_and_a_new_round_begins_anew() -> None:
    found = decide(before_the_countries(), "ID", True)
    assert found.state == "decision"
    again = steps.put(found, "2028-01-01", OFFICE, AT)
    assert again.standing_positions() == {}
    with pytest.raises(Changed):
        steps.decide(again, "TH", True, "", (1, 1), COUNTRIES, country("TH"), AT)
    with pytest.raises(Refused):
        decide(again, "TH", False, " ")
    with pytest.raises(Refused):
        decide(again, "XX", True)


def test_what_is_given_back_is_submitted_anew_and_all_is_kept() -> None:
    found = steps.submit(Candidacy(key="samarinda"), dossier())
    with pytest.raises(Changed):
        steps.submit(found, dossier())
    with pytest.raises(Refused):
        steps.review(found, " ", True, 1, OFFICE, AT)
    with pytest.raises(Changed):
        steps.put(found, "2027-01-01", OFFICE, AT)
    back = steps.review(found, "No plan", False, 1, OFFICE, AT)
    with pytest.raises(Refused):
        steps.submit(back, dossier(""))
    again = steps.submit(back, dossier("With a plan"))
    with pytest.raises(Changed):
        steps.review(again, "Good", True, 1, OFFICE, AT)
    assert (again.version, [one.text for one in again.findings]) == (2, ["No plan"])
    blocked = decide(before_the_countries(), "TH", False, "No")
    assert steps.give_back(blocked, "Mend it", OFFICE, AT).state == "returned"


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path / "data")
    yield opened.tenant()
    opened.close()


def test_the_last_consent_makes_it_a_member_in_the_same_transaction(store: EntityStore) -> None:
    change_candidacy(store, SEAT, lambda _one: before_the_countries(), "here")
    with pytest.raises(Refused):
        change_candidacy(store, SEAT, lambda one: decide(one, "TH", False), "here")
    change_candidacy(store, SEAT, lambda one: decide(one, "TH", True), "here")
    assert recorded(store) == []
    change_candidacy(store, SEAT, lambda one: decide(one, "ID", True), "here")
    assert candidacies(store)["samarinda"].state == "admitted"
    assert [(one.kind, one.seat, one.since, one.source) for one in recorded(store)] == [
        ("member", "samarinda", "2027-01-01", "here")
    ]
