"""From a payload (normalized, concise, simplified) to a document; every fault is named (clause 4.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

import orjson

from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.core import NULL
from mahakam.ngsild.geometry import GEOMETRY_RULE, crossing, geometry_faults, is_geometry
from mahakam.ngsild.lexical import (
    NAME_RULE,
    SCOPE_RULE,
    TIME_RULE,
    URI_RULE,
    canonical_name,
    is_language,
    is_scope,
    is_time,
    is_uri,
)
from mahakam.ngsild.problem import Problem

Document = dict[str, Any]
"""The normalized representation with system attributes, names canonical (``docs/design.md`` section 11)."""
Fragment = dict[str, Any]
"""Like a document without system attributes; an attribute may lack type or value; NGSI-LD Nulls may stand."""

VALUE_MEMBER = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""Attribute type → the member that holds its value."""
_KIND_OF = {
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "vocab": "VocabProperty",
    "json": "JsonProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
}
_VALUES = frozenset(VALUE_MEMBER.values())
SYSTEM = frozenset(("createdAt", "modifiedAt", "deletedAt", "expiresAt"))
"""Members that answers have only if ``sysAttrs`` asks for them; a writer may set ``expiresAt`` (clause 4.22)."""
ENTITY_MEMBERS = frozenset(("id", "type", "scope", *SYSTEM))
"""Members of a document that are no attributes."""
_IGNORED = frozenset((*SYSTEM - {"expiresAt"}, "instanceId", "entity", "entityList", "ngsildproof"))
_OUTPUT = frozenset(
    (
        "previousValue",
        "previousObject",
        "previousLanguageMap",
        "previousVocab",
        "previousJson",
        "previousValueList",
        "previousObjectList",
    )
)
_SEALED = frozenset(("entityIdSealed", "entityTypeSealed"))
"""Members of the Property ``ngsildproof`` alone (clause 4.5.2.2)."""
ATTRIBUTE_MEMBERS = (
    _VALUES
    | _IGNORED
    | _OUTPUT
    | _SEALED
    | {"type", "datasetId", "observedAt", "expiresAt", "unitCode", "objectType", "valueType", "lang"}
)
"""Members of an attribute that are no sub-attributes."""
_PLAIN_MEMBERS = frozenset(("type", "value", "unitCode", "observedAt"))
_HINTS = frozenset(("observedAt", "expiresAt", "unitCode", "datasetId", "objectType"))

GEO_NAMES = frozenset(("location", "observationSpace", "operationSpace"))
PROOF = "ngsildproof"
DEFINED = GEO_NAMES | {PROOF}
"""Attributes whose kind the standard lays down."""
RESERVED = ENTITY_MEMBERS | {"observedAt", "datasetId", "instanceId"}
"""Core terms that are never reified: no attribute may have these names (clause 4.5.1)."""
_RESERVED_RULE = "an attribute's name; this one has a meaning of its own in NGSI-LD"

MAX_DEPTH = 12
MAX_VALUE_DEPTH = 64
_MAX_REASONS = 50
_SHOWN = 200


def parse_entity(payload: object, context: Context, now: str) -> Document:
    """A document from the payload of a create or replace; ``now`` (ISO 8601 UTC) is createdAt and modifiedAt.

    Raises Problem BadRequestData with every fault as a reason.
    """
    parser = _Parser(context, partial=False)
    if not isinstance(payload, dict):
        raise _no_object(payload)
    document: Document = {"id": parser.id(payload), "type": parser.type(payload)}
    if "scope" in payload:
        document["scope"] = parser.scope(payload["scope"])
    if "expiresAt" in payload:
        document["expiresAt"] = parser.time(payload["expiresAt"], "expiresAt")
    document["createdAt"] = now
    document["modifiedAt"] = now
    parser.attributes(payload, document, now)
    parser.refuse("The entity is not valid")
    return document


