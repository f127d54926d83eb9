"""Rules on the file as a whole that ask for more than a count: how fresh it is, how it differs from the last one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from mahakam.quality.finding import Finding
from mahakam.quality.references import References
from mahakam.quality.rule import OfFile, Query, Rule
from mahakam.quality.typing_sql import identifier


def of_file(
    connection: Any,
    table: str,
    rules: Iterable[Rule],
    fields: Sequence[str],
    references: References,
    rows: int,
    columns: Sequence[str],
) -> Iterator[Finding]:
    """The findings, in row 0, of the file whose typed values stand in ``table`` (``_valN`` of the Nth field)."""
    for rule in rules:
        if isinstance(rule.check, Query):
            yield from _answer(connection, table, rule, rule.check, fields)
        if not isinstance(rule.check, OfFile):
            continue
        if rule.check.rule == "fresh":
            value = f"_val{list(fields).index(rule.check.field)}"
            newest = connection.execute(f"SELECT max({value}) FROM {table}").fetchall()[0][0]  # noqa: S608 - our own names
            if newest is not None and _age(newest, references) > rule.check.most:
                yield rule.finding(newest.isoformat())
        elif references.last is None:
            continue
        elif rule.check.rule == "rowsSinceLast":
            before = references.last.rows
            if abs(rows - before) * 100 > rule.check.most * before:
                yield rule.finding(
                    rows, expected=f"within {rule.check.most:g} % of the last file's {before} rows"
                )
        elif changes := _drift(columns, references.last.columns):
            yield rule.finding(changes)


def _answer(
    connection: Any, table: str, rule: Rule, query: Query, fields: Sequence[str]
) -> Iterator[Finding]:
    """The finding of a query whose answer is not as agreed, or that cannot be run: with what DuckDB says of it."""
    import duckdb

    values = ", ".join(f"_val{list(fields).index(name)} AS {identifier(name)}" for name in query.fields)
    data = f"SELECT {values or '_row'} FROM {table}"  # noqa: S608 - our own names
    try:
        refuse_other_tables(connection, query)
        rows = connection.execute(
            f"WITH {identifier(query.entity)} AS ({data}) SELECT * FROM ({query.sql}) LIMIT 2"  # noqa: S608 - read only
        ).fetchall()
    except duckdb.Error as error:
        yield rule.finding(None, expected=f"a query that can be run: {str(error).splitlines()[0]}")
        return
    answer = rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else None
    if answer is None or isinstance(answer, str | bytes):
        yield rule.finding(answer, expected=f"a query with one number as its answer, {rule.expected}")
        return
    assert rule.threshold is not None
    if not rule.threshold.passes(answer, 0):
        yield rule.finding(answer if isinstance(answer, int | float) else str(answer))


def refuse_other_tables(connection: Any, query: Query) -> None:
    """A contract's query reads the file that is checked, and nothing else: no other table, no file, no function that
    gives a table. Raises duckdb.Error."""
    import json

    import duckdb

    tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [query.sql]).fetchall()[0][0])
    if tree.get("error"):
        raise duckdb.ParserException(str(tree.get("error_message")))
    allowed = {query.entity.casefold()}
    waiting: list[Any] = [tree]
    seen: list[str] = []
    while waiting:
        at = waiting.pop()
        if isinstance(at, list):
            waiting += at
        if not isinstance(at, dict):
            continue
        waiting += at.values()
        allowed |= {entry["key"].casefold() for entry in (at.get("cte_map") or {}).get("map", ())}
        if at.get("type") == "TABLE_FUNCTION" or at.get("schema_name") or at.get("catalog_name"):
            seen.append(str(at.get("table_name") or "a function"))
        elif at.get("type") == "BASE_TABLE":
            seen.append(str(at["table_name"]))
    for name in seen:
        if name.casefold() not in allowed:
            raise duckdb.BinderException(f"it reads {name}; it may read {query.entity} alone")


def _age(newest: date, references: References) -> float:
    """Seconds since the newest value; of a date, since the end of that day."""
    if isinstance(newest, datetime):
        return (references.now() - newest).total_seconds()
    return ((references.today() - newest).days - 1) * 86_400.0


def _drift(columns: Sequence[str], before: Sequence[str]) -> str:
    """``+ new, - gone``; empty if the columns are the same, in whatever order."""
    new = [f"+ {name}" for name in columns if name not in before]
    gone = [f"- {name}" for name in before if name not in columns]
    return ", ".join([*new, *gone])
