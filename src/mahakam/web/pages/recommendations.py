"""Recommendations to leaders: which there are, what one says and rests on, what the countries said, the PDF."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.network import recommendation as steps
from mahakam.network.desk import (
    meetings,
    recommendation,
    recommendations,
)
from mahakam.network.differences import differences
from mahakam.network.recommendation import LANGUAGES, PUBLIC, Recommendation, Text, late
from mahakam.web import gate
from mahakam.web.faults import Errors
from mahakam.web.language import N_, _
from mahakam.web.languages import languages
from mahakam.web.network_office import Desk, desk, evidence_shown, network_name, require, spoken
from mahakam.web.recommendation_paper import paper
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/recommendations"
STATES = {
    "draft": (N_("draft"), ""),
    "comment": (N_("open for comment"), "river"),
    "decision": (N_("before the countries"), "warn"),
    "adopted": (N_("adopted"), "ok"),
    "sent": (N_("sent to leaders"), "ok"),
    "done": (N_("done"), "ok"),
    "withdrawn": (N_("withdrawn"), ""),
}
WORK = {
    "open": (N_("not begun"), ""),
    "under_way": (N_("under way"), "river"),
    "done": (N_("done"), "ok"),
}
EVENTS = {
    "drafted": N_("Drafted"),
    "amended": N_("Amended"),
    "opened": N_("Opened for comment"),
    "put": N_("Put before the countries"),
    "consented": N_("Consented"),
    "objected": N_("Objected"),
    "adopted": N_("Adopted by consensus"),
    "withdrawn": N_("Withdrawn"),
    "sent": N_("Sent to leaders"),
    "followed": N_("Progress reported"),
    "done": N_("Everything is done"),
}
TYPED = ("comment", "reason", "withdraw", "to", "progress", "evidence")
"""Fields of the forms on the page of one."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(PATH, listed, recommendations_table),
        Route(PATH + "/{key}.pdf", as_pdf, methods=["GET"]),
        Route(PATH + "/{key}", show, methods=["GET"]),
    ]


# The list.


def visible(request: Request) -> list[Recommendation]:
    """Adopted ones for everybody, those under way for people in office, a draft for who may amend it."""
    found = desk(request)
    inside = found.may("network.discuss")
    return [
        one
        for one in recommendations(site_of(request).store)
        if one.state in PUBLIC or (inside and (one.state != "draft" or may_amend(found, one)))
    ]


def listed(request: Request) -> Response:
    found = desk(request)
    return render(
        request,
        "recommendations.html",
        title=_("Recommendations to leaders"),
        section="network",
        network=network_name(found),
        table=recommendations_table(request),
        any=bool(visible(request)),
        may_draft=found.may("recommendation.draft"),
    )


def recommendations_table(
    request: Request, only: list[Recommendation] | None = None, anchor: str = "recommendations"
) -> Table:
    """All that the visitor may read, or ``only`` some of them, on another page."""
    found = desk(request)
    columns = [
        Column("number", _("Number"), get=lambda one: one.key, link=lambda one: f"{PATH}/{one.key}"),
        Column("title", _("Title"), get=lambda one: spoken(one.text.title)),
        Column("state", _("State"), html=state_chip),
        Column("consents", _("Consents"), "number", get=_consents),
        Column("objections", _("Objections"), "number", get=lambda one: len(one.objections)),
        Column("adopted", _("Adopted"), "date", get=lambda one: one.happened("adopted")[:10]),
        Column("actions", _("To do"), "number", get=lambda one: len(one.text.actions)),
        Column("done", _("Done"), "number", get=_done),
        Column(
            "late", _("Late"), "number", get=lambda one: late(one, found.day) if one.state in PUBLIC else 0
        ),
    ]
    whole = only is None
    return Table(
        request,
        _("Recommendations"),
        columns,
        visible(request) if only is None else only,
        path=PATH if whole else "",
        anchor=anchor,
        downloadable=whole,
    )


def state_chip(one: Recommendation) -> Markup:
    word, kind = STATES[one.state]
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


def _consents(one: Recommendation) -> int:
    return sum(position.consents for position in one.standing_positions().values())


def _done(one: Recommendation) -> int:
    return sum(last is not None and last.state == "done" for _action, last in one.work())


