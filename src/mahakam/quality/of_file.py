"""Rules on the file as a whole that ask for more than a count: how fresh it is, how it differs from the last one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from mahakam.quality.finding import Finding
from mahakam.quality.references import References
from mahakam.quality.rule import OfFile, Rule


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
