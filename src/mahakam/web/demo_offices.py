"""The demo's people in office: whoever looks around takes one of them up by a click, on this machine alone."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from mahakam.access.policy import EVERYWHERE, OFFICES, Principal
from mahakam.network.offices import accept, appoint
from mahakam.network.register import register_of
from mahakam.web.language import N_, _
from mahakam.web.network_office import ROLES, Desk, desk
from mahakam.web.site import site_of

_PARTNER = "Demo partner"
_WORK = {
    "representative": N_("Decides with the other countries, by consensus."),
    "city_officer": N_("Writes the city's plan, its solutions and its requests to others."),
    "secretariat": N_("Collates, invites and keeps the network's year."),
    "partner": N_("Offers help to cities and answers their requests."),
}


@dataclass(frozen=True, slots=True)
class DemoOffice:
    """``name`` says the office and whose it is, ``work`` what its holder does, both in the reader's language."""

    role: str
    seat: str
    name: str
    work: str


def demo_offices(request: Request) -> list[DemoOffice]:
    """One of each office, of the city and the country that are live on this node; none where it knows no network."""
    if register_of(site_of(request).places) is None:
        return []
    found = desk(request)
    live = sorted((one for one in found.seats if one.place), key=lambda one: one.membership != "candidate")
    if not live:
        return []
    seats = {"representative": live[0].country_code, "city_officer": live[0].code, "secretariat": ""}
    return [_office(found, role, seats.get(role, _PARTNER)) for role in OFFICES]


def take_up(request: Request, role: str) -> Principal | None:
    """Who holds the demo's office of a role, in office from today where nobody was; None where there is none."""
    office = next((one for one in demo_offices(request) if one.role == role), None)
    if office is None:
        return None
    found, store, name = desk(request), site_of(request).store, f"demo-{role}"
    if not any(
        one.account == name and one.seat == office.seat and one.held(found.day) for one in found.offices
    ):
        seats = [office.seat] if office.seat else []
        _made, secret = appoint(
            store, role=role, seat=office.seat, name=f"Demo {role.replace('_', ' ')}",
            since=found.day.isoformat(), by="demo", seats=seats, day=found.day,
        )  # fmt: skip
        accept(store, secret, name, found.day)
    return Principal(name, ("resident",), (EVERYWHERE,))


def _office(found: Desk, role: str, seat: str) -> DemoOffice:
    whose = found.seat_name(role, seat)
    return DemoOffice(role, seat, ", ".join(part for part in (_(ROLES[role]), whose) if part), _(_WORK[role]))
