"""From a request's payload to a registration's: every member checked, names canonical (clause 5.2.9-5.2.11)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.federation.operations import AUXILIARY, GROUPS, KNOWN
from mahakam.broker.federation.registration import MODES
from mahakam.ngsild.context import Context
from mahakam.ngsild.duration import DURATION_RULE, seconds_of
from mahakam.ngsild.geometry import geometry_faults
from mahakam.ngsild.lexical import TIME_RULE, URI_RULE, is_scope, is_time, is_uri, require_name
from mahakam.ngsild.pattern import check_pattern
from mahakam.ngsild.problem import bad_request

TYPE = "ContextSourceRegistration"
OWN = frozenset(
    ("status", "timesSent", "timesFailed", "lastSuccess", "lastFailure", "createdAt", "modifiedAt")
)
"""Members that only the node sets."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_TENANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_MAX = 10_000
"""Entities, names and parts of information that one registration may hold."""


def parse(
    payload: Mapping[str, Any], context: Context, *, at: str, private_addresses: bool
) -> dict[str, Any]:
    """The payload of a registration, checked; its id is made if it has none. ``at``: ISO 8601 UTC.

    Raises Problem BadRequestData with the member that is wrong.
    """
    if payload.get("type") != TYPE:
        _fault("type", f'"{TYPE}" was expected')
    result: dict[str, Any] = {"id": payload.get("id") or f"urn:ngsi-ld:{TYPE}:{uuid.uuid4()}", "type": TYPE}
    if not is_uri(result["id"]):
        _fault("id", f"{str(result['id'])[:80]!r} is not {URI_RULE}")
    for required in ("information", "endpoint"):
        if required not in payload:
            _fault(required, "is needed")
    for name, value in payload.items():
        if name in ("id", "type") or name in OWN:
            continue
        check = _MEMBERS.get(name)
        if check is not None:
            result[name] = check(name, value, context)
        else:
            result[require_name(name, context, "The name of a member")] = _property(name, value)
    problem = endpoint_problem(result["endpoint"], private_addresses=private_addresses)
    if problem:
        _fault("endpoint", problem)
    if result.get("expiresAt", "9") <= at:
        _fault("expiresAt", f"{result['expiresAt']} is over; a time to come was expected")
    _by_mode(result)
    return result


