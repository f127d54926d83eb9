"""Who works on a request, by the rules of the city; what is passed on, split and merged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.app import Node
from mahakam.config import ConfigError
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.handover import Handover, Part
from mahakam.services.moves import ways
from mahakam.services.queue import Queue, Waiting, build_lists
from mahakam.services.request import Draft, Refused, Request
from mahakam.services.routing import read_routing
from mahakam.services.workflow import OFFICER, RESIDENT
from support.routed import MARKET, NORTH, ROAD, ROUTING, SOUTH, opened, routed_town

MONDAY = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)
"""Ten in the morning in Makassar."""
TOWN = "/prov/town"


class Here:
    def __init__(self, node: Node, desk: Desk, hands: Handover) -> None:
        self.node, self.desk, self.hands = node, desk, hands
        self.queue = Queue(node.broker)

    def sent(
        self, point: tuple[float, float], at: dt.datetime = MONDAY, service: str = "pothole", **more: str
    ) -> Request:
        return self.now(self.desk.send(Draft("town", service, "A deep hole", point, **more), at).number)

    def now(self, number: str) -> Request:
        found = self.desk.request(number)
        assert found
        return found

    def waiting(self, **by: str) -> list[str]:
        ids = Queue(self.node.broker).ids(Waiting(TOWN, **by), 100)
        return [id.rpartition(":")[2] for id in ids]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    node, desk, hands = opened(tmp_path / "data", routed_town(tmp_path / "places"))
    yield Here(node, desk, hands)
    node.close()


@pytest.mark.parametrize(
    ("point", "hour", "to", "reason"),
    [
        (NORTH, 2, ("works/roads",), "Potholes in the north"),
        (NORTH, 14, ("works/night",), "Outside of working hours"),
        (ROAD, 14, ("province", "works"), "A primary road is the province's"),
        (MARKET, 2, ("transport",), "By the city's rules for this kind of report"),
        (SOUTH, 2, ("triage",), "No rule of the city says whose task this is: people look at it"),
    ],
)
def test_the_first_rule_that_fits_decides(
    here: Here, point: tuple[float, float], hour: int, to: tuple[str, ...], reason: str
) -> None:
    request = here.sent(point, MONDAY.replace(hour=hour))
    assert request.routed == to
    step = request.steps[1]
    assert (step.act, step.to, step.reason["en"]) == ("routed", to, reason)
    assert request.agency == ("" if to == ("triage",) else step.agency)
    assert here.waiting(team=to[0]) == [request.number]
    assert here.waiting(team=to[-1].partition("/")[0]) == [request.number]


def test_routing_is_no_answer_to_the_resident(here: Here) -> None:
    request = here.sent(NORTH)
    assert {mark.stage: mark.reached for mark in here.desk.marks(request)} == {
        "verify": None, "respond": None, "finish": None
    }  # fmt: skip
    moved = here.hands.transfer(request.number, 2, "transport", "It is a lamp, not a hole", "siti")
    reached = {mark.stage: mark.reached is not None for mark in here.desk.marks(moved)}
    assert reached == {"verify": True, "respond": False, "finish": False}, "passed on, but not answered"


def test_a_transfer_says_why_and_moves_it_to_the_other_queue(here: Here) -> None:
    request = here.sent(NORTH)
    moved = here.hands.transfer(request.number, 2, "transport", "It is a lamp, not a hole", "siti")
    assert (moved.routed, moved.agency) == (("transport",), "Transport")
    assert (moved.steps[-1].act, moved.steps[-1].text) == ("transferred", "It is a lamp, not a hole")
    assert (here.waiting(team="works"), here.waiting(team="transport")) == ([], [request.number])
    document = here.node.broker.get(f"urn:ngsi-ld:ServiceRequest:{request.number}")
    assert document
    assert "statusNotes" not in document, "the reason is for the course, not the answer"
    with pytest.raises(Changed):
        here.hands.transfer(request.number, 2, "works", "No, ours", "budi")
    for to, reason in (("nobody", "a reason"), ("works", ""), ("transport", "to itself")):
        with pytest.raises(Refused):
            here.hands.transfer(request.number, 3, to, reason, "budi")
    assert here.now(request.number) == moved


def test_one_report_is_worked_on_by_several_agencies(here: Here) -> None:
    request = here.sent(NORTH)
    shared = here.hands.share(request.number, 2, ["transport"], "The lamp fell into it", "siti")
    assert shared.routed == ("works/roads", "transport")
    assert here.waiting(team="transport") == here.waiting(team="works/roads") == [request.number]
    assert here.waiting() == [request.number], "and it counts once"
    done = here.desk.step(request.number, 3, "answered", "Filled and lit", "", "siti")
    assert here.waiting() == here.waiting(team="transport") == []
    with pytest.raises(Refused):
        here.hands.share(request.number, revision_of(done), ["province"], "Too late now", "siti")


def test_a_report_of_two_things_is_split(here: Here) -> None:
    request = here.sent(NORTH, contact="warga@example.id")
    parts = [Part("street-light", "The lamp above it is out"), Part("pothole")]
    left, numbers = here.hands.split(request.number, 2, parts, "Two tasks", "siti")
    assert left.steps[-1].to == tuple(numbers)
    again = here.now(numbers[0])
    assert (again.service, again.description, again.state) == (
        "street-light",
        "The lamp above it is out",
        "received",
    )
    assert again.requested == request.requested, "the resident has waited since then"
    assert again.routed == ("triage",)
    assert again.steps[1].to == (request.number,)
    assert here.now(numbers[1]).routed[0].startswith("works/")
    assert here.desk.private(numbers[0]).contact == "warga@example.id", (
        "the followers hear of the part as well"
    )
    with pytest.raises(Changed):
        here.hands.split(request.number, 2, parts, "Two tasks", "siti")
    assert len(here.waiting()) == 3


def test_a_merged_one_keeps_its_course_and_hears_the_news(here: Here) -> None:
    kept, ended, first = (here.sent(NORTH) for _ in range(3))
    here.hands.merge(first.number, 2, ended.number, "Same hole", "siti")
    merged, target = here.hands.merge(ended.number, 3, kept.number, "Same hole again", "siti")
    assert merged.state == "closed"
    assert merged.merged_into == here.now(first.number).merged_into == kept.number
    assert target.steps[-1].to == (ended.number, first.number)
    assert here.waiting() == [kept.number]
    here.desk.step(kept.number, revision_of(target), "answered", "Filled", "", "siti")
    for number in (ended.number, first.number):
        news = here.now(number).steps[-1]
        assert (news.act, news.text, news.to) == ("follows", "Filled", (kept.number, "answered"))
        assert here.now(number).description == "A deep hole"
        assert ways(here.desk.workflow(here.now(number)), here.now(number), OFFICER | RESIDENT) == ()
    with pytest.raises(Refused):
        here.hands.merge(here.sent(NORTH).number, 2, ended.number, "Into one that ended", "siti")


def test_nothing_is_half_merged(here: Here) -> None:
    one, other = here.sent(NORTH), here.sent(NORTH)
    for number, into in ((one.number, one.number), (one.number, "BAY-2026-000001")):
        with pytest.raises(Exception, match=r"into|not found|no entity"):
            here.hands.merge(number, 2, into, "", "siti")
    with pytest.raises(Changed):
        here.hands.merge(one.number, 1, other.number, "", "siti")
    assert (here.now(one.number), here.now(other.number)) == (one, other)


def test_the_queue_is_in_order_of_urgency(here: Here) -> None:
    numbers = [here.sent(NORTH, MONDAY + dt.timedelta(days=day)).number for day in (2, 0, 1)]
    assert here.waiting() == [numbers[1], numbers[2], numbers[0]]
    here.desk.step(numbers[1], 2, "waiting", "Which side of the road?", "", "siti")
    assert here.waiting() == [numbers[2], numbers[0], numbers[1]], (
        "nothing is owed while the resident is asked"
    )
    assert here.waiting(state="waiting", service="pothole") == [numbers[1]]
    assert here.waiting(state="received", team="works/roads") == [numbers[2], numbers[0]]
    due = here.now(numbers[2]).due
    assert here.waiting(late_at=due) == []
    assert here.queue.count(Waiting(TOWN, late_at=due + "0")) == 1


def test_queues_of_an_older_store_are_made(here: Here) -> None:
    request = here.sent(NORTH)
    kinds = [f"queue {TOWN}", f"queue {TOWN} state received", f"queue {TOWN} team works"]

    def forget(transaction: object) -> None:
        for kind in kinds:
            for key in here.node.broker.store.record_keys(kind):
                transaction.save_record(kind, key, None)  # type: ignore[attr-defined]

    here.node.broker.store.write(forget)
    assert here.waiting() == []
    build_lists(here.node.broker)
    assert here.waiting() == here.waiting(team="works") == [request.number]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("to: transport", "to: transports"), "'transports' is no agency"),
        (("hours: outside", "hours: night"), "hours is working or outside"),
        (("secretary: {name", "secretary: {above: works, name"), "leads back to itself"),
        (("market.geojson", "square.geojson"), "there is no square.geojson"),
        (("district:", "districts:"), "unknown 'districts'"),
        (("escalate: [0, 5]", "escalate: [soon]"), "escalate is working days"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    text = ROUTING.replace(*change)
    assert text != ROUTING
    town = routed_town(tmp_path, text) / "prov" / "town"
    with pytest.raises(ConfigError, match=says):
        read_routing(town / "routing.yaml", "town")
