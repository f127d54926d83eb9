"""POST Service Request, and the number behind a token: requests that other applications send for a resident."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from mahakam.access import Principal, allow, principal_of, throttle
from mahakam.access.identify import acts_for
from mahakam.access.keys import principal_of_key
from mahakam.api.open311.errors import Refusal
from mahakam.api.open311.formats import answer, format_of
from mahakam.api.open311.node import desk_of, jurisdiction, language, parts_of
from mahakam.config import Place, scope_of
from mahakam.form_data import FormError, Limits, TooLarge, read_form_data
from mahakam.ngsild.problem import Problem
from mahakam.services.area import Point
from mahakam.services.numbers import normal_number
from mahakam.services.photo import LARGEST_BYTES, PhotoError, keep_photo
from mahakam.services.request import LONGEST_ADDRESS, Draft, Fault, Refused
from mahakam.services.villages import VILLAGES, village_named

LARGEST = LARGEST_BYTES + 1024 * 1024
POSTS, WINDOW = 6000, 3600
"""Requests that one key may send in so many seconds."""
_PERSON = ("first_name", "last_name", "phone", "account_id", "device_id")
_ATTRIBUTE = re.compile(r"attribute\[([^\]]{1,80})\](\[\])?")


async def post(request: Request) -> Response:
    """Raises Refusal 400 for what is missing or wrong, 403 without a key, 404 for an unknown city or service."""
    format = format_of(request)
    form = await _form(request)
    media = next(
        (part for part in form.getlist("media") if isinstance(part, UploadFile) and part.filename), None
    )
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str) and value}
    return await run_in_threadpool(_post, request, format, fields, _answers(form), media)


def show_token(request: Request) -> Response:
    """Numbers are given at once, so a token is the number itself."""
    format = format_of(request)
    place = jurisdiction(request, request.query_params.get("jurisdiction_id"))
    number = normal_number(request.path_params["token"])
    found = desk_of(request).request(number) if number else None
    if found is None or found.place != place.id:
        raise Refusal(404, f"there is no token {request.path_params['token'][:80]!r}")
    row = {"service_request_id": found.number, "token": found.number}
    return answer(format, "service_requests", "request", [row])


def _post(
    request: Request,
    format: str,
    fields: Mapping[str, str],
    answers: Mapping[str, Any],
    media: UploadFile | None,
) -> Response:
    given = {**dict(request.query_params), **fields}
    principal = _sender(request, given.get("api_key", ""))
    place = jurisdiction(request, given.get("jurisdiction_id"))
    node = parts_of(request)
    if not allow(principal, "request.relay", scope_of(place, node.places)):
        raise Refusal(403, f"this api_key may not send requests to {place.id}")
    if wait := throttle.take(node.store.tenant(), "open311", principal.name, POSTS, WINDOW):
        raise Refusal(
            429, f"too many requests with this api_key; wait {wait} s", headers={"Retry-After": str(wait)}
        )
    name = ""
    if media and media.size:
        try:
            name = keep_photo(node.settings.data, media.file.read()).name
        except PhotoError as error:
            raise Refusal(400, f"media: {error}") from error
    draft = Draft(
        place=place.id,
        service=given.get("service_code", "").strip(),
        # Sent again with the same key (an application that got no answer), it is the same request.
        idempotency=f"{principal.name}:{again}"
        if (again := request.headers.get("idempotency-key", "")[:200])
        else "",
        description=given.get("description", ""),
        point=_point(request, place, given),
        photos=(name,) if name else (),
        contact=given.get("email", ""),
        answers=answers,
        person={key: given[key].strip()[:200] for key in _PERSON if given.get(key, "").strip()},
        media=_media(given.get("media_url", "")),
        language=language(request),
        how="open311",
        address=given.get("address_string", "").strip()[:LONGEST_ADDRESS],
    )
    try:
        sent = desk_of(request).send(draft)
    except Refused as refused:
        unknown = [fault for fault in refused.faults if (fault.field, fault.rule) == ("service", "unknown")]
        raise Refusal(404 if unknown else 400, *map(_said, refused.faults)) from refused
    except Problem as problem:
        status = 403 if problem.status in (401, 403) else 400
        raise Refusal(
            status, *(str(reason["expected"]) for reason in problem.reasons), problem.detail
        ) from problem
    row = {"service_request_id": sent.number, "service_notice": "", "account_id": given.get("account_id", "")}
    return answer(format, "service_requests", "request", [row], 201)


def _sender(request: Request, key: str) -> Principal:
    """Who sends: by ``api_key`` or by the Authorization header. Raises Refusal 403."""
    node = parts_of(request)
    known = principal_of_key(node.store.tenant(), key) if key else None
    principal = known or (None if key else principal_of(request.headers, node))
    acts_for(principal, request.headers)
    if principal is None:
        raise Refusal(403, "api_key is missing or not valid; discovery says how to get one")
    if principal.kind == "person":
        raise Refusal(403, "applications send with an api_key; people report at /report")
    return principal


async def _form(request: Request) -> FormData:
    """Form or multipart of limited size. Raises Refusal 400, 413, 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Refusal(415, f"send application/x-www-form-urlencoded or multipart/form-data, not {kind[:80]}")
    try:
        return await read_form_data(request, Limits(LARGEST, files=1))
    except TooLarge as error:
        raise Refusal(413, f"that is too large: at most {LARGEST // 2**20} MB") from error
    except FormError as error:
        raise Refusal(400, str(error)) from error


