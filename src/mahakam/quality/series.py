"""Whether a table is a series (one row for each step of time, or for each thing and step), and what then should hold.

Of a series a missing step, a step that stands twice, and a measured figure that repeats to the last digit are findings
that no look at one row can show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mahakam.quality.across import duration
from mahakam.quality.functions import Functions
from mahakam.quality.profile import ColumnProfile, Profile
from mahakam.quality.typing_sql import identifier, text_literal, typed

_LEAST = 12
"""Rows from which on a table may be a series."""
_MOSTLY = 0.9
"""The share of rows with a step of their own, and of steps that are as long as the usual one."""
_APART = 0.8
"""The share of distinct moments from which on they are taken for a series that has some twice."""
_THINGS = 0.2
"""There are at most so many things to a row: each has five steps or more."""
_YEAR = re.compile(r"(?i)^(tahun|year|thn|th)$")
_SAME = 3
"""So many equal figures on end are a figure that was carried forward."""


@dataclass(frozen=True, slots=True)
class Series:
    """``order``: the column of moments or years; ``per``: of the things, "" for one series; ``step``: the usual one in
    seconds, 0 where steps differ (months, years). ``twice``: some moments occur twice that should not.
    """

    order: str
    per: str = ""
    step: float = 0
    twice: bool = False


def series(connection: Any, relation: str, seen: Profile) -> Series | None:
    """The series that a table is; None if it is none."""
    if seen.rows < _LEAST:
        return None
    for order in seen.columns:
        if not (order.complete and order.distinct >= 3 and _is_time(order)):
            continue
        if order.distinct >= _APART * seen.rows:
            found = _stepped(connection, relation, seen, order, None)
            if found.step or (order.unique and order.kind.logical == "integer"):
                return found
            continue
        for thing in _things(seen, order):
            pairs = _count(connection, relation, [(order, seen), (thing, seen)])
            if pairs >= _MOSTLY * seen.rows and order.distinct <= _MOSTLY * seen.rows:
                return _stepped(connection, relation, seen, order, thing)
    return None


def rules(
    found: Series, column: ColumnProfile, named: Mapping[str, str], key: Sequence[str]
) -> list[dict[str, Any]]:
    """The rules (ODCS) that a column of a series should follow; warnings, as they are guesses."""
    made: list[dict[str, Any]] = []
    per = {"per": named[found.per]} if found.per else {}
    if column.name == found.order:
        if found.step:
            made.append(_rule("gap", most=duration(found.step), **per))
        if found.twice and not found.per and list(key) != [column.name]:
            made.append({"metric": "duplicateValues", "mustBe": 0, "severity": "warning"})
    present = column.rows - column.missing
    # no rain on three days is no defect
    measured = column.kind.logical == "number" and column.distinct >= 0.5 * present and column.low
    if measured and column.name not in key and column.name != found.per:
        made.append(_rule("frozen", order=named[found.order], rows=_SAME, **per))
    return made


def _rule(name: str, **settings: Any) -> dict[str, Any]:
    implementation = {"rule": name, **settings}
    return {"type": "custom", "engine": "mahakam", "implementation": implementation, "severity": "warning"}


def _is_time(column: ColumnProfile) -> bool:
    if column.following < column.rows - column.missing:
        return False
    if column.kind.logical in ("date", "timestamp"):
        return True
    whole = column.kind.logical == "integer" and column.low is not None
    return whole and bool(_YEAR.match(column.name)) and column.low >= 1800 and column.high <= 2200


def _things(seen: Profile, order: ColumnProfile) -> list[ColumnProfile]:
    """Columns that may name what is measured: those with few values, the first columns first."""
    return [
        column
        for column in seen.columns
        if column is not order
        and column.complete
        and 1 < column.distinct <= _THINGS * seen.rows
        and column.kind.logical in ("string", "integer")
    ][:8]


def _stepped(
    connection: Any, relation: str, seen: Profile, order: ColumnProfile, thing: ColumnProfile | None
) -> Series:
    per = thing.name if thing else ""
    if order.kind.logical == "integer":
        return Series(order.name, per)
    functions = Functions(None)
    functions.register(connection)
    try:
        moment = f"epoch(CAST({typed(_text(order, seen), order.kind, functions)} AS TIMESTAMP))"
        group = _text(thing, seen) if thing else "1"
        # Of the distinct moments: one that stands twice is another defect than one that is not there.
        moments = f"(SELECT DISTINCT {moment} AS m, {group} AS g FROM {identifier(relation)})"  # noqa: S608 - quoted
        steps = f"SELECT m - lag(m) OVER (PARTITION BY g ORDER BY m) AS step FROM {moments}"  # noqa: S608 - ours
        usual = f"(SELECT mode(step) FROM ({steps}))"  # noqa: S608 - ours
        sql = f"SELECT {usual}, count(step), count(*) FILTER (step = {usual}) FROM ({steps})"  # noqa: S608 - ours
        step, steps_there, alike = connection.execute(sql).fetchall()[0]
    finally:
        functions.forget(connection)
    regular = bool(steps_there) and alike >= _MOSTLY * steps_there and step >= 1
    twice = regular and thing is None and order.distinct < seen.rows
    return Series(order.name, per, float(step) if regular else 0, twice)


def _count(connection: Any, relation: str, some: Sequence[tuple[ColumnProfile, Profile]]) -> int:
    values = ", ".join(_text(column, seen) for column, seen in some)
    sql = f"SELECT count(*) FROM (SELECT DISTINCT {values} FROM {identifier(relation)})"  # noqa: S608 - quoted
    return int(connection.execute(sql).fetchall()[0][0])


def _text(column: ColumnProfile, seen: Profile) -> str:
    """The column's text, missing values NULL."""
    missing = ", ".join(text_literal(marker) for marker in ["", *seen.markers])
    name = identifier(column.name)
    return f"CASE WHEN {name} IN ({missing}) THEN NULL ELSE {name} END"
