"""The rows that fail a rule across rows, as SQL over the typed values of a check; each with what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mahakam.quality.across import duration
from mahakam.quality.rule import Across
from mahakam.quality.similar import similar_rows
from mahakam.quality.spelling import MOST_VALUES, misspelt
from mahakam.quality.typing_sql import text_literal

_TIMES = 4
"""How many times more frequent the usual value must be than one that occurs several times in a group."""
_CLEAR = 0.6
"""The share of a group's rows that must agree before the others are called wrong."""


def failing(connection: Any, table: str, check: Across, column: Callable[[str], str], scratch: str) -> str:
    """SQL that selects ``_row`` and ``said`` (what would be right there) of the rows that fail.

    ``column``: field → its typed column in ``table``. ``scratch``: a name for a temporary table of ours, for what
    is worked out in Python.
    """
    value = column(check.field)
    by = [column(name) for name in check.by]
    order = column(check.order) if check.order else ""
    match check.rule:
        case "determined":
            return _determined(table, value, by, check)
        case "monotone":
            return _monotone(table, value, by, order, falling=check.setting("falling"))
        case "gap":
            return _gap(table, value, by, check.setting("most"))
        case "frozen":
            return _frozen(table, value, by, order, int(check.setting("rows")))
        case "outlier":
            return _outlier(table, value, by, check.setting("times"))
        case "total":
            return _total(table, value, by, column(check.setting("in")), check)
        case "spelling":
            return _spelling(connection, table, value, scratch)
        case _:
            near = [column(name) for name in check.setting("near")]
            found = similar_rows(connection, table, value, by, near, check)
            rows = [f"({int(row)}, {text_literal(said)})" for row, said in found.items()]
            return _listed(connection, scratch, "_row BIGINT, said VARCHAR", rows, "SELECT _row, said FROM")


def _window(by: list[str], order: str) -> str:
    partition = f"PARTITION BY {', '.join(by)} " if by else ""
    return f"({partition}ORDER BY {order})"


def _known(columns: list[str]) -> str:
    return " AND ".join(f"{name} IS NOT NULL" for name in columns)


def _determined(table: str, value: str, by: list[str], check: Across) -> str:
    keys = ", ".join(by)
    same = " AND ".join(f"t.{name} = g.{name}" for name in by)
    named = ", ".join(check.by)
    counted = f"SELECT {keys}, {value} AS v, count(*) AS n FROM {table} WHERE {_known(by)} GROUP BY ALL"
    groups = (
        f"SELECT {keys}, sum(n) FILTER (v IS NOT NULL) AS given, max(n) FILTER (v IS NOT NULL) AS top, "
        f"arg_max(v, n) FILTER (v IS NOT NULL) AS usual, string_agg(CAST(v AS VARCHAR) || ' (' || n || ')', ', ' "
        f"ORDER BY n DESC, v) FILTER (v IS NOT NULL) AS listed "
        f"FROM ({counted}) GROUP BY {keys} HAVING count(*) > 1"
    )
    clear = f"top >= 2 AND top >= {_CLEAR} * given"
    own = f"count(*) OVER (PARTITION BY {keys}, {value})"
    rows = f"SELECT _row, {keys}, {value}, {own} AS own FROM {table}"
    few = f"(own = 1 OR own * {_TIMES} <= top)" if check.setting("majority") else "true"
    wrong = f"((t.{value} <> usual AND {few}) OR (t.{value} IS NULL AND top = given))"
    unclear = "" if check.setting("majority") else f" OR (NOT ({clear}) AND given > top)"
    said = (
        f"CASE WHEN {clear} THEN usual || ', as in ' || top || ' rows with the same {named}' "
        f"ELSE 'one value for each {named}; there are ' || left(listed, 200) END"
    )
    return (
        f"SELECT t._row, {said} AS said FROM ({rows}) AS t JOIN ({groups}) AS g ON {same} "
        f"WHERE ({clear} AND {wrong}){unclear}"
    )


def _monotone(table: str, value: str, by: list[str], order: str, *, falling: bool) -> str:
    before = f"lag({value}) OVER {_window(by, f'{order}, _row')}"
    known = _known([value, order, *by])
    sign, words = (">", "at most") if falling else ("<", "at least")
    return (
        f"SELECT _row, '{words} ' || before || ', as before' AS said "
        f"FROM (SELECT _row, {value} AS v, {before} AS before FROM {table} WHERE {known}) WHERE v {sign} before"
    )