def _answers(form: FormData) -> dict[str, Any]:
    """``attribute[CODE]`` and ``attribute[CODE][]`` (several values)."""
    found: dict[str, Any] = {}
    for name, value in form.multi_items():
        match = _ATTRIBUTE.fullmatch(name)
        if not match or not isinstance(value, str):
            continue
        if match[2]:
            found.setdefault(match[1], []).append(value)
        else:
            found[match[1]] = value
    return {code: value for code, value in found.items() if value not in ("", [""])}


def _point(request: Request, place: Place, given: Mapping[str, str]) -> Point | None:
    """Of ``lat`` and ``long``, else of the village that ``address_string`` names. Raises Refusal 400."""
    latitude, longitude = given.get("lat", ""), given.get("long", "")
    if latitude or longitude:
        return _degrees("long", longitude), _degrees("lat", latitude)
    address = given.get("address_string", "")
    if not address:
        return None
    node = parts_of(request)
    named = village_named(VILLAGES.of(node.broker, scope_of(place, node.places)), address)
    if named is None:
        raise Refusal(400, f"address_string names no village of {place.id}; send lat and long")
    return named.point


def _degrees(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refusal(400, f"{name} is a decimal number of degrees (WGS 84), not {text[:40]!r}")
    return value


def _media(url: str) -> str:
    """The address of a photo kept elsewhere. Raises Refusal 400 unless it is http or https."""
    if not url:
        return ""
    parts = urlsplit(url[:2000])
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > 300:
        raise Refusal(400, "media_url is an http or https address of at most 300 characters")
    return url


_WORDS = {
    ("location", "missing"): "location is missing: send lat and long, or address_string",
    ("location", "outside"): "the location lies outside of the jurisdiction",
    ("location", "range"): "lat goes from -90 to 90, long from -180 to 180",
    ("location", "swapped"): "lat and long seem to be the wrong way round",
    ("service", "missing"): "service_code is missing",
    ("description", "missing"): "description is missing",
    ("contact", "email"): "email is no e-mail address",
}


def _said(fault: Fault) -> str:
    words = _WORDS.get((fault.field, fault.rule))
    if words:
        return words
    field = fault.field
    if field.startswith("answer-"):
        field = f"attribute[{field.removeprefix('answer-')}]"
    if field == "service":
        return f"there is no service_code {fault.values.get('service')!r}"
    more = ", ".join(f"{name} {value}" for name, value in fault.values.items())
    return f"{field}: {fault.rule}" + (f" ({more})" if more else "")
