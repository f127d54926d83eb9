"""Reading a table from its beginning to its end, some rows at a time, in SQL that every database reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

STEP = 2000


def dump(
    read: Callable[[str, tuple[Any, ...]], list[Any]], table: str, columns: Sequence[str], keys: int
) -> Iterator[tuple[Any, ...]]:
    """All rows of a table, in the order of its first ``keys`` columns. Names are ours, values are bound."""
    names = ", ".join(f'"{name}"' for name in columns)
    order = ", ".join(f'"{name}"' for name in columns[:keys])
    marks = ", ".join("?" * keys)
    last: tuple[Any, ...] | None = None
    while True:
        where = f" WHERE ({order}) > ({marks})" if last is not None else ""
        found = read(f"SELECT {names} FROM {table}{where} ORDER BY {order} LIMIT {STEP}", last or ())
        yield from map(tuple, found)
        if len(found) < STEP:
            return
        last = tuple(found[-1][:keys])


def insertion(table: str, columns: Sequence[str]) -> str:
    """The statement that inserts a row."""
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"


class FrozenRows:
    """See :class:`mahakam.store.protocol.Frozen`: reads that all see one moment."""

    def __init__(self, read: Callable[[str, tuple[Any, ...]], list[Any]]) -> None:
        self._read = read

    def dump(self, table: str, columns: Sequence[str], keys: int) -> Iterator[tuple[Any, ...]]:
        return dump(self._read, table, columns, keys)
