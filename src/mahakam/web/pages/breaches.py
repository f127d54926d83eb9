"""The register of breaches for those who keep it: entries with their clocks, notices, closing with lessons."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.services import breach as register
from mahakam.services.breach import ADDRESSEES, OUTCOMES, WORDS, Breach, BreachError
from mahakam.web import breach_words, gate
from mahakam.web.language import _, in_timezone, words
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

PAGE, KEEP = "/breaches", "breach.manage"
_TYPED = (*WORDS, "place", "found", "persons", "specific", "how", "lessons", "outcome", "addressee", "at")


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(PAGE, show, breaches_table),
        Route(PAGE, gate.posted(_record), methods=["POST"]),
        Route(PAGE + "/{id}", show_one, methods=["GET"]),
        Route(PAGE + "/{id}", gate.posted(_act), methods=["POST"]),
    ]


def show(request: Request) -> Response:
    return _list(request, {}, {})


def _list(
    request: Request, typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response:
    principal = gate.require(request, KEEP)
    made = render(
        request,
        "breaches.html",
        status,
        title=_("Breaches of personal data"),
        section="data",
        table=breaches_table(request),
        places=[(one.id, words(one.name)) for one in gate.chosen(request, KEEP)],
        whole=gate.may_everywhere(request, KEEP),
        typed=defaultdict(str, typed),
        errors=defaultdict(str, errors),
        token=gate.token(request),
        who=principal.name,
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def breaches_table(request: Request) -> Table:
    gate.require(request, KEEP)
    site, now = site_of(request), dt.datetime.now(dt.UTC)
    rows = [one for one in register.breaches(site.store) if _may(request, one)]

    def place(one: Breach) -> str:
        found = site.places.get(one.place)
        return str(words(found.name)) if found else one.place or _("this node")

    def state_chip(one: Breach) -> Markup:
        state = one.state(now)
        word = _(breach_words.STATES[state])
        return Markup('<span class="chip {}">{}</span>').format(breach_words.STATE_KINDS[state], word)

    columns = [
        Column("id", _("Number"), link=lambda one: f"{PAGE}/{one.id}"),
        Column("place", _("Place"), get=place),
        Column("found", _("Found"), "time", get=lambda one: one.found),
        Column("state", _("State"), get=lambda one: _(breach_words.STATES[one.state(now)]), html=state_chip),
        Column("clock", _("Clock"), get=lambda one: breach_words.clock_words(one, now), sortable=False),
        Column("due", _("Notices until"), "time", get=lambda one: one.due.isoformat(), phone=False),
        Column("persons", _("Persons"), "number", get=lambda one: one.persons, phone=False),
        Column("data", _("Which data"), get=lambda one: one.data[:120], phone=False),
    ]
    nothing = _(
        "No breach is in the register. Enter one below as soon as it is known: the clock runs from then."
    )
    return Table(request, _("Breaches of personal data"), columns, rows, PAGE, nothing=nothing)


def show_one(request: Request) -> Response:
    return _one(request, _found(request), {}, {})


def _one(
    request: Request, one: Breach, typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response:
    site, now = site_of(request), dt.datetime.now(dt.UTC)
    place = site.places.get(one.place)
    known = {name: getattr(one, name) for name in WORDS}
    known |= {
        "persons": "" if one.persons is None else str(one.persons),
        "specific": "1" if one.specific else "",
    }
    made = render(
        request,
        "breach.html",
        status,
        title=_("Breach %(id)s", id=one.id),
        section="data",
        place=place,
        one=one,
        state=one.state(now),
        states=breach_words.STATES,
        kinds=breach_words.STATE_KINDS,
        clock=breach_words.clock_words(one, now),
        addressees=breach_words.ADDRESSEES,
        outcomes=[(code, _(name)) for code, name in breach_words.OUTCOMES.items()],
        texts={name: breach_words.notice_text(one, name, place) for name in ADDRESSEES},
        typed=defaultdict(str, known | dict(typed)),
        errors=defaultdict(str, errors),
        token=gate.token(request),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def _record(request: Request, form: FormData) -> Response:
    typed = _typed(form)
    place = site_of(request).places.get(typed["place"])
    principal = gate.require(request, KEEP)
    faults: dict[str, str] = {}
    if place is None and (typed["place"] or not gate.may_everywhere(request, KEEP)):
        faults["place"] = _("Choose the place whose data they are.")
    elif place is not None:
        principal = gate.require(request, KEEP, place)
    if not gate.is_ours(request, form):
        return _list(request, typed, {"form": gate.stale()}, 403)
    try:
        if faults:
            register.checked(typed, _persons(typed["persons"]))
        else:
            made = register.record(
                site_of(request).store,
                typed["place"],
                _moment(typed["found"], place),
                typed,
                principal.name,
                persons=_persons(typed["persons"]),
                specific=bool(typed["specific"]),
            )
            return RedirectResponse(f"{PAGE}/{made.id}", 303)
    except BreachError as error:
        faults = breach_words.fault_words(error) | faults
    return _list(request, typed, faults, 422)


def _act(request: Request, form: FormData) -> Response:
    """``do``: amend, notify or close."""
    one, typed = _found(request), _typed(form)
    principal = gate.require(request, KEEP, site_of(request).places.get(one.place))
    if not gate.is_ours(request, form):
        return _one(request, one, typed, {"form": gate.stale()}, 403)
    store, place = site_of(request).store, site_of(request).places.get(one.place)
    acts: dict[str, Callable[[], Breach]] = {
        "amend": lambda: register.amend(
            store, one.id, typed, persons=_persons(typed["persons"]), specific=bool(typed["specific"])
        ),
        "notify": lambda: register.notify(
            store, one.id, typed["addressee"], principal.name, typed["how"], _moment(typed["at"], place)
        ),
        "close": lambda: register.close(
            store, one.id, principal.name, typed["lessons"], typed["outcome"] or OUTCOMES[0]
        ),
    }
    act = acts.get(gate.text(form, "do"))
    if act is None:
        raise HTTPException(422, _("This cannot be chosen."))
    try:
        act()
    except BreachError as error:
        said = breach_words.fault_words(error)
        if "found" in said and typed["addressee"]:
            said["at"] = said.pop("found")
        return _one(request, one, typed, said, 409 if "id" in error.faults else 422)
    return RedirectResponse(f"{PAGE}/{one.id}", 303)


def _found(request: Request) -> Breach:
    """Raises HTTPException 404 for one that there is not, or that is of a place where the visitor keeps no register."""
    gate.require(request, KEEP)
    one = register.breach(site_of(request).store, request.path_params["id"])
    if one is None or not _may(request, one):
        raise HTTPException(404, _("There is no such entry."))
    place = site_of(request).places.get(one.place)
    if place:
        in_timezone(place.timezone)
    return one


def _may(request: Request, one: Breach) -> bool:
    place = site_of(request).places.get(one.place)
    return gate.may(request, KEEP, place) if place else gate.may_everywhere(request, KEEP)


def _typed(form: FormData) -> dict[str, str]:
    return {name: gate.text(form, name).strip() for name in _TYPED}


def _persons(text: str) -> int | None:
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else -1


def _moment(text: str, place: Place | None) -> str:
    """What a field of day and time says, in the place's own time. What is none is for the register to refuse."""
    try:
        found = dt.datetime.fromisoformat(text)
        zone = ZoneInfo(place.timezone if place else "UTC")
        return (found if found.tzinfo else found.replace(tzinfo=zone)).isoformat()
    except ValueError:
        return text
