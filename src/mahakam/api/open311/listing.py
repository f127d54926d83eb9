"""GET Service Requests: one, or those that filters select; and the updates of requests as FixMyStreet asks for them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mahakam.api.open311.errors import Refusal
from mahakam.api.open311.formats import Listed, answer, format_of, joined, written
from mahakam.api.open311.node import desk_of, jurisdiction, language, parts_of, sight_of
from mahakam.api.open311.services import said
from mahakam.config import Place, scope_of
from mahakam.ngsild.entity import scopes_of
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Wanted
from mahakam.services.numbers import normal_number
from mahakam.services.request import TYPE, photo_path, utc_text
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.states import OPEN, STATES, open311_status

MOST = 1000
"""Requests in one answer at most."""
SPAN = dt.timedelta(days=90)
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class _Written(NamedTuple):
    """When an entity was requested, its scopes, and its row in the format of an answer."""

    requested: str
    scopes: tuple[str, ...]
    row: bytes


_written: dict[bytes, _Written] = {}
_MOST_WRITTEN = 10_000
"""Rows that are remembered: some 10 MB."""
_OF = {
    "status": "status",
    "status_notes": "statusNotes",
    "service_name": "serviceName",
    "agency_responsible": "agencyResponsible",
    "requested_datetime": "requestedDatetime",
    "updated_datetime": "updatedDatetime",
    "media_url": "mediaUrl",
}
"""Members of a row that are there, or made of something else, where the attribute that they stand for is hidden."""
_CLOSED = tuple(state for state in STATES if state not in OPEN)


def show_all(request: Request) -> Response:
    format = format_of(request)
    query = request.query_params
    place = jurisdiction(request, query.get("jurisdiction_id"))
    row = _Row(request, place, format)
    if numbers := _listed(query.get("service_request_id")):
        return answer(
            format, "service_requests", "request", [row.of(one) for one in _named(request, place, numbers)]
        )
    page, size = _whole(query, "page", 1, 1_000_000), _whole(query, "page_size", MOST, MOST)
    rows = row.newest(_wanted(request, place), size, (page - 1) * size)
    return joined(format, "service_requests", rows)


def show_one(request: Request) -> Response:
    format = format_of(request)
    place = jurisdiction(request, request.query_params.get("jurisdiction_id"))
    number = request.path_params["id"]
    found = _named(request, place, [number])
    if not found:
        raise Refusal(404, f"{place.id} has no service_request_id {number[:80]!r}")
    return answer(format, "service_requests", "request", [_Row(request, place, format).of(found[0])])


def show_updates(request: Request) -> Response:
    """``start_date`` and ``end_date`` bound when the update was made; the newest requests' updates first."""
    format = format_of(request)
    query = request.query_params
    place = jurisdiction(request, query.get("jurisdiction_id"))
    since, until = _moment(query, "start_date"), _moment(query, "end_date")
    scope = scope_of(place, parts_of(request).places)
    found = desk_of(request).newest(Wanted(scope, changed_since=since), MOST)
    rows = [
        {
            "update_id": f"{one.number}-{index}",
            "service_request_id": one.number,
            "status": open311_status(step.state),
            "updated_datetime": step.at,
            "description": step.text or said(step.reason, language(request)),
            "media_url": "",
        }
        for one in found
        for index, step in enumerate(one.steps)
        if index and (not since or step.at >= since) and (not until or step.at <= until)
    ]
    return answer(format, "service_request_updates", "request_update", rows[:MOST])


