"""All of a store moved into another, empty one, of the same kind or another, and compared afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from mahakam.store.errors import StoreError
from mahakam.store.protocol import EntityStore, Store

TABLES: dict[str, tuple[str, ...]] = {
    "entity": ("n", "id", "times", "body"),
    "run": ("id", "place", "feed", "facts"),
    "lineage": ("entity", "run", "file", "sheet", "row", "line", "raw", "digest", "checks", "warnings"),
    "held": ("id", "place", "feed", "run", "file", "sheet", "row", "line", "raw", "reasons", "state", "fixed",
             "entity"),
    "change": ("n", "held", "author", "at", "column", "old", "new", "reason"),
    "correction": ("id", "place", "feed", "column", "old", "new", "author", "at", "reason", "active"),
    "record": ("kind", "key", "value"),
    "outbox": ("n", "subscription", "entity", "body", "made", "due", "tries", "error", "dead"),
    "journal": ("entity", "n", "action", "author", "at"),
    "audit": ("lane", "n", "at", "principal", "kind", "action", "object", "count", "content", "request", "detail",
              "digest"),
    "evolution": ("n", "id", "head"),
    "moment": ("n", "entity", "attribute", "dataset", "observed", "created", "modified", "deleted", "body"),
}  # fmt: skip
"""What is moved: table → columns, those that order it first (by how many, KEYS says). Indexes are made anew; the trace
of what the outbox owes is not moved, so that backups of before there were traces have the checksums that they had."""
KEYS = {"record": 2, "journal": 2, "audit": 2}
"""Tables whose rows are named by more than their first column: by how many."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The rows of one tenant's table, and the SHA-256 of them, which both stores agree on."""

    tenant: str
    table: str
    rows: int
    checksum: str


def move(source: Store, target: Store, told: Callable[[Moved], None] = lambda _: None) -> list[Moved]:
    """Copy every tenant, each in one transaction of the target: a tenant is there as a whole or not at all.

    Tenants that the target has already, alike, are left as they are: so a move that broke off is begun again.
    Raises StoreError if the target has other things in it, or if a checksum differs.
    """
    moved = []
    for name in source.tenants():
        here = source.tenant(name)
        there = target.create_tenant(name)
        before = [measured(there, name, table) for table in TABLES]
        if any(one.rows for one in before):
            if before != [measured(here, name, table) for table in TABLES]:
                raise StoreError(
                    f"the target's tenant {name or '(default)'} is not empty; a move needs an empty store"
                )
        else:
            there.load({table: _rows(here, table) for table in TABLES})
        for table in TABLES:
            one, other = measured(here, name, table), measured(there, name, table)
            if one != other:
                raise StoreError(
                    f"{name or '(default)'} {table}: {one.rows} rows became {other.rows}, or others"
                )
            moved.append(other)
            told(other)
    return moved


def _rows(store: EntityStore, table: str) -> Iterator[tuple[Any, ...]]:
    return store.dump(table, TABLES[table], KEYS.get(table, 1))


def measured(store: EntityStore, tenant: str, table: str) -> Moved:
    """A table as it is, counted."""
    digest, number = sha256(), 0
    for row in _rows(store, table):
        number += 1
        digest.update(digested(row))
    return Moved(tenant, table, number, digest.hexdigest())


def digested(row: Iterable[Any]) -> bytes:
    """A row as it goes into a checksum."""
    return orjson.dumps([_plain(value) for value in row])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return ["bytes", sha256(value).hexdigest()]
    return value
