"""One entity from what several sources say of it: the freshest instance of each attribute (clause 4.5.5, 4.3.6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import (
    DEFINED,
    ENTITY_MEMBERS,
    RESERVED,
    Document,
    instances,
    is_known_time,
    is_plain_property,
    parse_entity,
)
from mahakam.ngsild.geometry import geometry_faults
from mahakam.ngsild.lexical import canonical_name, is_scope, is_time, is_uri

_TIMES = ("createdAt", "modifiedAt")
_POINT = frozenset(("type", "value", *_TIMES))


def received(payload: Any, context: Context) -> Document:
    """A document from another node's normalized answer, with the system attributes that it names.

    Raises Problem BadRequestData for what is no entity.
    """
    quick = _plain(payload, context)
    if quick is not None:
        return quick
    document = parse_entity(payload, context, "")
    _take_times(document, payload)
    for name, value in payload.items():
        canonical = context.expand(name)
        if canonical in ENTITY_MEMBERS or canonical not in document:
            continue
        stored = instances(document[canonical])
        raw = value if isinstance(value, list) else [value]
        for one, source in zip(stored, raw, strict=False):
            _take_times(one, source)
    return document


def _plain(payload: Any, context: Context) -> Document | None:
    """The document, if all of it is as it stands already; None if it is to be looked at more closely. Most of what
    nodes answer is so, and a hub that parsed it would do so for five nodes at once.
    """
    if type(payload) is not dict:
        return None
    type_, id = payload.get("type"), payload.get("id")
    if type(type_) is not str or type(id) is not str or not is_uri(id):
        return None
    names, document = context.names, dict[str, Any]()
    for key, value in payload.items():
        if key in ENTITY_MEMBERS:
            if key in _TIMES:
                if type(value) is not str or not is_known_time(value):
                    return None
            elif key == "type":
                value = names.get(value) or canonical_name(value, context)
                if value is None or value in ("id", "type"):
                    return None
            elif key == "scope":
                if type(value) is not str or not is_scope(value) or not value.startswith("/"):
                    return None
            elif key != "id":
                return None
            document[key] = value
            continue
        name = names.get(key) or canonical_name(key, context)
        if name is None or name in document or name in RESERVED or name in DEFINED:
            if name != "location" or name in document or not _is_point(value):
                return None
        elif type(value) is not dict or not is_plain_property(value, _TIMES):
            return None
        document[name] = value
    return document


def _is_point(value: Any) -> bool:
    """Whether an attribute is a GeoProperty with a point, and nothing else but when it was written."""
    if type(value) is not dict or value.get("type") != "GeoProperty" or not _POINT.issuperset(value):
        return False
    own = value.get("value")
    if type(own) is not dict or own.get("type") != "Point" or len(own) != 2:
        return False
    return not geometry_faults(own) and all(
        type(value[name]) is str and is_known_time(value[name]) for name in _TIMES if name in value
    )


def _take_times(into: dict[str, Any], source: Any) -> None:
    for name in _TIMES:
        into.pop(name, None)
        if isinstance(source, dict) and is_time(source.get(name)):
            into[name] = source[name]


def limited(document: Document, attributes: Collection[str]) -> Document:
    """The document with these attributes only; all of them if none is named."""
    if not attributes:
        return document
    return {name: value for name, value in document.items() if name in ENTITY_MEMBERS or name in attributes}


def without(document: Document, attributes: Collection[str]) -> Document:
    """The document without these attributes; without any if none is named."""
    return {
        name: value
        for name, value in document.items()
        if name in ENTITY_MEMBERS or (attributes and name not in attributes)
    }


def combined(documents: Iterable[Document], fillers: Iterable[Document] = ()) -> Document | None:
    """The documents of one entity as one; ``fillers`` (auxiliary) give only attributes that all others lack.

    None if there is no document at all.
    """
    result: Document | None = None
    for document in documents:
        result = document if result is None else _joined(result, document, fill=False)
    extra: Document | None = None
    for document in fillers:
        extra = document if extra is None else _joined(extra, document, fill=False)
    if extra is None or result is None:
        return result or extra
    return _joined(result, extra, fill=True)


def _joined(one: Document, other: Document, *, fill: bool) -> Document:
    result = dict(one)
    for name in ("type", "scope"):
        if not fill and name in other:
            result[name] = _union(result.get(name), other[name])
    if "createdAt" in other:
        result["createdAt"] = min(
            result.get("createdAt", other["createdAt"]), other["createdAt"], key=_comparable
        )
    if "modifiedAt" in other:
        result["modifiedAt"] = max(result.get("modifiedAt", ""), other["modifiedAt"], key=_comparable)
    for name, value in other.items():
        if name in ENTITY_MEMBERS:
            continue
        if name not in result:
            result[name] = value
        elif not fill:
            chosen = _freshest([*instances(result[name]), *instances(value)])
            result[name] = chosen[0] if len(chosen) == 1 else chosen
    return result


def _union(one: Any, other: Any) -> Any:
    if one is None or one == other:
        return other
    both = [*(one if isinstance(one, list) else [one]), *(other if isinstance(other, list) else [other])]
    names = list(dict.fromkeys(both))
    return names[0] if len(names) == 1 else names


def _freshest(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the instances with one datasetId the freshest; of equals the first."""
    best: dict[str | None, dict[str, Any]] = {}
    for instance in found:
        key = instance.get("datasetId")
        if key not in best or _fresher(instance, best[key]):
            best[key] = instance
    return list(best.values())


def _fresher(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """By observedAt; by modifiedAt if one has not been observed, or both at the same time."""
    if "observedAt" in new and "observedAt" in old and new["observedAt"] != old["observedAt"]:
        return _comparable(new["observedAt"]) > _comparable(old["observedAt"])
    if "modifiedAt" in new and "modifiedAt" in old:
        return _comparable(new["modifiedAt"]) > _comparable(old["modifiedAt"])
    return "observedAt" in new and "observedAt" not in old


def _comparable(time: str) -> str:
    """ISO 8601 UTC times order as their texts without the final Z."""
    return str(time).removesuffix("Z").replace(",", ".")