class _Row:
    """A request of a city as GeoReport has it, in the reader's language."""

    def __init__(self, request: Request, place: Place, format: str) -> None:
        services = catalogue(place, parts_of(request).places)
        self._desk = desk_of(request)
        self._language = language(request)
        self._format = format
        self._base = str(request.base_url).rstrip("/")
        self._extended = request.query_params.get("extensions") == "true"
        self._names = {code: said(service.name, self._language) for code, service in services.items()}
        self._titles = {
            code: {question.code: said(question.title, self._language) for question in service.questions}
            for code, service in services.items()
        }
        sight = sight_of(request)
        closed = sorted(sight.closed(TYPE, place)) if sight else ()
        parts = (format, self._language, self._base, self._extended, self._names, self._titles, closed)
        self._view = blake2b(repr(parts).encode(), digest_size=16).digest()

    def newest(self, wanted: Wanted, limit: int, offset: int) -> list[bytes]:
        """The rows of a page, counted from the newest."""
        if wanted.since and not wanted.until and not offset:
            # As a rule the newest lie within the days that are asked for: looking at them costs a tenth of asking all.
            rows = self._rows(replace(wanted, since=""), limit, 0)
            if all(_SECOND.fullmatch(one.requested) and one.requested >= wanted.since for one in rows):
                return [one.row for one in rows]
        return [one.row for one in self._rows(wanted, limit, offset)]

    def _rows(self, wanted: Wanted, limit: int, offset: int) -> list[_Written]:
        bodies = self._desk.newest_bodies(wanted, limit, offset, lambda body: self._written(body).scopes)
        return list(map(self._written, bodies))

    def _written(self, body: bytes) -> _Written:
        """The row of an entity: written once and remembered, for most of a long list has not changed since it was
        asked for the last time."""
        key = self._view + blake2b(body, digest_size=16).digest()
        found = _written.get(key)
        if found is None:
            if len(_written) >= _MOST_WRITTEN:
                _written.clear()
            document = orjson.loads(body)
            one = self._desk.of(document)
            found = _written[key] = _Written(
                one.requested,
                tuple(scopes_of(document)),
                written(self._format, "request", self.of(one)),
            )
        return found

    def of(self, one: ServiceRequest) -> dict[str, Any]:
        texts = [step.text for step in one.steps if step.text and step.act in ("", "follows")]
        row = {
            "service_request_id": one.number,
            "status": open311_status(one.state),
            "status_notes": texts[-1] if texts else "",
            "service_name": self._names.get(one.service, one.service_name),
            "service_code": one.service,
            "description": one.description,
            "agency_responsible": one.agency,
            "service_notice": "",
            "requested_datetime": one.requested,
            "updated_datetime": one.updated,
            "expected_datetime": one.expected,
            "address": one.address,
            "address_id": "",
            "zipcode": "",
            "lat": one.point[1] if one.point else None,
            "long": one.point[0] if one.point else None,
            "media_url": f"{self._base}{photo_path(one.photo)}" if one.photo else one.media,
        }
        for name, attribute in _OF.items():
            if attribute in one.hidden:
                row[name] = ""
        return row | self._extensions(one) if self._extended else row

    def _extensions(self, one: ServiceRequest) -> dict[str, Any]:
        titles = self._titles.get(one.service, {})
        attributes = [
            {
                "code": code,
                "label": titles.get(code, code),
                "name": code,
                "value": ", ".join(given) if isinstance(given, tuple) else str(given),
            }
            for code, given in one.answers.items()
        ]
        notes = [
            {"datetime": step.at, "description": step.text, "type": step.state}
            for step in one.steps
            if step.text
        ]
        return {
            "extended_attributes": {
                "detailed_status": one.known_state,
                "web_url": f"{self._base}/requests/{one.number}",
            },
            "attributes": Listed("attribute", attributes),
            "notes": Listed("note", notes),
        }


def _named(request: Request, place: Place, numbers: list[str]) -> list[ServiceRequest]:
    """The requests of a city with these numbers, as far as there are; at most a thousand."""
    desk = desk_of(request)
    known = [number for number in map(normal_number, numbers[:MOST]) if number]
    found = (desk.request(number) for number in dict.fromkeys(known))
    return [one for one in found if one is not None and one.place == place.id]


def _wanted(request: Request, place: Place) -> Wanted:
    """Raises Refusal 400 for dates that are none and for a status that is none."""
    query = request.query_params
    since, until = _moment(query, "start_date"), _moment(query, "end_date")
    if not (query.get("updated_after") or query.get("updated_before")):
        since, until = _within_span(since, until)
    states: tuple[str, ...] = ()
    for status in _listed(query.get("status")):
        if status not in ("open", "closed"):
            raise Refusal(400, f"status is open, closed or both with a comma, not {status[:40]!r}")
        states += OPEN if status == "open" else _CLOSED
    return Wanted(
        scope_of(place, parts_of(request).places),
        tuple(_listed(query.get("service_code"))[:100]),
        states,
        since,
        until,
        _moment(query, "updated_after"),
        _moment(query, "updated_before"),
    )


def _within_span(since: str, until: str) -> tuple[str, str]:
    """At most 90 days: those before the end, or after the start where only that was given."""
    if since and until:
        earliest = utc_text(dt.datetime.fromisoformat(until) - SPAN)
        return max(since, earliest), until
    if since:
        return since, utc_text(dt.datetime.fromisoformat(since) + SPAN)
    end = dt.datetime.fromisoformat(until) if until else dt.datetime.now(dt.UTC)
    return utc_text(end - SPAN), until


def _moment(query: Mapping[str, str], name: str) -> str:
    """A parameter that is a moment, as UTC to the second; "" if it is not given. Raises Refusal 400."""
    text = query.get(name)
    if not text:
        return ""
    try:
        moment = dt.datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        raise Refusal(
            400, f"{name} is a moment with a time zone, e.g. 2026-01-31T08:00:00Z, not {text[:40]!r}"
        ) from None
    try:
        return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
    except OverflowError:
        raise Refusal(400, f"{name} lies beyond all calendars: {text[:40]!r}") from None


def _whole(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:12]) <= most:
        raise Refusal(400, f"{name} is a whole number from 1 to {most}, not {text[:40]!r}")
    return int(text)


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]
