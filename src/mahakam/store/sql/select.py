"""Compiles a Selection into SQL, for every dialect: the indexes narrow, an exact test decides where they cannot."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec

from mahakam.ngsild.selection import And, Compare, Condition, Geo, Scopes, Selection, Types
from mahakam.store.sql.condition import all_of, any_of, compile_condition
from mahakam.store.sql.dialect import Dialect, Test
from mahakam.store.sql.keys import Box, box_of

EARTH_RADIUS_METRES = 6_371_008.8


class Plan(msgspec.Struct, frozen=True):
    """Which rows: ``e`` is an entity's row, ``t`` its row in ``source``, the index that drives ("": none).

    ``index_where`` speaks of ``t`` alone, ``where`` of ``e``; "" is none. ``parameters``: in that order.
    ``join``: the dialect's words. ``ordered``: the source gives its rows in
    order of creation. ``place``: the first of its parameters that a place is given to for an exact
    test, where an index of places drives. If the plan is not ``exact``, its rows are candidates, for
    :func:`mahakam.ngsild.match.matches` to decide.
    """

    source: str
    index_where: str
    where: str
    parameters: tuple[Any, ...]
    join: str
    exact: bool
    ordered: bool = False
    place: int = 0

    def page(self, columns: str) -> str:
        """One page in order of creation; limit and offset follow the parameters."""
        if self.source and not self.where:
            # Skipping to the offset happens in the index, before an entity is looked up.
            return (
                f"SELECT {columns} FROM (SELECT t.entity FROM {self.source} {self._clause()}"
                " ORDER BY t.entity LIMIT ? OFFSET ?) t"
                f" {self.join} entity e ON e.n = t.entity ORDER BY t.entity"
            )
        order = "" if self.ordered else f"ORDER BY {self.order} "
        return f"SELECT {columns} FROM {self._rows()} {self._clause()} {order}LIMIT ? OFFSET ?"

    def count(self) -> str:
        """How many there are."""
        rows = self.source if self.source and not self.where else self._rows()
        return f"SELECT count(*) FROM {rows} {self._clause()}"

    def after(self, columns: str, limit: int) -> str:
        """The next rows after an entity's number, which follows the parameters."""
        clause = self._clause() + " AND" if self._clause() else "WHERE"
        order = "" if self.ordered else f"ORDER BY {self.order} "
        return f"SELECT {columns} FROM {self._rows()} {clause} {self.order} > ? {order}LIMIT {limit:d}"

    def joined(self, columns: str, table: str) -> str:
        """All rows, joined with another table (``name ON condition``)."""
        return f"SELECT {columns} FROM {self._rows()} JOIN {table} {self._clause()}"

    def elsewhere(self, drive: Drive, test: Test) -> Plan:
        """The plan of a selection that is another only by its place, which drives both in the same words."""
        begins = len(drive.parameters)
        between, after = self.parameters[begins : self.place], self.place + len(test.parameters)
        parameters = (*drive.parameters, *between, *test.parameters, *self.parameters[after:])
        return Plan(
            self.source,
            self.index_where,
            self.where,
            parameters,
            self.join,
            self.exact,
            self.ordered,
            self.place,
        )

    @property
    def order(self) -> str:
        return "t.entity" if self.source else "e.n"

    def _rows(self) -> str:
        return f"{self.source} {self.join} entity e ON e.n = t.entity" if self.source else "entity e"

    def _clause(self) -> str:
        both = " AND ".join(part for part in (self.index_where, self.where) if part)
        return f"WHERE {both}" if both else ""


class Drive(NamedTuple):
    """An index that a part of a selection can begin with, a comparison that the whole condition depends on or
    its place: a query of the entities that may fulfil it (``entity``, their number, in order; ``sure``: it
    does) and its parameters.
    """

    sql: str
    parameters: list[Any]
    part: Compare | Geo


def compile_selection(selection: Selection, dialect: Dialect, drive: Drive | None = None) -> Plan:
    """The plan of a selection; equal kinds of selection give equal SQL, so that statements are reused."""
    source, index_where = "", ""
    parameters: list[Any] = []
    tests: list[Test] = []
    left: dict[str, Any] = {}
    geo, place = selection.geo, 0
    if selection.ids:
        drive = None
    place_drives = drive is not None and drive.part is geo
    box = None if place_drives else box_around(geo)
    if box is not None:
        drive = None
    if drive is not None:
        source, parameters = f"({drive.sql}) t", drive.parameters
    if selection.types:
        if selection.ids or box is not None or drive is not None:
            tests.append(_of_types(selection.types, dialect))
        else:
            source, index_where, parameters = _type_source(selection.types)
    if selection.ids:
        tests.append(dialect.among("e.id", selection.ids))
    if selection.attrs:
        tests.append(dialect.has_any(selection.attrs))
    if selection.scopes:
        narrow = bool(selection.ids) or box is not None or place_drives
        scoped = _in_scopes(selection.scopes, dialect if narrow else None)
        if scoped is None:
            left["scopes"] = selection.scopes
        else:
            tests.append(scoped)
    if place_drives:
        place = len(parameters) + sum(len(test.parameters) for test in tests)
        test = dialect.decide(Selection(geo=geo))
        near = f"CASE WHEN t.sure THEN TRUE ELSE {test.sql} END"  # SQLite asks both sides of an OR that is a value
        tests = [_then(tests, Test(near, test.parameters, test.exact))]
    elif geo is not None:
        left["geo"] = geo
        if box is not None:
            tests.append(dialect.touches(box))
    if selection.condition is not None:
        tests.append(_condition(selection.condition, dialect, drive))
    if selection.id_pattern is not None:
        left["id_pattern"] = selection.id_pattern
    if left:
        tests.append(dialect.decide(Selection(**left)))
    return Plan(
        source,
        index_where,
        " AND ".join(test.sql for test in tests if test.sql != "TRUE"),
        (*parameters, *(one for test in tests for one in test.parameters)),
        dialect.join,
        all(test.exact for test in tests),
        drive is not None,
        place,
    )


