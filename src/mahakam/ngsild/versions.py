"""Documents for those who know an earlier version of the standard alone (clause 4.3.6.8)."""

from __future__ import annotations

from typing import Any

from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ATTRIBUTE_MEMBERS, ENTITY_MEMBERS, VALUE_MEMBER, Document

NATIVE = (1, 9)
EARLIEST = (1, 0)
_SINCE = {
    "LanguageProperty": (1, 4),
    "VocabProperty": (1, 8),
    "JsonProperty": (1, 8),
    "ListProperty": (1, 8),
    "ListRelationship": (1, 8),
}
"""Attribute type → the version that brought it."""


def for_version(document: Document, version: tuple[int, int], context: Context) -> Document:
    """The document with each attribute type that the version does not know as a Property.

    The same object if there is none.
    """
    unknown = frozenset(kind for kind, since in _SINCE.items() if version < since)
    out = document
    for name, attribute in document.items():
        if name in ENTITY_MEMBERS or not unknown:
            continue
        new = _attribute(attribute, unknown, context)
        if new is not attribute:
            if out is document:
                out = dict(document)
            out[name] = new
    return out


def _attribute(attribute: Any, unknown: frozenset[str], context: Context) -> Any:
    if isinstance(attribute, list):
        found = [_instance(one, unknown, context) for one in attribute]
        return attribute if all(map(_is, found, attribute)) else found
    return _instance(attribute, unknown, context) if isinstance(attribute, dict) else attribute


def _is(one: object, other: object) -> bool:
    return one is other


def _instance(instance: dict[str, Any], unknown: frozenset[str], context: Context) -> dict[str, Any]:
    out = instance
    kind = instance.get("type", "")
    if kind in unknown:
        own = VALUE_MEMBER[kind]
        value = instance[own]
        if own == "vocab":
            value = (
                context.compact(value) if isinstance(value, str) else [context.compact(one) for one in value]
            )
        elif own == "objectList":
            value = [one["object"] for one in value]
        rest = {key: part for key, part in instance.items() if key not in ("type", own)}
        out = {"type": "Property", "value": value, **rest}
    for key, part in instance.items():
        if key not in ATTRIBUTE_MEMBERS:
            new = _attribute(part, unknown, context)
            if new is not part:
                out = {**out, key: new}
    return out
