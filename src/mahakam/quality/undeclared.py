"""Personal data in a column whose contract says nothing of its class: an error, so that it is held and shown to nobody.

A column is taken for personal if more than half of its values, and at least :data:`FEWEST`, look like NIK, telephone
numbers or number plates. A column that the contract calls public, in so many words, was looked at by somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mahakam.quality.contract import Contract
from mahakam.quality.finding import Finding

if TYPE_CHECKING:
    import duckdb

RULE = "personalData"
FEWEST = 3
"""Values that look so, below which it may be chance."""
_MOST = 0.5
_LOOKED = 20_000
"""Values that are looked at, drawn from all: in a large table a column is judged by these."""
_FIRST, _ENOUGH = 4_000, 1_000
"""A table's first rows, and how many values of a column among them are enough to judge it by."""
_PLATES = (
    "A|AA|AB|AD|AE|AG|B|BA|BB|BD|BE|BG|BH|BK|BL|BM|BN|BP|D|DA|DB|DC|DD|DE|DG|DH|DK|DL|DM|DN|DP|DR|DS|DT|DW|E|EA|EB|ED|"
    "F|G|H|K|KB|KH|KT|KU|L|M|N|P|PA|PB|PG|PS|PT|R|S|T|W|Z"
)
"""The letters of Indonesian regions on plates (Perpol 7/2021, annex)."""
SHAPES = {
    # Region, day of birth (women: + 40), month, year, a number that is not 0000.
    "nik": r"[1-9]\d{5}(?:0[1-9]|[12]\d|3[01]|4[1-9]|[56]\d|7[01])(?:0[1-9]|1[0-2])\d{2}"
    r"(?:\d{3}[1-9]|\d{2}[1-9]0|\d[1-9]00|[1-9]000)",
    "phone": r"(?:\+62|62|0)8\d{8,11}",
    "plate": rf"(?:{_PLATES})\d{{3,4}}[A-Z]{{1,3}}",
}


def undeclared(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    columns: Mapping[str, str] | None = None,
    *,
    head: bool = False,
) -> Iterator[Finding]:
    """A finding for each value that looks personal of a column that is taken for it; the value itself is not in it.

    ``table`` has ``_row`` and a column for each of the contract's fields: of its name, or of that which ``columns``
    gives. ``head``: a column is judged by the first of its values, without reading the others of a file for it.
    """
    suspects = suspected_fields(connection, table, contract, columns, head=head)
    yield from looking_so(connection, table, suspects, columns)


def suspected_fields(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    columns: Mapping[str, str] | None = None,
    *,
    head: bool = False,
) -> dict[str, str]:
    """Field that is taken for personal → the kind of :data:`SHAPES`; arguments as of :func:`undeclared`."""
    present = {name for name, *_ in connection.execute(f"DESCRIBE {_quoted(table)}").fetchall()}
    fields = {
        one.name: column
        for one in contract.fields.values()
        if not one.declared and one.kind.logical in _TYPES
        if (column := (columns or {}).get(one.name, one.name)) in present
    }
    taken = _in_head(connection, table, list(fields.values())) if head else {}
    found = {
        name: taken[column] if column in taken else _kind_in(connection, table, column, head)
        for name, column in fields.items()
    }
    return {name: kind for name, kind in found.items() if kind}


