"""A person's right to their data, for those who answer for it: found, copied, put right, forgotten.

The address is in no link: each act is a form of its own, so that it stays out of logs and the browser's history.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.access.known_as import known_as
from mahakam.config import Place
from mahakam.feeds.erased import feeds_that_know
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.model import SourceError
from mahakam.operations.erasing import admit, erase
from mahakam.operations.standing import Standing, standings
from mahakam.services import correction, data_subject
from mahakam.services.consent import Given
from mahakam.services.data_subject import Held, Within
from mahakam.services.desk import Desk
from mahakam.services.request import entity_id
from mahakam.services.retention import Retention
from mahakam.web import gate
from mahakam.web.consent_words import HOW, NAMES
from mahakam.web.language import N_, _, n_, words
from mahakam.web.render import render
from mahakam.web.request_words import STATE_KINDS, STATE_NAMES, service_name
from mahakam.web.site import Site, site_of

PAGE, ANSWER = "/persons", "person.answer"
LOOKS = 20.0
"""Seconds for which the page looks in tables; the command has no end. Erasing looks everywhere."""
_TYPED = ("who", "sure", "to", "tables", *correction.NAMES)


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(PAGE, show, methods=["GET"]),
        Route(PAGE, gate.posted(_act), methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request as the page lists it."""

    number: str
    service: str
    place: str
    state: str
    kind: str
    requested: str
    sent: bool
    agreed: tuple[Given, ...]


def show(request: Request) -> Response:
    gate.require(request, ANSWER)
    return _page(request, {})


def _act(request: Request, form: FormData) -> Response:
    """``do``: find, export, correct, forget or admit."""
    gate.require(request, ANSWER)
    typed = {name: gate.text(form, name).strip() for name in _TYPED}
    if not gate.is_ours(request, form):
        return _page(request, typed, {"form": gate.stale()}, 403)
    act = gate.one_of(gate.text(form, "do"), ("find", "export", "correct", "forget", "admit"))
    if not act:
        raise HTTPException(422, _("This cannot be chosen."))
    try:
        known_as(typed["who"])
    except ValueError:
        said = _("Write an e-mail address, a telephone number or a NIK: at least eight digits.")
        return _page(request, typed, {"who": said}, 422)
    if act == "find":
        return _page(request, typed, looked=True)
    if not typed["sure"]:
        said = _("Nothing was done yet: make sure that who asks is who they say, and tick it.")
        return _page(request, typed, {"sure": said, "act": act}, 422, looked=True)
    acts = {"export": _export, "correct": _correct, "forget": _forget, "admit": _admit}
    return acts[act](request, typed)


