"""Candidacies: who wants to join, each dossier with its findings, and what the countries said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import LANGUAGES
from mahakam.faults import Changed, Refused
from mahakam.network import candidacy as steps
from mahakam.network.candidacies import candidacies, change_candidacy
from mahakam.network.candidacy import Candidacy, Dossier, Line
from mahakam.network.plans import Seat
from mahakam.web import documents, gate
from mahakam.web.documents import Section
from mahakam.web.dossier_parts import dossier
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import N_, _, date, reader
from mahakam.web.languages import own_names
from mahakam.web.network_office import Desk, author, desk, network_name, representative, require, spoken
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/candidacies"
SUBMIT = "candidacy.submit"
STATES = {
    "open": (N_("not submitted yet"), ""),
    "submitted": (N_("with the Secretariat"), "river"),
    "returned": (N_("given back"), "warn"),
    "reviewed": (N_("reviewed"), "river"),
    "decision": (N_("before the countries"), "warn"),
    "admitted": (N_("admitted"), "ok"),
}
EVENTS = {
    "submitted": N_("Submitted"),
    "returned": N_("Given back to the city"),
    "reviewed": N_("Reviewed: ready for the countries"),
    "put": N_("Put before the countries"),
    "consented": N_("Consented"),
    "objected": N_("Objected"),
    "admitted": N_("Admitted by consensus"),
}
_TYPED = ("findings", "since", "reason", *(f"why-{code}" for code in LANGUAGES))
Step = Callable[[Candidacy], Candidacy]


@dataclass(frozen=True, slots=True)
class Row:
    seat: Seat
    one: Candidacy


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{city}"
    return [
        *table_routes(PATH, listed, candidacies_table),
        Route(one + ".pdf", as_pdf, methods=["GET"]),
        Route(one, show, methods=["GET"]),
        Route(one + "/submit", gate.posted(_submit), methods=["POST"]),
        Route(one + "/step", gate.posted(_step), methods=["POST"]),
        Route(one + "/position", gate.posted(_position), methods=["POST"]),
    ]


def _rows(request: Request) -> list[Row]:
    """The candidates that are live on this node, and every city that has been one here."""
    if not hasattr(request.state, "candidacies"):
        kept = candidacies(site_of(request).store)
        request.state.candidacies = [
            Row(seat, kept.get(seat.code) or Candidacy(key=seat.code))
            for seat in desk(request).seats
            if seat.place and (seat.membership == "candidate" or seat.code in kept)
        ]
    found: list[Row] = request.state.candidacies
    return found


def _row(request: Request) -> Row:
    """Raises HTTPException 404 for a city that is no candidate."""
    found = next((row for row in _rows(request) if row.seat.code == request.path_params["city"]), None)
    if found is None:
        raise HTTPException(404, _("There is no such candidacy."))
    return found


def candidate(request: Request) -> tuple[Seat, Candidacy]:
    """The candidate of the address. Raises HTTPException 404 for a city that is none."""
    row = _row(request)
    return row.seat, row.one


def listed(request: Request) -> Response:
    found = desk(request)
    return render(
        request,
        "candidacies.html",
        title=_("Candidacies"),
        section="network",
        network=network_name(found),
        any=bool(_rows(request)),
        table=candidacies_table(request),
    )


def candidacies_table(request: Request) -> Table:
    state = gate.one_of(request.query_params.get("state", ""), STATES)
    columns = [
        Column("city", _("City"), get=lambda row: row.seat.name, link=lambda row: f"{PATH}/{row.seat.code}"),
        Column("country", _("Country"), get=lambda row: row.seat.country),
        Column("state", _("State"), get=lambda row: row.one.state, html=lambda row: _chip(row.one)),
        Column("submitted", _("Submitted"), "date", get=lambda row: row.one.happened("submitted")[:10]),
        Column("reviewed", _("Reviewed"), "date", get=lambda row: row.one.happened("reviewed")[:10]),
        Column("consents", _("Consents"), "number", get=_consents),
        Column(
            "since",
            _("Member from"),
            "date",
            get=lambda row: row.one.since if row.one.state == "admitted" else "",
        ),
        Column("code", get=lambda row: row.seat.code, hidden=True),
    ]
    rows = [row for row in _rows(request) if state in ("", row.one.state)]
    return Table(request, _("Candidacies"), columns, rows, path=PATH)


def _consents(row: Row) -> int | None:
    return sum(one.consents for one in row.one.standing_positions().values()) if row.one.round else None


def _chip(one: Candidacy) -> Markup:
    word, kind = STATES[one.state]
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


def show(request: Request) -> Response:
    return _page(request)


def _parts(request: Request, row: Row) -> dict[str, tuple[steps.Part, ...]]:
    """As it was submitted; of a city that has not, or has to mend it, as the node knows it today."""
    if row.one.dossiers and row.one.state not in ("open", "returned"):
        return row.one.dossiers[-1].parts
    return dossier(request, row.seat)


def _page(
    request: Request,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found, row = desk(request), _row(request)
    one, seat = row.one, row.seat
    inside = found.may("network.discuss")
    positions = one.standing_positions()
    last = one.dossiers[-1] if one.dossiers else None
    filled = {f"why-{code}": last.why.get(code, "") for code in LANGUAGES} if last else {}
    answer = render(
        request,
        "candidacy.html",
        status,
        title=_("Candidacy of %(city)s", city=seat.name),
        section="network",
        token=gate.token(request),
        here=f"{PATH}/{seat.code}",
        one=one,
        seat=seat,
        city=site_of(request).places[seat.place],
        desk=found,
        chip=_chip(one),
        dossier=_parts(request, row).get(reader().language, ()),
        last=last,
        live=not last or one.state in ("open", "returned"),
        spoken=spoken,
        inside=inside,
        may_submit=_may_submit(found, seat) and one.state in ("open", "returned"),
        may_manage=found.may("network.manage"),
        findings=list(reversed(one.findings)) if inside else [],
        countries=[(code, name, positions.get(code)) for code, name in found.countries.items()],
        own=[code for code in found.standing.countries if one.state == "decision"],
        earlier=[each for each in one.positions if each not in positions.values()],
        blocked=any(not each.consents for each in positions.values()),
        events=EVENTS,
        language_names=own_names(("en", "id")),
        typed=dict.fromkeys(_TYPED, "") | filled | {"since": found.day.isoformat()} | (typed or {}),
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _may_submit(found: Desk, seat: Seat) -> bool:
    """The city's officer, and its country's National Representative, who nominates it."""
    return any(
        (one.role, one.seat) in (("city_officer", seat.code), ("representative", seat.country_code))
        for one in found.standing.offices
    ) and found.may(SUBMIT, seat.scope)


def _submit(request: Request, form: FormData) -> Response:
    row = _row(request)
    if not _may_submit(desk(request), row.seat):
        require(request, SUBMIT, row.seat.scope)
        raise HTTPException(403, _("The city's officer or its country's representative submits it."))
    why = {
        code: text
        for code in LANGUAGES
        if (text := gate.text(form, f"why-{code}").replace("\r\n", "\n").strip())
    }
    by, at = author(request, SUBMIT, row.seat.scope), now()
    parts = dossier(request, row.seat)
    return _taken(request, form, lambda one: steps.submit(one, Dossier(at, by, why, parts)), "next")


def _step(request: Request, form: FormData) -> Response:
    """The Secretariat's: findings with ``do`` ready or return, or put before the countries."""
    require(request, "network.manage")
    by, do = author(request, "network.manage"), gate.text(form, "do")
    text, seen = gate.text(form, "findings").replace("\r\n", "\n"), number(gate.text(form, "version"))
    step: Step
    match do:
        case "ready" | "return":
            step = lambda one: steps.review(one, text, do == "ready", seen, by, now())  # noqa: E731
        case "back":
            step = lambda one: steps.give_back(one, text, by, now())  # noqa: E731
        case "put":
            step = lambda one: steps.put(one, gate.text(form, "since").strip(), by, now())  # noqa: E731
        case _:
            raise HTTPException(400, _("Choose what to do."))
    return _taken(request, form, step, "next")


