"""Mail about an appointment: when and where with the booking, a reminder before it, once, and none once cancelled."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from mahakam.leading import Leader
from mahakam.services import push
from mahakam.services.appointment_acts import book_slot
from mahakam.services.appointment_reminders import AppointmentReminders
from mahakam.services.booking import free_slots
from mahakam.services.clock import promise_of
from mahakam.services.desk import Desk, revision_of
from mahakam.services.needs import service_of
from mahakam.services.outbox import Postman, Server
from mahakam.services.owner import key_of
from mahakam.services.request import Draft, Request, utc_text
from mahakam.services.workflow import RESIDENT
from mahakam.web.appointment_letters import AppointmentLetters
from mahakam.web.letters import Letters
from mahakam.web.pushing import Pushing
from support.mail import Mailbox, text_of
from support.portal import TOWN, Portal, two_cities
from support.push_service import PushService

CARD = """name: {en: Family card, id: Kartu keluarga}
personal: true
workflow: appointment
standard: {requirements: [{en: Your identity card, id: KTP Anda}]}
office: {address: {en: Town hall, id: Balai kota}, hours: ["Mo-Su 00:00-23:59"]}
appointments: {minutes: 60, capacity: 2, days: 14, notice: 1, remind: 24}
"""
AGAIN = """name: Again
states:
  unbooked: {status: waiting, name: Unbooked}
  booked: {status: waiting, name: Booked}
  refused: {status: rejected, name: Refused}
  returned: {status: reopened, name: Returned}
transitions:
  book: {from: [unbooked, booked, returned], to: booked, by: [resident, officer], does: book, name: Book}
  refuse: {from: [unbooked, booked, returned], to: refused, by: officer}
  return: {from: refused, to: returned, by: resident, name: Again, once: true}
"""
BASE = "https://kota.example.id"
ZONE = ZoneInfo("Asia/Makassar")
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)


class Registry(Portal):
    """A town's registry with a mail server; ``now`` is moved by the test."""

    def __init__(self, root: Path, store: str, box: Mailbox) -> None:
        places = two_cities(root / "places")
        (places / "prov/town/services/card.yaml").write_text(CARD)
        (places / "prov/town/workflows").mkdir()
        (places / "prov/town/workflows/again.yaml").write_text(AGAIN)
        again = CARD.replace("workflow: appointment", "workflow: again")
        (places / "prov/town/services/again.yaml").write_text(again)
        early = CARD.replace("days: 14", "days: 90").replace("remind: 24", "remind: 240")
        (places / "prov/town/services/early.yaml").write_text(early)
        with (places / "prov/town/city.yaml").open("a") as city:
            city.write("clock: {days: [mon, tue, wed, thu, fri, sat, sun]}\n")
        super().__init__(
            root / "data",
            places,
            store=store,
            smtp=box.url,
            mail_from="Town <no@example.id>",
            url=BASE,
            private_addresses=True,
        )
        self.box, self.store = box, self.node.store.tenant()
        self.desk = Desk(self.node.broker, self.node.places, root / "data")
        self.now = dt.datetime.now(dt.UTC)

    def send(self, language: str = "en", contact: str = "warga@example.id", service: str = "card") -> Request:
        draft = Draft("town", service, "A birth", TOWN, contact=contact, language=language)
        return self.again(self.desk.send(draft).number)

    def again(self, number: str) -> Request:
        found = self.desk.request(number)
        assert found
        return found

    def starts(self, request: Request) -> list[dt.datetime]:
        service = service_of(self.node.places, request)
        assert service
        assert service.appointments
        calendar = promise_of(self.node.places["town"], self.node.places).calendar
        return [
            one.start for one in free_slots(self.store, request, service.appointments, calendar, self.now)
        ]

    def book(self, request: Request, start: dt.datetime) -> Request:
        seen = request, revision_of(request)
        return book_slot(self.desk, self.node.places, seen, utc_text(start), "resident", RESIDENT, self.now)

    def remind(self, at: dt.datetime) -> int:
        letters = AppointmentLetters(self.store, self.node.places, BASE)
        return AppointmentReminders(self.desk, self.store, self.node.places, [letters]).run(at)

    def news(self) -> list[EmailMessage]:
        Letters(self.store, self.desk, self.node.places, BASE).write_news()
        return self.post()

    def post(self) -> list[EmailMessage]:
        before = len(self.box.letters)
        asyncio.run(Postman(self.store, Server.parse(self.box.url), "Town <no@example.id>").deliver())
        return self.box.letters[before:]


