"""Indexes of attributes' values: one is made when a query that could have used it took long.

An index holds the attribute's value, or what it points at, or the whole attribute as JSON. A number or a text
decides a comparison; a list or an object (several instances, texts by language) is left to the exact test.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mahakam.ngsild.selection import And, Compare, Condition, Selection
from mahakam.store.sql.select import Drive
from mahakam.store.sqlite.condition import is_plain, json_path, plain_value

MOST = 32
"""Indexes: each one costs every write of an entity a few microseconds."""
_PREFIX = "values of "
_BODY = "CAST(body AS TEXT)"
_OTHERS = ("{0} >= '[' AND {0} < '\\'", "{0} >= '{{' AND {0} < '|'")
"""Lists and objects, as text."""
_NAMES = "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'values of %'"


class ValueIndexes:
    """Those of one file. ``read`` answers a statement's rows, ``write`` runs one durably."""

    def __init__(self, read: Callable[[str], list[tuple[Any, ...]]], write: Callable[[str], object]) -> None:
        self._read = read
        self._write = write
        self._making = threading.Lock()
        self.names: frozenset[str] = frozenset()
        self.look()

    def look(self) -> None:
        """See what other processes have made."""
        self.names = frozenset(name[len(_PREFIX) :] for (name,) in self._read(_NAMES))

    def drive(self, selection: Selection) -> Drive | None:
        """The index to begin with, if there is one for a part that the whole condition depends on."""
        best: tuple[int, Drive] | None = None
        for compare in _decisive(selection.condition):
            if compare.path.attribute in self.names and (drive := _drive(compare)) is not None:
                rank = 0 if compare.operator == "==" else 1
                if best is None or rank < best[0]:
                    best = rank, drive
        return best[1] if best else None

    def make_for(self, selection: Selection) -> None:
        """Make the index that this selection, which took long, would have used."""
        for compare in _decisive(selection.condition):
            if _drive(compare) is not None and self._making.acquire(blocking=False):
                try:
                    self.look()
                    name = compare.path.attribute
                    if name not in self.names and len(self.names) < MOST:
                        self._write(_definition(name))
                        self.look()
                finally:
                    self._making.release()


def _decisive(condition: Condition | None) -> list[Compare]:
    if isinstance(condition, Compare):
        return [condition]
    if isinstance(condition, And):
        return [part for part in condition.parts if isinstance(part, Compare)]
    return []


def _drive(compare: Compare) -> Drive | None:
    """Entities that may fulfil a comparison, in order of creation; ``sure`` those that do."""
    found = plain_value(compare)
    if found is None or not is_plain(compare.path):
        return None
    value = _value(compare.path.attribute)
    operator, wanted = found
    parts: list[tuple[str, str, list[Any]]]
    if isinstance(wanted, str):
        if operator == "=" and not wanted.startswith(("[", "{")):
            parts = [("1", f"{value} = ?", [wanted])]
        else:
            parts = [("0", f"{value} {operator} ? AND {value} >= ''", [wanted])]
    else:
        close = [wanted - 1e-9, wanted + 1e-9]
        decided = {
            "=": (f"{value} = ?", [wanted]),
            ">": (f"{value} > ? AND {value} < ''", close[1:]),
            "<": (f"{value} < ?", close[:1]),
        }[operator[0]]
        # true and false are 1 and 0 in an index, and so are no numbers for sure.
        parts = [(f"{value} NOT IN (0, 1)", *decided)]
        rest = f"{value} BETWEEN ? AND ?" + (f" AND {value} != ?" if operator == "=" else "")
        parts.append(("0", rest, close + ([wanted] if operator == "=" else [])))
    parts += [("0", other.format(value), []) for other in _OTHERS]
    selects = [f"SELECT n AS entity, {sure} AS sure FROM entity WHERE {test}" for sure, test, _ in parts]
    # The limit, which is none, keeps SQLite from dropping the order.
    sql = " UNION ".join(selects) + " ORDER BY 1 LIMIT -1"
    return Drive(sql, [one for *_, values in parts for one in values], compare)


def _definition(name: str) -> str:
    quoted = '"' + (_PREFIX + name).replace('"', '""') + '"'
    return f"CREATE INDEX IF NOT EXISTS {quoted} ON entity ({_value(name)})"


def _value(name: str) -> str:
    return f"coalesce({_extract(name, 'value')}, {_extract(name, 'object')}, {_extract(name)})"


def _extract(*keys: str) -> str:
    return f"json_extract({_BODY}, {_literal(json_path(*keys))})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
