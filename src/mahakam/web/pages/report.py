"""Reporting a problem: where, what, in which words, with a photo; one form, with a map or without."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import throttle
from mahakam.config import Place, scope_of
from mahakam.ngsild.problem import Problem
from mahakam.services import area, kept_by
from mahakam.services.catalogue import Service, catalogue, follows
from mahakam.services.duplicates import Likely
from mahakam.services.numbers import normal_number
from mahakam.services.owner import key_of
from mahakam.services.personal import place_of_photo
from mahakam.services.photo import LARGEST_BYTES, PhotoError, keep_photo, photo_file
from mahakam.services.purposes import purposes_of
from mahakam.services.request import (
    LONGEST_ADDRESS,
    LONGEST_WORDS,
    MOST_PHOTOS,
    Draft,
    Fault,
    Refused,
    contact_faults,
)
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.search import search
from mahakam.services.villages import VILLAGES, village_named
from mahakam.web import disclosed, following, gate
from mahakam.web.alike import alike_to
from mahakam.web.entities import layers_of
from mahakam.web.language import _, in_timezone, n_, reader, words
from mahakam.web.outlines import box, thumbnail
from mahakam.web.questions import typed_answers
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import Sentences, sentences, service_name
from mahakam.web.site import Site, site_of

REPORTS, WINDOW = 40, 3600
"""Reports that one address may send in so many seconds; mobile networks put many people behind one."""
_LARGEST_FORM = MOST_PHOTOS * LARGEST_BYTES + 5 * 2**20


@dataclass(frozen=True)
class Typed:
    """The form as it was typed: a fault never costs anybody a word. ``photos`` are names of kept photos."""

    service: str = ""
    description: str = ""
    longitude: str = ""
    latitude: str = ""
    village: str = ""
    contact: str = ""
    address: str = ""
    photos: tuple[str, ...] = ()
    idempotency: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    anyway: bool = False
    answers: Mapping[str, Any] = field(default_factory=dict)
    mine: bool = True


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/report", show, methods=["GET"]),
        Route("/report", send, methods=["POST"]),
        Route("/report/near.json", near, methods=["GET"]),
        Route("/report/services.json", find_services, methods=["GET"]),
        Route("/photos/{name}.jpg", photo, methods=["GET"]),
    ]


def show(request: Request) -> Response:
    """The form of a city; the choice of the city if there are several and none was named."""
    site = site_of(request)
    query = request.query_params
    cities = cities_of(site)
    asked = query.get("city") or query.get("place") or (cities[0].id if len(cities) == 1 else "")
    if not asked:
        return render(
            request,
            "report-city.html",
            title=_("Report a problem"),
            section="services",
            cities=cities,
            thumbnail=thumbnail,
        )
    place = site.place(asked)
    if place.kind != "city":
        return RedirectResponse("/report", 303)
    typed = Typed(
        service=query.get("service", "")[:80],
        longitude=query.get("lon", "")[:24],
        latitude=query.get("lat", "")[:24],
    )
    return _form(request, place, typed)


async def send(request: Request) -> Response:
    form = await gate.read_form(request, _LARGEST_FORM, files=2 * MOST_PHOTOS)
    chosen = [part for part in form.getlist("photo") if isinstance(part, UploadFile) and part.filename]
    return await run_in_threadpool(_send, request, form, chosen)


def near(request: Request) -> Response:
    """Open reports of the same kind near the pin, for the hint on the form."""
    site, query = site_of(request), request.query_params
    place = site.place(query.get("city", ""))
    point = point_of(query.get("lon", ""), query.get("lat", ""))
    if point is None or not area.contains(place, point):
        return JSONResponse([])
    found = desk_of(site).near(place, query.get("service", ""), point, query.get("words", "")[:500])
    return JSONResponse(
        [
            {
                "number": one.request.number,
                "words": one.request.description[:200],
                "metres": round(one.metres),
            }
            for one in found
        ]
    )


def find_services(request: Request) -> Response:
    """The codes of the services that the typed words may mean, the likeliest first."""
    site = site_of(request)
    place = site.place(request.query_params.get("city", ""))
    found = search(catalogue(place, site.places).values(), request.query_params.get("q", "")[:200])
    return JSONResponse([service.code for service in found])


def photo(request: Request) -> Response:
    """A photo of a report; its name is the hash of its content, so it never changes."""
    site, name = site_of(request), request.path_params["name"]
    path = photo_file(site.settings.data, name)
    owner = place_of_photo(site.store, name) if path else None
    if path is None or (owner and not gate.may(request, "request.work", site.places.get(owner))):
        raise HTTPException(404)
    if owner:
        disclosed.disclosed(request, f"photo/{name[:12]}", ["photo"])
    kept = "private, no-store" if owner else "public, max-age=31536000, immutable"
    headers = {"Cache-Control": kept}
    return FileResponse(path, media_type="image/jpeg", headers=headers)


def _send(request: Request, form: FormData, chosen: Sequence[UploadFile]) -> Response:
    site = site_of(request)
    place = site.place(gate.text(form, "city"))
    typed = _typed(form, catalogue(place, site.places))
    photos, taken, faults = _keep(site, chosen[:MOST_PHOTOS])
    count = len(chosen)
    every = tuple(dict.fromkeys((*typed.photos, *photos)))
    if len(typed.photos) + count > MOST_PHOTOS:
        faults.append(Fault("photo", "many", {"most": MOST_PHOTOS, "count": len(typed.photos) + count}))
    typed = replace(typed, photos=every[:MOST_PHOTOS])
    if not gate.is_ours(request, form):
        text = _(
            "The page had lain open for a long time. Everything is still here: please send it once more."
        )
        return _form(request, place, typed, {"form": text}, status=403)
    if same := _same(site, place, gate.text(form, "follow")):
        return _follow_instead(request, same, typed.contact)
    typed, point, more = _located(site, place, typed)
    faults += more
    if point is None and not more:
        guess, text = _guess(site, place, typed, taken)
        if guess:
            typed = replace(typed, longitude=str(guess[0]), latitude=str(guess[1]))
            said = {"location": text} | _sentences(site, place, typed, guess, faults)
            return _form(request, place, typed, said, 422)
    draft = _draft(place, typed, point)
    faults += [fault for fault in desk_of(site).faults(draft) if fault.field not in {f.field for f in faults}]
    if faults:
        return _form(request, place, typed, sentences(faults, site.places), status=422)
    assert point is not None
    alike = [] if typed.anyway else desk_of(site).near(place, typed.service, point, typed.description)
    if alike:
        return _form(request, place, typed, {}, 200, alike)
    return _take_in(request, place, typed, draft)


def _take_in(request: Request, place: Place, typed: Typed, draft: Draft) -> Response:
    site = site_of(request)
    address = request.client.host if request.client else ""
    wait = 0 if site.settings.open else throttle.take(site.store, "report", address, REPORTS, WINDOW)
    if wait:
        minutes = n_("wait %(n)s minute", "wait %(n)s minutes", -(-wait // 60))
        text = _(
            "Many reports came from your network. Everything is still here: %(minutes)s, then send it.",
            minutes=minutes,
        )
        answer = _form(request, place, typed, {"form": text}, status=429)
        answer.headers["Retry-After"] = str(wait)
        return answer
    try:
        sent = desk_of(site).send(draft, checked=True)
    except Refused as refused:
        return _form(request, place, typed, sentences(refused.faults, site.places), status=422)
    except Problem as problem:
        reasons = "; ".join(f"{r['field']}: {r['expected']}" for r in problem.reasons) or problem.detail
        text = _("The city's own rules do not let this through: %(reasons)s", reasons=reasons)
        return _form(request, place, typed, {"form": text}, status=422)
    visitor = gate.visitor(request)
    if typed.mine and visitor and visitor.kind == "person":
        kept_by.keep(site.store, sent.number, visitor.name)
    # A form sent twice gets the key again: its idempotency token is known to the sender alone.
    address = f"/requests/{sent.number}?sent=1&key={quote(key_of(site.store, sent.number))}"
    if not _asks_data(request):
        return RedirectResponse(address, 303)
    # What waited on a phone goes out while nobody may be looking: who wrote it is asked afterwards.
    stored = desk_of(site).request(sent.number)
    alike = alike_to(site, stored) if stored else ()
    address += "&alike=1" if alike else ""
    return JSONResponse({"number": sent.number, "page": address, "alike": len(alike)}, 201)


def _same(site: Site, place: Place, number: str) -> ServiceRequest | None:
    """The open report of this city that the resident says is theirs, too."""
    known = normal_number(number)
    found = desk_of(site).request(known) if known else None
    return found if found and found.place == place.id and found.open else None


def _follow_instead(request: Request, found: ServiceRequest, contact: str) -> Response:
    """Nothing is sent: to the report that is there, whose news the address that was typed is asked to confirm."""
    mails = bool(site_of(request).settings.smtp) and contact and not contact_faults(contact)
    asked = "&asked=1" if mails and not following.ask(request, found, contact) else ""
    return RedirectResponse(f"/requests/{found.number}?same=1{asked}#follow", 303)


def _asks_data(request: Request) -> bool:
    """A script that sends what waited on the phone asks for an answer that it can read."""
    return request.headers.get("accept", "").startswith("application/json")


def _form(
    request: Request,
    place: Place,
    typed: Typed,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    alike: Sequence[Likely] = (),
) -> Response:
    if _asks_data(request):
        return JSONResponse({"errors": dict(errors or {})}, status)
    site = site_of(request)
    in_timezone(place.timezone)
    services = list(catalogue(place, site.places).values())
    groups: dict[str, list[Any]] = {}
    for service in sorted(services, key=lambda one: not any(one.group.values())):
        groups.setdefault(words(service.group) or _("Other"), []).append(service)
    centre = place.facts.get("centre")
    answer = render(
        request,
        "report.html",
        status,
        title=_("Report a problem in %(city)s", city=words(place.name)),
        place=place,
        section="services",
        typed=typed,
        errors=Sentences(errors or {}),
        groups=groups,
        count=len(services),
        asking=[service for service in services if service.questions or service.personal or follows(service)],
        villages=VILLAGES.of(site.broker, scope_of(place, site.places)),
        alike=[(one.request, one.metres, service_name(site, one.request)) for one in alike],
        most_photos=MOST_PHOTOS,
        purposes=purposes_of(place, site.places),
        can_mail=bool(site.settings.smtp),
        contact_days=_contact_days(services),
        token=gate.token(request),
        cities=cities_of(site),
        bounds=area.bounds(place) or box(place),
        centre=centre if isinstance(centre, list) else None,
        lines=[
            (f"/cities/{place.id}/layers/{layer.number}.geojson", layer.colour)
            for layer in layers_of(place, site.places)
            if layer.style == "line"
        ],
        longest=LONGEST_WORDS,
        longest_address=LONGEST_ADDRESS,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _sentences(
    site: Site, place: Place, typed: Typed, point: area.Point, faults: list[Fault]
) -> dict[str, str]:
    more = desk_of(site).faults(_draft(place, typed, point))
    return sentences([*faults, *more], site.places)


def _draft(place: Place, typed: Typed, point: area.Point | None) -> Draft:
    return Draft(
        place.id,
        typed.service,
        typed.description,
        point,
        typed.photos,
        typed.contact,
        typed.idempotency,
        typed.answers,
        address=typed.address,
        language=reader().language,
    )


def _typed(form: FormData, services: Mapping[str, Service]) -> Typed:
    short = {
        name: gate.text(form, name).strip()[:80] for name in ("service", "longitude", "latitude", "village")
    }
    return Typed(
        **short,
        description=gate.text(form, "description"),
        contact=gate.text(form, "contact").strip()[:300],
        address=gate.text(form, "address").strip()[:1000],
        photos=tuple(name[:64] for name in form.getlist("kept_photo") if isinstance(name, str) and name)[:20],
        idempotency=gate.text(form, "idempotency")[:64] or secrets.token_urlsafe(16),
        anyway=gate.text(form, "anyway") == "1",
        mine=gate.text(form, "mine") == "1",
        answers=typed_answers(form, services.get(short["service"])),
    )


def _located(site: Site, place: Place, typed: Typed) -> tuple[Typed, area.Point | None, list[Fault]]:
    """The point of the pin, of the typed coordinates, or of the chosen village; what is wrong with them."""
    if typed.longitude or typed.latitude:
        for value in (typed.latitude, typed.longitude):
            if _degrees(value) is None:
                return typed, None, [Fault("location", "number", {"value": value or "…"})]
        return typed, point_of(typed.longitude, typed.latitude), []
    for village in VILLAGES.of(site.broker, scope_of(place, site.places)) if typed.village else ():
        if village.name == typed.village:
            return (
                replace(typed, longitude=str(village.point[0]), latitude=str(village.point[1])),
                village.point,
                [],
            )
    return typed, None, []


def _keep(site: Site, files: Sequence[UploadFile]) -> tuple[list[str], area.Point | None, list[Fault]]:
    """Names of the photos that can be taken, the place that the first of them carries, and what is wrong."""
    names: list[str] = []
    taken: area.Point | None = None
    faults: list[Fault] = []
    for part in files:
        try:
            kept = keep_photo(site.settings.data, part.file.read())
        except PhotoError as error:
            faults.append(Fault("photo", error.reason, {}))
            continue
        names.append(kept.name)
        taken = taken or kept.place
    return names, taken, faults


def _guess(site: Site, place: Place, typed: Typed, taken: area.Point | None) -> tuple[area.Point | None, str]:
    """A place that nobody put a pin on, to be looked at before it is sent: the photo's, or the address's village."""
    if taken and area.contains(place, taken):
        return taken, _("The place comes from your photo. Look at the pin: if it is right, send the report.")
    named = village_named(VILLAGES.of(site.broker, scope_of(place, site.places)), typed.address)
    if named is None:
        return None, ""
    text = _(
        "The pin is in %(village)s, as your address says. Move it if you can, then send.", village=named.name
    )
    return named.point, text


def point_of(longitude: str, latitude: str) -> area.Point | None:
    """The point that two typed numbers say; None unless both are numbers."""
    x, y = _degrees(longitude), _degrees(latitude)
    return None if x is None or y is None else (x, y)


def _degrees(text: str) -> float | None:
    """A decimal number of degrees, with point or comma."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def cities_of(site: Site) -> list[Place]:
    """The cities that residents can report in."""
    return [place for place in site.places.values() if place.kind == "city" and catalogue(place, site.places)]


def _contact_days(services: Sequence[Service]) -> int | None:
    """The days that the contact is kept at most, where every service says so."""
    days = [service.retention.contact for service in services]
    return max((one for one in days if one), default=None) if None not in days else None
