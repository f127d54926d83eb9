"""An HTTP API or a file on the web: one document, or pages of records."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit, urlunsplit

from mahakam.feeds.origins import Ask, Origin, with_secrets
from mahakam.feeds.origins._rising import Rising
from mahakam.feeds.origins._web import MAX_BYTES, Answer, Web, as_json
from mahakam.feeds.sources.model import SourceError

MAX_PAGES = 10_000
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')
_ENDINGS = {
    "text/csv": ".csv", "application/json": ".json", "application/geo+json": ".geojson", "application/ld+json": ".json",
    "application/xml": ".xml", "text/xml": ".xml", "application/x-ndjson": ".jsonl", "application/pdf": ".pdf",
    "application/zip": ".zip", "application/vnd.apache.parquet": ".parquet", "application/protobuf": ".pb",
    "application/x-protobuf": ".pb", "application/vnd.google.protobuf": ".pb", "application/octet-stream": ".bin",
}  # fmt: skip


def fetch(ask: Ask) -> list[Path]:
    """One file: the document as it came, or all records (``paging``, ``since``) as JSON lines. A document that has not
    changed since the last run (ETag, Last-Modified) is taken from the archive."""
    options = ask.options
    web = Web(ask.name, ask.private_addresses, wait=float(options.get("wait", 1)))
    url = with_query(with_secrets(str(options["url"]), ask.name), options.get("query") or {}, ask.name)
    headers = {str(k): with_secrets(str(v), ask.name) for k, v in (options.get("headers") or {}).items()}
    if (since := options.get("since")) is not None:
        return [_what_is_new(ask, web, url, headers, since)]
    if options.get("paging") is not None:
        return [write_lines(ask, pages(ask, web, url, headers, options["paging"]))]
    answer = web.get(url, {**headers, **_conditions(ask, url)})
    if answer.status == 304:
        kept = ask.archived(str(ask.state.get("sha256", "")))
        if kept is None:
            answer = web.get(url, headers)
        else:
            path = ask.folder / str(ask.state["name"])
            path.symlink_to(kept)
            return [path]
    path = ask.folder / _file_name(ask, answer)
    path.write_bytes(answer.body)
    ask.state.clear()
    ask.state.update(
        {"etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", ""),
         "name": path.name, "url": _digest(url)}
    )  # fmt: skip
    return [path]


def _what_is_new(ask: Ask, web: Web, url: str, headers: Mapping[str, str], since: object) -> Path:
    """The records that no earlier run brought. Raises NothingNew, SourceError."""
    if not isinstance(since, dict) or not {"parameter", "rises"} <= since.keys() <= {
        "parameter",
        "rises",
        "first",
    }:
        raise SourceError(
            ask.name, f"since: must be {{parameter: updated_after, rises: updated_at}}, not {since!r}"
        )
    rising = Rising(ask, str(since["rises"]))
    value = since.get("first") if rising.since is None else rising.since
    if value is not None:
        url = with_query(url, {str(since["parameter"]): value}, ask.name)
    found = pages(ask, web, url, headers, ask.options.get("paging"))
    path = write_lines(ask, ([one for one in page if rising.is_new(one)] for page in found), rising.name())
    rising.keep()
    return path


def _digest(url: str) -> str:
    """Tells whether a URL is the same without keeping what may be secret in it."""
    return hashlib.sha256(url.encode()).hexdigest()


def _conditions(ask: Ask, url: str) -> dict[str, str]:
    if ask.state.get("url") != _digest(url) or ask.archived(str(ask.state.get("sha256", ""))) is None:
        return {}
    told = {"if-none-match": ask.state.get("etag"), "if-modified-since": ask.state.get("modified")}
    return {name: str(value) for name, value in told.items() if value}


def with_query(url: str, query: Mapping[str, Any], feed: str) -> str:
    """A URL with more query parameters, percent-encoded."""
    parts = urlsplit(url)
    more = [(str(name), with_secrets(str(value), feed)) for name, value in query.items()]
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if name not in dict(more)]  # fmt: skip
    return urlunsplit(parts._replace(query=urlencode([*kept, *more])))


def _file_name(ask: Ask, answer: Answer) -> str:
    """The last part of the URL if it has an ending, else one by the media type."""
    last = re.sub(r"[^A-Za-z0-9._-]", "-", unquote(PurePosixPath(urlsplit(answer.url).path).name)).strip(".")
    if PurePosixPath(last).suffix:
        return last[-120:]
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return f"{ask.name.rpartition('/')[2]}{_ENDINGS.get(media, '.csv')}"


def pages(
    ask: Ask, web: Web, url: str, headers: Mapping[str, str], paging: Mapping[str, Any] | None
) -> Iterator[list[Any]]:
    """The records of each page until one is empty, or has no link to a next one; without ``paging`` of the only one.

    Raises SourceError beyond a limit, and for what is no JSON with records.
    """
    if paging is None:
        yield _at(ask, as_json(ask.name, web.get(url, headers)), ask.records)
        return
    parameter = paging.get("parameter")
    position = int(paging.get("first", 0))
    seen: set[str] = set()
    total = 0
    for _ in range(MAX_PAGES):
        asked = with_query(url, {str(parameter): position}, ask.name) if parameter else url
        if asked in seen:
            raise SourceError(
                ask.name, "a page names a page that was read before as its next; see source.paging"
            )
        seen.add(asked)
        answer = web.get(asked, headers)
        total += len(answer.body)
        if total > MAX_BYTES:
            raise SourceError(ask.name, f"its pages are more than {MAX_BYTES:,} bytes")
        document = as_json(ask.name, answer)
        records = _at(ask, document, ask.records)
        if records:
            yield records
        if parameter:
            if not records:
                return
            step = paging.get("step", "records")
            position += len(records) if step == "records" else int(step)
            continue
        following = _following(document, answer, paging.get("next"))
        if not following:
            return
        url = urljoin(answer.url, following)
        if urlsplit(url).netloc != urlsplit(answer.url).netloc:
            raise SourceError(
                ask.name,
                f"a page names a next one on another host, {urlsplit(url).netloc}, which is not followed: its server "
                "does not know its own address",
            )
    raise SourceError(ask.name, f"has more than {MAX_PAGES:,} pages")


def _following(document: Any, answer: Answer, path: object) -> str:
    if path:
        place = document
        whole = isinstance(document, dict) and path in document  # a name may have a dot: @iot.nextLink
        for part in [str(path)] if whole else str(path).split("."):
            place = place.get(part) if isinstance(place, dict) else None
        return place if isinstance(place, str) else ""
    found = _NEXT.search(answer.headers.get("link", ""))
    return found[1] if found else ""


def _at(ask: Ask, document: Any, path: str | None) -> list[Any]:
    place = document
    for part in path.split(".") if path else []:
        if not isinstance(place, dict) or part not in place:
            have = ", ".join(place) if isinstance(place, dict) else type(place).__name__
            raise SourceError(ask.name, f"a page has no {part!r} on the way {path!r}; there is: {have}")
        place = place[part]
    if not isinstance(place, list):
        raise SourceError(
            ask.name, "a page is no list of records; say where they are with records: result.items"
        )
    return place


def write_lines(ask: Ask, pages: Iterable[list[Any]], name: str = "") -> Path:
    """All records, one a line, in a file named after the feed unless it has a name."""
    path = ask.folder / (name or f"{ask.name.rpartition('/')[2]}.jsonl")
    with path.open("w", encoding="utf-8") as file:
        for page in pages:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in page)
    return path


ORIGIN = Origin(
    fetch,
    "an HTTP API, or a file on the web",
    {
        "url": "needed: the address, http or https",
        "query": "query parameters, percent-encoded for you",
        "headers": "headers; ${NAME} is taken from the environment, for keys and tokens",
        "paging": "pages of JSON records: parameter, first and step count them; next is the path of the next one's "
        "address in the answer; {} follows the Link header",
        "since": "ask only for what is new: {parameter: updated_after, rises: updated_at}; the greatest value of the "
        "column of the last run that ended well is sent as the parameter, at first the value first, or none",
        "wait": "seconds before a failed request is tried again, doubled each time (default 1)",
    },
)
