"""A resident's own request, by the key that came with its number: answer, withdraw, confirm, reopen, rate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.broker.clock import now
from mahakam.config import Place, scope_of
from mahakam.services import consent, satisfaction
from mahakam.services.desk import Changed
from mahakam.services.handover import Handover
from mahakam.services.numbers import normal_number
from mahakam.services.owner import owns
from mahakam.services.purposes import SURVEY, purposes_of
from mahakam.services.request import Fault, Refused
from mahakam.services.request import Request as ServiceRequest
from mahakam.store.protocol import Transaction
from mahakam.web import gate
from mahakam.web.alike import alike_to
from mahakam.web.language import _, in_timezone, reader, words
from mahakam.web.pages.requests import asked_place, page, request_for
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import Sentences, sentences, service_name
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/requests/{number}/mine", act, methods=["POST"]),
        Route("/requests/{number}/same", gate.posted(_same), methods=["POST"]),
        Route("/requests/{number}/rate", show_rating, methods=["GET"]),
        Route("/requests/{number}/rate", rate, methods=["POST"]),
        *table_routes("/satisfaction", show_results, results_table),
    ]


async def act(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_act, request, form)


async def rate(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_rate, request, form)


def show_rating(request: Request) -> Response:
    found, place, key = mine(request, request.query_params.get("key", ""))
    return _rating(request, found, place, key)


def _act(request: Request, form: FormData) -> Response:
    text = gate.text(form, "text")

    def work(found: ServiceRequest, seen: int) -> None:
        desk_of(site_of(request)).by_resident(found.number, seen, gate.text(form, "do"), text)

    said = gate.stale(), _("The agency was faster: read what is new, then send again.")
    return by_resident(request, form, work, said, typed={"text": text})


def _same(request: Request, form: FormData) -> Response:
    """Their report continues as one of those near by that are likely the same, whose news then come to it."""
    site, into = site_of(request), normal_number(gate.text(form, "into")) or ""

    def work(found: ServiceRequest, seen: int) -> None:
        if into not in {one.request.number for one in alike_to(site, found)}:
            raise Refused([Fault("into", "settled", {"into": into})])
        Handover(desk_of(site), site.broker, site.places).merge(found.number, seen, into, "", "resident")

    said = gate.stale(), _("The agency was faster: read what is new, then choose again.")
    return by_resident(request, form, work, said, field="into", anchor="course")


def by_resident(
    request: Request,
    form: FormData,
    work: Callable[[ServiceRequest, int], object],
    said: tuple[str, str],
    *,
    field: str = "form",
    anchor: str = "mine",
    typed: Mapping[str, str] | None = None,
) -> Response:
    """A resident's change of their own request, ``work(request, version seen)``, and the page it leads back to.

    ``said``: what a form that had lain open for too long is answered, and one that somebody else was faster than;
    it stands at ``field``, beside what was ``typed``.
    """
    found, _place, key = mine(request, gate.text(form, "key"))
    stale, changed = said
    if not gate.is_ours(request, form):
        return page(request, found, key, typed, {field: stale}, 403)
    try:
        work(found, seen_in(form))
    except Changed:
        now = request_for(request, found.number, key) or found
        return page(request, now, key, typed, {field: changed}, 409)
    except Refused as refused:
        return page(request, found, key, typed, sentences(refused.faults, site_of(request).places), 422)
    return RedirectResponse(f"/requests/{found.number}?key={quote(key)}#{anchor}", 303)


def _rate(request: Request, form: FormData) -> Response:
    found, place, key = mine(request, gate.text(form, "key"))
    typed = {element.code: gate.text(form, element.code) for element in satisfaction.survey().elements}
    missing = {
        code: _("Please choose an answer.")
        for code, value in typed.items()
        if value not in ("1", "2", "3", "4")
    }
    if not gate.is_ours(request, form):
        missing["form"] = _("The page had lain open for a long time. Please send it once more.")
    if missing:
        return _rating(request, found, place, key, typed, missing, 403 if "form" in missing else 422)
    date = dt.datetime.now(ZoneInfo(place.timezone)).date().isoformat()
    site = site_of(request)
    try:
        given = {code: int(value) for code, value in typed.items()}
        purpose, language = purposes_of(place, site.places)[SURVEY], reader().language

        def also(transaction: Transaction) -> None:
            consent.give(transaction, found.number, purpose, now(), "form", language)

        satisfaction.rate(site.broker, found, scope_of(place, site.places), given, date, also)
    except consent.Withdrawn:
        said = {"form": _("You have taken back your consent to the survey: no answers are taken.")}
        return _rating(request, found, place, key, typed, said, 409)
    except satisfaction.AlreadyRated:
        return _rating(
            request, found, place, key, typed, {"form": _("You have rated this already. Thank you.")}, 409
        )
    return RedirectResponse(f"/requests/{found.number}?key={quote(key)}&rated=1#mine", 303)


def _rating(
    request: Request,
    found: ServiceRequest,
    place: Place,
    key: str,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    made = render(
        request,
        "rate.html",
        status,
        title=_("How was it?"),
        place=place,
        section="services",
        found=found,
        service=service_name(site_of(request), found),
        survey=satisfaction.survey(),
        purpose=purposes_of(place, site_of(request).places)[SURVEY],
        typed=typed or dict.fromkeys((element.code for element in satisfaction.survey().elements), ""),
        errors=Sentences(errors or {}),
        key=key,
        token=gate.token(request),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def show_results(request: Request) -> Response:
    site = site_of(request)
    place = asked_place(request)
    return render(
        request,
        "satisfaction.html",
        title=_("How satisfied residents are"),
        place=place,
        section="services",
        table=results_table(request),
        fewest=site.settings.fewest_shown,
        survey=satisfaction.survey(),
        cities=[city for city in site.places.values() if city.kind == "city"],
    )


def results_table(request: Request) -> Table:
    """One row a service and agency: answers, index, grade, interval, and the mean of each element."""
    site, place = site_of(request), asked_place(request)
    scope = scope_of(place, site.places) if place else ""
    found = satisfaction.published(site.broker, scope, site.settings.fewest_shown)
    rows = [
        {"service": service, "agency": agency, "result": one}
        for (service, agency), one in found.items()
        if one is not None
    ]
    columns = [
        Column("service", _("About"), get=lambda r: r["service"]),
        Column("agency", _("Agency"), get=lambda r: r["agency"]),
        Column("answers", _("Answers"), "number", get=lambda r: r["result"].answers),
        Column("index", _("Index"), "number", get=lambda r: float(r["result"].index)),
        Column(
            "interval",
            "±",
            "number",
            get=lambda r: None if r["result"].half is None else float(r["result"].half),
        ),
        Column("grade", _("Grade"), get=lambda r: r["result"].grade),
        Column("grade_name", _("In words"), get=lambda r: words(r["result"].title)),
        *(_mean(element) for element in satisfaction.survey().elements),
    ]
    nothing = _("Nobody has answered yet. Residents are asked when their request is settled.")
    return Table(request, _("Satisfaction"), columns, rows, "/satisfaction", sort="-answers", nothing=nothing)


def _mean(element: satisfaction.Element) -> Column:
    return Column(
        element.code,
        words(element.title),
        "number",
        get=lambda r: float(r["result"].means[element.code]),
        hidden=True,
    )


def seen_in(form: FormData) -> int:
    """The revision that a form was filled in on; -1 for what is none."""
    revision = gate.text(form, "revision")
    return int(revision) if revision.isdecimal() and len(revision) < 9 else -1


def mine(request: Request, key: str) -> tuple[ServiceRequest, Place, str]:
    """The request, for whoever has its key; for all others there is none."""
    site = site_of(request)
    number = normal_number(request.path_params["number"])
    found = request_for(request, number, key) if number else None
    if found is None or found.place not in site.places or not owns(site.store, found.number, key[:80]):
        raise HTTPException(404, _("There is no report with this number and key"))
    place = site.places[found.place]
    in_timezone(place.timezone)
    return found, place, key[:80]
