"""What a query selects: the parsed form of type, id, idPattern, attrs, q, geoQ and scopeQ (clause 4.9-19)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Comparison = Literal["==", "!=", ">", ">=", "<", "<=", "~=", "!~="]
Georel = Literal["near", "within", "contains", "intersects", "equals", "disjoint", "overlaps"]


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute path of the query language, ``a.b[c.d]``; names are canonical (``ngsild.context``)."""

    attribute: str
    sub: tuple[str, ...] = ()
    """Sub-attribute names after dots: of the attribute (``observedAt`` and the like included)."""
    trail: tuple[str, ...] = ()
    """Keys inside a compound value, from the square brackets."""


@dataclass(frozen=True, slots=True)
class Exists:
    path: Path


@dataclass(frozen=True, slots=True)
class Compare:
    """``values``: one value, or several for ``a==1,2`` (any of them), or ``(low, high)`` if ``range``.

    A value is str, int, float or bool, and matches only its like. Times are text (``2026-01-31T08:00:00Z``);
    two of them compare as times once their final ``Z`` is cut off. Patterns are searched for, anywhere.
    ``mahakam.ngsild.match`` says in code what each operator means: for ``!=`` and ``!~=`` the target
    must exist and no instance or list element may be equal.
    """

    path: Path
    operator: Comparison
    values: tuple[Any, ...]
    range: bool = False


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


@dataclass(frozen=True, slots=True)
class Linked:
    """An attribute links to an entity (of a type, if one is named) that fulfils a condition.

    A store does not know it: the broker asks for those entities first (``broker.linked``).
    """

    attribute: str
    type: str
    condition: Condition


Condition = Exists | Compare | And | Or | Not | Linked


@dataclass(frozen=True, slots=True)
class Types:
    """Entity-type selection (clause 4.17): any of ``any_of``, each a set of types it must have together."""

    any_of: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Geo:
    """A geo-query (clause 4.10). ``geometry`` is GeoJSON (EPSG:4326); distances in metres, only for near."""

    georel: Georel
    geometry: dict[str, Any]
    geoproperty: str = "location"
    max_distance: float | None = None
    min_distance: float | None = None

    def __hash__(self) -> int:
        return hash(
            (self.georel, repr(self.geometry), self.geoproperty, self.max_distance, self.min_distance)
        )


@dataclass(frozen=True, slots=True)
class Scopes:
    """Scope query (clause 4.19): any of ``any_of``, each a tuple of patterns that must all match.

    A pattern is a scope path that may end in ``/#`` (it and all below) or hold ``+`` for one level.
    """

    any_of: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything that narrows a query. An empty selection selects every entity."""

    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: Types | None = None
    attrs: tuple[str, ...] = ()
    condition: Condition | None = None
    geo: Geo | None = None
    scopes: Scopes | None = None
