"""What a spreadsheet writes where a formula has no answer (``#REF!``): never a value, whatever the contract says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mahakam.quality.contract import Contract
from mahakam.quality.finding import Finding
from mahakam.quality.typing_sql import identifier, text_literal

if TYPE_CHECKING:
    import duckdb

RULE: Final = "formulaError"
ERRORS: Final = frozenset(
    ("#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")
)
EXPECTED: Final = "a value, or an empty cell; the formula has no answer"


def formula_errors(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """A finding for each error that stands in a field of text, where no type refuses it; none for one that the
    contract's ``missing`` reads as no value.

    ``table`` has ``_row`` and a column for each field: of its own name, or of that which ``columns`` gives.
    """
    asked = sorted(ERRORS - contract.missing)
    listed = ", ".join(map(text_literal, asked))
    present = {name for name, *_ in connection.execute(f"DESCRIBE {identifier(table)}").fetchall()}
    fields = {
        name: column
        for name, field in contract.fields.items()
        if field.kind.logical == "string" and (column := (columns or {}).get(name, name)) in present
    }
    if not asked or not fields:
        return
    where = " OR ".join(f"{identifier(column)} IN ({listed})" for column in fields.values())
    chosen = ", ".join(["_row", *map(identifier, fields.values())])
    sql = f"SELECT {chosen} FROM {identifier(table)} WHERE {where} ORDER BY _row"  # noqa: S608 - quoted
    for row, *values in connection.execute(sql).fetchall():
        for name, value in zip(fields, values, strict=True):
            yield from _finding(int(row), name, value, asked)


def _finding(row: int, field: str, value: Any, asked: list[str]) -> Iterator[Finding]:
    if value in asked:
        yield Finding(row, field, RULE, value, EXPECTED)