# One.


def found_one(request: Request) -> Recommendation:
    """Raises HTTPException 404 for one that there is not, or that the visitor may not read (a stranger signs in)."""
    one = recommendation(site_of(request).store, request.path_params["key"])
    if one is None:
        raise HTTPException(404, _("There is no such recommendation."))
    if one.state not in PUBLIC:
        inside = require(request, "network.discuss")
        if one.state == "draft" and not may_amend(inside, one):
            raise HTTPException(403, _("This is still a draft; who drafted it opens it for comment."))
    return one


def show(request: Request) -> Response:
    return page(request, found_one(request))


def page(
    request: Request,
    one: Recommendation,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found, site = desk(request), site_of(request)
    inside = found.may("network.discuss")
    positions = one.standing_positions()
    answer = render(
        request,
        "recommendation.html",
        status,
        title=spoken(one.text.title),
        section="network",
        token=gate.token(request),
        one=one,
        desk=found,
        chip=state_chip(one),
        spoken=spoken,
        evidence=[[evidence_shown(request, piece) for piece in claim.evidence] for claim in one.text.claims],
        shown=partial(evidence_shown, request),
        work_names=WORK,
        events=EVENTS,
        inside=inside,
        may_amend=may_amend(found, one),
        may_manage=found.may("network.manage"),
        may_follow=found.may("recommendation.follow") and one.state in PUBLIC,
        own=[code for code in found.standing.countries if one.state == "decision"],
        countries=[(code, name, positions.get(code)) for code, name in found.countries.items()],
        earlier=[position for position in one.positions if position not in positions.values()],
        changes=_changes(one, request.query_params.get("since", "")) if inside else [],
        meeting=next((meeting for meeting in meetings(site.store) if meeting.key == one.meeting), None),
        late=late(one, found.day),
        typed=dict.fromkeys(TYPED, "") | {"state": "under_way", "action": "0"} | (typed or {}),
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _changes(one: Recommendation, since: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Field by field what the last version (or all since one) changed, word by word."""
    first = int(since) if since.isdecimal() and 1 <= int(since) < one.version else one.version - 1
    if first < 1:
        return []
    old, new = _plain(one.versions[first - 1].text), _plain(one.text)
    found = []
    for name in dict.fromkeys([*new, *old]):
        if old.get(name, "") != new.get(name, ""):
            parts = differences(old.get(name, ""), new.get(name, ""))
            found.append((name, [(str(what), text) for what, text in parts]))
    return found


def _plain(text: Text) -> dict[str, str]:
    """Every part of a text under the name that the reader sees."""
    claim_word, action_word = _("Claim"), _("To do")
    parts = [(_("Title"), text.title), (_("Why"), text.why)]
    parts += [(f"{claim_word} {at}", claim.text) for at, claim in enumerate(text.claims, 1)]
    parts += [(f"{action_word} {at}", action.text) for at, action in enumerate(text.actions, 1)]
    found = {
        f"{name} · {languages()[language].name}": said.get(language, "")
        for name, said in parts
        for language in LANGUAGES
    }
    evidence, who = _("Evidence"), _("Who, until when")
    for at, claim in enumerate(text.claims, 1):
        lines = (" · ".join(part for part in (one.name, one.value) if part) for one in claim.evidence)
        found[f"{claim_word} {at} · {evidence}"] = "\n".join(lines)
    for at, action in enumerate(text.actions, 1):
        found[f"{action_word} {at} · {who}"] = ", ".join(part for part in (action.who, action.due) if part)
    return found


def may_amend(found: Desk, one: Recommendation) -> bool:
    """The Secretariat, and whoever speaks for the seat that drafted it (a successor too)."""
    if one.state not in steps.AMENDABLE:
        return False
    by = one.versions[0].by
    same = any((office.role, office.seat) == (by.role, by.seat) for office in found.standing.offices)
    return found.may("network.manage") or (found.may("recommendation.draft") and same)


def as_pdf(request: Request) -> Response:
    """As it goes to the leaders, in the reader's language; a draft says on every page that it is one."""
    one = found_one(request)
    found, base = desk(request), site_of(request).settings.base
    return paper(one, found, base, f"{base}{PATH}/{one.key}")