@pytest.fixture
def registry(tmp_path: Path, store_url: str) -> Iterator[Registry]:
    with Mailbox() as box, Registry(tmp_path, store_url, box) as made:
        yield made


def _when(start: dt.datetime) -> str:
    end = start + dt.timedelta(hours=1)
    return f"{start:%A}, {start.day} {start:%B} {start.year}, {start:%H:%M}–{end:%H:%M} (WITA)"


def _file(letter: EmailMessage) -> tuple[EmailMessage, Any, Any]:
    """The iCalendar file of a letter, what is in it, and its event."""
    (file,) = letter.iter_attachments()
    assert isinstance(file, EmailMessage)
    made = Calendar.from_ical(file.get_content())
    assert (file.get_content_type(), file.get_param("method")) == ("text/calendar", str(made["method"]))
    (event,) = made.walk("VEVENT")
    return file, made, event


def _event(letter: EmailMessage) -> tuple[str, str, str]:
    file, made, event = _file(letter)
    assert (made["method"], event["status"]) == ("PUBLISH", "CONFIRMED")
    return str(file.get_filename()), utc_text(event.decoded("dtstart")), str(event["location"])


def test_the_news_of_a_booking_say_when_and_where_and_bring_the_calendar_file(registry: Registry) -> None:
    request = registry.send()
    registry.news()
    start = registry.starts(request)[-1]
    request = registry.book(request, start)
    (letter,) = registry.news()
    said = text_of(letter).splitlines()
    assert said[said.index(f"Your appointment: {_when(start)}") + 1] == "Town hall"
    assert _event(letter) == (f"{request.number}.ics", utc_text(start), "Town hall")
    registry.desk.by_resident(request.number, revision_of(request), "cancel", "")
    (letter,) = registry.news()
    assert "Town hall" not in text_of(letter)
    assert f"Your appointment is cancelled: {_when(start)}" in text_of(letter)


def test_the_calendar_follows_each_change_and_loses_what_was_cancelled(registry: Registry) -> None:
    """What a calendar does with the files, one after the other: same event, a higher number each time."""
    request = registry.send()
    registry.news()
    starts = registry.starts(request)
    seen = []
    for start in (starts[-1], starts[-2]):
        request = registry.book(request, start)
        seen += registry.news()
    request = registry.desk.by_resident(request.number, revision_of(request), "cancel", "")
    seen += registry.news()
    page = registry.browser().get(
        f"/requests/{request.number}?lang=en&key={key_of(registry.store, request.number)}"
    )
    assert "Take it out of my calendar" in page.text
    (link,) = re.findall(r'href="(/requests/[^"]+[.]ics[?]key=[^"]+)"', page.text)
    downloaded = Calendar.from_ical(registry.browser().get(link).text)
    assert downloaded["method"] == "CANCEL"
    files = [_file(letter) for letter in seen]
    assert [str(made["method"]) for _mail, made, _event in files] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert [str(event["status"]) for *_rest, event in files] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [int(event["sequence"]) for *_rest, event in files] == [0, 1, 2]
    assert len({str(event["uid"]) for *_rest, event in files}) == 1
    assert utc_text(files[-1][2].decoded("dtstart")) == utc_text(starts[-2])
    registry.desk.step(request.number, revision_of(request), "cancelled", "See you another day", "", "siti")
    (letter,) = registry.news()
    assert list(letter.iter_attachments()) == [], "told once"


def test_an_office_that_rejects_cancels_and_who_books_again_later_is_in_the_calendar_again(
    registry: Registry,
) -> None:
    request = registry.send(service="again")
    start = registry.starts(request)[-1]
    request = registry.book(request, start)
    registry.news()
    request = registry.desk.step(request.number, revision_of(request), "refused", "Not here", "", "siti")
    (letter,) = registry.news()
    assert _file(letter)[1]["method"] == "CANCEL"
    request = registry.desk.by_resident(request.number, revision_of(request), "return", "Please look again")
    (letter,) = registry.news()
    assert list(letter.iter_attachments()) == []
    request = registry.book(request, start)
    (letter,) = registry.news()
    _mail, made, event = _file(letter)
    assert (made["method"], int(event["sequence"])) == ("PUBLISH", 2)


def test_the_resident_is_reminded_once_in_their_language_and_the_citys_time(registry: Registry) -> None:
    request = registry.send("id")
    start = registry.starts(request)[-1]
    registry.book(request, start)
    registry.news()
    assert registry.remind(start - DAY - MINUTE) == 0
    assert registry.remind(start - DAY) == 1
    assert registry.remind(start - MINUTE) == 0, "once"
    (letter,) = registry.post()
    assert letter["To"] == "warga@example.id"
    assert letter["Subject"].startswith("Pengingat: ")
    said = text_of(letter)
    assert f"{start.astimezone(ZONE):%H:%M}" in said
    assert "WITA" in said
    assert "Balai kota" in said
    assert "KTP Anda" in said
    assert f"{BASE}/requests/{request.number}?key=" in said
    assert _event(letter)[1] == utc_text(start)