def looking_so(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    suspects: Mapping[str, str],
    columns: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """A finding for each value of fields that looks as their kind does; ``suspects``: of :func:`suspected_fields`."""
    for name, kind in suspects.items():
        looks = f"regexp_full_match({_plain((columns or {}).get(name, name))}, '{SHAPES[kind]}')"
        rows = f"SELECT _row FROM {_quoted(table)} WHERE {looks} ORDER BY _row"  # noqa: S608
        for (row,) in connection.execute(rows).fetchall():
            yield Finding(int(row), name, RULE, None, _EXPECTED[kind])


def _in_head(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> dict[str, str]:
    """Column → kind of personal data or "", by the first rows, read once for all columns. A column with few values in
    them is left out: the rows after them may say more."""
    if not columns:
        return {}
    tests = ", ".join(f"count(*) FILTER ({_filled(column)}), {_hits(column)}" for column in columns)
    listed = ", ".join(_quoted(column) for column in dict.fromkeys(columns))
    head = f"(SELECT {listed} FROM {_quoted(table)} LIMIT {_FIRST})"  # noqa: S608 - quoted names
    rows, *counts = connection.execute(f"SELECT count(*), {tests} FROM {head}").fetchall()[0]  # noqa: S608
    width = 1 + len(SHAPES)
    each = {column: counts[at * width : (at + 1) * width] for at, column in enumerate(columns)}
    return {
        column: _kind_by(total, hits)
        for column, (total, *hits) in each.items()
        if rows < _FIRST or total >= _ENOUGH
    }


def _kind_in(connection: duckdb.DuckDBPyConnection, table: str, column: str, head: bool) -> str:
    """The same of one column, by its first values or by some drawn from all."""
    few = f"LIMIT {_LOOKED}" if head else f"USING SAMPLE reservoir({_LOOKED} ROWS) REPEATABLE (1)"
    filled = f"(SELECT * FROM {_quoted(table)} WHERE {_filled(column)})"  # noqa: S608 - quoted names
    looked = f"(SELECT {_quoted(column)} FROM {filled} {few})"  # noqa: S608
    total, *hits = connection.execute(f"SELECT count(*), {_hits(column)} FROM {looked}").fetchall()[0]  # noqa: S608
    return _kind_by(total, hits)


def _kind_by(total: int, hits: Sequence[int]) -> str:
    return next(
        (kind for kind, count in zip(SHAPES, hits, strict=True) if count >= FEWEST and count > _MOST * total),
        "",
    )


def _plain(column: str) -> str:
    return f"regexp_replace(upper(CAST({_quoted(column)} AS VARCHAR)), '[\\s.-]', '', 'g')"


def _filled(column: str) -> str:
    return f"coalesce(CAST({_quoted(column)} AS VARCHAR), '') <> ''"


def _hits(column: str) -> str:
    """How many values have each of the shapes, the shortest of which has five characters."""
    long = f"length(CAST({_quoted(column)} AS VARCHAR)) >= 5"
    return ", ".join(
        f"count(*) FILTER (CASE WHEN {long} THEN regexp_full_match({_plain(column)}, '{shape}') ELSE false END)"
        for shape in SHAPES.values()
    )


class Watch:
    """What is written one by one, looked at for the same: an attribute is taken for personal by all that came to it.

    A NIK alone is enough, a telephone number or a plate takes three; more than half of the values must look so. It
    counts in memory: what came before the node was started is not known.
    """

    def __init__(self, contract: Contract) -> None:
        self._counts = {
            name: [0, 0]
            for name, field in contract.fields.items()
            if not field.declared and field.kind.logical in _TYPES
        }

    def findings(self, record: Mapping[str, Any]) -> list[Finding]:
        """What must not be stored of a record of JSON values."""
        found = []
        for name, counts in self._counts.items():
            value = record.get(name)
            if type(value) is int:
                counts[0] += 1
                kind = _kind_of(str(value)) if value >= _LEAST else ""
            elif isinstance(value, str):
                counts[0] += 1
                kind = _kind_of(value)
            else:
                continue
            if not kind:
                continue
            counts[1] += 1
            if counts[1] > _MOST * counts[0] and counts[1] >= (1 if kind == "nik" else FEWEST):
                found.append(Finding(0, name, RULE, None, _EXPECTED[kind]))
        return found


_LEAST = 10**10
"""The least whole number with as many digits as a telephone number, which has fewer than a NIK."""
_FEWEST_SIGNS, _MOST_SIGNS = 5, 24
_MAY_BE = re.compile(
    r"[\s.-]*(?:\+?[0-9][0-9\s.-]{9,}|[A-Z][\s.-]*(?:[A-Z][\s.-]*)?[0-9][0-9\s.-]{2,}[A-Z][A-Z\s.-]*)",
    re.IGNORECASE | re.ASCII,
).fullmatch
"""What every text of one of the shapes looks like with what stands between: most others differ in a sign or two."""
_BETWEEN = re.compile(r"[\s.-]", re.ASCII)
_MATCHES = {kind: re.compile(shape, re.ASCII).fullmatch for kind, shape in SHAPES.items()}


def _kind_of(text: str) -> str:
    """Which kind of personal data a text looks like; "" for none."""
    if not _FEWEST_SIGNS <= len(text) <= _MOST_SIGNS or _MAY_BE(text) is None:
        return ""
    plain = _BETWEEN.sub("", text.upper())
    return next((kind for kind, matches in _MATCHES.items() if matches(plain)), "")


_TYPES = ("string", "integer", "number")
_WAYS = "classification: personal in the contract (or public, if it is none)"
_EXPECTED = {
    "nik": f"no NIK in a column that is not declared personal; {_WAYS}",
    "phone": f"no telephone number in a column that is not declared personal; {_WAYS}",
    "plate": f"no number plate in a column that is not declared personal; {_WAYS}",
}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