def parse_fragment(payload: object, context: Context) -> Fragment:
    """A fragment from the payload of a patch or append: id and type may be absent, NGSI-LD Nulls may stand.

    Raises Problem BadRequestData with every fault as a reason.
    """
    parser = _Parser(context, partial=True)
    if not isinstance(payload, dict):
        raise _no_object(payload)
    fragment: Fragment = {}
    if "id" in payload or "@id" in payload:
        fragment["id"] = parser.id(payload)
    if "type" in payload or "@type" in payload:
        fragment["type"] = parser.type(payload)
    if "scope" in payload:
        scope = payload["scope"]
        fragment["scope"] = scope if scope == NULL else parser.scope(scope)
    if "expiresAt" in payload:
        expires = payload["expiresAt"]
        fragment["expiresAt"] = expires if expires == NULL else parser.time(expires, "expiresAt")
    parser.attributes(payload, fragment, "")
    parser.refuse("The fragment is not valid")
    return fragment


def parse_attribute(payload: object, context: Context, *, partial: bool) -> dict[str, Any]:
    """One attribute instance, the payload of ``/attrs/{name}``; ``partial``: value or type may lack.

    Raises Problem BadRequestData with every fault as a reason.
    """
    parser = _Parser(context, partial=partial)
    if isinstance(payload, dict):
        payload = {name: value for name, value in payload.items() if name != "@context"}
        if partial and not payload:
            raise _refusal(
                "The attribute is not valid", [_reason("", payload, "at least one member to change")]
            )
        instance = parser.instance(payload, "", 1, attribute=True)
    else:
        instance = parser.instance(payload, "", 1)
    parser.refuse("The attribute is not valid")
    return instance


def check_attribute(instance: dict[str, Any], name: str) -> None:
    """What a patch made of an attribute instance (names canonical) must be one that could be created.

    Raises Problem BadRequestData with every fault as a reason.
    """
    parser = _Parser(CORE, partial=False)
    parser.members(instance, instance["type"], name, 1)
    if name in DEFINED:
        parser.defined(instance, name, name)
    parser.refuse("The attribute is not valid")


def is_null(instance: object) -> bool:
    """Whether an attribute of a fragment says that the attribute is to be removed."""
    if instance == NULL:
        return True
    if not isinstance(instance, dict):
        return False
    for member in _VALUES:
        if member in instance:
            value = instance[member]
            if value == NULL or value == [NULL] or value == {"@none": NULL}:
                return True
            return bool(member == "objectList" and value == [{"object": NULL}])
    return False


def instances(attribute: Any) -> list[dict[str, Any]]:
    """The instances of an attribute of a document: a list in any case."""
    return attribute if isinstance(attribute, list) else [attribute]


def scopes_of(head: Mapping[str, Any]) -> list[str]:
    """The scopes of an entity, by its head: one is no list there (clause 4.18)."""
    scope = head.get("scope") or []
    return [scope] if isinstance(scope, str) else scope


def innermost_of(head: Mapping[str, Any]) -> str:
    """The last part of an entity's first scope; "" without one."""
    return next(iter(scopes_of(head)), "").rpartition("/")[2]


def _reason(field: str, value: object, expected: str, rule: str = "ngsi-ld") -> dict[str, Any]:
    if isinstance(value, str):
        value = value[:_SHOWN]
    elif isinstance(value, dict | list | tuple):
        value = repr(value)[:_SHOWN]
    elif isinstance(value, float) and not -1e308 <= value <= 1e308:
        value = str(value)
    return {"field": field, "rule": rule, "value": value, "expected": expected, "severity": "error"}


def _refusal(title: str, reasons: list[dict[str, Any]]) -> Problem:
    first = reasons[0]
    where = f"{first['field']}: " if first["field"] else ""
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return Problem("BadRequestData", title, f"{where}expected {first['expected']}{more}", reasons=reasons)


def _no_object(payload: object) -> Problem:
    return _refusal(
        "The payload is not valid", [_reason("", payload, "a JSON object with id, type and attributes")]
    )