def test_who_moves_it_is_reminded_of_the_new_time_and_who_cancels_of_none(registry: Registry) -> None:
    request = registry.send()
    starts = registry.starts(request)
    request = registry.book(request, starts[-30])
    assert registry.remind(starts[-30] - DAY) == 1
    request = registry.book(request, starts[-1])
    assert registry.remind(starts[-30] - MINUTE) == 0
    assert registry.remind(starts[-1] - DAY) == 1
    request = registry.book(request, starts[-2])
    registry.desk.by_resident(request.number, revision_of(request), "cancel", "")
    assert registry.remind(starts[-2] - DAY) == 0


def test_who_booked_a_moment_ago_and_whose_time_is_over_is_not_reminded(registry: Registry) -> None:
    soon, late = registry.send(), registry.send()
    registry.book(soon, registry.starts(soon)[0])
    start = registry.starts(late)[-1]
    registry.book(late, start)
    assert registry.remind(registry.now + MINUTE) == 0
    assert registry.remind(start) == 0


def test_who_left_no_address_is_not_written_to(registry: Registry) -> None:
    request = registry.send(contact="")
    start = registry.starts(request)[-1]
    registry.book(request, start)
    assert registry.remind(start - DAY) == 0
    assert registry.post() == []


def test_who_asked_for_it_is_reminded_on_their_device_once_and_no_longer_than_it_is_of_use(
    registry: Registry,
) -> None:
    pushing, leader = Pushing(registry.node), Leader(registry.node)
    request = registry.send(service="early", contact="")
    key = key_of(registry.store, request.number)
    start = registry.starts(request)[0]
    registry.now = start - 11 * DAY
    registry.book(request, start)
    with PushService() as own, PushService() as anothers:
        for service, more in ((own, {"key": key}), (anothers, {})):
            browser = registry.browser()
            fields = service.subscription() | browser.get("/report/token.json").json() | more
            answer = browser.post(f"/requests/{request.number}/push", fields, **{"Accept-Language": "id"})
            assert answer.status_code == 201
        (rounds,) = [one for one in leader._of_the_leader() if one.name == "reminders"]
        for _round in range(2):
            rounds.round()
            pushing.send()
        (taken,) = own.taken
        assert anothers.taken == [], "the time is not public"
    local = start.astimezone(ZONE)
    assert taken.said["title"].startswith("Pengingat: janji temu")
    assert f"{local:%H:%M}" in taken.said["title"]
    assert taken.said["body"] == "Kartu keluarga\nBalai kota"
    assert taken.said["page"] == f"/requests/{request.number}?key={key}"
    assert int(taken.headers["ttl"]) <= (start - dt.datetime.now(dt.UTC)).total_seconds() + 1
    assert registry.post() == []


def test_a_reminder_that_comes_too_late_is_not_sent(registry: Registry) -> None:
    request = registry.send(service="early", contact="")
    with PushService() as service:
        browser = registry.browser()
        fields = service.subscription() | browser.get("/report/token.json").json()
        fields |= {"key": key_of(registry.store, request.number)}
        assert browser.post(f"/requests/{request.number}/push", fields).status_code == 201
        _told, (reader,) = push.told(registry.store.record(push.KIND, request.number))
        soon = registry.now + MINUTE
        registry.store.write(lambda t: push.remind(t, request.number, soon, {reader: {"title": "Now"}}))
        pusher = push.Pusher(registry.store, "mailto:no@example.id", private_addresses=True)
        assert asyncio.run(pusher.deliver(now=(soon + MINUTE).timestamp())) == 0
        assert service.taken == []
    assert registry.store.records(push.OWED) == {}


def test_the_process_that_leads_reminds(registry: Registry) -> None:
    """Booked long before, and due now by the real clock."""
    request = registry.send(service="early")
    start = registry.starts(request)[0]
    registry.now = start - 11 * DAY
    registry.book(request, start)
    leader = Leader(registry.node)
    (rounds,) = [one for one in leader._of_the_leader() if one.name == "reminders"]
    for _round in range(2):
        rounds.round()
    (letter,) = registry.post()
    assert letter["Subject"].startswith("Reminder: your appointment on ")
