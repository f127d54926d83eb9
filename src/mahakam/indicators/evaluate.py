"""Formula over rows: one figure a period, computed by DuckDB shut off from files and network."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError
from mahakam.indicators.definition import Definition
from mahakam.indicators.period import Period, span

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Figure:
    """What the rows of one period give. ``value`` None: the formula gives none.

    ``covered``: the distinct days or months with a row, or the rows, whichever ``expected`` asks for.
    ``runs``: feed run → its rows. ``first`` and ``last``: the days (ISO) of the earliest and latest row.
    """

    period: Period
    value: float | None
    terms: tuple[tuple[str, float | None], ...]
    inputs: int
    counted: int
    covered: int
    flagged: int
    runs: dict[int, int]
    first: str
    last: str


@contextmanager
def sealed(*files: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an in-memory database that can read the given files and nothing else.

    Without files it is one of the process's own database, in which what is registered is seen by its connection alone:
    a database of its own took fifteen of the twenty milliseconds that a figure of few rows costs.
    """
    connection = _opened(files) if files else _shared(os.getpid()).cursor()
    try:
        yield connection
    finally:
        connection.close()


def _opened(files: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false", "threads": "2"})
    connection.execute("SET enable_progress_bar = false")  # it goes to standard output, among the data
    if files:
        connection.execute("SET allowed_paths = ?", [[str(file) for file in files]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


@lru_cache(maxsize=1)
def _shared(_process: int) -> duckdb.DuckDBPyConnection:
    """One a process: threads of DuckDB do not live on in a fork."""
    return _opened(())


def figures(definition: Definition, table: pa.Table) -> list[Figure]:
    """One figure a period, in order; periods without a row between the first and the last have a figure
    with none.

    Raises ConfigError if the expressions cannot be computed over these rows, e.g. a sum over words.
    """
    with sealed() as connection:
        connection.register("inputs", table)
        return figures_in(definition, connection)


def figures_in(definition: Definition, connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    """The same over a view ``inputs`` (columns of ``inputs.ROOM`` and ``c0`` …) of a connection."""
    compiled = definition.compiled
    terms = "".join(f", {term.sql}" for term in compiled.terms)
    covered = {
        "days": "count(DISTINCT _day) FILTER (WHERE _day NOT LIKE '%-00')",
        "months": "count(DISTINCT _day[:7]) FILTER (WHERE _day[:7] NOT LIKE '%-00')",
    }.get(str(definition.expected), "count(*)")
    belonging = f"FROM inputs WHERE _period IS NOT NULL AND ({compiled.where})"
    rows = _query(
        connection,
        definition,
        f"SELECT _period, {compiled.value}, count(*), count(*) FILTER (WHERE {compiled.counted}), {covered},"
        f" count(*) FILTER (WHERE _flagged), min(_day), max(_day){terms} {belonging} GROUP BY _period",
    )
    runs: dict[str, dict[int, int]] = {}
    for period, run, count in _query(
        connection,
        definition,
        f"SELECT _period, _run, count(*) {belonging} AND _run > 0 GROUP BY ALL ORDER BY ALL",
    ):
        runs.setdefault(period, {})[run] = count
    found = {Period.parse(row[0]): row for row in rows}
    return [
        _figure(definition, period, found.get(period), runs.get(period.label, {})) for period in span(found)
    ]


def members(definition: Definition, table: pa.Table, period: Period) -> list[tuple[str, bool]]:
    """The ids of the rows that belong to a period, in their order, each with whether it is counted."""
    compiled = definition.compiled
    with sealed() as connection:
        connection.register("inputs", table)
        rows = _query(
            connection,
            definition,
            f"SELECT _id, coalesce({compiled.counted}, FALSE) FROM inputs"  # noqa: S608 - of a checked tree
            f" WHERE _period = ? AND ({compiled.where})",
            [period.label],
        )
    return [(id, bool(counted)) for id, counted in rows]


def _figure(
    definition: Definition, period: Period, row: tuple[Any, ...] | None, runs: dict[int, int]
) -> Figure:
    if row is None:
        return Figure(period, None, (), 0, 0, 0, 0, {}, "", "")
    _, value, inputs, counted, covered, flagged, first, last, *terms = row
    texts = (term.text for term in definition.compiled.terms)
    return Figure(
        period,
        _number(definition, value),
        tuple((text, _term(term)) for text, term in zip(texts, terms, strict=True)),
        inputs,
        counted,
        covered,
        flagged,
        runs,
        _day(first),
        _day(last),
    )


def _query(
    connection: duckdb.DuckDBPyConnection, definition: Definition, sql: str, parameters: Sequence[str] = ()
) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        return connection.execute(sql, parameters).fetchall()
    except duckdb.Error as error:
        words = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        for name, column in definition.compiled.columns.items():
            words = words.replace(f'"{column}"', name)
        raise ConfigError(definition.path, f"formula cannot be computed: {words}") from error


def _number(definition: Definition, value: Any) -> float | None:
    """A finite number, whole ones as int so that 26 stays 26."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ConfigError(definition.path, f"formula: gives {value!r}; a number is needed")
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, int) else _settled(value)


def _term(value: Any) -> float | None:
    if isinstance(value, bool | int | float | Decimal):
        number = _settled(float(value))
        return int(number) if number is not None and number.is_integer() else number
    return None


def _settled(number: float) -> float | None:
    """To twelve digits, so that the order in which rows were added up does not show; None for no number."""
    return float(f"{number:.12g}") if math.isfinite(number) else None


def _day(value: str | None) -> str:
    """ISO date without the parts that the rows do not say: ``2015-00-00`` is ``2015``."""
    return value.replace("-00", "") if value else ""
