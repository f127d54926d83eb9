"""Many rows inserted by few statements: in each one SQLite lets go of the interpreter, and then waits for it again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import Any

import apsw

_SIZES = (32, 16, 8, 4)
"""Rows of a statement: few sizes, so that all are kept prepared."""
_ONE_ROW = re.compile(r"VALUES (\(\?(?:, \?)*\))")


def insert_many(connection: apsw.Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """As ``executemany``, which makes a step of each row. Raises apsw.Error."""
    waiting = list(rows)
    if len(waiting) == 1:
        connection.execute(sql, waiting[0])
        return
    for size in _SIZES:
        if len(waiting) < size:
            continue
        statement = _of(sql, size)
        if not statement:
            break
        while len(waiting) >= size:
            connection.execute(statement, tuple(chain.from_iterable(waiting[:size])))
            del waiting[:size]
    if waiting:
        connection.executemany(sql, waiting)


@lru_cache(256)
def _of(sql: str, size: int) -> str:
    """The same statement for so many rows; "" if it is none that inserts values."""
    found = _ONE_ROW.search(sql)
    if found is None or not sql.lstrip().startswith("INSERT"):
        return ""
    return f"{sql[: found.start(1)]}{', '.join([found[1]] * size)}{sql[found.end(1) :]}"
