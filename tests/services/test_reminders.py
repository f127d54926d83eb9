"""What is due soon or late is told once: to the team, then up the agency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.app import Node
from mahakam.config import ConfigError
from mahakam.services import outbox, private
from mahakam.services.calendar import Calendar
from mahakam.services.desk import Desk, revision_of
from mahakam.services.queue import Queue, Waiting
from mahakam.services.reminders import Reminders, Told
from mahakam.services.request import Draft, Request
from mahakam.services.routing import read_routing
from mahakam.web.clock_letters import ClockLetters
from support.routed import NORTH, ROUTING, opened, routed_town

MONDAY = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)
DUE = dt.datetime(2026, 11, 26, 2, 0, tzinfo=dt.UTC)
"""Three working days later: to be taken up by then."""


class Office:
    def __init__(self, node: Node, desk: Desk) -> None:
        self.node, self.desk = node, desk
        self.reminders = Reminders(desk, node.broker, node.places)
        self.number = desk.send(Draft("town", "pothole", "A deep hole", NORTH), MONDAY).number

    def request(self) -> Request:
        found = self.desk.request(self.number)
        assert found
        return found

    def escalated(self) -> list[str]:
        return [step.to[0] for step in self.request().steps if step.act == "escalated"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    node, desk, _hands = opened(tmp_path / "data", routed_town(tmp_path / "places"))
    yield Office(node, desk)
    node.close()


def test_the_team_is_warned_before_and_the_agency_above_is_told_after(office: Office) -> None:
    run = office.reminders.run
    assert dt.datetime.fromisoformat(office.request().due) == DUE
    assert run(DUE - dt.timedelta(days=1, minutes=1)) == Told(0, 0)
    assert run(DUE - dt.timedelta(days=1)) == Told(1, 0)
    assert run(DUE - dt.timedelta(hours=1)) == Told(0, 0), "once"
    notes = office.desk.private(office.number).notes
    assert [(note.act, note.text) for note in notes] == [("warned", "verify")]
    assert run(DUE) == Told(0, 1)
    assert run(DUE + dt.timedelta(hours=1)) == Told(0, 0), "once"
    assert office.escalated() == ["secretary"]
    assert office.request().state == "received"
    assert "secretary" in office.request().routed
    above = Waiting("/prov/town", team="secretary", late_at="2027")
    assert Queue(office.node.broker).count(above) == 1, "who is above has it in the queue"
    assert run(DUE + dt.timedelta(days=30)) == Told(0, 0), "there is nobody above the secretary"


def test_a_restart_repeats_nothing_and_makes_up_for_what_was_missed(office: Office, tmp_path: Path) -> None:
    office.reminders.run(DUE)
    assert office.escalated() == ["secretary"]
    office.node.close()
    node, desk, _hands = opened(tmp_path / "data", tmp_path / "places")
    try:
        again = Reminders(desk, node.broker, node.places)
        assert again.run(DUE + dt.timedelta(minutes=5)) == Told(0, 0)
        late = desk.send(Draft("town", "pothole", "Another hole", NORTH), MONDAY).number
        assert again.run(DUE + dt.timedelta(days=9)) == Told(0, 1), (
            "late already: no warning before the target"
        )
        request = desk.request(late)
        assert request
        assert [step.act for step in request.steps].count("escalated") == 1
    finally:
        node.close()


def test_what_is_taken_up_in_time_is_told_of_for_its_next_stage_only(office: Office) -> None:
    office.reminders.run(DUE - dt.timedelta(hours=2))
    request = office.desk.step(office.number, 2, "inProgress", "A crew comes", "", "siti")
    assert request.due_stage == "finish"
    assert office.reminders.run(DUE + dt.timedelta(hours=2)) == Told(0, 0)
    assert office.reminders.run(dt.datetime.fromisoformat(request.due)) == Told(0, 1)
    office.desk.step(office.number, revision_of(office.request()), "answered", "Filled", "", "siti")
    assert office.reminders.run(DUE + dt.timedelta(days=99)) == Told(0, 0)
    assert office.node.broker.store.record_keys("request-told /prov/town") == [], (
        "nothing is kept of what is over"
    )


_WEEK = Calendar(
    ZoneInfo("Asia/Makassar"), frozenset(range(5)), dt.time(8), dt.time(16), lambda date: date.day == 1
)


@settings(deadline=None)
@given(
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1), timezones=st.just(dt.UTC)),
    st.floats(0, 20),
)
def test_before_is_the_way_back_from_due(start: dt.datetime, days: float) -> None:
    due = _WEEK.due(start, days)
    left = _WEEK.worked(_WEEK.before(due, days), due)
    assert abs(left - _WEEK.day * days) < dt.timedelta(milliseconds=1)


CONTACTS = ROUTING.replace(
    "above: secretary\n  transport",
    "above: secretary\n    contact: pu@example.id\n    contacts: {roads: roads@example.id}\n  transport",
).replace("head: {en: Secretary, id: Sekda}}", "head: {en: Secretary, id: Sekda}, contact: sekda@example.id}")


def test_who_works_on_it_is_mailed_before_and_who_is_above_after_once_each(tmp_path: Path) -> None:
    node, desk, _hands = opened(tmp_path / "data", routed_town(tmp_path / "places", CONTACTS))
    store = node.store.tenant()
    number = desk.send(Draft("town", "pothole", "A deep hole", NORTH), MONDAY).number
    private.assign(store, number, "", "siti@example.id", "head")
    reminders = Reminders(
        desk, node.broker, node.places, ClockLetters(node.places, "https://town.example.id")
    )
    for _round in range(2):
        reminders.run(DUE - dt.timedelta(hours=1))
    before = list(store.records(outbox.KIND).values())
    assert sorted(one["to"] for one in before) == ["roads@example.id", "siti@example.id"]
    assert number in before[0]["subject"]
    assert f"https://town.example.id/queue/{number}" in before[0]["text"]
    assert "A deep hole" not in before[0]["text"], "what a resident wrote is read in the workbench"
    for _round in range(2):
        reminders.run(DUE)
    after = list(store.records(outbox.KIND).values())[2:]
    assert sorted(one["to"] for one in after) == ["roads@example.id", "sekda@example.id", "siti@example.id"]
    assert "Sekretaris Daerah" in after[0]["text"]
    node.close()


def test_an_address_that_is_none_is_refused_when_the_rules_are_read(tmp_path: Path) -> None:
    wrong = CONTACTS.replace("roads@example.id", '"x@example.id\\r\\nBcc: all@example.id"')
    places = routed_town(tmp_path / "places", wrong)
    with pytest.raises(ConfigError, match="no e-mail address"):
        read_routing(places / "prov" / "town" / "routing.yaml", "town")
