"""A meeting of the network: agenda, documents, delegations by country, notes; each change kept with who and when."""

from __future__ import annotations

import datetime as dt
import re

import msgspec

from mahakam.faults import Changed, Fault, Refused, refuse
from mahakam.network.recommendation import Author

LONGEST_TITLE, LONGEST_TEXT, MOST_LINES = 200, 20_000, 60
_TIME = re.compile(r"([01]?\d|2[0-3])[:.][0-5]\d")


class Item(msgspec.Struct, frozen=True):
    """A point of the agenda: ``time`` as hh:mm or ""."""

    time: str
    title: str


class Document(msgspec.Struct, frozen=True):
    title: str
    address: str


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """What is public of a meeting. ``begins`` and ``ends`` are ISO dates, ``chair`` the code of a country."""

    title: str
    venue: str
    begins: str
    ends: str
    chair: str = ""
    agenda: tuple[Item, ...] = ()
    documents: tuple[Document, ...] = ()


class Event(msgspec.Struct, frozen=True):
    """``before`` is what stood there, so that nothing written is lost."""

    at: str
    by: Author
    what: str
    before: str = ""


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """``delegations``: country code → names, one a line. ``notes`` and delegations are for people in office."""

    key: str
    text: Text
    delegations: dict[str, str] = {}
    notes: str = ""
    events: tuple[Event, ...] = ()

    @property
    def revision(self) -> int:
        return len(self.events)


def planned(text: Text, by: Author, at: str) -> Meeting:
    """Raises Refused."""
    _check(text)
    return Meeting(key=text.begins, text=text, events=(Event(at, by, "planned"),))


def edited(found: Meeting, text: Text, seen: int, by: Author, at: str) -> Meeting:
    """Raises Refused, and Changed if it is not as it was ``seen``."""
    if seen != found.revision:
        raise Changed
    _check(text)
    before = msgspec.json.encode(found.text).decode()
    return _noted(msgspec.structs.replace(found, text=text), "edited", by, at, before)


def delegated(found: Meeting, country: str, names: str, by: Author, at: str) -> Meeting:
    """A country's delegation, one name a line; "" for none."""
    names = "\n".join(line.strip() for line in names.splitlines() if line.strip())
    if len(names) > LONGEST_TEXT or names.count("\n") >= MOST_LINES:
        raise refuse("delegation", "many", most=MOST_LINES)
    before = found.delegations.get(country, "")
    changed = msgspec.structs.replace(found, delegations={**found.delegations, country: names})
    return _noted(changed, "delegated", by, at, before)


def noted(found: Meeting, notes: str, seen: int, by: Author, at: str) -> Meeting:
    """Raises Refused, and Changed if others wrote since they were ``seen``."""
    if seen != found.revision:
        raise Changed
    if len(notes) > LONGEST_TEXT:
        raise refuse("notes", "long", most=LONGEST_TEXT)
    return _noted(msgspec.structs.replace(found, notes=notes.strip()), "noted", by, at, found.notes)


def agenda_of(text: str) -> tuple[Item, ...]:
    """One point a line, with or without its time before it: ``09:30 Opening``. Raises Refused."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        raise refuse("agenda", "many", most=MOST_LINES)
    items = []
    for line in lines:
        first, _, rest = line.partition(" ")
        timed = bool(_TIME.fullmatch(first)) and rest
        items.append(Item(first.replace(".", ":").zfill(5), rest.strip()) if timed else Item("", line))
    return tuple(items)


def documents_of(text: str) -> tuple[Document, ...]:
    """One document a line, its title before its address: ``Draft report https://…``. Raises Refused."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        raise refuse("documents", "many", most=MOST_LINES)
    found = []
    for line in lines:
        title, _, address = line.rpartition(" ")
        if not address.startswith(("https://", "http://")) and not re.fullmatch(r"/[^/\\].*", address):
            raise refuse("documents", "address", what=line[:80])
        found.append(Document(title.strip() or address, address))
    return tuple(found)


def _check(text: Text) -> None:
    faults = []
    if not 0 < len(text.title) <= LONGEST_TITLE:
        faults.append(Fault("title", "words", {"most": LONGEST_TITLE}))
    if len(text.venue) > LONGEST_TITLE:
        faults.append(Fault("venue", "long", {"most": LONGEST_TITLE}))
    for name, day in (("begins", text.begins), ("ends", text.ends)):
        try:
            dt.date.fromisoformat(day)
        except ValueError:
            faults.append(Fault(name, "date", {}))
    if not faults and text.ends < text.begins:
        faults.append(Fault("ends", "order", {}))
    if faults:
        raise Refused(faults)


def _noted(found: Meeting, what: str, by: Author, at: str, before: str = "") -> Meeting:
    return msgspec.structs.replace(found, events=(*found.events, Event(at, by, what, before)))
