"""What stands inside a list or an object: members and items with a type of their own, as ODCS nests properties."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.quality.lexical import INVALID, Kind, json_reader


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value of JSON must be. ``kind``: None for anything; ``required`` and ``members``: of an object;
    ``items``: of a list; ``unique``: none of its items twice."""

    kind: Kind | None = None
    required: tuple[str, ...] = ()
    members: tuple[tuple[str, Shape], ...] = ()
    items: Shape | None = None
    unique: bool = False

    @property
    def asks(self) -> bool:
        """Whether it asks for more than the type."""
        return bool(self.required or self.members or self.items or self.unique)


def follows(value: Any, shape: Shape) -> bool:
    """Whether a value of JSON is of the shape."""
    return next(_faults(value, shape, True), False) is False


def _faults(value: Any, shape: Shape, top: bool) -> Iterator[bool]:
    if not top and shape.kind is not None and json_reader(shape.kind)(value) is INVALID:
        yield True
        return
    if isinstance(value, dict):
        if any(value.get(name) is None for name in shape.required):
            yield True
        for name, inner in shape.members:
            if value.get(name) is not None:
                yield from _faults(value[name], inner, False)
    elif isinstance(value, list):
        if shape.unique and len({_key(item) for item in value}) < len(value):
            yield True
        if shape.items is not None:
            for item in value:
                yield from _faults(item, shape.items, False)


def _key(item: Any) -> str:
    """Equal for values that JSON takes for equal: 1 and 1.0, members in any order."""
    return json.dumps(_plain(item), sort_keys=True)


def _plain(item: Any) -> Any:
    if isinstance(item, float) and item.is_integer():
        return int(item)
    if isinstance(item, list):
        return [_plain(one) for one in item]
    return {name: _plain(one) for name, one in item.items()} if isinstance(item, dict) else item


def said(shape: Shape, logical: str) -> str:
    """What would be right, in words."""
    parts = []
    if shape.required:
        parts.append(f"with {', '.join(shape.required)}")
    typed = [f"{name}: {inner.kind.logical}" for name, inner in shape.members if inner.kind is not None]
    if typed:
        parts.append(f"with the types {', '.join(typed)}")
    if shape.items is not None and shape.items.kind is not None:
        parts.append(f"whose items are {shape.items.kind.logical}s")
    if shape.unique:
        parts.append("without an item twice")
    return f"a JSON {'list' if logical == 'array' else 'object'} {' and '.join(parts)}"


def nested(prop: Mapping[str, Any], kind_of: Any, where: str) -> Shape:
    """The shape of an ODCS property by its ``properties``, ``items`` and options; ``kind_of`` reads the type of one at
    its path, and raises ContractError."""
    options = prop.get("logicalTypeOptions") or {}
    inner = prop.get("properties") or []
    members = tuple(
        (str(one["name"]), _inner(one, kind_of, f"{where}.properties[{n}]")) for n, one in enumerate(inner)
    )
    listed = options.get("required") or []
    required = [*map(str, listed), *(str(one["name"]) for one in inner if one.get("required"))]
    items = prop.get("items")
    return Shape(
        required=tuple(dict.fromkeys(required)),
        members=members,
        items=_inner(items, kind_of, f"{where}.items") if items else None,
        unique=options.get("uniqueItems") is True,
    )


def _inner(prop: Mapping[str, Any], kind_of: Any, where: str) -> Shape:
    kind: Kind | None = kind_of(prop, where) if prop.get("logicalType") else None
    made = nested(prop, kind_of, where)
    return Shape(kind, made.required, made.members, made.items, made.unique)


__all__ = ["Shape", "follows", "nested", "said"]