def _gap(table: str, value: str, by: list[str], most: float) -> str:
    before = f"lag({value}) OVER {_window(by, f'{value}, _row')}"
    apart = "epoch(CAST(v AS TIMESTAMP)) - epoch(CAST(before AS TIMESTAMP))"
    return (
        f"SELECT _row, 'not more than {duration(most)} after ' || before || ', the one before' AS said "
        f"FROM (SELECT _row, {value} AS v, {before} AS before FROM {table} WHERE {_known([value, *by])}) "
        f"WHERE {apart} > {most!r}"
    )


def _frozen(table: str, value: str, by: list[str], order: str, rows: int) -> str:
    known = _known([value, order, *by])
    series = _window(by, f"{order}, _row")
    alike = _window([*by, value], f"{order}, _row")
    run = f"row_number() OVER {series} - row_number() OVER {alike}"
    inner = f"SELECT _row, {value} AS v, {', '.join([*by, '']) if by else ''}{run} AS run FROM {table} WHERE {known}"
    group = ", ".join([*by, "v", "run"])
    return (
        "SELECT _row, 'a value that changes; it is the same in ' || n || ' rows on end' AS said "
        f"FROM (SELECT _row, count(*) OVER (PARTITION BY {group}) AS n FROM ({inner})) WHERE n >= {rows}"
    )


def _outlier(table: str, value: str, by: list[str], times: float) -> str:
    keys = ", ".join([*by, ""]) if by else ""
    group = f" GROUP BY {', '.join(by)}" if by else ""
    on = " AND ".join(f"t.{name} = m.{name}" for name in by) or "true"
    known = _known([value, *by])
    # The quartiles' distance stands in where more than half of the values are one and the same.
    middle = (
        f"SELECT {keys}median({value}) AS middle, mad({value}) * 1.4826 AS spread, "
        f"(quantile_cont({value}, 0.75) - quantile_cont({value}, 0.25)) * 0.7413 AS quartiles, count(*) AS n "
        f"FROM {table} WHERE {known}{group}"
    )
    spread = "greatest(spread, quartiles)"
    return (
        f"SELECT t._row, printf('%.6g', middle - {times!r} * {spread}) || ' to ' || "
        f"printf('%.6g', middle + {times!r} * {spread}) AS said FROM {table} AS t JOIN ({middle}) AS m ON {on} "
        f"WHERE {spread} > 0 AND n >= 8 AND abs(t.{value} - middle) > {times!r} * {spread}"
    )


def _total(table: str, value: str, by: list[str], label: str, check: Across) -> str:
    keys = ", ".join([*by, ""]) if by else ""
    group = f" GROUP BY {', '.join(by)}" if by else ""
    on = " AND ".join(f"t.{name} = s.{name}" for name in by) or "true"
    is_total = f"{label} = {text_literal(check.setting('is'))}"
    sums = (
        f"SELECT {keys}sum({value}) AS parts FROM {table} "
        f"WHERE {_known([*by, label])} AND NOT {is_total}{group}"
    )
    apart = f"abs(t.{value} - parts)"
    allowed = f"greatest({check.setting('within')!r}, 1e-9 * abs(parts))"
    return (
        f"SELECT t._row, printf('%.15g', CAST(parts AS DOUBLE)) || ', the sum of the other rows' AS said "
        f"FROM {table} AS t JOIN ({sums}) AS s ON {on} WHERE t.{is_total} AND {apart} > {allowed}"
    )


def _spelling(connection: Any, table: str, value: str, scratch: str) -> str:
    sql = (
        f"SELECT {value}, count(*) FROM {table} WHERE {value} IS NOT NULL GROUP BY 1 "
        f"ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}"
    )
    found = misspelt(connection.execute(sql).fetchall())
    rows = [f"({text_literal(wrong)}, {text_literal(right)})" for wrong, right in found.items()]
    select = f"SELECT t._row, s.usual AS said FROM {table} AS t JOIN"
    return _listed(
        connection, scratch, "wrong VARCHAR, usual VARCHAR", rows, select, f"ON t.{value} = s.wrong"
    )


def _listed(connection: Any, scratch: str, columns: str, rows: list[str], select: str, on: str = "") -> str:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {scratch} ({columns})")
    for first in range(0, len(rows), 1000):
        connection.execute(f"INSERT INTO {scratch} VALUES {', '.join(rows[first : first + 1000])}")
    return f"{select} {scratch} AS s {on}"
