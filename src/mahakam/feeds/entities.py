"""From a validated record to an NGSI-LD document: the plan is made once a feed, each record then costs little."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from mahakam.broker.guard import flagged
from mahakam.config import ConfigError
from mahakam.feeds.definition import Feed, placeholders
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.quality.contract import Contract
from mahakam.quality.finding import Finding

Record = Mapping[str, Any]
"""Contract field → typed value, or None. Timestamps are naive UTC, as :mod:`mahakam.quality.lexical` reads them."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")
_FLOAT_DIGITS = 15


class NoIdentity(Exception):
    """A record lacks a value that its entity's id is made of; ``field`` says which."""

    def __init__(self, field: str, template: str) -> None:
        super().__init__(f"{field} is missing, and the id {template} is made of it")
        self.field = field
        self.template = template


class EntityPlan:
    """How the records of one feed become documents.

    Raises ConfigError where the feed's ``entity`` names fields that the contract lacks.
    """

    def __init__(self, feed: Feed, contract: Contract, scope: str) -> None:
        form = feed.entity
        if form is None:
            raise ConfigError(feed.path, 'needs entity: {id: "urn:ngsi-ld:Type:place:{field}"}')
        self.type = contract.entity
        self.scope = scope
        self._zone = ZoneInfo(feed.place.timezone)
        self._check_names(feed, contract)
        self._id = _Template(form.id)
        self._observed = form.observed_at
        units = dict(form.units)
        relationships = dict(form.relationships)
        keys = {*form.key_fields, form.observed_at}
        self._parts: list[tuple[str, Callable[[Any, Record, str | None], dict[str, Any] | None]]] = []
        for name, field in contract.fields.items():
            if name in relationships:
                self._parts.append((name, _relationship(_Template(relationships.pop(name)))))
            elif field.kind.geometry:
                self._parts.append((name, _geometry))
            else:
                self._parts.append((name, _property(units.get(name), measured=name not in keys)))
        for name, template in relationships.items():
            self._parts.append((name, _always(_relationship(_Template(template)))))

    def _check_names(self, feed: Feed, contract: Contract) -> None:
        form = feed.entity
        assert form is not None
        known = contract.fields
        asked = {
            "entity.id": form.key_fields,
            "entity.observedAt": (form.observed_at,) if form.observed_at else (),
            "entity.units": tuple(name for name, _ in form.units),
            "entity.relationships": tuple(
                f for _, target in form.relationships for f in placeholders(target)
            ),
        }
        for where, names in asked.items():
            for name in names:
                if name not in known:
                    raise ConfigError(
                        feed.path,
                        f"{where}: the contract {feed.contract!r} has no field {name!r} (fields: {', '.join(known)})",
                    )
        for name in known:
            if name in ENTITY_MEMBERS:
                raise ConfigError(
                    feed.path,
                    f"the contract {feed.contract!r} has a field {name!r}, which an entity has of its own; rename it",
                )

    def id(self, record: Record) -> str:
        """The entity's id. Raises NoIdentity."""
        return self._id.fill(record)

    def document(self, id: str, record: Record, warnings: Sequence[Finding] = ()) -> Document:
        """The document without system attributes; attributes that a warning names carry its flag."""
        observed = observed_at(record.get(self._observed), self._zone) if self._observed else None
        document: Document = {"id": id, "type": self.type, "scope": self.scope}
        for name, make in self._parts:
            value = record.get(name)
            attribute = make(value, record, observed)
            if attribute is not None:
                document[name] = attribute
        return flagged(document, warnings) if warnings else document


class _Template:
    """A URI with fields in braces, filled with percent-encoded values."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.fields = placeholders(template)
        self._form = re.sub(r"\{([^{}]*)\}", "%s", template.replace("%", "%%"))

    def fill(self, record: Record) -> str:
        parts = []
        for name in self.fields:
            value = record.get(name)
            if value is None or value == "":
                raise NoIdentity(name, self.template)
            text = plain(value)
            parts.append(text if _UNRESERVED.fullmatch(text) else quote(text, safe=""))
        return self._form % tuple(parts)


def plain(value: Any) -> str:
    """A typed value as canonical text: 60, 3.5, 2025-02-28, 2025-02-28T07:30:15Z, true."""
    if isinstance(value, str):
        return value
    simple = json_value(value)
    if isinstance(simple, str):
        return simple
    if isinstance(simple, bool):
        return "true" if simple else "false"
    if isinstance(simple, int | float):
        return repr(simple)
    return json.dumps(simple, ensure_ascii=False, separators=(",", ":"))


def json_value(value: Any) -> Any:
    """A typed value as JSON has it; whole floats stay floats, moments are ISO 8601 UTC."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"
    if isinstance(value, date | time):
        return value.isoformat()
    return value


def observed_at(value: Any, zone: ZoneInfo) -> str | None:
    """The UTC moment of a date (its start in the place's zone), a timestamp, or a whole number that is a year."""
    if isinstance(value, datetime):
        return str(json_value(value))
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 9999:
        value = date(value, 1, 1)
    return _start(value, zone) if isinstance(value, date) else None


@lru_cache(maxsize=4096)
def _start(day: date, zone: ZoneInfo) -> str | None:
    try:
        return str(json_value(datetime(day.year, day.month, day.day, tzinfo=zone)))
    except OverflowError:
        return None


def _property(
    unit: str | None, *, measured: bool
) -> Callable[[Any, Record, str | None], dict[str, Any] | None]:
    def make(value: Any, _record: Record, observed: str | None) -> dict[str, Any] | None:
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return None
        out: dict[str, Any] = {
            "type": "Property",
            "value": value if value.__class__ in _PLAIN else json_value(value),
        }
        if unit is not None:
            out["unitCode"] = unit
        if observed is not None and measured:
            out["observedAt"] = observed
        return out

    return make


_PLAIN = frozenset((str, int, float, bool, dict, list))


def _geometry(value: Any, _record: Record, _observed: str | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"type": "GeoProperty", "value": json.loads(value) if isinstance(value, str) else value}


def _relationship(template: _Template) -> Callable[[Any, Record, str | None], dict[str, Any] | None]:
    def make(value: Any, record: Record, _observed: str | None) -> dict[str, Any] | None:
        if value is None:
            return None
        try:
            return {"type": "Relationship", "object": template.fill(record)}
        except NoIdentity:
            return None

    return make


def _always(
    make: Callable[[Any, Record, str | None], dict[str, Any] | None],
) -> Callable[[Any, Record, str | None], dict[str, Any] | None]:
    """For a relationship that is no field of the contract: its template alone decides."""
    return lambda _value, record, observed: make(True, record, observed)


def is_uri(id: str) -> bool:
    return _URI.fullmatch(id) is not None


def digest(document: Document) -> str | None:
    """The digest of what a feed says about an entity: equal digests need no write. None: nested too deep to store."""
    import orjson

    try:
        dumped = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None
    return hashlib.sha256(dumped).hexdigest()[:32]
