"""Letters about late releases: to whom it concerns, once, again after a week, and not when it has moved on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.year import desk
from mahakam.feeds.year.item import Author, Item, Plan, approve, enlist, publish, send_back, submit
from mahakam.feeds.year.reminding import KIND, Reminding
from mahakam.services import outbox
from mahakam.web.release_letters import ReleaseLetters
from support.portal import two_cities

WATI, SITI = Author("wati", "steward"), Author("siti", "officer")
YEAR = 2027


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}T03:00:00+00:00")


@dataclass
class Office:
    """The town's list of data, and the letters that were owed since the last look."""

    node: Node
    seen: set[str] = field(default_factory=set)

    def listed(self, title: str, producer: str, first: str) -> str:
        plan = Plan(title={"id": title}, producer=producer, frequency="yearly", first=first, priority="")
        made = desk.add(self.node.store.tenant(), "town", YEAR, plan, SITI, "2027-01-01T00:00:00Z")
        self.step(made.key, lambda item: enlist(item, item.revision, WATI, "2027-01-01T00:00:00Z"))
        return made.key

    def step(self, key: str, step: Callable[[Item], Item]) -> None:
        desk.change(self.node.store.tenant(), "town", YEAR, key, step)

    def look(self, day: str) -> list[outbox.Letter]:
        store = self.node.store.tenant()
        Reminding(store, self.node.places, ReleaseLetters("https://town.example.id")).look(at(day))
        kept = store.records(outbox.KIND)
        new = [outbox.Letter.of(kept[key]) for key in sorted(kept) if key not in self.seen]
        self.seen |= set(kept)
        return new


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    places = two_cities(tmp_path / "places")
    city = next(path for path in places.rglob("city.yaml") if path.parent.name == "town")
    facts = yaml.safe_load(city.read_text())
    facts["alerts"] = {
        "mail": ["walidata@example.id"],
        "language": "en",
        "agencies": {"Dishub": ["data@dishub.example.id"]},
    }
    city.write_text(yaml.safe_dump(facts))
    node = Node(Settings(data=tmp_path / "data", config=(places,)))
    yield Office(node)
    node.close()


def test_who_is_late_is_told_once_and_again_after_a_week(office: Office) -> None:
    stops = office.listed("Halte", "Dishub", "2027-03-01")
    office.listed("Sampah", "DLH", "2027-03-03")
    assert office.look("2027-03-01") == [], "on its day it is not late"
    first = office.look("2027-03-02")
    assert sorted(letter.to for letter in first) == ["data@dishub.example.id", "walidata@example.id"]
    assert {letter.subject for letter in first} == {"1 release is late in Town"}
    text = first[0].text
    assert "Halte, 2027 (Dishub): 1 day late" in text
    assert "Lies with: Data producer, until 1 March 2027." in text
    assert f"https://town.example.id/year/town/{YEAR}/data/{stops}?release=2027#release" in text
    assert office.look("2027-03-03") == [], "told already"
    (second,) = office.look("2027-03-04")
    assert second.to == "walidata@example.id", "DLH has named no address, and Dishub is not told of others"
    assert "Sampah" in second.text
    assert "Halte" not in second.text
    again = office.look("2027-03-09")
    assert {(letter.to, "8 days late" in letter.text) for letter in again} == {
        ("data@dishub.example.id", True),
        ("walidata@example.id", True),
    }


def test_what_moves_on_is_told_to_whom_it_lies_with_now(office: Office) -> None:
    stops = office.listed("Halte", "Dishub", "2027-03-01")
    assert len(office.look("2027-03-02")) == 2
    moved = "2027-03-02T05:00:00Z"
    office.step(
        stops,
        lambda item: submit(item, "2027", "2027-03-01", "five", "https://x.example.id/a", None, SITI, moved),
    )
    assert office.look("2027-03-05") == []
    assert office.node.store.tenant().records(KIND) == {}, "nothing late is kept of"
    (examine,) = office.look("2027-03-20")
    assert examine.to == "walidata@example.id"
    assert "Lies with: Walidata" in examine.text
    back = "2027-03-20T05:00:00Z"
    office.step(
        stops, lambda item: send_back(item, "2027", ("No unit is given",), "", item.revision, WATI, back)
    )
    assert office.look("2027-03-21") == [], "there are two weeks for mending"
    mending = office.look("2027-04-04")
    assert {letter.to for letter in mending} == {"data@dishub.example.id", "walidata@example.id"}
    assert "To be mended:\n- No unit is given" in mending[0].text


def test_one_letter_has_all_that_concerns_an_address(office: Office) -> None:
    for number in range(3):
        office.listed(f"Data {number}", "Dishub", f"2027-03-0{number + 1}")
    letters = office.look("2027-03-10")
    assert [(letter.to, letter.subject) for letter in letters] == [
        ("walidata@example.id", "3 releases are late in Town"),
        ("data@dishub.example.id", "3 releases are late in Town"),
    ]
    assert letters[0].text.index("Data 0") < letters[0].text.index("Data 2"), "the latest first"


def test_days_are_the_places_own(office: Office) -> None:
    office.listed("Halte", "Dishub", "2027-03-01")
    store, places = office.node.store.tenant(), office.node.places
    reminding = Reminding(store, places, ReleaseLetters("https://town.example.id"))
    zone = dt.timezone(dt.timedelta(hours=8))
    assert reminding.look(dt.datetime(2027, 3, 1, 23, 30, tzinfo=zone)) == 0
    assert reminding.look(dt.datetime(2027, 3, 2, 0, 30, tzinfo=zone)) == 1


def test_published_and_withdrawn_are_nobodys(office: Office) -> None:
    stops = office.listed("Halte", "Dishub", "2027-03-01")
    moved = "2027-03-01T05:00:00Z"
    link = "https://x.example.id/a"
    office.step(stops, lambda item: submit(item, "2027", "2027-03-01", "five", link, None, SITI, moved))
    office.step(stops, lambda item: approve(item, "2027", True, "", item.revision, WATI, moved))
    office.step(stops, lambda item: publish(item, "2027", item.revision, WATI, moved))
    assert office.look("2027-09-01") == []
