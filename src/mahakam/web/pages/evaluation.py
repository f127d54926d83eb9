"""Evaluations of a place: what it claims, what evidence carries, the trend, the package for an assessor."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError, Place
from mahakam.evaluation.files import Peer, frameworks_of
from mahakam.evaluation.standing import Line
from mahakam.network.register import register_of
from mahakam.web import charts, gate
from mahakam.web.assessment_desk import (
    READ,
    WRITE,
    Series,
    address,
    agencies,
    one_to_read,
    place_to_read,
    reviewer,
    series_of,
    serving,
    standings,
    waiting,
)
from mahakam.web.evidence_package import package
from mahakam.web.faults import Errors, in_file
from mahakam.web.language import _, date, in_timezone, number, reader, unit, words
from mahakam.web.network_office import Desk, desk, may_in, network_name, require
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

CAPACITY = "/network/capacity"


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/evaluation/{place}/{name}.zip", as_package),
        *table_routes("/evaluation/{place}/{name}", one_page, lines_table),
        *table_routes("/evaluation/{place}", list_page, list_table),
        *table_routes(CAPACITY, capacity, capacity_table),
    ]


# A place.


def list_page(request: Request) -> Response:
    place = place_to_read(request)
    site, problems = site_of(request), list[ConfigError]()
    groups = series_of(place, standings(request, place))
    assessed = {one.last.assessment.agency for one in groups}
    frameworks = frameworks_of(place, site.places, problems)
    answered = [one.last.framework.id for one in groups if one.last.assessment.agency]
    return render(
        request,
        "evaluations.html",
        title=_("How ready is %(place)s", place=words(place.name)),
        place=place,
        latest=_latest_table(request, groups),
        missing=sorted(serving(request, place) - assessed),
        may_write=may_in(request, WRITE, place),
        frameworks=[(name, words(one.name)) for name, one in frameworks.items()],
        usual=next((name for name in (*reversed(answered), *frameworks) if name in frameworks), ""),
        agencies=agencies(request, place),
        problems=[in_file(one) for one in problems] if may_in(request, WRITE, place) else [],
        table=list_table(request),
    )  # fmt: skip


def _latest_table(request: Request, groups: list[Series]) -> Table:
    """How each agency stands last, with its trend."""
    columns = [
        Column("agency", _("Agency"), get=lambda one: one.agency, link=lambda one: one.address),
        Column("framework", _("Framework"), get=lambda one: words(one.last.framework.name)),
        Column("day", _("Day"), "date", get=lambda one: one.last.assessment.day.isoformat()),
        Column("carried", _("Carried by evidence"), "number", get=lambda one: one.last.carried, decimals=2),
        Column("change", _("Since the time before"), "number", get=lambda one: one.change, html=_change),
        Column("trend", _("Trend"), get=lambda one: len(one.found), html=trend_chart, sortable=False),
    ]
    return Table(
        request, _("Agency by agency"), columns, groups, downloadable=False, key="a-", anchor="agencies",
        nothing=_("This place has not assessed itself yet."),
    )  # fmt: skip


def _change(one: Series) -> Markup | str:
    if one.change is None:
        return Markup('<span class="mute">{}</span>').format(_("first time"))
    if one.change == 0:
        return _("as before")
    return ("+" if one.change > 0 else "−") + number(abs(one.change), 2)


def trend_chart(one: Series) -> Markup:
    """What evidence carried each time, beside what was claimed (said when pointed at); "" for a single time."""
    if len(one.found) < 2:
        return Markup("")
    said = [
        _("%(when)s: claimed %(claimed)s, carried by evidence %(carried)s",
          when=date(each.assessment.day, "medium"), claimed=number(each.claimed, 2), carried=number(each.carried, 2))
        for each in one.found
    ]  # fmt: skip
    ticks = [date(each.assessment.day, "MMM y") for each in one.found]
    data = [
        charts.Bar(text, each.carried, tick if tick not in ticks[:at] else "", latest=each is one.last)
        for at, (text, each, tick) in enumerate(zip(said, one.found, ticks, strict=True))
    ]
    return charts.bars(data, "; ".join(said), height=64)


def list_table(request: Request) -> Table:
    """Every assessment, agency by agency and year by year: the trend stands in the rows."""
    place = place_to_read(request)
    columns = [
        Column("framework", _("Framework"), get=lambda s: words(s.framework.name)),
        Column("agency", _("Agency"), get=lambda s: s.assessment.agency or words(place.name)),
        Column("day", _("Day"), "date", get=lambda s: s.assessment.day.isoformat(),
               link=lambda s: address(place, s.assessment.id)),
        Column("claimed", _("Claimed"), "number", get=lambda s: s.claimed, decimals=2),
        Column("carried", _("Carried by evidence"), "number", get=lambda s: s.carried, decimals=2),
        Column("peer", _("Found by a peer"), "number", get=lambda s: s.peer, decimals=2),
        Column("reviewer", _("Reviewed by"), get=lambda s: ", ".join(one.by for one in s.assessment.peers)),
    ]  # fmt: skip
    return Table(
        request, _("Assessments"), columns, standings(request, place), path=f"/evaluation/{place.id}",
        nothing=_("This place has not assessed itself yet."),
    )  # fmt: skip


# One assessment.


def one_page(request: Request) -> Response:
    return page(request)


def page(
    request: Request, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> Response:  # fmt: skip
    place, found, kept = one_to_read(request)
    in_timezone(place.timezone)
    group = next(
        one for one in series_of(place, standings(request, place)) if any(each is found for each in one.found)
    )
    inside = may_in(request, READ, place)
    until = Series(place, group.found[: group.found.index(found) + 1])
    may_write = may_in(request, WRITE, place)
    answer = render(
        request,
        "evaluation.html",
        status,
        title=words(found.framework.name),
        place=place,
        found=found,
        here=address(place, found.assessment.id),
        group=until if inside else Series(place, (found,)),
        trend=trend_chart(until) if inside else "",
        peers=[(peer, _verdicts(found.lines, peer)) for peer in reversed(found.assessment.peers)],
        level_names={one.level: words(one.name) for one in found.framework.levels},
        kept=kept,
        asked=kept.asked if kept else (),
        inside=inside,
        reviewer=reviewer(request, kept),
        may_write=may_write,
        cities=_cities(request, place) if kept and may_write else [],
        token=gate.token(request),
        typed={"peer": ""} | (typed or {}),
        errors=Errors(errors or {}),
        table=lines_table(request),
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _cities(request: Request, place: Place) -> list[tuple[str, str]]:
    """Cities that can be asked to look: those of the network but this one; who is in office there is said."""
    if register_of(site_of(request).places) is None:
        return []
    found = desk(request)
    held = {one.seat for one in found.offices if one.role == "city_officer" and one.held(found.day)}
    return [
        (one.code, one.name + ("" if one.code in held else f" ({_('nobody in office')})"))
        for one in found.seats
        if one.place != place.id
    ]


def _verdicts(lines: tuple[Line, ...], peer: Peer) -> list[tuple[Line, int, str]]:
    """(line, level found, reason) of each question that a peer looked at."""
    return [
        (line, peer.levels[line.question.key], peer.reasons.get(line.question.key, ""))
        for line in lines
        if line.question.key in peer.levels
    ]


def lines_table(request: Request) -> Table:
    """Each question with its claim, what the evidence carries, and what a peer found."""
    place, found, _kept = one_to_read(request)
    names = {one.level: words(one.name) for one in found.framework.levels}
    last = found.assessment.peers[-1] if found.assessment.peers else None

    def claimed(line: Line) -> Markup | str:
        if line.claimed is None:
            return Markup('<span class="mute">{}</span>').format(_("not answered"))
        text = f"{line.claimed} {names.get(line.claimed, '')}"
        if not line.bare:
            return text
        return Markup('{} <span class="chip warn">{}</span>').format(
            text, _("more than its evidence carries")
        )

    def evidence(line: Line) -> Markup:
        items = [
            Markup('<a href="{}">{}</a> {}').format(
                one.address, words(one.piece.title), f"{one.said} {unit(one.unit)}"
            )
            if one.address
            else Markup("{} {} {}").format(
                words(one.piece.title), one.said, "" if one.there else _("not there")
            )
            for one in line.found
        ]
        return (
            Markup("<br>").join(items) if items else Markup('<span class="mute">{}</span>').format(_("none"))
        )

    columns = [
        Column("key", _("No."), get=lambda s: s.question.key),
        Column("question", _("Question"), get=lambda s: words(s.question.name)),
        Column("aspect", _("Aspect"), get=lambda s: words(s.question.aspect)),
        Column("weight", _("Weight"), "number", get=lambda s: s.question.weight),
        Column("claimed", _("Claimed"), get=lambda s: s.claimed, html=claimed),
        Column("carried", _("Carried by evidence"), "number", get=lambda s: s.carried),
        Column("peer", _("Found by a peer"), "number", get=lambda s: s.peer),
        Column("evidence", _("Evidence"), get=lambda s: [words(one.piece.title) for one in s.found],
               html=evidence, sortable=False),
        Column("note", get=lambda s: words(s.answer.note) if s.answer and s.answer.note else "", hidden=True),
        Column("peer_reason", get=lambda s: last.reasons.get(s.question.key, "") if last else "", hidden=True),
    ]  # fmt: skip
    return Table(
        request, words(found.framework.name), columns, found.lines, path=address(place, found.assessment.id)
    )


def as_package(request: Request) -> Response:
    place, found, _kept = one_to_read(request)
    site = site_of(request)
    made = dt.datetime.now(ZoneInfo(place.timezone)).date().isoformat()
    content = package(site.broker, place, found, made, site.settings.base)
    name = f"{place.id}-{found.assessment.id}-{reader().language}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(content, media_type="application/zip", headers=headers)


# The network.


def capacity(request: Request) -> Response:
    """How ready the cities are that the visitor may look at, and what their city was asked to review."""
    found = _reading(request)
    answer = render(
        request,
        "capacity.html",
        title=_("How ready the cities are"),
        section="network",
        network=network_name(found),
        waiting=[(place, one, address(place, one.key)) for place, one in waiting(request)],
        mine=[one for one in site_of(request).places.values() if one.kind == "city" and may_in(request, WRITE, one)],
        table=capacity_table(request),
    )  # fmt: skip
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def capacity_table(request: Request) -> Table:
    """One row an agency of each city, as it stands last."""
    _reading(request)
    rows = [
        one
        for place in site_of(request).places.values()
        if place.kind == "city" and may_in(request, READ, place)
        for one in series_of(place, standings(request, place))
    ]
    columns = [
        Column("city", _("City"), get=lambda one: words(one.place.name),
               link=lambda one: f"/evaluation/{one.place.id}"),
        Column("agency", _("Agency"), get=lambda one: one.agency, link=lambda one: one.address),
        Column("framework", _("Framework"), get=lambda one: words(one.last.framework.name)),
        Column("day", _("Day"), "date", get=lambda one: one.last.assessment.day.isoformat()),
        Column("claimed", _("Claimed"), "number", get=lambda one: one.last.claimed, decimals=2),
        Column("carried", _("Carried by evidence"), "number", get=lambda one: one.last.carried, decimals=2),
        Column("peer", _("Found by a peer"), "number", get=lambda one: one.last.peer, decimals=2),
        Column("change", _("Since the time before"), "number", get=lambda one: one.change, html=_change),
    ]  # fmt: skip
    return Table(
        request, _("How ready the cities are"), columns, rows, path=CAPACITY,
        nothing=_("No city that you may look at has assessed itself yet."),
    )  # fmt: skip


def _reading(request: Request) -> Desk:
    """Raises HTTPException 303, 401 or 403 for somebody who may look at no city."""
    found = desk(request)
    if not gate.may(request, READ):
        require(request, READ)
    return found