def _condition(condition: Condition, dialect: Dialect, drive: Drive | None) -> Test:
    """The test of a condition; what the index that drives is sure of is not tested again."""
    if drive is not None and condition is drive.part:
        test = compile_condition(condition, dialect)
        return Test(f"(t.sure OR {test.sql})", test.parameters, test.exact)
    if drive is not None and isinstance(condition, And):
        return all_of([_condition(part, dialect, drive) for part in condition.parts])
    return compile_condition(condition, dialect)


def _type_source(types: Types) -> tuple[str, str, list[Any]]:
    """The type index drives: a page is a range scan of it, already in order of creation."""
    if len(types.any_of) == 1:
        first, *others = types.any_of[0]
        also = " AND EXISTS (SELECT 1 FROM entity_type o WHERE o.type = ? AND o.entity = t.entity)"
        return "entity_type t", "t.type = ?" + also * len(others), [first, *others]
    parts: list[str] = []
    parameters: list[Any] = []
    for group in types.any_of:
        parts.append(" INTERSECT ".join(["SELECT entity FROM entity_type WHERE type = ?"] * len(group)))
        parameters += group
    union = " UNION ".join(
        f"SELECT entity FROM ({part}) x" if " INTERSECT " in part else part for part in parts
    )
    return f"({union} ORDER BY 1) t", "", parameters


def _of_types(types: Types, dialect: Dialect) -> Test:
    if len(types.any_of) == 1 and len(types.any_of[0]) == 1:
        return dialect.has_type(types.any_of[0][0])
    return any_of([all_of([dialect.has_type(name) for name in group]) for group in types.any_of])


def _then(tests: list[Test], last: Test) -> Test:
    """All tests, the last where the others hold: left to itself SQLite looks into other tables after it has called a
    function, and the exact test of a place costs more than all the rest."""
    if not tests:
        return last
    first = all_of(tests)
    return Test(
        f"CASE WHEN {first.sql} THEN {last.sql} ELSE FALSE END",
        [*first.parameters, *last.parameters],
        first.exact and last.exact,
    )


def _in_scopes(scopes: Scopes, row: Dialect | None) -> Test | None:
    """None for patterns with ``+``, which no index decides. ``row``: where few rows are left, each is asked for its
    scopes; a list of all entities in a city is made once for the query, which takes as long as the city is large."""
    if any("+" in pattern for group in scopes.any_of for pattern in group):
        return None
    choices = []
    found: list[Any] = []
    for group in scopes.any_of:
        tests = []
        for pattern in group:
            own = None if row is None else row.has_scope(pattern)
            if own is not None:
                tests.append(own.sql)
                found += own.parameters
            elif pattern.endswith("/#"):
                path = pattern[:-2]
                tests.append(
                    "e.n IN (SELECT entity FROM entity_scope WHERE scope = ? OR (scope > ? AND scope < ?))"
                )
                found += [path, path + "/", path + "0"]  # "0" follows "/" in order
            else:
                tests.append("e.n IN (SELECT entity FROM entity_scope WHERE scope = ?)")
                found.append(pattern)
        choices.append(" AND ".join(tests))
    return Test("(" + " OR ".join(choices) + ")", found)


def box_around(geo: Geo | None) -> Box | None:
    """A box that everything sought touches; None if the index cannot narrow."""
    if geo is None or geo.geoproperty != "location" or geo.georel == "disjoint":
        return None
    box = box_of(geo.geometry)
    if box is None:
        return None
    if geo.georel != "near":
        return box
    return None if geo.max_distance is None else widen(box, geo.max_distance)


def widen(box: Box, metres: float) -> Box:
    """The box grown by a distance on every side; all longitudes where it reaches a pole or the date line."""
    west, east, south, north = box
    up = math.degrees(metres / EARTH_RADIUS_METRES) * 1.0001 + 1e-9
    south, north = south - up, north + up
    if south <= -90 or north >= 90:
        return (-180.0, 180.0, max(south, -90.0), min(north, 90.0))
    # The widest point of a circle lies poleward of its centre: asin(sin r / cos latitude).
    ratio = math.sin(math.radians(up)) / math.cos(math.radians(max(abs(south + up), abs(north - up))))
    side = math.degrees(math.asin(ratio)) * 1.0001 + 1e-9 if ratio < 1 else 360.0
    if west - side < -180 or east + side > 180:
        return (-180.0, 180.0, south, north)
    return (west - side, east + side, south, north)