def _from_text(value: str) -> Any:
    """A geometry that comes as text is taken as the JSON it holds (clause 4.7.1)."""
    try:
        return orjson.loads(value)
    except ValueError:
        return value


def is_plain_property(value: dict[str, Any], times: tuple[str, ...] = ()) -> bool:
    """Whether a value is a Property that is right as it stands: most are, and need no second look. ``times``: system
    times that it may have, too.

    It says nothing against one that is not; the parser looks closer then.
    """
    if value.get("type") != "Property":
        return False
    if times:
        for name in times:
            if name in value and not (type(value[name]) is str and is_known_time(value[name])):
                return False
        if not (_PLAIN_MEMBERS | set(times)).issuperset(value):
            return False
    elif not _PLAIN_MEMBERS.issuperset(value):
        return False
    own = value.get("value")
    if isinstance(own, str):
        if own == NULL:
            return False
    elif not isinstance(own, int) and not (isinstance(own, float) and isfinite(own)):
        return False
    if "observedAt" in value:
        at = value["observedAt"]
        if type(at) is not str or not is_known_time(at):
            return False
    if "unitCode" in value:
        unit = value["unitCode"]
        return type(unit) is str and 0 < len(unit) <= 64 and unit != NULL
    return True


@lru_cache(4096)
def is_known_time(text: str) -> bool:
    """:func:`is_time`, remembered: the measurements of one entity mostly have one time."""
    return is_time(text)


def _looks_like_attribute(value: object) -> bool:
    return isinstance(value, dict) and (_kind(value) in VALUE_MEMBER or not _VALUES.isdisjoint(value))


def _kind(value: Mapping[str, Any]) -> str | None:
    kind = value.get("type")
    return kind if type(kind) is str else None if kind is None else ""


