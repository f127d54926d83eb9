"""Entities of an OGC SensorThings API 1.1 (18-088): observations, things, series, with what they refer to expanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mahakam.feeds.origins import Ask, Origin, http, with_secrets
from mahakam.feeds.origins._rising import Rising
from mahakam.feeds.origins._web import Web
from mahakam.feeds.sources.model import SourceError

_SETS = (
    "Things", "Locations", "HistoricalLocations", "Datastreams", "MultiDatastreams", "Sensors", "ObservedProperties",
    "Observations", "FeaturesOfInterest",
)  # fmt: skip
_TIMES = ("phenomenonTime", "resultTime", "validTime", "time")
_LINKS = ("@iot.selfLink", "@iot.navigationLink", "@iot.nextLink", "@iot.count")


def fetch(ask: Ask) -> list[Path]:
    """All entities of a set, page by page (``@iot.nextLink``), as JSON lines; with ``rises`` only those that are new.

    Members of members are columns with dots. Raises NothingNew, and SourceError as the HTTP origin does.
    """
    options = ask.options
    rises = str(options.get("rises") or "")
    if rises and rises not in _TIMES:
        raise SourceError(ask.name, f"rises: must be {' or '.join(_TIMES)}, not {rises!r}")
    column = f"{rises}.start" if rises in ("phenomenonTime", "validTime") else rises
    rising = Rising(ask, column) if rises else None
    url = http.with_query(_address(ask), _query(ask, rising, rises), ask.name)
    headers = {str(k): with_secrets(str(v), ask.name) for k, v in (options.get("headers") or {}).items()}
    web = Web(ask.name, ask.private_addresses, wait=float(options.get("wait", 1)))
    found = http.pages(replace(ask, records="value"), web, url, headers, {"next": "@iot.nextLink"})
    records = ([flat(ask, one) for one in page] for page in found)
    if rising is None:
        return [http.write_lines(ask, records)]
    new = ([one for one in page if rising.is_new(one)] for page in records)
    path = http.write_lines(ask, new, rising.name())
    rising.keep()
    return [path]


def _address(ask: Ask) -> str:
    path = str(ask.options.get("entities", "Observations")).strip("/")
    last = path.rpartition("/")[2]
    if last not in _SETS:
        raise SourceError(
            ask.name,
            f"entities: must end with one of {', '.join(_SETS)}, as Datastreams(7)/Observations, not {path!r}",
        )
    return f"{with_secrets(str(ask.options['url']), ask.name).rstrip('/')}/{path}"


def _query(ask: Ask, rising: Rising | None, rises: str) -> dict[str, Any]:
    options = ask.options
    conditions = [f"({options['filter']})"] if options.get("filter") else []
    query = {f"${name}": options[name] for name in ("select", "expand") if options.get(name)}
    if options.get("page"):
        query["$top"] = options["page"]
    if rising is not None:
        query["$orderby"] = f"{rises} asc"
        if rising.since is not None:
            conditions.append(f"{rises} ge {_instant(str(rising.since))}")
    if conditions:
        query["$filter"] = " and ".join(conditions)
    return query


def _instant(text: str) -> str:
    """A moment as every server reads it: in UTC, since a plus sign is a blank to some."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment.tzinfo else text


def flat(ask: Ask, entity: Any) -> dict[str, Any]:
    """An entity's members as columns: ``Datastream.Thing.name``; no links.

    An interval of time has its two ends beside it (``phenomenonTime.start``, ``.end``), a point its ``longitude`` and
    ``latitude``. Of the Locations of a thing, which are one place in several encodings (8.2.2), the first is taken;
    other lists stay lists. Raises SourceError for what is no object.
    """
    if not isinstance(entity, dict):
        raise SourceError(ask.name, f"a page has {type(entity).__name__} where an entity was expected")
    out: dict[str, Any] = {}
    _put(entity, "", out)
    return out


def _put(members: Mapping[str, Any], prefix: str, out: dict[str, Any]) -> None:
    for name, value in members.items():
        if name.endswith(_LINKS):
            continue
        column = f"{prefix}{name}"
        if name == "Locations" and isinstance(value, list):
            value = value[0] if value else {}
        if (
            isinstance(value, dict)
            and value.get("type") == "Point"
            and _is_position(value.get("coordinates"))
        ):
            out[f"{column}.longitude"], out[f"{column}.latitude"] = value["coordinates"][:2]
            out[column] = value
        elif isinstance(value, dict) and "coordinates" not in value and "geometry" not in value:
            _put(value, f"{column}.", out)
        else:
            out[column] = value
        if name in _TIMES:
            start, mark, end = str(value or "").partition("/")
            out[f"{column}.start"], out[f"{column}.end"] = start or None, (end if mark else start) or None


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and all(isinstance(n, int | float) for n in value[:2])


ORIGIN = Origin(
    fetch,
    "entities of an OGC SensorThings server",
    {
        "url": "needed: the service's address, as https://example.go.id/FROST-Server/v1.1",
        "entities": "which: Observations (default), Things, Datastreams(7)/Observations, …",
        "filter": "a condition in the standard's $filter: result gt 2",
        "expand": "what comes with each: Datastream($expand=Thing($expand=Locations))",
        "select": "which properties",
        "rises": "asks only for what is new by this time: phenomenonTime or resultTime",
        "page": "entities to a request; the server's own number unless given",
        "headers": "headers, as {Authorization: 'Bearer ${STA_TOKEN}'}",
        "wait": "seconds before a failed request is tried again, doubled each time (default 1)",
    },
)
