"""Payloads of the plain kind, which most are: decoded and checked in one pass, without a look at each member.

Plain is: one type, at most one scope, attributes that are a Property, a Point or a Relationship, with a unit
and a time at most. Whatever else a payload holds, a fault above all, is for :func:`parse_entity` to say: the
functions here answer None then.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from mahakam.ngsild.context import Context
from mahakam.ngsild.core import NULL
from mahakam.ngsild.draft import Draft
from mahakam.ngsild.entity import GEO_NAMES, NO_ATTRIBUTES, PROOF, RESERVED
from mahakam.ngsild.lexical import canonical_name, is_scope, is_time, is_uri

_Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Scalar = _Whole | float | str | bool
_Nested = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Value = _Scalar | list[_Nested] | dict[str, _Nested]


class _Property(Struct, tag_field="type", tag="Property", forbid_unknown_fields=True, gc=False):
    value: _Value
    unitCode: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    observedAt: str | UnsetType = UNSET


class _Point(Struct, tag_field="type", tag="Point", forbid_unknown_fields=True, gc=False):
    coordinates: tuple[
        Annotated[int, Meta(ge=-180, le=180)] | Annotated[float, Meta(ge=-180, le=180)],
        Annotated[int, Meta(ge=-90, le=90)] | Annotated[float, Meta(ge=-90, le=90)],
    ]


class _GeoProperty(Struct, tag_field="type", tag="GeoProperty", forbid_unknown_fields=True, gc=False):
    value: _Point


class _Relationship(Struct, tag_field="type", tag="Relationship", forbid_unknown_fields=True, gc=False):
    object: str


_Entity = dict[str, str | _Property | _GeoProperty | _Relationship]
_one = msgspec.json.Decoder(_Entity).decode
_many = msgspec.json.Decoder(list[_Entity]).decode
_encode = msgspec.json.Encoder().encode
_MAX_SHAPES = 1024
_NULL = NULL.encode()


def plain_entity(body: bytes, context: Context) -> Draft | None:
    """The draft of a payload, given as bytes without an ``@context``."""
    if not _may_be_plain(body):
        return None
    try:
        return _draft(_one(body), context)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def plain_entities(body: bytes, context: Context, limit: int) -> list[Draft] | None:
    """The drafts of a list of payloads, if there are one to ``limit`` and all of them are plain."""
    if not _may_be_plain(body):
        return None
    try:
        found = _many(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not 0 < len(found) <= limit:
        return None
    drafts: list[Draft] = []
    for entity in found:
        draft = _draft(entity, context)
        if draft is None:
            return None
        drafts.append(draft)
    return drafts


def _may_be_plain(body: bytes) -> bool:
    """Escapes could hide an NGSI-LD Null, or half a character. One byte is sought ten times as fast as two."""
    return (b"\\" not in body or b"\\u" not in body) and _NULL not in body


def _draft(entity: dict[str, Any], context: Context) -> Draft | None:
    shape = _shape(tuple(entity), context)
    if shape is None:
        return None
    names, located = shape
    id, type, scope = entity.get("id"), entity.get("type"), entity.get("scope")
    if id.__class__ is not str or type.__class__ is not str or not is_uri(id):
        return None
    name = context.names.get(type) or canonical_name(type, context)
    if name is None or name in ("id", "type"):
        return None
    head: dict[str, Any] = {"id": id, "type": name}
    if scope is not None:
        if scope.__class__ is not str or scope[:1] != "/" or not _is_known_scope(scope):
            return None
        head["scope"] = scope
    texts = 0
    known: Any = UNSET  # the attributes of an entity are mostly observed at one time
    for value in entity.values():
        kind = value.__class__
        if kind is _Property:
            at = value.observedAt
            if at is not known and at is not UNSET and at != known:
                if not _is_known_time(at):
                    return None
                known = at
        elif kind is _Relationship:
            if not is_uri(value.object):
                return None
        elif kind is str:
            texts += 1
    if texts != len(head):
        return None
    for name in located:
        if entity[name].__class__ is not _GeoProperty:
            return None
    if names is not None:
        entity = dict(zip(names, entity.values(), strict=True))
    if head["type"] != type:
        entity["type"] = head["type"]
    location = entity.get("location")
    if location is not None:
        point = [*location.value.coordinates]
        head["location"] = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": point}}
    return Draft(head, _encode(entity))


def _shape(keys: tuple[str, ...], context: Context) -> Any:
    """What the members of a payload are called: (canonical names, or None if that is what they are called
    already; those of the keys whose attribute must be geographic). None if the payload is not plain.
    """
    known = context.shapes
    try:
        return known[keys]
    except KeyError:
        if len(known) > _MAX_SHAPES:
            known.clear()
        shape = known[keys] = _shape_of(keys, context)
        return shape


def _shape_of(
    keys: tuple[str, ...], context: Context
) -> tuple[tuple[str, ...] | None, tuple[str, ...]] | None:
    names: list[str] = []
    located: list[str] = []
    for key in keys:
        if key in ("id", "type", "scope"):
            names.append(key)
            continue
        name = None if key in NO_ATTRIBUTES else canonical_name(key, context)
        if name is None or name in RESERVED or name == PROOF or name in names:
            return None
        if name in GEO_NAMES:
            located.append(key)
        names.append(name)
    return None if tuple(names) == keys else tuple(names), tuple(located)


@lru_cache(4096)
def _is_known_time(text: str) -> bool:
    return is_time(text)


@lru_cache(4096)
def _is_known_scope(text: str) -> bool:
    return is_scope(text)