class _Parser:
    """Collects the faults of one payload."""

    __slots__ = ("context", "partial", "reasons")

    def __init__(self, context: Context, *, partial: bool) -> None:
        self.context = context
        self.partial = partial
        self.reasons: list[dict[str, Any]] = []

    def refuse(self, title: str) -> None:
        if self.reasons:
            raise _refusal(title, self.reasons)

    def fault(self, field: str, value: object, expected: str) -> None:
        if len(self.reasons) < _MAX_REASONS:
            self.reasons.append(_reason(field, value, expected))

    def id(self, payload: Mapping[str, Any]) -> str:
        value = payload.get("id", payload.get("@id"))
        if not is_uri(value) or value == NULL:
            self.fault("id", value, URI_RULE)
        return value  # type: ignore[no-any-return]

    def type(self, payload: Mapping[str, Any]) -> Any:
        value = payload.get("type", payload.get("@type"))
        if isinstance(value, str):
            return self.name(value, "type")
        if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
            self.fault("type", value, "the entity's type: a name, or a list of names")
            return ""
        names = list(dict.fromkeys(self.name(part, "type") for part in value))
        return names[0] if len(names) == 1 else names

    def name(self, name: str, field: str) -> str:
        known = canonical_name(name, self.context)
        if known is None or (field == "type" and known in ("id", "type")):
            self.fault(field, name, NAME_RULE)
            return ""
        return known

    def scope(self, value: Any) -> Any:
        scopes = value if isinstance(value, list) else [value]
        if not scopes or not all(map(is_scope, scopes)):
            self.fault("scope", value, SCOPE_RULE)
            return ""
        paths = list(dict.fromkeys(part if part.startswith("/") else "/" + part for part in scopes))
        return paths[0] if len(paths) == 1 else paths

    def attributes(self, payload: Mapping[str, Any], document: dict[str, Any], now: str) -> None:
        known = self.context.names
        for key, value in payload.items():
            if key in NO_ATTRIBUTES:
                continue
            name = known.get(key) or canonical_name(key, self.context)
            if name is None:
                self.fault(key[:_SHOWN] or "(empty name)", key, NAME_RULE)
                continue
            if name in RESERVED:
                self.fault(key, key, _RESERVED_RULE)
                continue
            if name in document:
                self.fault(key, name, "each attribute once: two names here stand for the same one")
                continue
            if not now and type(value) is dict and is_plain_property(value):
                attribute = document[name] = value
                if name in DEFINED:
                    self.defined(attribute, name, key)
                continue
            attribute = document[name] = self.attribute(value, key, now)
            if name in DEFINED:
                self.defined(attribute, name, key)

    def defined(self, attribute: Any, name: str, field: str) -> None:
        """The core's geographic names are GeoProperties (clause 4.7.1), a proof is an object (4.5.2.2)."""
        for instance in instances(attribute):
            if name == PROOF:
                if not isinstance(instance.get("value", {}), dict):
                    self.fault(f"{field}.value", instance["value"], "an object: a W3C Data Integrity proof")
            elif instance.get("type", "GeoProperty") != "GeoProperty":
                self.fault(f"{field}.type", instance["type"], f"a GeoProperty: {GEOMETRY_RULE}")

    def time(self, value: Any, field: str) -> Any:
        if not is_time(value):
            self.fault(field, value, TIME_RULE)
        return value

    def attribute(self, value: Any, field: str, now: str) -> Any:
        if type(value) is list and value and all(map(_looks_like_attribute, value)):
            found = [self.instance(part, f"{field}[{index}]", 1) for index, part in enumerate(value)]
            seen: set[Any] = set()
            for index, instance in enumerate(found):
                dataset = instance.get("datasetId")
                if not isinstance(dataset, str | None):
                    continue
                if dataset in seen:
                    self.fault(
                        f"{field}[{index}].datasetId", dataset, "a different datasetId for each instance"
                    )
                seen.add(dataset)
                if now:
                    instance["createdAt"] = instance["modifiedAt"] = now
            return found[0] if len(found) == 1 else found
        instance = self.instance(value, field, 1)
        if now:
            instance["createdAt"] = now
            instance["modifiedAt"] = now
        return instance

    def instance(self, value: Any, field: str, depth: int, *, attribute: bool = False) -> dict[str, Any]:
        """One attribute instance. ``attribute``: it is known to be the attribute's members, not a value."""
        if type(value) is dict:
            kind = value.get("type")
            if type(kind) is str and kind in VALUE_MEMBER:
                return self.members(value, kind, field, depth)
            inferred = self.inferred(value)
            if inferred is not None:
                if kind is not None:
                    self.fault(
                        f"{field}.type" if field else "type", kind, "one of " + ", ".join(VALUE_MEMBER)
                    )
                return self.members(value, inferred, field, depth)
            if is_geometry(value):
                return {"type": "GeoProperty", "value": self.geometry(value, field)}
            if self.partial and (attribute or not _HINTS.isdisjoint(value)):
                return self.members(value, "", field, depth)
        elif value == NULL and self.partial:
            return {"value": NULL}
        # In a fragment a plain value is of the stored attribute's type, whichever that is (clause 5.5.12).
        plain = {"value": self.value(value, field)}
        return plain if self.partial else {"type": "Property", **plain}

    def inferred(self, value: Mapping[str, Any]) -> str | None:
        if "value" in value:
            return "GeoProperty" if is_geometry(value["value"]) else ("" if self.partial else "Property")
        for member, kind in _KIND_OF.items():
            if member in value:
                return kind
        return None

    def members(self, value: dict[str, Any], kind: str, field: str, depth: int) -> dict[str, Any]:
        """An attribute from its members; ``kind`` "" where a fragment leaves it to what is stored."""
        if depth > MAX_DEPTH:
            self.fault(field, None, f"sub-attributes at most {MAX_DEPTH} deep")
            return {"type": kind}
        result: dict[str, Any] = {"type": kind} if kind else {}
        own = VALUE_MEMBER.get(kind, "value")
        if own not in value and kind and not (self.partial and depth == 1):
            self.fault(f"{field}.{own}" if field else own, None, f"the {own} of a {kind}")
        for key, part in value.items():
            if key == "type":
                continue
            if key == own:
                result[own] = self.own(kind, part, f"{field}.{own}" if field else own)
            elif key in ATTRIBUTE_MEMBERS:
                self.member(result, kind, key, part, f"{field}.{key}" if field else key)
            else:
                self.sub_attribute(result, key, part, f"{field}.{key}" if field else key, depth)
        return result

    def member(self, result: dict[str, Any], kind: str, key: str, part: Any, field: str) -> None:
        if key in _IGNORED:
            return
        if part == NULL and self.partial and key != "datasetId":
            result[key] = part
            return
        if key in ("observedAt", "expiresAt"):
            self.time(part, field)
        elif key == "datasetId":
            if part == "@none":
                return
            if not is_uri(part) or part == NULL:
                self.fault(field, part, URI_RULE)
        elif key == "unitCode":
            if not isinstance(part, str) or not part or len(part) > 64:
                self.fault(field, part, "a UN/CEFACT unit code, e.g. CEL")
            if kind not in ("Property", "ListProperty", "VocabProperty", ""):
                self.fault(field, part, f"no unitCode on a {kind}")
        elif key in ("objectType", "valueType"):
            names = part if isinstance(part, list) else [part]
            if not names or not all(isinstance(name, str) for name in names):
                self.fault(field, part, "a type name, or a list of them")
                return
            expanded = [self.name(name, field) for name in names]
            if key == "valueType" and kind == "LanguageProperty" and expanded != ["langString"]:
                self.fault(field, part, "langString, the type of every text of a LanguageProperty")
            part = expanded if isinstance(part, list) else expanded[0]
        elif key in _SEALED:
            if not isinstance(part, str) or ("." in field and re.split(r"[.\[]", field)[0] != PROOF):
                self.fault(field, part, f"no {key}, which is a text in {PROOF}")
            elif key == "entityTypeSealed":
                part = self.name(part, field)
        elif key in _OUTPUT:
            self.fault(field, part, f"no {key}, which only answers have")
        elif key == "lang":
            if not is_language(part):
                self.fault(field, part, "a language tag, e.g. id")
        else:
            self.fault(
                field,
                part,
                f"only {VALUE_MEMBER[kind]} as the value of a {kind}" if kind else "one value member",
            )
            return
        result[key] = part

    def sub_attribute(self, result: dict[str, Any], key: str, part: Any, field: str, depth: int) -> None:
        name = canonical_name(key, self.context)
        if name is None:
            self.fault(field[:_SHOWN], key, NAME_RULE)
        elif name in ATTRIBUTE_MEMBERS or name in result:
            self.fault(field, key, "each member once: two names here stand for the same one")
        elif type(part) is list and part and all(map(_looks_like_attribute, part)):
            result[name] = [self.instance(one, f"{field}[{n}]", depth + 1) for n, one in enumerate(part)]
        else:
            result[name] = self.instance(part, field, depth + 1)

    def own(self, kind: str, value: Any, field: str) -> Any:
        """The value of an attribute, checked by its type."""
        if value == NULL:
            if not self.partial:
                self.fault(field, value, "a value: the NGSI-LD Null stands only in patches")
            return value
        if kind == "Relationship":
            return self.object(value, field)
        if kind == "GeoProperty":
            return self.geometry(value, field)
        if kind == "LanguageProperty":
            return self.languages(value, field)
        if kind == "VocabProperty":
            return self.vocabulary(value, field)
        if kind == "JsonProperty":
            if not isinstance(value, dict | list):
                self.fault(field, value, "a JSON object or list (a single value is a Property)")
            self.depth(value, field, allow_null=True)
            return value
        if kind == "ListProperty":
            if not isinstance(value, list):
                self.fault(field, value, "a list of values")
                return value
            return self.value(value, field)
        if kind == "ListRelationship":
            return self.objects(value, field)
        if kind == "" and is_geometry(value):
            return self.geometry(value, field)
        return self.value(value, field)

    def value(self, value: Any, field: str) -> Any:
        kind = type(value)
        if kind is int or kind is bool:
            return value
        if value is None:
            self.fault(field, None, f"a value (to remove something, a patch says {NULL!r})")
            return value
        self.depth(value, field)
        return value

    def depth(self, value: Any, field: str, level: int = 0, *, allow_null: bool = False) -> None:
        """Refuse NaN, infinities, null inside a value, and what is no JSON."""
        kind = type(value)
        if kind is str:
            if value == NULL and not self.partial:
                self.fault(field, value, "a value: the NGSI-LD Null stands only in patches")
            return
        if kind is int or kind is bool:
            return
        if kind is float:
            if not -1.7976931348623157e308 <= value <= 1.7976931348623157e308:
                self.fault(field, value, "a finite number")
        elif level > MAX_VALUE_DEPTH:
            self.fault(field, None, f"a value nested at most {MAX_VALUE_DEPTH} deep")
        elif kind is list or kind is tuple:
            for index, part in enumerate(value):
                self.depth(part, f"{field}[{index}]", level + 1, allow_null=allow_null)
        elif kind is dict:
            for key, part in value.items():
                self.depth(part, f"{field}.{key}", level + 1, allow_null=allow_null)
        elif value is None:
            if not allow_null:
                self.fault(field, None, "no null inside a value (leave the member out)")
        else:
            self.fault(field, str(value), "a JSON value")

    def geometry(self, value: Any, field: str) -> Any:
        if isinstance(value, str):
            value = _from_text(value)
        if not isinstance(value, dict):
            self.fault(field, value, GEOMETRY_RULE)
            return value
        if value.get("type") == "GeometryCollection":
            self.fault(f"{field}.type", value["type"], "a single geometry (clause 4.7)")
            return value
        faults = geometry_faults(value)
        for where, found, expected in faults:
            self.fault(f"{field}.{where}" if where else field, found, expected)
        if not faults:
            reason = crossing(value)
            if reason:
                self.fault(field, reason, "a polygon that does not cross or touch itself")
        return value

    def object(self, value: Any, field: str) -> Any:
        if isinstance(value, list):
            if not value:
                self.fault(field, value, f"{URI_RULE}, or a list of them")
            for index, part in enumerate(value):
                if not is_uri(part):
                    self.fault(f"{field}[{index}]", part, URI_RULE)
        elif not is_uri(value):
            self.fault(field, value, f"{URI_RULE}, or a list of them")
        return value

    def objects(self, value: Any, field: str) -> Any:
        if not isinstance(value, list):
            self.fault(field, value, "a list of URIs")
            return value
        found = []
        for index, part in enumerate(value):
            uri = part.get("object") if isinstance(part, dict) else part
            if not is_uri(uri):
                self.fault(f"{field}[{index}]", uri, URI_RULE)
            found.append({"object": uri})
        return found

    def languages(self, value: Any, field: str) -> Any:
        if not isinstance(value, dict) or not value:
            self.fault(field, value, 'texts by language, e.g. {"id": "Hujan", "en": "Rain"}')
            return value
        for language, text in value.items():
            if not is_language(language):
                self.fault(f"{field}.{language}", language, "a language tag, e.g. id")
            if not isinstance(text, str) and not (
                isinstance(text, list) and all(isinstance(t, str) for t in text)
            ):
                self.fault(f"{field}.{language}", text, "a text, or a list of texts")
            elif text == NULL and not self.partial:
                self.fault(f"{field}.{language}", text, "a text: the NGSI-LD Null stands only in patches")
        return value

    def vocabulary(self, value: Any, field: str) -> Any:
        words = value if isinstance(value, list) else [value]
        if not words or not all(isinstance(word, str) and word for word in words):
            self.fault(field, value, "a word of the vocabulary, or a list of them")
            return value
        if not isinstance(value, list):
            return self.context.expand(value)
        return [self.context.expand(word) for word in value]


NO_ATTRIBUTES = frozenset(("id", "type", "@id", "@type", "scope", "@context", *SYSTEM))
