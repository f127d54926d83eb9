"""The values of an entity as index keys: what the query language compares, in an order that bytes have.

A key begins with its kind. ``""``: the path leads somewhere; ``-``: the attribute is there, but the path
leads nowhere; ``b0``, ``b1``: a truth value; ``n`` and eight bytes: a number; ``r`` and a text: what a
Relationship points at; ``t`` and a text. Texts are cut at TEXT_BYTES; UTF-8 orders them as Python does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from mahakam.ngsild.entity import ENTITY_MEMBERS, VALUE_MEMBER, instances
from mahakam.ngsild.match import targets
from mahakam.ngsild.selection import Path
from mahakam.store.sql.paths import KEY, SUB, text_of

TEXT_BYTES = 200
_NAME_LENGTH = 300
_ALL, _SIGN = 2**64 - 1, 2**63
_GEOJSON = frozenset(("type", "coordinates", "geometries", "*"))
"""Keys of a value that get no rows: of geometries nobody asks so, and ``*`` stands for every language."""
_PLAIN = frozenset((*VALUE_MEMBER.values(), "type", "datasetId", "unitCode", "createdAt", "modifiedAt"))
"""Members of an instance that get no index rows of their own; queries about them are decided in memory."""

Row = tuple[str, bytes]
"""Name of the path, key."""


def name_of(path: Path) -> str:
    """The path as one text; a long one is cut and told from others by its hash, as an index row has limits."""
    name = text_of(path).replace("\x00", "\x1d")
    if len(name) > _NAME_LENGTH:
        name = name[:_NAME_LENGTH] + sha256(name.encode()).hexdigest()
    return name


def is_indexed(path: Path) -> bool:
    """Whether all that a path can lead to has rows."""
    if path.attribute in ENTITY_MEMBERS or (path.sub and path.trail):
        return False
    if path.sub:
        return len(path.sub) == 1 and path.sub[0] not in _PLAIN
    return len(path.trail) <= 1 and _GEOJSON.isdisjoint(path.trail)


def rows_of(document: dict[str, Any]) -> set[Row]:
    """All index rows of a document."""
    found: set[Row] = set()
    for name, attribute in document.items():
        if name in ENTITY_MEMBERS:
            continue
        for path in _paths(name, attribute):
            label = name_of(path)
            plain = list(targets(document, path, related=False))
            every = list(targets(document, path))
            if every:
                found.add((label, b""))
            elif not path.sub and not path.trail:
                found.add((label, b"-"))
            _add(found, label, plain, b"t")
            if len(every) > len(plain):
                _add(found, label, every, b"r")
    return found


def key_of(value: Any, text: bytes = b"t") -> bytes | None:
    """The key of one value; None for one that equals nothing (an object, null). ``text``: the kind of a text."""
    if isinstance(value, str):
        return text + value.encode()[:TEXT_BYTES]
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int | float):
        return b"n" + _ordered(value)
    return None


def _ordered(number: float) -> bytes:
    """A number as eight bytes that order as numbers do."""
    try:
        (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    except OverflowError:
        return b"\xff" * 8 if number > 0 else b"\x00" * 8
    return int(bits ^ (_ALL if bits & _SIGN else _SIGN)).to_bytes(8, "big")


def _add(found: set[Row], label: str, values: list[Any], text: bytes) -> None:
    for value in values:
        for one in value if isinstance(value, list) else (value,):
            key = key_of(one, text)
            if key is not None:
                found.add((label, key))


def _paths(name: str, attribute: Any) -> Iterator[Path]:
    """Every path below an attribute that is indexed: itself, its sub-attributes, the keys of its value."""
    yield Path(name)
    seen: set[tuple[str, str]] = set()
    for instance in instances(attribute):
        for member, value in instance.items():
            if member not in _PLAIN:
                seen.add((SUB, member))
            elif isinstance(value, dict):
                seen.update((KEY, key) for key in value if key not in _GEOJSON)
    for kind, below in seen:
        yield Path(name, sub=(below,)) if kind == SUB else Path(name, trail=(below,))
