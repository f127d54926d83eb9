"""Subscriptions: who wants to hear of which changes; what is owed goes into the outbox with the change."""

from __future__ import annotations

from mahakam.ngsild.entity import Document
from mahakam.store.protocol import EntityStore, Transaction


class Subscriptions:
    """The subscriptions of one tenant."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store

    def notice(self, transaction: Transaction, before: Document | None, after: Document | None) -> None:
        """Put what subscriptions are owed for this change into the outbox of the same transaction."""
