"""A tenant as one stream of rows, the same for every kind of store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from mahakam.store.errors import StoreError
from mahakam.store.protocol import Frozen
from mahakam.store.transfer import KEYS, TABLES, digested

STEP = 500
"""Rows of a frame."""
_LENGTH = 4


class Tables:
    """What was written: table → rows and SHA-256, as :mod:`mahakam.store.transfer` counts them."""

    def __init__(self) -> None:
        self.rows = dict.fromkeys(TABLES, 0)
        self._sums = {name: hashlib.sha256() for name in TABLES}

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        self.rows[table] += 1
        self._sums[table].update(digested(row))

    def facts(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"rows": self.rows[name], "checksum": one.hexdigest()} for name, one in self._sums.items()
        }


def written(store: Frozen, tables: Tables) -> Iterator[bytes]:
    """Frames: four bytes of length, then a MessagePack array of a table's name and some of its rows."""
    encoder = msgspec.msgpack.Encoder()
    for table, columns in TABLES.items():
        found = iter(store.dump(table, columns, KEYS.get(table, 1)))
        while rows := list(islice(found, STEP)):
            for row in rows:
                tables.add(table, row)
            frame = encoder.encode([table, rows])
            yield len(frame).to_bytes(_LENGTH, "big") + frame


def read(pieces: Iterator[bytes]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Frames in any cut → a table's name and rows. Raises StoreError for what is no such stream."""
    decoder = msgspec.msgpack.Decoder(tuple[str, list[tuple[Any, ...]]])
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= _LENGTH:
            end = _LENGTH + int.from_bytes(waiting[:_LENGTH], "big")
            if len(waiting) < end:
                break
            try:
                table, rows = decoder.decode(bytes(waiting[_LENGTH:end]))
            except msgspec.DecodeError as error:
                raise StoreError(f"rows that cannot be read: {error}") from None
            if table not in TABLES:
                raise StoreError(f"rows of a table {table!r}, which a newer Mahakam has written")
            yield table, rows
            del waiting[:end]
    if waiting:
        raise StoreError("the rows are cut off")
