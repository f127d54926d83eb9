"""Who this node is among others: a name that stays, one for each tenant (clause 5.2.40, 6.3.18)."""

from __future__ import annotations

from time import monotonic
from uuid import uuid4

from mahakam.store.protocol import EntityStore, Transaction

_KIND, _KEY = "node", "identity"


class Identity:
    """The identity of a node, made when it is first asked for and kept in its store."""

    def __init__(self, store: EntityStore) -> None:
        self._started = monotonic()
        found = store.record(_KIND, _KEY)
        self._name: str = found["name"] if found else store.write(_named)

    def alias(self, tenant: str = "") -> str:
        """A token for the Via header: it tells this node, and a tenant of it, from all others."""
        return f"{self._name}-{tenant}" if tenant else self._name

    def uptime(self) -> str:
        """How long the node has run, an ISO 8601 duration."""
        return f"PT{int(monotonic() - self._started)}S"


def _named(transaction: Transaction) -> str:
    found = transaction.record(_KIND, _KEY)
    if found is None:
        found = {"name": f"mahakam-{uuid4().hex[:16]}"}
        transaction.save_record(_KIND, _KEY, found)
    return str(found["name"])
