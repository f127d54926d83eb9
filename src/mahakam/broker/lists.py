"""Ordered lists that a room keeps of its entities, so that a page of a long queue costs no more than a page.

An entry is a small record (``kind`` is the list, its key the place in it), written in the transaction of the entity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mahakam.ngsild.entity import Document
from mahakam.store.protocol import Transaction


class Listing(Protocol):
    """Which entities a room lists, and where."""

    def lists(self, document: Mapping[str, Any], /) -> bool:
        """Whether entities of this type are listed: asked at every write, so it looks at the type alone."""

    def entries(self, document: Document, /) -> Mapping[str, str]:
        """List → the entity's key in it, in whose order the list stands."""


def keep_lists(
    transaction: Transaction, listing: Listing, before: Document | None, after: Document | None
) -> None:
    """Take an entity out of the lists in which it no longer stands, and put it into those in which it does."""
    old = listing.entries(before) if before is not None else {}
    new = listing.entries(after) if after is not None else {}
    for kind, key in old.items():
        if new.get(kind) != key:
            transaction.save_record(kind, key, None)
    fresh: list[tuple[str, str, dict[str, Any]]]
    fresh = [(kind, key, {}) for kind, key in new.items() if old.get(kind) != key]
    if fresh:
        transaction.save_records(fresh)
