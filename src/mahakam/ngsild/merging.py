"""One entity from what several sources say of it: the freshest instance of each attribute (clause 4.5.5, 4.3.6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document, instances, parse_entity
from mahakam.ngsild.lexical import is_time

_TIMES = ("createdAt", "modifiedAt")


def received(payload: Any, context: Context) -> Document:
    """A document from another node's normalized answer, with the system attributes that it names.

    Raises Problem BadRequestData for what is no entity.
    """
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