def _position(request: Request, form: FormData) -> Response:
    country = gate.text(form, "country")
    found, by = representative(request, "recommendation.decide", country)
    seen = (number(gate.text(form, "version")), number(gate.text(form, "round")))
    consents, reason = gate.text(form, "position") == "consent", gate.text(form, "reason")
    return _taken(
        request,
        form,
        lambda one: steps.decide(one, country, consents, reason, seen, tuple(found.countries), by, now()),
        "decision",
    )


def _taken(request: Request, form: FormData, step: Step, anchor: str) -> Response:
    """Take a step from its form; what was typed stays if it is refused."""
    row = _row(request)
    typed = {name: gate.text(form, name)[:20_000] for name in _TYPED if name in form}
    if not gate.is_ours(request, form):
        return _page(request, typed, {anchor: gate.stale()}, 403)
    source = f"{site_of(request).settings.base}{PATH}/{row.seat.code}"
    try:
        change_candidacy(site_of(request).store, row.seat, step, source)
    except Refused as refused:
        return _page(request, typed, said(refused.faults), 422)
    except Changed:
        del request.state.candidacies
        return _page(request, typed, {anchor: changed()}, 409)
    return RedirectResponse(f"{PATH}/{row.seat.code}#{anchor}", 303)


def as_pdf(request: Request) -> Response:
    """The dossier in the reader's language."""
    row = _row(request)
    last, base = (row.one.dossiers[-1] if row.one.dossiers else None), site_of(request).settings.base
    sections = []
    if last:
        sections.append(Section(_("Why the city wants to join"), spoken(last.why).split("\n")))
    for part in _parts(request, row).get(reader().language, ()):
        nothing = () if part.lines else (_("Nothing yet."),)
        table = _lines_table(request, part.title, part.lines) if part.lines else None
        sections.append(Section(part.title, nothing, table))
    live = last is None or row.one.state in ("open", "returned")
    day = desk(request).day.isoformat() if live or last is None else last.at
    subtitle = _("As the node knew it on %(when)s", when=date(day)) + f" · {_(STATES[row.one.state][0])}"
    made = documents.pdf(
        _("Candidacy of %(city)s", city=row.seat.name), subtitle, sections, f"{base}{PATH}/{row.seat.code}"
    )
    name = f"{row.seat.code}-candidacy-{reader().language}.pdf"
    made.headers["Content-Disposition"] = f'inline; filename="{name}"'
    made.headers["Cache-Control"] = "no-store"
    return made


def _lines_table(request: Request, title: str, lines: tuple[Line, ...]) -> Table:
    columns = [Column("name", _("What")), Column("value", _("What is known"))]
    return Table(request, title, columns, lines, downloadable=False)
