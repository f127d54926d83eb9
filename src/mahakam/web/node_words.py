"""What the pages of a hub and of a city's sharing have in common: who may open them, times, faults in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from starlette.requests import Request

from mahakam.access.policy import Principal, allow
from mahakam.network.offices import standing
from mahakam.nodes.faults import NodeError
from mahakam.web import gate
from mahakam.web.language import N_, _
from mahakam.web.language import time as words_of_time
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.web.site import Site

INVITE, DECIDE = "node.invite", "share.decide"
STATES = {
    "active": (N_("joined"), "ok"),
    "joined": (N_("joined"), "ok"),
    "joining": (N_("not finished"), "warn"),
    "ended": (N_("ended"), ""),
}
CLASSES = {"internal": N_("internal"), "personal": N_("personal")}
_FAULTS = {
    "Unknown": N_("This hub knows no such invitation. Copy all of it, or ask for another."),
    "Used": N_("The invitation is used already. Ask the hub for another."),
    "TakenBack": N_("The hub took the invitation back. Ask for another."),
    "Expired": N_("The invitation has expired. Ask the hub for another."),
    "Member": N_("A node of this name has joined already. End its membership first, or take another name."),
    "Joined": N_("This node is joined to that hub already. Change below what it shares."),
    "Empty": N_("Choose at least one type and one field of it."),
    "TooMany": N_("That was tried too often. Wait some minutes, then try again."),
    "Unreachable": N_("There is no answer: %(why)s. Try again later, or ask the hub whether it is running."),
}


def may(request: Request, action: str) -> bool:
    """Whether the visitor does it for the node as a whole: by a role that holds everywhere or in the place above all
    others, or by an office."""
    site: Site = site_of(request)
    visitor = gate.visitor(request)
    tops = [place for place in site.places.values() if place.parent not in site.places]
    if allow(visitor, action) or (len(tops) == 1 and gate.may(request, action, tops[0])):
        return True
    return standing(site.store, visitor, dt.datetime.now(dt.UTC).date()).may(action)


def require(request: Request, action: str) -> Principal:
    """The visitor, if they may; a stranger is led to the sign-in page and back. Raises HTTPException 303, 401, 403."""
    visitor = gate.visitor(request)
    if visitor is not None and may(request, action):
        return visitor
    raise gate.turned_away(request)


def said(error: NodeError) -> str:
    """What went wrong, in the reader's language where there are words for it."""
    known = _FAULTS.get(error.kind)
    return _(known, why=str(error)) if known else str(error)


def when(seconds: object) -> str:
    """A moment in seconds since 1970 as people say it; "" for none."""
    return words_of_time(iso(seconds)) if seconds else ""


def iso(seconds: object) -> str:
    """The same as ISO 8601; "" for none."""
    if not isinstance(seconds, int | float) or not seconds:
        return ""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