def _export(request: Request, typed: Mapping[str, str]) -> Response:
    runs, within = _runs(request), _within(request)
    with tempfile.TemporaryDirectory(prefix="mahakam-person-") as folder:
        file = Path(folder) / "person.zip"
        held = data_subject.export(runs, typed["who"], file, within=within)
        _audit(runs, "export.person", held)
        content = file.read_bytes()
    headers = {"Content-Disposition": 'attachment; filename="person.zip"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/zip", headers=headers)


def _correct(request: Request, typed: Mapping[str, str]) -> Response:
    names = {name: typed[name] for name in correction.NAMES}
    store = _runs(request).store
    try:
        held = correction.correct(store, typed["who"], typed["to"], names, _within(request))
    except correction.Wrong as wrong:
        return _page(request, typed, {"to": _correction_fault(wrong), "act": "correct"}, 422, looked=True)
    count = len(held.sent) + len(held.followed)
    done = n_("Put right in %(n)s request.", "Put right in %(n)s requests.", count)
    return _page(request, {"who": typed["to"] or typed["who"]}, looked=True, done=[done])


def _correction_fault(wrong: correction.Wrong) -> str:
    return {
        "nothing": _("Write what is right: an address or number in the place of this one, or a name."),
        "kind": _("An e-mail address is put right by an address, a telephone number by a number."),
        "neither": _("Write an e-mail address, or a telephone number with at least eight digits."),
        "name": _("This cannot be chosen."),
    }[wrong.rule]


def _forget(request: Request, typed: Mapping[str, str]) -> Response:
    done = data_subject.forget(_runs(request), typed["who"], _within(request))
    erased = _erased(request, typed["who"]) if typed["tables"] else None
    said = [
        _(
            "Forgotten. Reports that they sent: %(sent)s; that they followed: %(followed)s.",
            sent=len(done.sent),
            followed=len(done.followed),
        )
    ]
    for numbers, text in (
        (
            done.left,
            _("Still open, so the agency needs the contact to answer; settle them, then forget again:"),
        ),
        (done.public, _("Their words are public: read whether they name anybody:")),
        (done.photos, _("Their photos stay, for they are not there by consent:")),
        (done.failed, _("Could not be done now, for somebody wrote at the same time; forget once more:")),
    ):
        if numbers:
            said.append(f"{text} {', '.join(numbers)}")
    said += [erased] if erased else []
    return _page(request, typed, looked=True, done=said)


def _admit(request: Request, typed: Mapping[str, str]) -> Response:
    admit(Parts.of(site_of(request).node), typed["who"], _answers_in(request))
    done = _("New files bring them as anybody.")
    return _page(request, {"who": typed["who"]}, looked=True, done=[done])


def _emptied(request: Request, who: str) -> list[str]:
    """The feeds that leave them empty, of the places in which the visitor answers."""
    site, answers = site_of(request), _answers_in(request)
    found = feeds_that_know(site.node.store.tenant(), who)
    return [feed for feed in found if answers(site.places.get(feed.partition("/")[0]))]


def _erased(request: Request, who: str) -> str:
    """What was done in the tables of agencies, in words."""
    node = site_of(request).node
    author = gate.require(request, ANSWER).name
    try:
        found = erase(Parts.of(node), node.rights, who, _answers_in(request), author)
    except (SourceError, OSError) as error:
        return _("The tables could not be written anew: %(why)s", why=str(error))
    if not found:
        return ""
    return _(
        "Erased in tables: held rows: %(rows)s; entities: %(entities)s; versions of datasets: %(versions)s; kept "
        "files: %(files)s; notifications: %(told)s. In new files of these tables their cells are left empty. "
        "Have the agency put its own file right.",
        rows=len(found.rows), entities=len(found.entities), versions=len(found.versions), files=len(found.files),
        told=len(found.notifications),
    )  # fmt: skip


def _page(
    request: Request,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    looked: bool = False,
    done: Iterable[str] = (),
) -> Response:
    rows: list[_Sent] = []
    stands: list[Standing] = []
    emptied: list[str] = []
    if looked:
        runs = _runs(request)
        held = data_subject.find(runs.store, typed["who"], _within(request))
        _audit(runs, "read.person", held)
        rows = [_row(request, runs, typed["who"], number, sent=True) for number in held.sent]
        rows += [_row(request, runs, typed["who"], number, sent=False) for number in held.followed]
        stands = _stands(request, typed["who"])
        emptied = _emptied(request, typed["who"])
    made = render(
        request,
        "persons.html",
        status,
        title=_("A person's data"),
        section="data",
        place=None,
        rows=rows,
        stands=stands,
        stand_words=_STANDS,
        emptied=emptied,
        looked=looked,
        done=list(done),
        names=NAMES,
        how=HOW,
        typed=defaultdict(str, typed),
        errors=defaultdict(str, errors or {}),
        token=gate.token(request),
        places=[] if gate.may_everywhere(request, ANSWER) else gate.chosen(request, ANSWER),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


_STANDS = {
    "held": N_("A held row."),
    "entity": N_("A personal value of an entity, now or before."),
    "dataset": N_("Rows of a version that is kept."),
    "notification": N_("A notification that waits, or was given up on."),
    "unread": N_("This could not be looked at."),
    "unlooked": N_(
        "There was no time to look here: the tables are large. On the node's machine, mahakam person find looks at "
        "all."
    ),
}


def _stands(request: Request, who: str) -> list[Standing]:
    """In the tables of the places in which the visitor answers."""
    node = site_of(request).node
    return list(standings(Parts.of(node), node.rights, who, _answers_in(request), LOOKS))


def _answers_in(request: Request) -> Callable[[Place | None], bool]:
    whole = gate.may_everywhere(request, ANSWER)

    def within(place: Place | None) -> bool:
        return whole or (place is not None and gate.may(request, ANSWER, place))

    return within


def _row(request: Request, runs: Retention, who: str, number: str, *, sent: bool) -> _Sent:
    agreed = tuple(data_subject.consents(runs.store, who, number))
    found, places = runs.desk.whole(number), site_of(request).places
    if found is None:
        return _Sent(number, "", "", "", "", "", sent, agreed)
    place, service = places.get(found.place), service_name(site_of(request), found)
    return _Sent(
        number, service, str(words(place.name)) if place else "", _(STATE_NAMES[found.state]),
        STATE_KINDS.get(found.state, ""), found.requested, sent, agreed,
    )  # fmt: skip


def _runs(request: Request) -> Retention:
    """Over the node's own store: what is held of a person is not what their steward may read one by one."""
    node = site_of(request).node
    desk = Desk(node.broker, node.places, node.settings.data)
    return Retention(desk, desk.store, node.places, node.settings.data)


def _within(request: Request) -> Within:
    desk, places, answers = _runs(request).desk, site_of(request).places, _answers_in(request)

    def within(number: str) -> bool:
        found = desk.whole(number)
        return answers(places.get(found.place) if found else None)

    return within


def _audit(runs: Retention, action: str, held: Held) -> None:
    found: list[list[Any]] = [[action, entity_id(number)] for number in (*held.sent, *held.followed)]
    if found:
        runs.store.write(lambda transaction: transaction.audit(action, found[0][1], {"objects": found[:100]}))
