"""What the pages of cooperation work with, for one request: for whom the visitor acts, and what they may read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.access.policy import allow
from mahakam.network.cooperation import PARTIES, Cooperation, Party, Side
from mahakam.network.cooperations import Tell, cooperation, cooperations
from mahakam.network.offices import Office
from mahakam.network.recommendation import Author
from mahakam.network.register import register_of
from mahakam.web import gate
from mahakam.web.cooperation_letters import CooperationLetters
from mahakam.web.language import _
from mahakam.web.network_office import Desk, author_of, desk, require
from mahakam.web.office_letters import OfficeLetters
from mahakam.web.site import Site, site_of

PATH = "/network/cooperation"
ACT = "cooperation.act"


@dataclass(frozen=True)
class CooperationDesk:
    """Read once a request."""

    site: Site
    desk: Desk

    @cached_property
    def acting(self) -> tuple[Office, ...]:
        """The visitor's offices that may be a side. An organisation that is called as a city is spoken for as itself
        alone: role and seat are compared together."""
        return tuple(
            one
            for one in self.desk.standing.offices
            if one.role in PARTIES and allow(one.principal, ACT, one.seat)
        )

    @cached_property
    def parties(self) -> dict[str, Party]:
        """Every side that can be asked, by its address in forms: each city, and each partner in office."""
        found = [Party("city_officer", one.code) for one in self.desk.seats]
        partners = {
            one.seat for one in self.desk.offices if one.role == "partner" and one.held(self.desk.day)
        }
        found += [Party("partner", seat) for seat in sorted(partners)]
        return {address(one): one for one in found}

    @cached_property
    def all(self) -> list[Cooperation]:
        """Those that the visitor may see, the newest first."""
        return [one for one in cooperations(self.site.store) if self.may_see(one)]

    def may_see(self, one: Cooperation) -> bool:
        """What was agreed everybody; before, the two sides and the Secretariat."""
        return one.public or bool(self.sides(one)) or self.desk.may("network.manage")

    def inside(self, one: Cooperation) -> bool:
        """Who reads requests, reasons and drafts: the two sides and the Secretariat. The talk is the sides' alone."""
        return bool(self.sides(one)) or self.desk.may("network.manage")

    def sides(self, one: Cooperation) -> dict[Side, Author]:
        """The sides that the visitor speaks for."""
        found: dict[Side, Author] = {}
        for office in self.acting:
            author = author_of(office)
            side = one.side_of(author)
            if side is not None:
                found[side] = author
        return found

    def party_name(self, party: Party) -> str:
        return self.desk.seat_name(party.role, party.seat)

    def empty(self, party: Party) -> bool:
        """Whether nobody speaks for a side today."""
        return not any(
            (one.role, one.seat) == (party.role, party.seat) and one.held(self.desk.day)
            for one in self.desk.offices
        )

    def tell(self) -> Tell:
        """The letters of a step; none where the node has no mail server."""
        if not self.site.settings.smtp:
            return lambda _transaction, _one: None
        letters = OfficeLetters(self.site.settings.base, self.desk.day, self.desk.seat_name)
        return CooperationLetters(letters, PATH)


def cooperation_desk(request: Request) -> CooperationDesk:
    """Raises HTTPException 404 where this node knows no network."""
    if not hasattr(request.state, "cooperation_desk"):
        request.state.cooperation_desk = CooperationDesk(site_of(request), desk(request))
    found: CooperationDesk = request.state.cooperation_desk
    return found


def found_one(request: Request) -> Cooperation:
    """Raises HTTPException 404 for one that there is not, or that is not for the visitor (a stranger signs in)."""
    found = cooperation_desk(request)
    one = cooperation(found.site.store, request.path_params["key"])
    if one is not None and found.may_see(one):
        return one
    if gate.visitor(request) is None:
        require(request, "network.discuss")
    raise HTTPException(404, _("There is no such cooperation, or it is between others."))


def acting_desk(request: Request) -> CooperationDesk:
    """The desk of somebody who may be a side. Raises HTTPException 303, 401 or 403."""
    found = cooperation_desk(request)
    if not found.acting:
        require(request, ACT)
        raise HTTPException(
            403, _("Chief Smart City Officers and partners cooperate: you hold no such office today.")
        )
    return found


def may_ask_for(request: Request, place: str) -> bool:
    """Whether to offer the visitor a request for a city: its officer."""
    return _offered(request, lambda found, party: party == Party("city_officer", seat_of(found, place)))


def may_ask_about(request: Request, place: str) -> bool:
    """Whether to offer the visitor a request to a city: whoever may be a side, but not to itself."""

    def fits(found: CooperationDesk, party: Party) -> bool:
        seat = seat_of(found, place)
        return bool(seat) and party != Party("city_officer", seat)

    return _offered(request, fits)


def may_ask_side(request: Request, asked: Party) -> bool:
    """Whether to offer the visitor a request to a side: whoever may be another."""
    return _offered(request, lambda _found, party: party != asked)


def _offered(request: Request, fits: Callable[[CooperationDesk, Party], bool]) -> bool:
    """Whether one of the sides that the visitor speaks for fits; to a stranger it is offered, who signs in first."""
    if register_of(site_of(request).places) is None:
        return False
    if gate.visitor(request) is None:
        return True
    found = cooperation_desk(request)
    return any(fits(found, party_of(one)) for one in found.acting)


def party_of(office: Office) -> Party:
    """The side that an office speaks for; the office is one of PARTIES."""
    return Party(office.role, office.seat)  # type: ignore[arg-type]


def seat_of(found: CooperationDesk, place: str) -> str:
    """The seat of a city of this node, "" for one that has none."""
    return next((one.code for one in found.desk.seats if one.place == place), "")


def author_for(sides: dict[Side, Author], wanted: Iterable[Side]) -> Author | None:
    """Who does a step that one of the sides ``wanted`` does."""
    return next((sides[side] for side in wanted if side in sides), None)


def address(party: Party | Office) -> str:
    """A side (an office: the one it speaks for) as forms and filters name it: ``city:bontang``, ``partner:A firm``."""
    return ("city:" if party.role == "city_officer" else "partner:") + party.seat
