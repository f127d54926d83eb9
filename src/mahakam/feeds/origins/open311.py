"""Service requests of an Open311 GeoReport v2 server, walked back by date: http://wiki.open311.org/GeoReport_v2/."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mahakam.feeds.origins import Ask, Origin, http, with_secrets
from mahakam.feeds.origins._rising import Rising
from mahakam.feeds.origins._web import Web, as_json
from mahakam.feeds.sources.model import SourceError

DAYS = 90
"""The standard's longest span of one question (GET Service Requests, start_date)."""
MOST = 1_000_000
PAGE = 50
_STARTED = datetime(1990, 1, 1, tzinfo=UTC)


def fetch(ask: Ask) -> list[Path]:
    """All requests since ``from`` as JSON lines; with ``updated`` those that changed since the last run.

    A server gives only so many to an answer, and the standard has no pages: time is asked for in pieces.
    Raises NothingNew, and SourceError as the HTTP origin does.
    """
    options = ask.options
    rising = Rising(ask, "updated_datetime") if options.get("updated") else None
    query = {
        "jurisdiction_id": options.get("jurisdiction"),
        "service_code": _listed(options.get("services")),
        "status": options.get("status"),
        "api_key": options.get("key"),
        "extensions": "true" if options.get("extensions") else None,
    }
    asked = {name: value for name, value in query.items() if value is not None}
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)  # a server's clock may be ahead
    since = _moment(ask, str(options["from"])) if options.get("from") else end - timedelta(days=DAYS)
    if rising is not None and rising.since is not None:
        asked["updated_after"] = str(rising.since)
        spans = [(_STARTED, end)]  # what changed may have been made at any time
    else:
        spans = list(_spans(since, end))
    server = _Server(ask, asked)
    found = (page for span in spans for page in server.requests(*span))
    records = ([one for one in page if rising is None or rising.is_new(one)] for page in found)
    path = http.write_lines(ask, records, rising.name() if rising else "")
    if rising is not None:
        rising.keep()
    return [path]


def _spans(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(end, start + timedelta(days=DAYS))
        yield start, until
        start = until


class _Server:
    """``page``: with fewer requests than that an answer is whole."""

    def __init__(self, ask: Ask, query: dict[str, Any]) -> None:
        self._ask = ask
        self._query = query
        self._page = int(ask.options.get("page", PAGE))
        self._web = Web(ask.name, ask.private_addresses, wait=float(ask.options.get("wait", 1)))
        self._headers = {
            "accept": "application/json",
            **{str(k): with_secrets(str(v), ask.name) for k, v in (ask.options.get("headers") or {}).items()},
        }
        self._seen: set[str] = set()

    def requests(self, start: datetime, end: datetime) -> Iterator[list[dict[str, Any]]]:
        """Each request once. An answer that may have left some out is asked for again in halves of its time."""
        waiting = [(start, end)]
        while waiting:
            start, end = waiting.pop()
            answer = self._answer(start, end)
            new = {str(one["service_request_id"]): one for one in answer}
            new = {number: one for number, one in new.items() if number not in self._seen}
            self._seen.update(new)
            if len(self._seen) > MOST:
                raise SourceError(self._ask.name, f"has more than {MOST:,} requests; give a later from")
            if new:
                yield list(new.values())
            if len(answer) < self._page:
                continue
            if end - start <= timedelta(seconds=1):
                raise SourceError(
                    self._ask.name,
                    f"gives {len(answer)} requests of the second {_text(start)}, and perhaps not all; "
                    "if it gives more to an answer, say so with page",
                )
            middle = (start + (end - start) / 2).replace(microsecond=0)
            waiting += [(start, middle), (middle, end)]

    def _answer(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        url = f"{with_secrets(str(self._ask.options['url']), self._ask.name).rstrip('/')}/requests.json"
        span = {"start_date": _text(start), "end_date": _text(end)}
        answer = self._web.get(http.with_query(url, {**self._query, **span}, self._ask.name), self._headers)
        found = as_json(self._ask.name, answer)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise SourceError(self._ask.name, f"{url} answers no list of requests; see url and jurisdiction")
        numbered = [one for one in found if one.get("service_request_id")]  # one with a token comes again
        if unknown := [one for one in found if not one.get("service_request_id") and not one.get("token")]:
            have = ", ".join(unknown[0])
            raise SourceError(self._ask.name, f"{url}: a request has no service_request_id; it has {have}")
        return numbered


def _moment(ask: Ask, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SourceError(ask.name, f"{text!r} is no moment, as 2026-01-31 or 2026-01-31T08:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _listed(value: object) -> str | None:
    if value is None:
        return None
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


ORIGIN = Origin(
    fetch,
    "service requests of an Open311 GeoReport v2 server",
    {
        "url": "needed: the server's endpoint, as https://example.go.id/open311",
        "jurisdiction": "the jurisdiction_id, where a server has several",
        "services": "a service_code, or a list of them",
        "status": "open or closed",
        "from": f"the first day, as 2025-01-01 (default {DAYS} days ago)",
        "updated": "true: later runs ask only for what changed (updated_after, which not every server knows)",
        "extensions": "true: with the server's own attributes",
        "page": f"requests to an answer that the server surely gives (default {PAGE}; the standard's own: 1000)",
        "key": "an api_key, as ${OPEN311_KEY}",
        "headers": "headers, as for http",
        "wait": "seconds before a failed request is tried again, doubled each time (default 1)",
    },
)
