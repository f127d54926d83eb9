"""What is odd about a column as a whole: said once, not in each of its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from mahakam.quality import dates
from mahakam.quality.nearest_model import coordinates
from mahakam.quality.profile import ColumnProfile, Profile
from mahakam.quality.typing_sql import full_match, identifier, text_literal

_FALSE_PRECISION = 9
"""Digits after the mark from which on a figure is computed, not measured."""
_GREATEST_EXACT = 2**53
"""Above it, programs that read numbers as floating point change them."""
_MOSTLY = 0.9
_POSITION = r'"coordinates"\s*:[\s\[]*(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*,\s*(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)'
"""The first position of a GeoJSON geometry."""
_ZONED = r".*(Z|[+-][0-9]{2}:?[0-9]{2})"
_INSIDE = ((" -- ", " -- "), (" | ", "|"), ("; ", ";"), (" > ", ">"))


def remarks(connection: Any, relation: str, seen: Profile) -> list[str]:
    """Sentences about columns: few or no values, whole numbers written with a decimal mark, false precision, numbers
    too long or cut short by a spreadsheet, times without a zone, lists or records inside cells, coordinates that are no
    degrees, rows out of order; and about rows that are totals of others.
    """
    found = [one for column in seen.columns for one in _of(connection, relation, column)]
    return [
        *found,
        *(one for column in seen.columns for one in dates.remarks(connection, relation, column)),
        *_absent(connection, relation, seen),
        *_projected(seen),
        *(
            one
            for column in seen.columns
            if column.kind.geometry
            for one in _places(connection, relation, column)
        ),
        *_out_of_order(connection, relation, seen),
        *seen.totals.remarks(),
    ]


def _of(connection: Any, relation: str, column: ColumnProfile) -> Iterator[str]:
    name, present = column.name, column.rows - column.missing
    if column.suspected:
        kind = column.suspected
        yield f"column {name!r} seems to hold personal data ({kind}): declare it with classification"
    if not present:
        yield f"column {name!r} is empty in every row"
        return
    text = identifier(name)
    given = f"{text} <> ''"
    asked = [
        f"count(*) FILTER ({given} AND {full_match(text, '[+-]?[0-9]+[.]0+')})",
        f"count(*) FILTER ({given} AND {full_match(text, '[+-]?[0-9]+([.]0+)?')})",
        f"median(length(regexp_extract({text}, '^[+-]?[0-9]+[.]([0-9]+)$', 1))) FILTER ({given})",
        f"count(*) FILTER ({given} AND {full_match(text, '[0-9]{16,18}')} "
        f"AND TRY_CAST({text} AS HUGEINT) > {_GREATEST_EXACT})",
        f"count(*) FILTER ({given} AND {full_match(text, _ZONED)})",
        f"count(*) FILTER ({given} AND {full_match(text, '[{][^a-zA-Z0-9]*[^{}]*:.*[}]')})",
        f"count(*) FILTER ({given} AND {full_match(text, '[0-9]{15}0[0-9]{0,3}([.]0)?')})",
        f"count(*) FILTER ({given} AND {full_match(text, '[0-9]([.,][0-9]+)?[eE][+]?[0-9]{2}')})",
        f"""count(*) FILTER ({given} AND {full_match(text, "'[0-9].*")})""",
        *(f"count(*) FILTER (contains({text}, {text_literal(sign)}))" for sign, _shown in _INSIDE),
    ]
    sql = f"SELECT {', '.join(asked)} FROM {identifier(relation)}"  # noqa: S608 - names and texts are quoted
    pointed, whole, digits, long, zoned, records, rounded, scientific, apostrophes, *lists = (
        connection.execute(sql).fetchall()[0]
    )
    if column.kind.logical in ("integer", "number") and pointed and whole == present:
        yield f"column {name!r}: whole numbers written with a decimal mark (as 2014.0), in {pointed} rows"
    elif (
        column.kind.logical == "number"
        and digits is not None
        and digits >= _FALSE_PRECISION
        and not _is_degrees(column)
    ):
        yield f"column {name!r}: {digits:g} digits after the mark, more than is ever measured: was it computed?"
    if column.kind.logical == "integer" and long:
        yield f"column {name!r}: {long} numbers above 2^53, which many programs change: keep them as text"
    if rounded and (rounded >= _MOSTLY * present or scientific):
        yield (
            f"column {name!r}: {rounded} numbers of 16 digits or more end in 0: a spreadsheet keeps 15 digits, and the "
            "others are lost: ask its owner for the column as text"
        )
    if scientific and (rounded or column.suspected == "nik" or scientific < present):
        yield (
            f"column {name!r}: {scientific} numbers written as 6.47E+15: the spreadsheet shows no more of their "
            "digits, and they are lost: ask its owner for the column as text"
        )
    if apostrophes:
        yield f"column {name!r}: an apostrophe before the value, in {apostrophes} rows: the spreadsheet's mark for text"
    if column.kind.logical == "timestamp" and zoned < (1 - _MOSTLY) * present:
        yield f"column {name!r}: times without a zone; they are read as the place's own time"
    if column.kind.logical == "string" and records >= _MOSTLY * present:
        yield f"column {name!r}: records in braces inside the cells, which are no JSON"
    if column.kind.logical == "string" and present >= 5:
        for number, (_sign, shown) in zip(lists, _INSIDE, strict=True):
            if number >= 0.5 * present:
                yield f"column {name!r}: lists inside the cells, parted by {shown!r}, in {number} rows"
                break


def _absent(connection: Any, relation: str, seen: Profile) -> Iterator[str]:
    """Columns with many blanks; those that begin late in a series (a line that opened, a sensor that was put up)."""
    order = next(
        (c for c in seen.columns if c.kind.logical == "date" and c.unique and not c.kind.format), None
    )
    for column in seen.columns:
        if not column.blank or column.missing == column.rows or column.rows < 20:
            continue
        if order is not None:
            text, at = identifier(column.name), identifier(order.name)
            sql = (
                f"SELECT begun, count(*) FILTER (moment < begun AND said = ''), count(*) FILTER (said = '') "  # noqa: S608
                f"FROM (SELECT {at} AS moment, coalesce({text}, '') AS said, "
                f"min({at}) FILTER ({text} <> '') OVER () AS begun "
                f"FROM {identifier(relation)}) GROUP BY 1"
            )
            first, before, blank = connection.execute(sql).fetchall()[0]
            if before >= _MOSTLY * blank and before >= 5:
                yield f"column {column.name!r}: no value before {first} ({before} rows)"
                continue
        if column.blank > 0.05 * column.rows:
            yield f"column {column.name!r}: no value in {column.blank} of {column.rows} rows"


def _is_degrees(column: ColumnProfile) -> bool:
    return (
        bool(re.search(r"(?i)^(lat|lon|lng|lintang|bujur|x|y)", column.name))
        and column.low is not None
        and (-180 <= column.low <= column.high <= 180)
    )


def _projected(seen: Profile) -> Iterator[str]:
    numbers = [c for c in seen.columns if c.kind.logical in ("integer", "number") and c.low is not None]
    pairs: Sequence[tuple[ColumnProfile, ColumnProfile]] = [
        (x, y)
        for x in numbers
        for y in numbers
        if re.search(r"(?i)(^|[_ .-])x($|[_ .-])|easting", x.name)
        and y.name.lower() == re.sub(r"x", "y", x.name.lower(), count=1).replace("easting", "northing")
    ]
    named = coordinates([c.name for c in numbers])
    if named and not pairs:
        by_name = {c.name: c for c in numbers}
        pairs = [(by_name[named[0]], by_name[named[1]])]
    for x, y in pairs:
        if max(abs(x.low), abs(x.high)) > 180 or max(abs(y.low), abs(y.high)) > 90:
            names = f"columns {x.name!r} and {y.name!r}"
            yield f"{names} are no degrees but projected coordinates: say which with crs, as EPSG:3414"


def _places(connection: Any, relation: str, column: ColumnProfile) -> Iterator[str]:
    """Geometries with latitude before longitude, or in the metres of a projection, by their first position."""
    at = [
        f"TRY_CAST(regexp_extract({identifier(column.name)}, '{_POSITION}', {n}) AS DOUBLE)" for n in (1, 2)
    ]
    asked = "count(*) FILTER (abs(x) <= 90 AND abs(y) BETWEEN 90.0000001 AND 180), "
    asked += "count(*) FILTER (abs(x) > 180 OR abs(y) > 180), count(x)"
    sql = f"SELECT {asked} FROM (SELECT {at[0]} AS x, {at[1]} AS y FROM {identifier(relation)})"  # noqa: S608 - quoted
    swapped, far, every = connection.execute(sql).fetchall()[0]
    if swapped:
        yield (
            f"column {column.name!r}: latitude stands before longitude in {swapped} of {every} geometries, but GeoJSON "
            "has [longitude, latitude]: have the file written again"
        )
    if far:
        yield (
            f"column {column.name!r}: {far} of {every} geometries are in no degrees but in projected coordinates: "
            "say which with crs, as EPSG:32750"
        )


def _out_of_order(connection: Any, relation: str, seen: Profile) -> Iterator[str]:
    """Dates that mostly rise from row to row, and fall in some: stacked tables, or rows that were moved."""
    for column in seen.columns:
        if (
            column.kind.logical != "date"
            or not column.complete
            or column.distinct < 0.5 * seen.rows
            or seen.rows < 20
        ):
            continue
        text = identifier(column.name)
        # ISO dates sort as text; others are left alone
        if column.kind.format:
            continue
        sql = (
            f"SELECT count(*) FILTER (t < before) FROM (SELECT {text} AS t, lag({text}) OVER (ORDER BY _row) AS before "  # noqa: S608 - quoted
            f"FROM {identifier(relation)})"
        )
        falls = connection.execute(sql).fetchall()[0][0]
        if 0 < falls <= 0.35 * seen.rows:
            yield f"column {column.name!r}: rows are not in its order ({falls} falls back): were tables stacked?"
