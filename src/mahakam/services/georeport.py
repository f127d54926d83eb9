"""Another city's Open311 server, asked and told as GeoReport v2 has it, in JSON or XML."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from mahakam.addresses import require_host
from mahakam.services.exchange_servers import Server
from mahakam.services.request import utc_text

Row = dict[str, Any]
"""A request as GeoReport writes it."""
_SECONDS = 20.0
_SPAN = dt.timedelta(days=89)
"""GeoReport gives at most ninety days in one answer."""
_PAGES, _PAGE = 1000, 100
LARGEST = 16 * 1024 * 1024
"""Bytes of one answer: a thousand requests have one or two megabytes."""
_LONGEST_ID = 200
_OF_ONE = (400, 404, 409, 413, 415, 422)
"""What a server answers that will not have this one request, while it may have the next."""


class Declined(Exception):
    """The server will not have one request: its status and words."""


class GeoReport:
    """A server's GeoReport v2. Every method raises httpx.HTTPError for a server that is not there or refuses,
    ValueError and KeyError for one that answers something else."""

    def __init__(self, client: httpx.Client, jurisdiction: str, format: str = "json") -> None:
        self._client = client
        self._format = format
        self._asked = {"jurisdiction_id": jurisdiction} if jurisdiction else {}

    @classmethod
    def of(cls, server: Server) -> Self:
        """Raises NotListed for one that this node does not ask."""
        require_host(urlsplit(server.url).hostname or "")
        return cls(httpx.Client(base_url=server.url, timeout=_SECONDS), server.jurisdiction, server.format)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def send(self, fields: Mapping[str, str | list[str]], key: str) -> str:
        """Send a request, again with the same ``key`` if no answer came; its id there. Raises Declined."""
        given = {**self._asked, **fields}
        answer = self._ask("POST", "requests", data=given, headers={"Idempotency-Key": key})
        if answer.status_code in _OF_ONE:
            raise Declined(f"{answer.status_code}: {answer.text[:300]}")
        (row,) = _rows(answer)
        if id := row.get("service_request_id"):
            return str(id)
        (row,) = _rows(self._ask("GET", f"tokens/{row['token']}", params=self._asked))
        return str(row["service_request_id"])

    def since(self, moment: dt.datetime | None) -> Iterator[Row]:
        """The requests since a moment, as many days at a time as a server gives; None: those it lists by itself."""
        if moment is None:
            yield from self._listed({})
            return
        now = dt.datetime.now(dt.UTC)
        while now - moment > _SPAN:
            yield from self._listed({"start_date": utc_text(moment), "end_date": utc_text(moment + _SPAN)})
            moment += _SPAN
        yield from self._listed({"start_date": utc_text(moment)})

    def named(self, ids: list[str]) -> list[Row]:
        """Those of some requests that the server still has."""
        answer = self._ask("GET", "requests", params={**self._asked, "service_request_id": ",".join(ids)})
        answers = [answer]
        if answer.status_code == 404:  # how some servers say that one of them is not there
            each = (self._ask("GET", f"requests/{id}", params=self._asked) for id in ids)
            answers = [one for one in each if one.status_code != 404]
        found = [row for one in answers for row in _rows(one)]
        return [row for row in found if str(row.get("service_request_id")) in ids]

    def _listed(self, asked: Mapping[str, str]) -> list[Row]:
        """All pages; a server that knows no pages gives the same page again, and ends it."""
        found: dict[str, Row] = {}
        for page in range(1, _PAGES):
            params = {**self._asked, **asked, "page": str(page), "page_size": str(_PAGE)}
            rows = _rows(self._ask("GET", "requests", params=params))
            new = {id: row for row in rows if (id := _id_of(row)) and id not in found}
            if not new:
                break
            found |= new
        return list(found.values())

    def _ask(self, method: str, what: str, **more: Any) -> httpx.Response:
        """An answer of at most :data:`LARGEST` bytes. Raises ValueError for a larger one."""
        with self._client.stream(method, f"{what}.{self._format}", **more) as answer:
            content = bytearray()
            for chunk in answer.iter_bytes(64 * 1024):
                content += chunk
                if len(content) > LARGEST:
                    raise ValueError(f"{answer.url.path} answers more than {LARGEST:,} bytes")
            kind = {"content-type": answer.headers.get("content-type", "")}
            return httpx.Response(
                answer.status_code, headers=kind, content=bytes(content), request=answer.request
            )


def _id_of(row: Row) -> str:
    """Its id there; "" for what is none."""
    id = row.get("service_request_id")
    text = str(id) if isinstance(id, str | int) else ""
    return text if len(text) <= _LONGEST_ID else ""


def moment_of(text: object, now: dt.datetime) -> dt.datetime:
    """A moment as a server writes it; now for one that is missing, unreadable or still to come."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
        return min(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC), now)
    except (ValueError, OverflowError):
        return now


def _rows(answer: httpx.Response) -> list[Row]:
    answer.raise_for_status()
    xml = "xml" in answer.headers.get("content-type", "")
    try:
        rows = _of_xml(answer.content) if xml else answer.json()
    except RecursionError:
        raise ValueError(f"{answer.url.path} is nested too deep") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{answer.url.path} is no list of requests as GeoReport has it")
    return rows


def _of_xml(content: bytes) -> list[Row]:
    """``<service_requests><request><service_request_id>…``: the same rows; an empty element is null."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(content)
    except ParseError as error:
        raise ValueError(f"no XML that can be read: {error}") from error
    return [{part.tag: part.text or None for part in one} for one in root]
