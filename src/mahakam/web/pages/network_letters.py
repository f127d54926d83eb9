"""Letters on paper (PDF): where a candidacy stands, to the city; and that a city's update of the year is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.network.candidacy import Candidacy
from mahakam.network.plans import Seat
from mahakam.web.documents import PDF
from mahakam.web.language import N_, _, date, reader
from mahakam.web.network_office import ROLES, Desk, desk, network_name, require, spoken
from mahakam.web.pages.candidacies import PATH as CANDIDACIES
from mahakam.web.pages.candidacies import candidate
from mahakam.web.plan_desk import PATH as PLANS
from mahakam.web.plan_desk import plan_desk
from mahakam.web.site import site_of
from mahakam.web.typeset import typeset

if TYPE_CHECKING:
    from mahakam.web.site import Site


@dataclass(frozen=True, slots=True)
class Paper:
    """What a letter says: under its subject sentences, then points; ``path`` is the page that it is about."""

    subject: str
    text: Sequence[str]
    path: str
    points: Sequence[str] = ()


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(CANDIDACIES + "/{city}/letter.pdf", candidacy_letter, methods=["GET"]),
        Route(PLANS + "/{city}/reminder.pdf", reminder, methods=["GET"]),
    ]


def candidacy_letter(request: Request) -> Response:
    """For people in office. Raises HTTPException 303, 403, or 404 for a city that has not submitted its dossier."""
    found = require(request, "network.discuss")
    seat, one = candidate(request)
    if not one.dossiers:
        raise HTTPException(404, _("There is no letter before a dossier was submitted."))
    return _pdf(request, found, seat, _about(found, seat, one), f"{seat.code}-candidacy-letter")


def _about(found: Desk, seat: Seat, one: Candidacy) -> Paper:
    path, dossier = f"{CANDIDACIES}/{seat.code}", date(one.dossiers[-1].at)
    values = {"city": seat.name, "when": dossier, "n": one.version}
    consents = [each for each in one.standing_positions().values() if each.consents]
    match one.state:
        case "admitted":
            points = [
                f"{found.countries.get(each.country, each.country)}, {date(each.at)}" for each in consents
            ]
            said = _("By the consent of every country %(city)s is a member of the network from %(from)s on.",
                     city=seat.name, **{"from": date(one.since)})  # fmt: skip
            return Paper(
                _("%(city)s is admitted", city=seat.name), [said, _("The countries consented:")], path, points
            )
        case "returned":
            text = [
                _("The dossier %(n)s of %(when)s is given back to be mended:", **values),
                one.findings[-1].text,
                _("The city submits it again on its page; what was found of it before is kept."),
            ]
            return Paper(_("The dossier of %(city)s is given back", city=seat.name), text, path)
        case "reviewed" | "decision":
            text = [
                _(
                    "The Secretariat reviewed the dossier %(n)s of %(when)s: it is ready for the countries.",
                    **values,
                )
            ]
            if one.state == "decision":
                text.append(
                    _("It is before them since; with the consent of every one %(city)s is a member from %(from)s on.",
                      city=seat.name, **{"from": date(one.since)})
                )  # fmt: skip
            return Paper(_("The dossier of %(city)s is reviewed", city=seat.name), text, path)
        case _:
            text = [
                _("The dossier %(n)s of %(when)s has come to the Secretariat.", **values),
                _("It reads it, and says what it found, before the countries decide."),
            ]
            return Paper(_("The dossier of %(city)s has come", city=seat.name), text, path)


def reminder(request: Request) -> Response:
    """For the Secretariat, the city and its country. Raises HTTPException 303, 403, or 404 where nothing is missing."""
    found, plans = desk(request), plan_desk(request)
    row = plans.row(request.path_params["city"])
    if not plans.may_collate and not plans.may_write(row):
        require(request, "action_plan.collate")
    if plans.cycle is None or row.update in ("sent", "collated"):
        raise HTTPException(404, _("Nothing is missing of %(city)s this year.", city=row.seat.name))
    until, year = plans.cycle.days["cities"], str(plans.year)
    values = {"city": row.seat.name, "year": year, "when": date(until)}
    late = found.day > until
    text = [
        _("The update of %(city)s for %(year)s was due by %(when)s and has not come.", **values) if late
        else _("The update of %(city)s for %(year)s is due by %(when)s.", **values)
    ]  # fmt: skip
    missing = row.plan.unreported(plans.year)
    names = {one.key: spoken(one.title) for one in row.plan.text.projects}
    points = [f"{key} {names.get(key, '')}".strip() for key in missing]
    if not row.written:
        text.append(_("The city has no action plan yet: it is written on its page, or sent as a file."))
    elif points:
        text.append(_("Nothing is reported yet of these projects:"))
    else:
        text.append(
            _("Something is reported of every project: what is left is to send it to the Secretariat.")
        )
    subject = _("Reminder: the update of %(city)s for %(year)s", **values)
    made = Paper(subject, text, f"{PLANS}/{row.seat.code}", points)
    return _pdf(request, found, row.seat, made, f"{row.seat.code}-reminder-{year}")


SECRETARIAT, OFFICER = N_("Secretariat of the network"), ROLES["city_officer"]


def _pdf(request: Request, found: Desk, seat: Seat, paper: Paper, name: str) -> Response:
    """To whoever holds the city's office today, from the Secretariat; dated today."""
    base = site_of(request).settings.base
    officers = [
        one.name for one in found.offices
        if (one.role, one.seat) == ("city_officer", seat.code) and one.held(found.day)
    ]  # fmt: skip
    data = {
        "title": paper.subject,
        "lang": reader().language,
        "network": network_name(found),
        "day": date(found.day),
        "to": [*officers, _(OFFICER), f"{seat.name}, {seat.country}"],
        "text": list(paper.text),
        "points": list(paper.points),
        "read": _("Read it and answer here:"),
        "address": base + paper.path,
        "from": [_(SECRETARIAT)],
    }
    headers = {
        "Content-Disposition": f'inline; filename="{name}-{reader().language}.pdf"',
        "Cache-Control": "private, no-store",
    }
    return Response(typeset("network-letter.typ", data), media_type=PDF, headers=headers)
