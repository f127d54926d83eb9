"""The members of a Subscription, each checked and its names made canonical (clause 5.2.12-5.2.15, 5.2.22, 5.2.33).

Members that only the broker writes (status, counters, times) and members that the standard does not have are
left out; a member that is null, or the NGSI-LD Null, is None: a change removes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from mahakam.ngsild.context import Context
from mahakam.ngsild.core import NULL
from mahakam.ngsild.lexical import is_language, is_time, is_uri, require_name
from mahakam.ngsild.pattern import check_pattern
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.ngsild.represent import Form

TRIGGERS = (
    "entityCreated", "entityUpdated", "entityDeleted", "attributeCreated", "attributeUpdated", "attributeDeleted",
)  # fmt: skip
DEFAULT_TRIGGERS = ("attributeCreated", "attributeUpdated")
FORMS: dict[str, Form] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
ACCEPTED = ("application/json", "application/ld+json", "application/geo+json")
MOST_SELECTORS = 1000
_MOST_SECONDS = 10 * 366 * 86_400
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_OWN_HEADERS = frozenset(("host", "content-length", "connection", "transfer-encoding"))
_NAME = re.compile(r"[^,|;(){}\s]+")

Reader = Callable[[Any, str, Context], Any]
"""(value, where it stands, context) → the canonical value; raises Problem BadRequestData."""


def fault(where: str, expected: str) -> Problem:
    return bad_request("The subscription is not valid", f"{where}: {expected}")


def renamed(text: str, rename: Callable[[str], str]) -> str:
    """A text of names (an entity-type selection, a member of pick) with every name renamed."""
    return text if text == "*" else _NAME.sub(lambda name: rename(name[0]), text)


def read(payload: object, context: Context) -> dict[str, Any]:
    """The members that a request gives, canonical; None for those it removes. Raises Problem BadRequestData."""
    if not isinstance(payload, dict):
        raise fault("body", "a JSON object was expected")
    if "expires" in payload and "expiresAt" not in payload:
        payload = {**payload, "expiresAt": payload["expires"]}
    return _object(payload, "", context, _SUBSCRIPTION, nulls=True)


def _object(
    value: Any, where: str, context: Context, readers: Mapping[str, Reader], *, nulls: bool = False
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise fault(where, "an object was expected")
    found: dict[str, Any] = {}
    for name, part in value.items():
        reader = readers.get(name)
        if reader is None:
            continue
        if nulls and (part is None or part == NULL):
            found[name] = None
        else:
            found[name] = reader(part, f"{where}.{name}" if where else name, context)
    return found


def _kind(value: Any, where: str, _context: Context) -> str:
    if value != "Subscription":
        raise fault(where, '"Subscription" was expected')
    return "Subscription"


def _text(value: Any, where: str, _context: Context) -> str:
    if not isinstance(value, str) or not value or len(value) > 10_000:
        raise fault(where, "a text was expected")
    return value


def _query(value: Any, where: str, context: Context) -> str:
    """A query string (clause 4.9) may come percent-encoded, as it stands in a URL."""
    return unquote(_text(value, where, context))


def _uri(value: Any, where: str, _context: Context) -> str:
    if not is_uri(value):
        raise fault(where, f"a URI was expected, not {str(value)[:80]!r}")
    return str(value)


def _boolean(value: Any, where: str, _context: Context) -> bool:
    if not isinstance(value, bool):
        raise fault(where, "true or false was expected")
    return value


def _time(value: Any, where: str, _context: Context) -> str:
    if not is_time(value):
        raise fault(where, "an ISO 8601 UTC time was expected, e.g. 2030-01-31T08:00:00Z")
    return str(value)


def _seconds(value: Any, where: str, _context: Context) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST_SECONDS:
        raise fault(where, "a number of seconds above 0 was expected")
    return value


def _milliseconds(value: Any, where: str, _context: Context) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400_000:
        raise fault(where, "a number of milliseconds above 0, at most a day, was expected")
    return value


def _level(value: Any, where: str, _context: Context) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 8:
        raise fault(where, "a whole number from 1 to 8 was expected")
    return value


def _one_of(*words: str) -> Reader:
    def reader(value: Any, where: str, _context: Context) -> str:
        if value not in words:
            raise fault(where, f"one of {', '.join(words)} was expected")
        return str(value)

    return reader


def _list(value: Any, where: str, what: str) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_SELECTORS:
        raise fault(where, f"a list of {what} was expected, 1 to {MOST_SELECTORS} of them")
    return value


def _names(value: Any, where: str, context: Context) -> list[str]:
    found = _list(value, where, "names")
    if not all(isinstance(one, str) for one in found):
        raise fault(where, "a list of names was expected")
    return [require_name(one, context, f"The subscription's {where}") for one in found]


def _kept(value: Any, where: str, context: Context) -> list[str]:
    """``pick`` and ``omit``: a name may have braces (clause 4.21)."""
    return [_types(one, where, context) for one in _list(value, where, "names")]


def _languages(value: Any, where: str, context: Context) -> str:
    text = _text(value, where, context)
    tags = [part.partition(";")[0].strip() for part in text.split(",")]
    if not all(tag == "*" or is_language(tag) for tag in tags):
        raise fault(where, "languages were expected, e.g. id,en;q=0.5")
    return text


def _datasets(value: Any, where: str, _context: Context) -> list[str]:
    found = _list([value] if isinstance(value, str) else value, where, "URIs")
    if not all(one == "@none" or is_uri(one) for one in found):
        raise fault(where, "a list of URIs (or @none) was expected")
    return found


def _triggers(value: Any, where: str, _context: Context) -> list[str]:
    if not isinstance(value, list) or not value or not all(one in TRIGGERS for one in value):
        raise fault(where, f"some of {', '.join(TRIGGERS)} were expected")
    return list(dict.fromkeys(value))


def _entities(value: Any, where: str, context: Context) -> list[dict[str, Any]]:
    return [_entity(one, where, context) for one in _list(value, where, "entity selectors")]


def _entity(value: Any, where: str, context: Context) -> dict[str, Any]:
    found = _object(value, f"{where}[]", context, _SELECTOR)
    if "type" not in found:
        raise fault(f"{where}[].type", "it is needed; * is every type")
    return found


def _types(value: Any, where: str, context: Context) -> str:
    what = f"The subscription's {where}"
    return renamed(_text(value, where, context), lambda name: require_name(name, context, what))


def _ids(value: Any, where: str, context: Context) -> str | list[str]:
    if isinstance(value, list):
        return [_uri(one, where, context) for one in _list(value, where, "URIs")]
    return _uri(value, where, context)


def _pattern(value: Any, where: str, context: Context) -> str:
    text = _text(value, where, context)
    check_pattern(text, where)
    return text


def _geo(value: Any, where: str, context: Context) -> dict[str, Any]:
    found = _object(value, where, context, _GEO)
    for name in ("georel", "geometry", "coordinates"):
        if name not in found:
            raise fault(f"{where}.{name}", "it is needed")
    return found


def _coordinates(value: Any, where: str, _context: Context) -> Any:
    if not isinstance(value, list | str):
        raise fault(where, "a list was expected, e.g. [117.15,-0.5]")
    return value


def _name(value: Any, where: str, context: Context) -> str:
    return require_name(_text(value, where, context), context, f"The subscription's {where}")


def _temporal(value: Any, where: str, context: Context) -> dict[str, Any]:
    """Clause 5.2.21: for the subscriptions to registrations."""
    found = _object(value, where, context, _TEMPORAL)
    if "timerel" not in found or "timeAt" not in found:
        raise fault(where, "timerel and timeAt are needed")
    if ("endTimeAt" in found) != (found["timerel"] == "between"):
        raise fault(f"{where}.endTimeAt", "it goes with between, and only with it")
    return found


def _notification(value: Any, where: str, context: Context) -> dict[str, Any]:
    found = _object(value, where, context, _NOTIFICATION)
    if "endpoint" not in found:
        raise fault(f"{where}.endpoint", "it is needed")
    if "attributes" in found and ("pick" in found or "omit" in found):
        raise fault(f"{where}.attributes", "it goes without pick and omit")
    if found.get("showChanges") and FORMS[found.get("format", "normalized")] == "simplified":
        raise fault(
            f"{where}.showChanges", "the simplified form cannot show changes; use normalized or concise"
        )
    return found


def _endpoint(value: Any, where: str, context: Context) -> dict[str, Any]:
    found = _object(value, where, context, _ENDPOINT)
    if "uri" not in found:
        raise fault(f"{where}.uri", "it is needed")
    return found


def _infos(value: Any, where: str, _context: Context) -> list[dict[str, str]]:
    """Clause 5.2.22: what becomes headers of a request, or metadata of a message."""
    found = []
    for pair in value if isinstance(value, list) else [value]:
        key, text = (pair.get("key"), pair.get("value")) if isinstance(pair, dict) else (None, None)
        if (
            not isinstance(key, str)
            or not isinstance(text, str)
            or len(text) > 8_000
            or not text.isprintable()
        ):
            raise fault(where, 'pairs of texts were expected: {"key": …, "value": …}')
        if not _HEADER.fullmatch(key) or key.lower() in _OWN_HEADERS or not text.isascii():
            raise fault(
                where, f"{key[:80]!r} cannot be given: name and value of an HTTP header were expected"
            )
        found.append({"key": key, "value": text})
    return found


_SELECTOR: dict[str, Reader] = {"id": _ids, "idPattern": _pattern, "type": _types}
_GEO: dict[str, Reader] = {
    "georel": _text,
    "geometry": _text,
    "coordinates": _coordinates,
    "geoproperty": _name,
}
_TEMPORAL: dict[str, Reader] = {
    "timerel": _one_of("before", "after", "between"),
    "timeAt": _time,
    "endTimeAt": _time,
    "timeproperty": _name,
}
_ENDPOINT: dict[str, Reader] = {
    "uri": _uri,
    "accept": _one_of(*ACCEPTED),
    "timeout": _milliseconds,
    "cooldown": _milliseconds,
    "receiverInfo": _infos,
    "notifierInfo": _infos,
}
_NOTIFICATION: dict[str, Reader] = {
    "attributes": _names,
    "pick": _kept,
    "omit": _kept,
    "format": _one_of(*FORMS),
    "sysAttrs": _boolean,
    "showChanges": _boolean,
    "join": _one_of("flat", "inline", "@none"),
    "joinLevel": _level,
    "endpoint": _endpoint,
}
_SUBSCRIPTION: dict[str, Reader] = {
    "id": _uri,
    "type": _kind,
    "subscriptionName": _text,
    "description": _text,
    "entities": _entities,
    "watchedAttributes": _names,
    "notificationTrigger": _triggers,
    "timeInterval": _seconds,
    "q": _query,
    "expandValues": _names,
    "geoQ": _geo,
    "csf": _query,
    "scopeQ": _text,
    "temporalQ": _temporal,
    "lang": _languages,
    "isActive": _boolean,
    "notification": _notification,
    "expiresAt": _time,
    "throttling": _seconds,
    "datasetId": _datasets,
    "jsonldContext": _uri,
    "localOnly": _boolean,
    "splitEntities": _boolean,
}
