"""Payloads of the plain kind, which most are: decoded and checked in one pass, without a look at each member.

Plain is: one type, at most one scope, attributes that are a Property, a Point or a Relationship, with a unit
and a time at most. Whatever else a payload holds, a fault above all, is for :func:`parse_entity` to say: the
functions here answer None then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Annotated, Any, NamedTuple

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
_observed = attrgetter("observedAt")
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


class _Shape(NamedTuple):
    """What payloads of the same members, each of the same kind, have in common."""

    names: tuple[str, ...] | None
    """What their members are called canonically; None if that is what they are called already."""
    scoped: bool
    located: bool
    """Whether an attribute is called ``location``."""
    properties: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None
    """Picks the Properties from the values."""
    relationships: tuple[int, ...]
    """Which of the values are Relationships."""


def _draft(entity: dict[str, Any], context: Context) -> Draft | None:
    values = (*entity.values(),)
    shape = _shape((*entity,), (*map(type, values),), context)
    if shape is None:
        return None
    id, named = entity["id"], entity["type"]
    if not is_uri(id):
        return None
    name = context.names.get(named) or canonical_name(named, context)
    if name is None or name in ("id", "type"):
        return None
    head: dict[str, Any] = {"id": id, "type": name}
    names, scoped, located, properties, relationships = shape
    if scoped:
        scope = entity["scope"]
        if scope[:1] != "/" or not _is_known_scope(scope):
            return None
        head["scope"] = scope
    if properties is not None:
        for at in {*map(_observed, properties(values))}:  # mostly one
            if at is not UNSET and not _is_known_time(at):
                return None
    for index in relationships:
        if not is_uri(values[index].object):
            return None
    if names is not None:
        entity = dict(zip(names, values, strict=True))
    if name != named:
        entity["type"] = name
    if located:
        point = [*entity["location"].value.coordinates]
        head["location"] = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": point}}
    return Draft(head, _encode(entity))


def _shape(keys: tuple[str, ...], kinds: tuple[type, ...], context: Context) -> _Shape | None:
    """The shape of a payload by its members and the kind of each; None if it is not plain."""
    known = context.shapes
    try:
        return known[keys, kinds]  # type: ignore[no-any-return]
    except KeyError:
        if len(known) > _MAX_SHAPES:
            known.clear()
        shape = known[keys, kinds] = _shape_of(keys, kinds, context)
        return shape


def _shape_of(keys: tuple[str, ...], kinds: tuple[type, ...], context: Context) -> _Shape | None:
    members = dict(zip(keys, kinds, strict=True))
    if members.get("id") is not str or members.get("type") is not str:
        return None
    names: list[str] = []
    for key, kind in members.items():
        if key in ("id", "type", "scope"):
            if kind is not str:
                return None
            names.append(key)
            continue
        name = None if key in NO_ATTRIBUTES or kind is str else canonical_name(key, context)
        if name is None or name in RESERVED or name == PROOF or name in names:
            return None
        if name in GEO_NAMES and kind is not _GeoProperty:
            return None
        names.append(name)
    properties = [index for index, kind in enumerate(kinds) if kind is _Property]
    return _Shape(
        None if tuple(names) == keys else tuple(names),
        "scope" in members,
        "location" in names,
        _picker(properties) if properties else None,
        tuple(index for index, kind in enumerate(kinds) if kind is _Relationship),
    )


def _picker(indexes: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """``itemgetter``, which gives a tuple also for one."""
    return itemgetter(*indexes) if len(indexes) > 1 else itemgetter(slice(indexes[0], indexes[0] + 1))


@lru_cache(4096)
def _is_known_time(text: str) -> bool:
    return is_time(text)


@lru_cache(4096)
def _is_known_scope(text: str) -> bool:
    return is_scope(text)
