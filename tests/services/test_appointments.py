"""Slots by the office's hours and the city's days off; booked, moved and given back, never twice, on both stores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar as ICalendar

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.config import ConfigError, Place, load_places
from mahakam.services.appointment_acts import MOST_MOVES, book_slot, calendar_file
from mahakam.services.booking import Slot, appointment_of, free_slots, numbers_at
from mahakam.services.calendar import Calendar
from mahakam.services.catalogue import catalogue
from mahakam.services.clock import promise_of
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.request import Draft, Refused, Request, utc_text
from mahakam.services.slots import Appointments, offered, read_appointments, starts_on
from mahakam.services.standard import Office
from mahakam.services.workflow import OFFICER, RESIDENT
from mahakam.store.opening import open_store
from mahakam.store.protocol import Store
from support.portal import TOWN, two_cities

ZONE = ZoneInfo("Asia/Makassar")
OFFICE = Office({"en": "Town hall"}, hours=("Mo-Th 08:00-10:00", "Fr 08:00-08:45"))
SERVICE = """name: {en: Family card, id: Kartu keluarga}
personal: true
workflow: appointment
office: {address: Town hall, hours: ["Mo-Su 00:00-23:59"]}
appointments: {minutes: 60, capacity: 2, days: 3, notice: 1}
"""
NOW = dt.datetime(2026, 11, 25, 9, 30, tzinfo=ZONE)
"""A Wednesday."""


def _calendar(*closed: dt.date) -> Calendar:
    return Calendar(ZONE, frozenset(range(5)), dt.time(8), dt.time(16), frozenset(closed).__contains__)


def _said(starts: list[dt.datetime]) -> list[str]:
    return [f"{one:%a %H:%M}" for one in starts]


def test_slots_lie_within_the_hours_of_the_office() -> None:
    found = Appointments(30, 1, 2, 0, ((2, dt.time(8), dt.time(10)), (4, dt.time(8), dt.time(8, 45))))
    assert _said(offered(found, _calendar(), NOW)) == ["Wed 09:30", "Fri 08:00"]


def test_nothing_is_offered_on_a_holiday_nor_too_soon_nor_too_late(tmp_path: Path) -> None:
    found = read_appointments(tmp_path, {"minutes": 60, "days": 5, "notice": 24}, OFFICE)
    assert found is not None
    holiday = dt.date(2026, 11, 30)
    assert _said(offered(found, _calendar(holiday), NOW)) == []
    assert _said(offered(found, _calendar(), NOW)) == ["Mon 08:00", "Mon 09:00"]


@given(minutes=st.integers(5, 480), opens=st.integers(0, 22), length=st.integers(1, 1380))
def test_slots_never_overlap_nor_leave_the_hours(minutes: int, opens: int, length: int) -> None:
    start = dt.time(opens)
    end = (dt.datetime.combine(NOW, start) + dt.timedelta(minutes=length)).time()
    if end <= start:
        return
    found = Appointments(minutes, 1, 1, 0, ((2, start, end),))
    starts = list(starts_on(found, _calendar(), NOW.date()))
    step = dt.timedelta(minutes=minutes)
    assert all(after - before == step for before, after in pairwise(starts))
    assert all(one.time() >= start and (one + step).time() <= end for one in starts)
    assert len(starts) == length // minutes


@pytest.mark.parametrize(
    ("raw", "office", "said"),
    [
        ([], OFFICE, "appointments is a mapping, e.g. appointments: {minutes: 30"),
        ({"minute": 5}, OFFICE, "appointments: unknown 'minute'; it has minutes, capacity, days, notice"),
        ({"minutes": 3}, OFFICE, "appointments.minutes is a whole number from 5 to 480, not 3"),
        ({"capacity": 0}, OFFICE, "appointments.capacity is a whole number from 1 to 100, not 0"),
        ({"capacity": True}, OFFICE, "not True"),
        ({}, None, "given within office.hours"),
        ({}, Office({"en": "x"}, hours=("Mo 08:00-25:00",)), "names no time of a day"),
        ({}, Office({"en": "x"}, hours=("Mo 15:00-08:00",)), "closes before it opens"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, raw: object, office: Office | None, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_appointments(tmp_path, raw, office)


class Counter:
    """A town whose registry gives appointments for two at a time."""

    def __init__(self, store: Store, places: Mapping[str, Place], data: Path) -> None:
        self.store, self.places = store.tenant(), places
        self.desk = Desk(Broker(store, NoContracts(), places), places, data)
        self.service = catalogue(places["town"], places)["card"]
        self.calendar = promise_of(places["town"], places).calendar
        self.now = dt.datetime.now(dt.UTC)

    def send(self, words: str = "A birth") -> Request:
        return self.again(self.desk.send(Draft("town", "card", words, TOWN)).number)

    def again(self, number: str) -> Request:
        found = self.desk.request(number)
        assert found is not None
        return found

    @property
    def asked(self) -> Appointments:
        assert self.service.appointments is not None
        return self.service.appointments

    def free(self, request: Request) -> list[Slot]:
        return free_slots(self.store, request, self.asked, self.calendar, self.now)

    def taken(self, start: str) -> list[str]:
        return numbers_at(self.store, "town", "card").get(start, [])

    def book(self, request: Request, start: str) -> Request:
        seen = request, revision_of(request)
        return book_slot(self.desk, self.places, seen, start, "resident", RESIDENT, self.now)


@pytest.fixture
def counter(tmp_path: Path, store_url: str) -> Iterator[Counter]:
    root = two_cities(tmp_path / "places")
    (root / "prov/town/services/card.yaml").write_text(SERVICE)
    with (root / "prov/town/city.yaml").open("a") as city:
        city.write("clock: {days: [mon, tue, wed, thu, fri, sat, sun]}\n")
    store = open_store(store_url, tmp_path / "data")
    yield Counter(store, load_places([root]), tmp_path / "data")
    store.close()


def test_booked_moved_and_cancelled(counter: Counter) -> None:
    request = counter.send()
    assert (request.state, request.workflow_state) == ("waiting", "unbooked")
    first, second = (utc_text(one.start) for one in counter.free(request)[:2])
    request = counter.book(request, first)
    assert (request.state, request.workflow_state) == ("waiting", "booked")
    assert counter.free(request)[0].free == 1
    with pytest.raises(Refused, match="slot: same"):
        counter.book(request, first)
    request = counter.book(request, second)
    assert numbers_at(counter.store, "town", "card") == {second: [request.number]}
    booked = appointment_of(counter.store, request.number)
    assert booked is not None
    assert (booked.start, booked.changes) == (second, 1)
    request = counter.desk.by_resident(request.number, revision_of(request), "cancel", "")
    assert request.workflow_state == "cancelled"
    assert appointment_of(counter.store, request.number) is None
    assert numbers_at(counter.store, "town", "card") == {}
    with pytest.raises(Refused, match="slot: none"):
        counter.book(request, first)


def test_many_at_once_never_get_more_places_than_there_are(counter: Counter) -> None:
    requests = [counter.send(f"A birth {number}") for number in range(8)]
    start = utc_text(counter.free(requests[0])[0].start)

    def attempt(request: Request) -> str:
        try:
            counter.book(request, start)
        except Refused as refused:
            return refused.faults[0].rule
        return "booked"

    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(attempt, requests))
    assert results == ["booked"] * 2 + ["full"] * 6
    taken = numbers_at(counter.store, "town", "card")[start]
    having = [one.number for one in requests if appointment_of(counter.store, one.number)]
    assert sorted(taken) == sorted(having)
    for request in requests:
        assert (counter.again(request.number).workflow_state == "booked") == (request.number in taken)


ACTS = st.tuples(st.sampled_from(["book", "cancel"]), st.integers(0, 3), st.integers(0, 2))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=15))
def test_whatever_is_booked_and_cancelled_slots_and_requests_agree(
    counter: Counter, acts: list[tuple[str, int, int]]
) -> None:
    """The model: who has which slot. A try succeeds exactly if there is room; the store says what the model says."""
    requests = [counter.send().number for _person in range(4)]
    starts = [utc_text(one) for one in offered(counter.asked, counter.calendar, counter.now)[-3:]]
    outside = {start: len(counter.taken(start)) for start in starts}
    model, gone = dict[str, str](), set[str]()
    for act, person, slot in acts:
        number, start = requests[person], starts[slot]
        full = outside[start] + list(model.values()).count(start) >= counter.asked.capacity
        if act == "cancel":
            possible = number not in gone
        else:
            possible = number not in gone and not full and model.get(number) != start
        try:
            request = counter.again(number)
            if act == "cancel":
                counter.desk.by_resident(number, revision_of(request), "cancel", "")
            else:
                counter.book(request, start)
        except Refused:
            assert not possible
            continue
        assert possible
        if act == "cancel":
            gone.add(number)
            model.pop(number, None)
        else:
            model[number] = start
    for start in starts:
        mine = [number for number in counter.taken(start) if number in requests]
        assert sorted(mine) == sorted(number for number, at in model.items() if at == start)
        assert len(counter.taken(start)) <= counter.asked.capacity
    for number in requests:
        booked = appointment_of(counter.store, number)
        assert (booked.start if booked else None) == model.get(number)


def test_two_tabs_of_one_resident_book_once(counter: Counter) -> None:
    request = counter.send()
    slots = [utc_text(one.start) for one in counter.free(request)[:4]]

    def attempt(start: str) -> bool:
        try:
            counter.book(request, start)
        except Changed:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, slots)) == 1
    assert sum(len(numbers) for numbers in numbers_at(counter.store, "town", "card").values()) == 1


def test_a_resident_does_not_move_it_for_ever(counter: Counter) -> None:
    request = counter.send()
    starts = [utc_text(one.start) for one in counter.free(request)[:2]]
    for number in range(MOST_MOVES + 1):
        request = counter.book(request, starts[number % 2])
    with pytest.raises(Refused, match="slot: often"):
        counter.book(request, starts[(MOST_MOVES + 1) % 2])
    seen = request, revision_of(request)
    last = starts[(MOST_MOVES + 1) % 2]
    assert (
        book_slot(counter.desk, counter.places, seen, last, "siti", OFFICER, counter.now).state == "waiting"
    )


@pytest.mark.parametrize("start", ["", "tomorrow", "2020-01-01T00:00:00Z", "2026-11-25T00:30:00Z"])
def test_what_is_no_slot_is_refused(counter: Counter, start: str) -> None:
    with pytest.raises(Refused, match="slot: gone"):
        counter.book(counter.send(), start)


def test_a_state_that_needs_an_appointment_waits_for_one(counter: Counter) -> None:
    request = counter.send()
    with pytest.raises(Refused):
        counter.desk.step(request.number, revision_of(request), "booked", "", "", "siti", OFFICER)
    request = counter.book(request, utc_text(counter.free(request)[0].start))
    done = counter.desk.step(request.number, revision_of(request), "attended", "", "", "siti", OFFICER)
    assert (done.state, appointment_of(counter.store, done.number) is not None) == ("answered", True)


def test_a_calendar_reads_the_file(counter: Counter) -> None:
    request = counter.send()
    request = counter.book(request, utc_text(counter.free(request)[0].start))
    booked = appointment_of(counter.store, request.number)
    assert booked is not None
    made = ICalendar.from_ical(
        calendar_file(request, booked, "Kartu; keluarga", "Jl. A, B", "http://x/1?key=k")
    )
    (event,) = made.walk("VEVENT")
    assert str(event["uid"]) == f"{request.number}@mahakam"
    assert utc_text(event.decoded("dtstart")) == booked.start
    assert event.decoded("dtend") - event.decoded("dtstart") == dt.timedelta(hours=1)
    assert str(event["location"]) == "Jl. A, B"
    assert str(event["summary"]) == f"Kartu; keluarga ({request.number})"
