"""What a node shares with a hub, and the keys with which a hub reads it: the share is looked up with each request."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mahakam.access.keys import digest_of
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.store.protocol import EntityStore, Transaction

SHARING = "sharing"
"""Records of what is shared: hub → :class:`Share` and how it stands with the hub (``mahakam.nodes.sharing``)."""
SHARE_KEY = "share-key"
"""Records of the keys that were given out: digest → the hub, and since when it is revoked."""
PREFIX = "mhs_"
"""Begins every key of a share."""
HEAD = ENTITY_MEMBERS
"""What is shown of every entity of a shared type: id, type, scope and the times."""


class ShareRevokedError(Exception):
    """The key was good once: what it opened is shared no longer."""


class Records(Protocol):
    """A store, or a transaction on it."""

    def record(self, kind: str, key: str) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Share:
    """What one hub may see: entity type → its attributes, canonical names; all else is not there.

    An entity of several types is shared if each of them is, with the attributes that are shared of each.
    ``version`` grows with every change of the share.
    """

    hub: str
    attributes: Mapping[str, frozenset[str]]
    version: int = 1

    def __hash__(self) -> int:
        return hash((self.hub, self.version))

    def shown(self, head: Mapping[str, Any]) -> frozenset[str] | None:
        """The attributes that are shared of the entity with this type; None: the entity is not shared."""
        type = head["type"]
        if isinstance(type, str):
            return self.attributes.get(type)
        found = [self.attributes.get(one) for one in type]
        if not found or None in found:
            return None
        return frozenset.intersection(*(one for one in found if one is not None))

    def masked(self, document: Document) -> Document | None:
        """A document as the hub sees it; None: not at all."""
        shown = self.shown(document)
        if shown is None:
            return None
        return {name: part for name, part in document.items() if name in HEAD or name in shown}


def share_in(record: Mapping[str, Any], hub: str) -> Share:
    """The share of a record of kind :data:`SHARING`."""
    return Share(
        hub, {type: frozenset(names) for type, names in record["shares"].items()}, int(record["version"])
    )


def share_with(records: Records, hub: str) -> Share | None:
    """What is shared with a hub now; None: nothing, and nothing any more."""
    record = records.record(SHARING, hub)
    return None if record is None or record["state"] == "ended" else share_in(record, hub)


def share_of_key(store: EntityStore, secret: str) -> Share | None:
    """What a key opens, as it is shared now: two primary-key reads. None: it is no key of a share.

    Raises ShareRevokedError.
    """
    if not secret.startswith(PREFIX) or len(secret) > 100:
        return None
    key = store.record(SHARE_KEY, digest_of(secret))
    if key is None:
        return None
    found = None if key.get("revoked") else share_with(store, key["hub"])
    if found is None:
        raise ShareRevokedError(key["hub"])
    return found


def new_key() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def keep_key(transaction: Transaction, secret: str, hub: str) -> None:
    """From now on this key opens what is shared with a hub, beside those that do already."""
    transaction.save_record(SHARE_KEY, digest_of(secret), {"hub": hub, "created": time.time()})


def revoke_keys(transaction: Transaction, hub: str, *, but: Iterable[str] = ()) -> int:
    """Every key of a hub is revoked but those with these digests; the record stays, so that its user is told why."""
    kept, count = set(but), 0
    for digest, record in transaction.records(SHARE_KEY).items():
        if record["hub"] == hub and digest not in kept and not record.get("revoked"):
            transaction.save_record(SHARE_KEY, digest, {**record, "revoked": time.time()})
            count += 1
    return count
