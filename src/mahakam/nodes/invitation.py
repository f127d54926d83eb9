"""A hub's invitations: made once, shown once, kept as a hash, with an end; used by one node."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mahakam.access.keys import digest_of
from mahakam.nodes import over_nats
from mahakam.nodes.faults import NodeError
from mahakam.store.protocol import EntityStore, Transaction

KIND = "node-invitation"
PREFIX = "mhi_"
PATH = "/nodes/join"
DAYS, MOST_DAYS = 14, 90
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]|[a-z0-9]")
_CODE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{20,60}}")


@dataclass(frozen=True, slots=True)
class Invitation:
    """``id`` is the beginning of the hash: it names it and opens nothing. ``used``: by which try to join, "": none yet.

    ``place``: id of the place at the hub whose scope the node's copies must have; "" for any. ``nats``: where the node
    publishes its copies, with its password; "": it sends them over HTTP. Seconds since 1970.
    """

    id: str
    name: str
    place: str
    created: float
    expires: float
    by: str
    used: str = ""
    revoked: bool = False
    nats: str = field(default="", repr=False)

    @property
    def open(self) -> bool:
        return not self.used and not self.revoked and self.expires > time.time()


def invite(
    store: EntityStore,
    name: str,
    base: str,
    *,
    place: str = "",
    days: int = DAYS,
    by: str = "",
    nats: str = "",
) -> tuple[str, Invitation]:
    """Make an invitation; returns its text (to be shown this once) and what is kept.

    ``name``: by which the hub will know the node. ``base``: the hub's address. ``nats``: the NATS server as the
    node reaches it, with the user and password that the node has there. Raises NodeError.
    """
    if not _NAME.fullmatch(name):
        raise NodeError(f"{name[:80]!r}: 1 to 60 of a-z, 0-9 and - name a node, e.g. samarinda")
    if not 1 <= days <= MOST_DAYS:
        raise NodeError(f"an invitation holds 1 to {MOST_DAYS} days, not {days}")
    code = PREFIX + secrets.token_urlsafe(24)
    at = time.time()
    record: dict[str, Any] = {
        "name": name, "place": place, "created": at, "expires": at + days * 86400, "by": by,
    }  # fmt: skip
    if nats:
        record["nats"] = over_nats.checked(nats, name)

    def work(transaction: Transaction) -> None:
        transaction.save_record(KIND, digest_of(code), record)
        transaction.audit("node.invite", f"node/{name}", {"place": place, "days": days})

    store.write(work)
    return text_of(base, code), _invitation(digest_of(code), record)


def text_of(base: str, code: str) -> str:
    """The hub's address and the code. A browser that opens it sends the code nowhere."""
    return f"{base.rstrip('/')}{PATH}#{code}"


def parse(text: str) -> tuple[str, str]:
    """The hub's address and the code of an invitation. Raises NodeError."""
    said = text.strip()
    address, _, code = said.partition("#")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.endswith(PATH):
        raise NodeError(
            f"this is no invitation: https://hub.example{PATH}#{PREFIX}… was expected, as the hub shows it"
        )
    if parts.query or parts.username is not None or not _CODE.fullmatch(code):
        raise NodeError("the invitation is not whole: copy all of it, from https to its last letter")
    return address.removesuffix(PATH), code


def look(store: EntityStore, code: str) -> Invitation:
    """The invitation behind a code. Raises NodeError (404) for one that there is not."""
    return _required(store.record(KIND, digest_of(code)) if len(code) < 100 else None, code)


def taken(transaction: Transaction, code: str, attempt: str) -> Invitation:
    """Use an invitation for a try to join, which may be made again with the same ``attempt`` and nobody else's.

    Raises NodeError (404, 409, 410).
    """
    digest = digest_of(code)
    record = transaction.record(KIND, digest)
    found = _required(record, code)
    if found.used and found.used != digest_of(attempt):
        raise NodeError("the invitation is used already; ask the hub for another", status=409, kind="Used")
    if found.revoked:
        raise NodeError("the hub took the invitation back; ask for another", status=410, kind="TakenBack")
    if not found.used and found.expires <= time.time():
        raise NodeError("the invitation has expired; ask the hub for another", status=410, kind="Expired")
    transaction.save_record(KIND, digest, {**(record or {}), "used": digest_of(attempt)})
    return found


def invitations(store: EntityStore) -> list[Invitation]:
    """All of them, the newest first."""
    found = (_invitation(digest, record) for digest, record in store.records(KIND).items())
    return sorted(found, key=lambda one: -one.created)


def take_back(store: EntityStore, id: str) -> Invitation:
    """Nobody joins with it any more. Raises NodeError."""

    def work(transaction: Transaction) -> Invitation:
        found = [
            (digest, record)
            for digest, record in transaction.records(KIND).items()
            if len(id) >= 6 and digest.startswith(id)
        ]
        if len(found) != 1:
            raise NodeError(f"no one invitation has the id {id[:80]!r}", status=404)
        ((digest, record),) = found
        transaction.save_record(KIND, digest, {**record, "revoked": True})
        return _invitation(digest, record)

    return store.write(work)


def _required(record: Mapping[str, Any] | None, code: str) -> Invitation:
    if record is None:
        raise NodeError(
            "this hub knows no such invitation; copy all of it, or ask for another",
            status=404,
            kind="Unknown",
        )
    return _invitation(digest_of(code), record)


def _invitation(digest: str, record: Mapping[str, Any]) -> Invitation:
    return Invitation(
        id=digest[:12],
        name=record["name"],
        place=record.get("place", ""),
        created=float(record["created"]),
        expires=float(record["expires"]),
        by=record.get("by", ""),
        used=record.get("used", ""),
        revoked=bool(record.get("revoked")),
        nats=record.get("nats", ""),
    )
