"""What the parameters of a query say: type, id, idPattern, attrs, q, scopeQ, geo (clause 4.10, 4.17-19)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any, NoReturn, cast

import orjson

from mahakam.ngsild.context import Context
from mahakam.ngsild.geometry import GEOMETRY_TYPES, geometry_faults
from mahakam.ngsild.lexical import is_scope, is_uri, require_name
from mahakam.ngsild.pattern import check_pattern
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.ngsild.qlanguage import parse_q
from mahakam.ngsild.selection import Geo, Georel, Scopes, Selection, Types

__all__ = ["names_of", "parse_geo", "parse_q", "parse_scopes", "parse_types", "selection_from"]

_MAX_SETS = 100
_DISTANCE = re.compile(r"(maxDistance|minDistance)==(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")
_GEORELS = ("within", "contains", "intersects", "equals", "disjoint", "overlaps")


def selection_from(params: Mapping[str, str], context: Context, *, links: int = 0) -> Selection:
    """The selection of a query's parameters (percent-decoded).

    ``links``: over how many links ``q`` may reach (the level of the join).

    ``bbox=west,south,east,north`` (degrees) is a convenience for ``georel=intersects`` with that rectangle.

    Raises Problem BadRequestData for a parameter that is not valid.
    """
    get = params.get
    ids = _list(get("id", ""))
    for id in ids:
        if not is_uri(id):
            raise bad_request("The parameter id is not valid", f"{id[:80]!r} is no URI")
    pattern = get("idPattern") or None
    if pattern is not None:
        check_pattern(pattern, "idPattern")
    types = get("type")
    q = get("q")
    if "csf" in params:
        parse_q(
            params["csf"], context
        )  # a filter of context sources: it must be one, even where there are none
    scopes = get("scopeQ")
    return Selection(
        ids=tuple(ids),
        id_pattern=pattern,
        types=None if types is None or types == "*" else parse_types(types, context),
        attrs=attributes_of(get("attrs", ""), context),
        condition=None
        if q is None
        else parse_q(q, context, expand_values=names_of(get("expandValues", ""), context), links=links),
        geo=parse_geo(params, context),
        scopes=None if scopes is None else parse_scopes(scopes),
    )


def attributes_of(text: str, context: Context) -> tuple[str, ...]:
    """The canonical names of a list of attributes; raises Problem BadRequestData for what cannot be one."""
    names = names_of(text, context)
    for name in names:
        if name in ("id", "type"):
            raise bad_request(
                "The parameter attrs is not valid", f"{name} is no attribute; pick and omit take it"
            )
    return names


def names_of(text: str, context: Context) -> tuple[str, ...]:
    """The canonical names of a list, separated by ``,`` or ``|`` (clause 4.21).

    Raises Problem BadRequestData for a name that is not legal.
    """
    if not text:
        return ()
    return tuple(require_name(name, context, "The list of names") for name in re.split("[,|]", text))


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()] if text else []


def parse_types(text: str, context: Context) -> Types:
    """An entity-type selection: ``A,B``, ``A|B``, ``(A;B),C`` (clause 4.17).

    Raises Problem BadRequestData.
    """

    def leaf(word: str) -> str:
        return require_name(word, context, "The parameter type")

    return Types(_Sets("type", text, leaf).parse())


def parse_scopes(text: str) -> Scopes:
    """A scope query: ``/a/b``, ``/a/#``, ``/a/+/c``, combined by ``, | ; ( )`` (clause 4.19).

    Raises Problem BadRequestData.
    """

    def leaf(word: str) -> str:
        path = word if word.startswith("/") else "/" + word
        plain = path[:-2] if path.endswith("/#") else path
        if plain and not is_scope(plain.replace("/+", "/a")):
            raise bad_request(
                "The parameter scopeQ is not valid", f"{word[:80]!r} is no scope, e.g. /province/#"
            )
        return path

    return Scopes(_Sets("scopeQ", text, leaf).parse())


class _Sets:
    """A formula of names in disjunctive normal form."""

    _token = re.compile(r"[^,|;()\s]+|[,|;()]")

    def __init__(self, parameter: str, text: str, leaf: Callable[[str], str]) -> None:
        self.parameter = parameter
        self.tokens = self._token.findall(text)
        self.at = 0
        self.leaf = leaf

    def parse(self) -> tuple[tuple[str, ...], ...]:
        if len(self.tokens) > 1000:
            raise Problem("TooComplexQuery", "The query is too complex", f"{self.parameter} is too long")
        sets = self.either(0)
        if self.at < len(self.tokens):
            self.fail(", | or ;")
        return tuple(dict.fromkeys(sets))

    def fail(self, expected: str) -> NoReturn:
        found = repr(self.tokens[self.at]) if self.at < len(self.tokens) else "the end"
        raise bad_request(
            f"The parameter {self.parameter} is not valid",
            f"part {self.at + 1}: expected {expected}, found {found}",
        )

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def either(self, depth: int) -> list[tuple[str, ...]]:
        sets = self.both(depth)
        while self.peek() in (",", "|"):
            self.at += 1
            sets = sets + self.both(depth)
            self.limit(len(sets))
        return sets

    def both(self, depth: int) -> list[tuple[str, ...]]:
        sets = self.one(depth)
        while self.peek() == ";":
            self.at += 1
            more = self.one(depth)
            self.limit(len(sets) * len(more))
            sets = [tuple(dict.fromkeys(left + right)) for left, right in product(sets, more)]
        return sets

    def limit(self, size: int) -> None:
        if size > _MAX_SETS:
            raise Problem(
                "TooComplexQuery",
                "The query is too complex",
                f"{self.parameter} may combine {_MAX_SETS} sets",
            )

    def one(self, depth: int) -> list[tuple[str, ...]]:
        word = self.peek()
        if word and word in "(":
            if depth > 16:
                self.limit(_MAX_SETS + 1)
            self.at += 1
            sets = self.either(depth + 1)
            if self.peek() != ")":
                self.fail(")")
            self.at += 1
            return sets
        if not word or word in ",|;)":
            self.fail("a name" if self.parameter == "type" else "a scope")
        self.at += 1
        return [(self.leaf(word),)]


def parse_geo(params: Mapping[str, str], context: Context) -> Geo | None:
    """The geo-query of ``georel``, ``geometry``, ``coordinates``, ``geoproperty``, or of ``bbox``; or None.

    Raises Problem BadRequestData.
    """
    georel = params.get("georel")
    bbox = params.get("bbox")
    name = params.get("geoproperty")
    geoproperty = require_name(name, context, "The parameter geoproperty") if name else "location"
    if georel is None:
        if bbox is not None:
            return Geo("intersects", _rectangle(bbox), geoproperty)
        if "geometry" in params or "coordinates" in params:
            raise _geo_fault("georel", "a geo-query needs georel, geometry and coordinates")
        return None
    if bbox is not None:
        raise _geo_fault("bbox", "bbox and georel exclude each other")
    geometry = _geometry(params)
    relation, *modifiers = georel.split(";")
    if relation == "near":
        return _near(modifiers, geometry, geoproperty)
    if relation not in _GEORELS:
        raise _geo_fault("georel", f"{relation[:40]!r} is none of near, {', '.join(_GEORELS)}")
    if modifiers:
        raise _geo_fault("georel", "a distance goes only with near")
    return Geo(cast(Georel, relation), geometry, geoproperty)


def _near(modifiers: Iterable[str], geometry: dict[str, Any], geoproperty: str) -> Geo:
    distances: dict[str, float] = {}
    for modifier in modifiers:
        match = _DISTANCE.fullmatch(modifier)
        if match is None or distances or not 0 < float(match[2]) < 1e9:
            raise _geo_fault(
                "georel",
                f"{modifier[:40]!r}: expected one of maxDistance==METRES, minDistance==METRES, above 0",
            )
        distances[match[1]] = float(match[2])
    if not distances:
        raise _geo_fault("georel", "near needs a distance: near;maxDistance==2000 (metres)")
    return Geo("near", geometry, geoproperty, distances.get("maxDistance"), distances.get("minDistance"))


def _geometry(params: Mapping[str, str]) -> dict[str, Any]:
    kind = params.get("geometry", "")
    if kind not in GEOMETRY_TYPES or kind == "GeometryCollection":
        kinds = ", ".join(sorted(GEOMETRY_TYPES - {"GeometryCollection"}))
        raise _geo_fault("geometry", f"{kind[:40]!r} is none of {kinds}")
    text = params.get("coordinates", "")
    try:
        coordinates = orjson.loads(text)
    except ValueError:
        raise _geo_fault("coordinates", f"{text[:80]!r} is no JSON list, e.g. [117.15,-0.5]") from None
    geometry = {"type": kind, "coordinates": coordinates}
    for where, _, expected in geometry_faults(geometry):
        raise _geo_fault(where, f"expected {expected}")
    return geometry


def _rectangle(bbox: str) -> dict[str, Any]:
    try:
        west, south, east, north = (float(part) for part in bbox.split(","))
    except ValueError:
        raise _geo_fault(
            "bbox", "expected west,south,east,north in degrees, e.g. 117.0,-0.7,117.3,-0.3"
        ) from None
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    if not (west < east and south < north) or geometry_faults(geometry):
        raise _geo_fault("bbox", "expected west < east in -180 to 180, south < north in -90 to 90")
    return geometry


def _geo_fault(parameter: str, detail: str) -> Problem:
    return bad_request("The geo-query is not valid", f"{parameter}: {detail}")
