"""Personal data in a column whose contract says nothing of its class: an error, so that it is held and shown to nobody.

A column is taken for personal if more than half of its values, and at least :data:`FEWEST`, look like NIK, telephone
numbers or number plates. A column that the contract calls public, in so many words, was looked at by somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

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


def undeclared(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> Iterator[Finding]:
    """A finding for each value that looks personal of a column that is taken for it; the value itself is not in it.

    ``table`` has ``_row`` and the contract's fields, as they were mapped.
    """
    fields = [one.name for one in contract.fields.values() if not one.declared and one.kind.logical in _TYPES]
    if not fields:
        return
    present = {name for name, *_ in connection.execute(f"DESCRIBE {_quoted(table)}").fetchall()}
    for name in (one for one in fields if one in present):
        plain = f"regexp_replace(upper(CAST({_quoted(name)} AS VARCHAR)), '[\\s.-]', '', 'g')"
        tests = ", ".join(
            f"count(*) FILTER (regexp_full_match({plain}, '{shape}'))" for shape in SHAPES.values()
        )
        # the table's and the field's own names, quoted, and shapes that are ours
        filled = f"coalesce(CAST({_quoted(name)} AS VARCHAR), '') <> ''"
        sample = f"USING SAMPLE reservoir({_LOOKED} ROWS) REPEATABLE (1)"
        looked = f"(SELECT {_quoted(name)} FROM (SELECT * FROM {_quoted(table)} WHERE {filled}) {sample})"  # noqa: S608
        some = f"SELECT count(*), {tests} FROM {looked}"  # noqa: S608
        total, *hits = connection.execute(some).fetchall()[0]
        for (kind, shape), count in zip(SHAPES.items(), hits, strict=True):
            if count >= FEWEST and count > _MOST * total:
                rows = f"SELECT _row FROM {_quoted(table)} WHERE regexp_full_match({plain}, '{shape}') ORDER BY _row"  # noqa: S608
                for (row,) in connection.execute(rows).fetchall():
                    yield Finding(int(row), name, RULE, None, _EXPECTED[kind])
                break


_TYPES = ("string", "integer", "number")
_WAYS = "classification: personal in the contract (or public, if it is none)"
_EXPECTED = {
    "nik": f"no NIK in a column that is not declared personal; {_WAYS}",
    "phone": f"no telephone number in a column that is not declared personal; {_WAYS}",
    "plate": f"no number plate in a column that is not declared personal; {_WAYS}",
}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