def merged(stored: Mapping[str, Any], fragment: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """A stored registration's payload and the members of a fragment, names canonical, to be parsed.

    Null and the NGSI-LD Null remove a member. Raises Problem BadRequestData.
    """
    out = dict(stored)
    for name, value in fragment.items():
        if name == "id":
            continue
        check = _MEMBERS.get(name)
        key = (
            name
            if check is not None or name == "type"
            else require_name(name, context, "The name of a member")
        )
        if value is None or value == "urn:ngsi-ld:null":
            out.pop(key, None)
        else:
            out[key] = check(name, value, context) if check is not None else value
    return out


def shown(payload: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """A registration's payload in the words of a context."""
    out = {
        name if name in _MEMBERS or name in ("id", "type") or name in OWN else context.compact(name): value
        for name, value in payload.items()
    }
    out["information"] = [_shown_information(part, context) for part in payload["information"]]
    return out


def _shown_information(part: Mapping[str, Any], context: Context) -> dict[str, Any]:
    out = dict(part)
    for name in ("propertyNames", "relationshipNames"):
        if name in out:
            out[name] = [context.compact(one) for one in out[name]]
    if "entities" in out:
        out["entities"] = [{**one, "type": context.compact(one["type"])} for one in out["entities"]]
    return out


def _fault(member: str, detail: str) -> NoReturn:
    raise bad_request("The registration is not valid", f"{member}: {detail}")


def _by_mode(payload: Mapping[str, Any]) -> None:
    """Clause 4.3.6.3, 5.9.2.4: what an exclusive and an auxiliary registration must be."""
    mode = payload.get("mode", "inclusive")
    if mode == "exclusive":
        for part in payload["information"]:
            if not part.get("entities") or not all("id" in one for one in part["entities"]):
                _fault("information", "an exclusive registration names each entity by its id")
            if not part.get("propertyNames") and not part.get("relationshipNames"):
                _fault("information", "an exclusive registration names attributes")
    if mode == "auxiliary":
        writes = [name for name in payload.get("operations", ()) if name not in AUXILIARY]
        if writes:
            _fault("operations", f"{writes[0]}: an auxiliary source is only read")


def _list(name: str, value: object, what: str) -> list[Any]:
    if not isinstance(value, list) or not value or len(value) > _MAX:
        _fault(name, f"a list of 1 to {_MAX} {what} was expected")
    return value


def _text(name: str, value: object, _context: Context) -> str:
    if not isinstance(value, str) or not value or len(value) > 2000:
        _fault(name, "a text was expected")
    return value


def _information(name: str, value: object, context: Context) -> list[dict[str, Any]]:
    return [_part(part, context) for part in _list(name, value, "objects")]


def _part(part: object, context: Context) -> dict[str, Any]:
    known = {"entities", "propertyNames", "relationshipNames"}
    if not isinstance(part, dict) or not part.keys() & known:
        _fault("information", f"objects with {', '.join(sorted(known))} were expected")
    unknown = part.keys() - known
    if unknown:
        _fault("information", f"{sorted(unknown)[0][:80]} is no member of it")
    out: dict[str, Any] = {}
    if "entities" in part:
        out["entities"] = [
            _entity(one, context) for one in _list("information.entities", part["entities"], "objects")
        ]
    for name in ("propertyNames", "relationshipNames"):
        if name in part:
            out[name] = [
                require_name(_text(name, one, context), context, name)
                for one in _list(f"information.{name}", part[name], "names")
            ]
    return out


def _entity(one: object, context: Context) -> dict[str, Any]:
    if not isinstance(one, dict) or not isinstance(one.get("type"), str):
        _fault("information.entities", "objects with a type were expected")
    out: dict[str, Any] = {"type": require_name(one["type"], context, "The entity type")}
    for name, value in one.items():
        if name == "id":
            if not is_uri(value):
                _fault("information.entities.id", f"{str(value)[:80]!r} is not {URI_RULE}")
            out["id"] = value
        elif name == "idPattern":
            check_pattern(_text("idPattern", value, context), "information.entities.idPattern")
            out["idPattern"] = value
        elif name != "type":
            _fault("information.entities", f"{name[:80]} is no member of it")
    if "id" in out:
        out.pop("idPattern", None)
    return out


def _mode(name: str, value: object, _context: Context) -> str:
    if value not in MODES:
        _fault(name, f"one of {', '.join(MODES)} was expected")
    return str(value)


def _operations(name: str, value: object, _context: Context) -> list[str]:
    for one in _list(name, value, "names"):
        if not isinstance(one, str) or (one not in KNOWN and one not in GROUPS):
            _fault(name, f"{str(one)[:80]!r} is no operation, nor one of {', '.join(GROUPS)}")
    return list(dict.fromkeys(value))  # type: ignore[call-overload]


def _endpoint(name: str, value: object, _context: Context) -> str:
    text = _text(name, value, _context)
    if not is_uri(text) or "?" in text or "#" in text:
        _fault(name, "the URL of a node, without /ngsi-ld/v1, e.g. https://samarinda.example")
    return text


def _time(name: str, value: object, _context: Context) -> str:
    if not is_time(value):
        _fault(name, f"{str(value)[:80]!r} is not {TIME_RULE}")
    return str(value)


def _duration(name: str, value: object, _context: Context) -> str:
    if not isinstance(value, str) or seconds_of(value) is None:
        _fault(name, f"{DURATION_RULE}, was expected")
    return value


def _interval(name: str, value: object, _context: Context) -> dict[str, Any]:
    if not isinstance(value, dict) or "startAt" not in value or value.keys() - {"startAt", "endAt"}:
        _fault(name, "an object with startAt, and endAt where it has ended, was expected")
    return {key: _time(f"{name}.{key}", one, _context) for key, one in value.items()}


def _geometry(name: str, value: object, _context: Context) -> dict[str, Any]:
    geometry = value.get("value") if isinstance(value, dict) and value.get("type") == "GeoProperty" else value
    if not isinstance(geometry, dict):
        _fault(name, "a GeoJSON geometry was expected")
    for where, _, expected in geometry_faults(geometry):
        _fault(f"{name}.{where}", f"expected {expected}")
    return geometry


def _scope(name: str, value: object, _context: Context) -> str | list[str]:
    scopes = value if isinstance(value, list) and value else [value]
    if not all(is_scope(one) for one in scopes):
        _fault(name, "scopes were expected, e.g. /kaltim/samarinda")
    return value  # type: ignore[return-value]


def _tenant(name: str, value: object, _context: Context) -> str:
    if not isinstance(value, str) or _TENANT.fullmatch(value) is None:
        _fault(name, "the name of a tenant was expected: 1 to 64 letters of a-z, A-Z, 0-9, _, -")
    return value


def _alias(name: str, value: object, _context: Context) -> str:
    if not isinstance(value, str) or _TOKEN.fullmatch(value) is None:
        _fault(name, "the token that the source puts into Via headers was expected")
    return value


def _source_info(name: str, value: object, _context: Context) -> list[dict[str, str]]:
    pairs = _list(name, value, "pairs")
    for pair in pairs:
        key, text = (pair.get("key"), pair.get("value")) if isinstance(pair, dict) else (None, None)
        if not isinstance(key, str) or not isinstance(text, str) or _TOKEN.fullmatch(key) is None:
            _fault(name, 'pairs {"key": header name, "value": text} were expected')
        if not text.isprintable() or not text.isascii():
            _fault(name, f"{key}: printable ASCII text was expected")
    return [{"key": pair["key"], "value": pair["value"]} for pair in pairs]


def _management(name: str, value: object, _context: Context) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        _fault(name, "an object was expected")
    for key, one in value.items():
        if key == "cacheDuration":
            _duration(f"{name}.{key}", one, _context)
        elif key in ("cooldown", "timeout"):
            if isinstance(one, bool) or not isinstance(one, int | float) or not 0 < one <= 86_400_000:
                _fault(f"{name}.{key}", "milliseconds, above 0, were expected")
        elif key == "localOnly":
            _flag(f"{name}.{key}", one, _context)
        else:
            _fault(name, f"{key[:80]} is no member of it")
    return value


def _flag(name: str, value: object, _context: Context) -> bool:
    if not isinstance(value, bool):
        _fault(name, "true or false was expected")
    return value


def _property(name: str, value: object) -> object:
    """A context source property (clause 5.2.9): anything that JSON can say, within reason."""
    if value is None or len(repr(value)) > 20_000:
        _fault(name[:80], "a value of at most 20,000 characters was expected")
    return value


_MEMBERS: dict[str, Callable[[str, Any, Context], Any]] = {
    "information": _information,
    "endpoint": _endpoint,
    "mode": _mode,
    "operations": _operations,
    "registrationName": _text,
    "description": _text,
    "tenant": _tenant,
    "observationInterval": _interval,
    "managementInterval": _interval,
    "location": _geometry,
    "observationSpace": _geometry,
    "operationSpace": _geometry,
    "expiresAt": _time,
    "scope": _scope,
    "contextSourceInfo": _source_info,
    "contextSourceAlias": _alias,
    "management": _management,
    "refreshRate": _duration,
    "localOnly": _flag,
}
