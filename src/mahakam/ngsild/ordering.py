"""In which order entities come: ``orderBy``, ``orderFrom``, ``collation`` (clause 4.23)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.geometry import GEOMETRY_TYPES, geometry_faults, is_geometry
from mahakam.ngsild.match import metres_between, targets
from mahakam.ngsild.problem import bad_request
from mahakam.ngsild.qlanguage import parse_path
from mahakam.ngsild.selection import Path

MAX_KEYS = 10
_DIRECTIONS = ("asc", "desc", "dist-asc", "dist-desc")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an order: a path, whether it descends, whether the distance counts."""

    path: Path
    descending: bool = False
    distance: bool = False


@dataclass(frozen=True, slots=True)
class Ordering:
    """``start``: the GeoJSON geometry that distances are measured from; ``collation``: a language tag or ""."""

    keys: tuple[Key, ...]
    start: dict[str, Any] | None = None
    collation: str = ""

    def key(self) -> Callable[[Document], tuple[Any, ...]]:
        """A function by whose values documents are sorted; what has no value comes last."""

        def value(document: Document) -> tuple[Any, ...]:
            return tuple(self._one(document, key) for key in self.keys)

        return value

    def _one(self, document: Document, key: Key) -> tuple[bool, Any]:
        found = next(targets(document, key.path), None)
        if key.distance:
            assert self.start is not None
            geometry = found if isinstance(found, dict) and is_geometry(found) else None
            found = None if geometry is None else metres_between(geometry, self.start)
        if found is None:
            return True, 0
        ranked = _ranked(found, self.collation)
        return False, _Down(ranked) if key.descending else ranked


class _Down:
    """A value that comes before smaller ones."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]


def _ranked(value: Any, collation: str) -> tuple[int, Any]:
    """Numbers before texts, objects, lists, booleans (clause 4.23.2)."""
    if isinstance(value, bool):
        return 4, value
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, str):
        return 1, collated(value) if collation else value
    return (3 if isinstance(value, list) else 2), orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def collated(text: str) -> tuple[str, str, str]:
    """By base letters, then accents, then case: as the root collation has it for alphabets."""
    letters = unicodedata.normalize("NFD", text)
    base = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return base.casefold(), letters.casefold(), letters.swapcase()


def parse_ordering(
    order_by: str, order_from: str, geometry: str, collation: str, context: Context
) -> Ordering | None:
    """The ordering of the parameters; None if there is none. ``geometry``: "" is a Point.

    Raises Problem BadRequestData.
    """
    if collation and _LANGUAGE_TAG.fullmatch(collation) is None:
        raise _fault("collation", f"{collation[:80]!r} is no language tag (BCP 47), e.g. und, id")
    start = _start(order_from, geometry or "Point") if order_from else None
    if not order_by:
        return None
    keys = tuple(_key(part, context) for part in _parts(order_by))
    if len(keys) > MAX_KEYS:
        raise _fault("orderBy", f"at most {MAX_KEYS} keys")
    if start is None and any(key.distance for key in keys):
        raise _fault("orderFrom", "an order by distance needs coordinates, e.g. orderFrom=[117.15,-0.5]")
    return Ordering(keys, start, collation)


def _parts(order_by: str) -> list[str]:
    return [part.strip() for part in order_by.split(",")]


def _key(text: str, context: Context) -> Key:
    name, _, direction = text.partition(";")
    if direction and direction not in _DIRECTIONS:
        raise _fault("orderBy", f"{direction[:40]!r} is none of {', '.join(_DIRECTIONS)}")
    path = parse_path(name, context)
    return Key(path, direction.endswith("desc"), direction.startswith("dist"))


def _start(text: str, kind: str) -> dict[str, Any]:
    if kind not in GEOMETRY_TYPES:
        raise _fault("geometry", f"{kind[:40]!r} is none of {', '.join(sorted(GEOMETRY_TYPES))}")
    try:
        start = {"type": kind, "coordinates": orjson.loads(text)}
    except ValueError:
        raise _fault("orderFrom", f"{text[:80]!r} is no JSON list, e.g. [117.15,-0.5]") from None
    for where, _, expected in geometry_faults(start):
        raise _fault("orderFrom", f"{where}: expected {expected}")
    return start


def _fault(parameter: str, detail: str) -> Exception:
    return bad_request("The order is not valid", f"{parameter}: {detail}")
