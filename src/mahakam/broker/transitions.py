"""Changes that a room has rules for: what may follow what, of entities that anybody may write."""

from __future__ import annotations

from typing import Protocol

from mahakam.ngsild.entity import Document
from mahakam.store.protocol import Transaction


class Transitions(Protocol):
    """The rules of one room. Its own writes (``Modify.ruled``) have been checked where they were decided."""

    def check(self, transaction: Transaction, before: Document, after: Document, /) -> None:
        """Raises Problem BadRequestData for a change that may not be; asked at every change, so it looks at the type
        first."""
