"""What the pages of people, meetings and recommendations share: who asks, in which office, faults in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.network.evidence import cited
from mahakam.network.offices import Office, Standing, offices, standing
from mahakam.network.plans import Seat, seats_of
from mahakam.network.recommendation import Author, Evidence
from mahakam.network.records import Records, records_of
from mahakam.network.register import register_of
from mahakam.web import gate
from mahakam.web.language import N_, _, in_timezone, reader, words
from mahakam.web.pages.trace import entity_address
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.config import Place
    from mahakam.web.site import Site

ROLES = {
    "representative": N_("National Representative"),
    "city_officer": N_("Chief Smart City Officer"),
    "secretariat": N_("Secretariat"),
    "partner": N_("Partner"),
    "": N_("Administrator"),
}


@dataclass(frozen=True)
class Desk:
    """What a page of the network works with, for one request."""

    records: Records
    seats: tuple[Seat, ...]
    standing: Standing
    offices: tuple[Office, ...]
    day: dt.date

    @property
    def countries(self) -> dict[str, str]:
        """Code → name as people say it, by name."""
        return {one.code: one.alias or one.name for one in self.records.countries}

    def may(self, action: str, seat: str = "") -> bool:
        return self.standing.may(action, seat)

    def seat_name(self, role: str, seat: str) -> str:
        """A country's or a city's name for its code."""
        if role == "representative":
            return self.countries.get(seat, seat)
        if role == "city_officer":
            return next((one.name for one in self.seats if one.code == seat), seat)
        return seat

    def author_words(self, author: Author) -> str:
        """Siti Rahma, National Representative, Indonesia."""
        seat = self.seat_name(author.role, author.seat)
        return ", ".join(part for part in (author.name, _(ROLES[author.role]), seat) if part)


def desk(request: Request) -> Desk:
    """Raises HTTPException 404 where this node knows no network."""
    if not hasattr(request.state, "network_desk"):
        site: Site = site_of(request)
        register = register_of(site.places)
        if register is None:
            raise HTTPException(404, _("This node knows no network of cities."))
        in_timezone(register.place.timezone)
        day = dt.datetime.now(ZoneInfo(register.place.timezone)).date()
        records = records_of(site.broker, register)
        request.state.network_desk = Desk(
            records,
            seats_of(site.broker, records),
            standing(site.store, gate.visitor(request), day),
            tuple(offices(site.store)),
            day,
        )
    found: Desk = request.state.network_desk
    return found


def offices_of(request: Request) -> list[str]:
    """The offices that the visitor holds today, each with whose it is, in the reader's language."""
    if gate.visitor(request) is None or register_of(site_of(request).places) is None:
        return []
    found = desk(request)
    held = [(_(ROLES[one.role]), found.seat_name(one.role, one.seat)) for one in found.standing.offices]
    return [", ".join(part for part in parts if part) for parts in held]


def require(request: Request, action: str, seat: str = "") -> Desk:
    """The desk, if the visitor may; a stranger is led to the sign-in page. Raises HTTPException 303, 401 or 403."""
    found = desk(request)
    if found.may(action, seat):
        return found
    visitor = gate.visitor(request)
    name = visitor.name if visitor else ""
    why = _("You are signed in as %(name)s, who holds no office that may do this.", name=name)
    raise gate.turned_away(request, why, "/network")


def may_in(request: Request, action: str, place: Place) -> bool:
    """Whether the visitor may do an action in a place of this node: by a role of the account, or by an office."""
    return gate.may(request, action, place) or any(
        desk(request).may(action, seat.scope) for seat in _seats_in(request, place)
    )


def require_in(request: Request, action: str, place: Place) -> Author:
    """Who does the action in a place, in the office that allows it. Raises HTTPException as :func:`gate.require`."""
    if not may_in(request, action, place):
        gate.require(request, action, place)
    visitor = gate.visitor(request)
    account = visitor.name if visitor else ""
    for seat in _seats_in(request, place):
        office = desk(request).standing.acting(action, seat.scope)
        if office is not None:
            return author_of(office)
    return Author(account, account, "", "")


def _seats_in(request: Request, place: Place) -> list[Seat]:
    """The seats of the network that are this place: one for a city of a network that the node knows, else none."""
    if gate.visitor(request) is None or register_of(site_of(request).places) is None:
        return []
    return [seat for seat in desk(request).seats if seat.place == place.id]


def author(request: Request, action: str, seat: str = "") -> Author:
    """Who does the action, in the office that allows it. The visitor may do it."""
    found = desk(request)
    visitor = gate.visitor(request)
    account = visitor.name if visitor else ""
    office = found.standing.acting(action, seat)
    return (
        Author(account, office.name, office.role, office.seat) if office else Author(account, account, "", "")
    )


def author_of(office: Office) -> Author:
    """Whoever holds an office, as the author of a step."""
    return Author(office.account, office.name, office.role, office.seat)


def representative(request: Request, action: str, country: str) -> tuple[Desk, Author]:
    """The desk, and who speaks for a country. Raises HTTPException 303, 401 or 403 unless the visitor does."""
    found = require(request, action, country)
    office = next(
        one for one in found.standing.offices if (one.role, one.seat) == ("representative", country)
    )
    return found, author_of(office)


def hosts(request: Request) -> set[str]:
    """Under which names this node is asked and asks to be: addresses of its own pages are cut down to their path."""
    return {request.headers.get("host", "").lower(), urlsplit(site_of(request).settings.base).netloc.lower()}


def spoken(text: Mapping[str, str]) -> str:
    """The reader's language of what somebody wrote; where that is missing the English, and that it is English; where
    that is missing too, what there is."""
    found = text.get(reader().language)
    if found:
        return found
    if text.get("en"):
        return text["en"] + " (" + _("in English only") + ")"
    return next((other for other in text.values() if other), "")


def evidence_address(one: Evidence) -> str:
    """Where a piece of evidence is opened: on this node the trace of the value or of the entity."""
    if one.document:
        return one.ref
    parts = one.ref.split(":")
    if parts[2:3] == ["KeyPerformanceIndicator"] and len(parts) == 6:
        return "/trace/value/" + "/".join(parts[3:])
    return entity_address(one.ref)


def evidence_line(one: Evidence) -> str:
    """A piece of evidence as it would be typed."""
    return f"{one.name} {one.ref}" if one.document else evidence_address(one)


def evidence_shown(request: Request, piece: Evidence) -> dict[str, str]:
    """A piece of evidence with its address; ``now`` if the node says something else today than when it was cited."""
    today = piece
    if not piece.document:
        found = cited(site_of(request).broker, desk(request).records.register, piece.ref, piece.cited)
        today = found or Evidence(piece.ref, piece.name, _("no longer there"), piece.cited)
    return {
        "name": piece.name,
        "value": piece.value,
        "href": evidence_address(piece),
        "cited": piece.cited,
        "now": today.value if today.value != piece.value else "",
    }


def network_name(found: Desk) -> str:
    return words(found.records.register.place.name)
