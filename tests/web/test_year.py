"""The steward's year through the pages: who may what, what a steward sees, and that nothing typed is lost."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pdfplumber
import pytest
from icalendar import Calendar
from python_calamine import CalamineWorkbook

from mahakam.access import accounts
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.feeds.year import desk
from support.portal import Browser, Portal, two_cities, with_stops, words_of

PASSWORD = "correct horse battery"
YEAR = dt.datetime.now(dt.UTC).year
LIST = f"/year/town/{YEAR}"
ONE = f"{LIST}/data/D-{YEAR}-001"
PLAN = {
    "title-id": "Halte", "title-en": "Bus stops", "producer": "Dishub", "feed": "stops", "frequency": "yearly",
    "first": f"{YEAR}-01-01", "access": "open", "priority": "Angkutan umum", "standard-concept": "Halte <b>bus</b>",
}  # fmt: skip
RELEASE = {"release": str(YEAR)}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", with_stops(two_cities(tmp_path / "places"))) as made:
        store = made.node.store.tenant()
        for name, role, place in (
            ("siti", "officer", "town"),
            ("wati", "steward", "town"),
            ("bima", "supervisor", "town"),
            ("budi", "steward", "bay"),
            ("rudi", "resident", "town"),
        ):
            accounts.add_account(store, name, PASSWORD, [role], [place])
        run_feed(Parts.of(made.node), "town", "stops")
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    fields = {"name": name, "password": PASSWORD}
    assert browser.fill("/signin?lang=en", fields, action="/signin").status_code == 303
    return browser


def _do(browser: Browser, what: str, **fields: str) -> tuple[int, str]:
    asked = RELEASE | {"do": what} | fields
    answer = browser.fill(f"{ONE}?release={asked['release']}", asked, action=ONE + "/step")
    return answer.status_code, words_of(answer.text)


def test_from_a_proposal_to_the_catalogue(portal: Portal) -> None:
    siti, wati, bima, public = (
        _as(portal, "siti"),
        _as(portal, "wati"),
        _as(portal, "bima"),
        portal.browser(),
    )
    answer = siti.fill(LIST + "/new", PLAN)
    assert (answer.status_code, answer.headers.get("location")) == (303, ONE)
    assert "Bus stops" not in public.get(LIST + "?lang=en").text, "a proposal is not public"
    assert public.get(ONE).status_code == 303
    assert "Bus stops: put it on the list" in words_of(wati.get(LIST).text)
    assert _do(siti, "list")[0] == 403
    assert _do(wati, "list") == (303, "")
    assert "Bus stops" in words_of(public.get(LIST + "?lang=en").text)
    assert "days late" in words_of(siti.get(ONE).text)
    assert _do(siti, "submit", words="Five stops")[0] == 303
    seen = words_of(wati.get(ONE).text)
    assert "Five stops" in seen
    assert "4 rows held back" in seen, "what the node knows stands beside the submission"
    assert "missing: Definition, Classification, Measure, Unit" in seen
    assert "districts.name" in seen
    status, said = _do(wati, "approve")
    assert status == 422
    assert "Say why it is approved although" in said
    status, said = _do(wati, "return", words="Please <b>mend</b>")
    assert (status, "one finding a line" in said, "Please <b>mend</b>" in said) == (422, True, True)
    assert _do(wati, "return", findings="Four rows are held\nThe standard has no unit")[0] == 303
    mending = words_of(siti.get(ONE).text)
    assert "The standard has no unit" in mending
    assert "bus stops, " + str(YEAR) + ": mend and submit again" in words_of(siti.get(LIST).text).casefold()
    assert _do(siti, "submit")[0] == 422, "say what was done"
    assert _do(siti, "submit", words="Mended")[0] == 303
    assert _do(wati, "approve", words="The rest is mended by March")[0] == 303
    assert _do(wati, "confirm")[0] == 403
    assert _do(bima, "confirm", seen="99")[0] == 409
    assert "examine as Pembina Data" in words_of(bima.get(LIST).text)
    assert _do(bima, "confirm")[0] == 303
    released = desk.released(portal.node.store.tenant(), "town", "stops")
    assert released is None
    assert _do(wati, "publish")[0] == 303
    history = words_of(wati.get(ONE).text).partition("What became of it")[2]
    for step in (
        "Proposed",
        "Put on the list",
        "Returned with findings",
        "Confirmed by the Pembina Data",
        "Published",
    ):
        assert step in history
    assert "wati, Data steward" in history
    assert "siti" not in words_of(public.get(ONE + "?lang=en").text), (
        "who did what is for the people of the list"
    )
    page = public.get("/catalogue/town/stops?lang=en").text
    assert "Halte &lt;b&gt;bus&lt;/b&gt;" in page
    assert f"release {YEAR}" in words_of(page)
    turtle = public.get("/catalogue/town/stops.ttl").text
    assert "Halte <b>bus</b>" in turtle
    assert "dcterms:issued" in turtle
    assert "frequency/ANNUAL" in turtle
    package = public.get("/api/3/action/package_show?id=town--stops").json()["result"]
    extras = {one["key"]: one["value"] for one in package["extras"]}
    assert extras["data_prioritas"] == "Angkutan umum"
    assert extras["standar_konsep"] == "Halte <b>bus</b>"
    assert extras["rilis"] == str(YEAR)


def test_the_calendar_goes_into_an_own_calendar(portal: Portal) -> None:
    siti, wati, public = _as(portal, "siti"), _as(portal, "wati"), portal.browser()
    siti.fill(LIST + "/new", PLAN | {"frequency": "quarterly", "title-en": "Stops; all, of them"})
    empty = Calendar.from_ical(public.get(LIST + "/calendar.ics").content)
    assert empty.walk("VEVENT") == [], "a proposal is not public"
    assert _do(wati, "list") == (303, "")
    assert f"{LIST}/calendar.ics" in public.get(LIST + "/calendar").text
    assert f"{LIST}/calendar.ics" in public.get("/year").text
    answer = public.get(LIST + "/calendar.ics?lang=en")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    made = Calendar.from_ical(answer.content)
    assert str(made["name"]) == f"Release calendar of Town, {YEAR}"
    events = made.walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == [dt.date(YEAR, m, 1) for m in (1, 4, 7, 10)]
    assert str(events[1]["summary"]) == f"Stops; all, of them, {YEAR}-Q2"
    assert str(events[1]["uid"]) == f"town.D-{YEAR}-001.{YEAR}-Q2@mahakam"
    assert str(events[1]["url"]).endswith(f"{ONE}?release={YEAR}-Q2#release")
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n")), "RFC 5545, 3.1"
    for producer, number in (("Dishub", 4), ("DLH", 0)):
        own = public.get(f"{LIST}/calendar.ics?producer={producer}").content
        assert len(Calendar.from_ical(own).walk("VEVENT")) == number


def test_rights_are_of_role_and_place(portal: Portal) -> None:
    siti, budi, rudi, bima = (_as(portal, name) for name in ("siti", "budi", "rudi", "bima"))
    assert siti.fill(LIST + "/new", PLAN).status_code == 303
    for other in (budi, rudi, bima):
        assert other.get(LIST + "/new").status_code == 403
    assert [one.get(LIST + "/late").status_code for one in (budi, rudi, bima)] == [403, 403, 200]
    assert [one.get(LIST + "/late.csv").status_code for one in (budi, siti)] == [403, 200]
    assert portal.browser().get(LIST + "/late.csv").status_code == 401
    assert budi.get(ONE).status_code == 403, "a proposal of another city"
    assert siti.post(ONE + "/step", {"do": "withdraw", "form": "x"}).status_code == 403
    assert _do(_as(portal, "wati"), "nothing")[0] == 400


def test_what_was_typed_stays_and_says_what_is_wrong(portal: Portal) -> None:
    siti = _as(portal, "siti")
    wrong = PLAN | {"first": "2020-01-01", "title-id": "", "title-en": "", "variables-3-concept": "Kursi"}
    answer = siti.fill(LIST + "/new", wrong)
    assert answer.status_code == 422
    said = words_of(answer.text)
    assert f"Give a day in {YEAR}." in said
    assert "Give it a name that no other has." in said
    assert "Halte &lt;b&gt;bus&lt;/b&gt;" in answer.text
    assert 'id="variables-0-concept"' in answer.text, "rows close up"
    more = siti.fill(LIST + "/new", PLAN | {"more": "indicators"})
    assert 'id="indicators-0-formula"' in more.text
    old = siti.post(LIST + "/new", PLAN | {"form": "0.stale"})
    assert (old.status_code, "Angkutan umum" in old.text) == (403, True)
    assert siti.fill(LIST + "/new", PLAN).status_code == 303
    wati = _as(portal, "wati")
    assert _do(wati, "list")[0] == 303
    assert siti.get(ONE + "/edit").status_code == 403, "nobody moves their own day"
    moved = wati.fill(ONE + "/edit", PLAN | {"first": f"{YEAR}-02-01"})
    assert "Say why" in words_of(moved.text)
    assert wati.fill(ONE + "/edit", PLAN | {"first": f"{YEAR}-02-01", "reason": "Forum"}).status_code == 303
    lost = wati.fill(ONE + "/edit", PLAN | {"seen": "1", "reason": "Mine"})
    assert (lost.status_code, "Mine" in lost.text) == (409, True)


def test_the_calendar_the_late_and_the_next_year(portal: Portal) -> None:
    siti, wati, public = _as(portal, "siti"), _as(portal, "wati"), portal.browser()
    assert "Nothing is planned" in words_of(public.get(LIST + "?lang=en").text)
    assert siti.fill(LIST + "/new", PLAN | {"frequency": "monthly"}).status_code == 303
    assert _do(wati, "list")[0] == 303
    rows = json.loads(public.get(LIST + "/calendar.json").text)
    assert [row["period"] for row in rows] == [f"{YEAR}-{month:02d}" for month in range(1, 13)]
    assert "late" not in rows[0], "who is late is for the people of the list"
    assert {row["state"] for row in rows} <= {"due", "outstanding"}
    march = json.loads(public.get(LIST + "/calendar.json?month=3").text)
    assert [row["due"] for row in march] == [f"{YEAR}-03-01"]
    late = json.loads(wati.get(LIST + "/late.json").text)
    today = dt.datetime.now(dt.UTC).date()
    assert late[0]["late"] >= (today - dt.date(YEAR, 1, 1)).days
    agencies = json.loads(wati.get(LIST + "/agencies.json").text)
    assert (agencies[0]["name"], agencies[0]["punctual"], agencies[0]["planned"]) == ("Dishub", 0, 1)
    following = f"/year/town/{YEAR + 1}"
    assert f"1 dataset stood on the list of {YEAR} and is not here" in words_of(wati.get(following).text)
    assert wati.fill(following, {}, action=following + "/carry").status_code == 303
    assert [one.plan.first for one in desk.items(portal.node.store.tenant(), "town", YEAR + 1)] == [
        f"{YEAR + 1}-01-01"
    ]
    assert "stood on the list" not in words_of(wati.get(following).text)
    assert siti.fill(following, {"form": "0.old"}, action=following + "/carry").status_code == 403
    listed = json.loads(public.get("/year.json").text)
    assert [(one["place"], one["year"], one["listed"]) for one in listed] == [
        ("Town", str(YEAR + 1), 0),
        ("Town", str(YEAR), 1),
    ]
    for wrong in ("/year/town/20x7", "/year/town/1999", "/year/atlantis/2027", f"{LIST}/data/D-1"):
        assert public.get(wrong).status_code == 404, wrong


def test_an_examination_sees_that_nothing_new_was_read(portal: Portal) -> None:
    siti, wati = _as(portal, "siti"), _as(portal, "wati")
    plan = PLAN | {"frequency": "monthly", "priority": "", "access": "limited"}
    assert siti.fill(LIST + "/new", plan).status_code == 303
    assert _do(wati, "list")[0] == 303
    for month in ("01", "02"):
        assert _do(siti, "submit", release=f"{YEAR}-{month}")[0] == 303
    first = words_of(wati.get(f"{ONE}?release={YEAR}-01").text)
    assert "Newer than the release before" not in first
    assert "the catalogue shows its rows to everybody" in first
    assert "nothing was read since that was handed over" in words_of(
        wati.get(f"{ONE}?release={YEAR}-02").text
    )
    folder = portal.node.places["town"].folder
    file = folder / "data" / "stops.csv"
    file.write_text(file.read_text().replace("Atlantis;banyak", "Tebet;2"))
    run_feed(Parts.of(portal.node), "town", "stops")
    second = words_of(wati.get(f"{ONE}?release={YEAR}-02").text)
    assert "nothing was read since that was handed over" not in second
    assert "3 rows held back" in second


def test_the_year_as_a_workbook_and_on_paper(portal: Portal) -> None:
    siti, wati, public = _as(portal, "siti"), _as(portal, "wati"), portal.browser()
    assert siti.fill(LIST + "/new", PLAN | {"title-en": "=1+1", "frequency": "monthly"}).status_code == 303
    assert _do(wati, "list")[0] == 303
    for browser, sheets in ((public, 2), (wati, 4)):
        book = CalamineWorkbook.from_filelike(io.BytesIO(browser.get(LIST + ".xlsx?lang=en").content))
        assert len(book.sheet_names) == sheets
        rows = book.get_sheet_by_index(0).to_python()
        assert rows[1][1] == "=1+1", "text, no formula"
        assert len(book.get_sheet_by_index(1).to_python()) == 13
    with pdfplumber.open(io.BytesIO(public.get(LIST + ".pdf?lang=id").content)) as paper:
        text = "\n".join(page.extract_text() for page in paper.pages)
    assert f"Daftar data Town, {YEAR}" in text
    assert f"{YEAR}-12" in text


def test_a_feeds_own_schedule_is_in_the_calendar_and_proposes_its_rhythm(portal: Portal) -> None:
    path = portal.node.places["town"].folder / "feeds" / "stops.yaml"
    path.write_text(path.read_text() + 'schedule: "0 6 1 * *"\n')
    siti = _as(portal, "siti")
    assert siti.fill(LIST + "/new", PLAN | {"frequency": ""}).status_code == 303
    made = desk.item(portal.node.store.tenant(), "town", YEAR, f"D-{YEAR}-001")
    assert made is not None
    assert made.plan.frequency == "monthly"
    flows = words_of(siti.get(LIST + "/calendar").text).partition("What comes by itself")[2]
    assert "Bus stops Dishub monthly" in flows
    assert f"D-{YEAR}-001" in flows
    assert "D-" not in words_of(portal.browser().get(LIST + "/calendar?lang=en").text), (
        "a proposal is not public"
    )
