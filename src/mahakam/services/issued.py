"""Letters that were approved, issued and signed with the node's own key (Ed25519, RFC 8032); whether one is genuine.

What a letter says is private. Public, to whoever has the letter and so its code, are its number, kind, city, dates,
and whether it still holds.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mahakam.services.request import Step
from mahakam.store.protocol import EntityStore, Transaction

KIND, HASH = "request-product", "product-hash"
_KEY = "product-keys", "ed25519"
NUMBER = re.compile(r"([A-Z][A-Z0-9]{1,7}-\d{4}-\d{6,9})-(\d{1,3})")
"""The number of a letter: that of its request, and the how manieth of that request it is."""
LARGEST = 5 * 2**20
"""Bytes of a file that is looked at to see whether it is a letter of the node."""
Status = Literal["valid", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class Approval:
    """``by`` is the officer's account; ``steps``: how many steps the request had then."""

    by: str
    at: str
    steps: int


@dataclass(frozen=True, slots=True)
class Issued:
    """A letter. ``issued`` and ``until`` are dates in its city ("": for ever), ``sha256`` is that of the PDF,
    ``signature`` (base64) Ed25519's over the PDF's bytes, ``revoked`` an ISO 8601 UTC time or ""."""

    number: str
    service: str
    place: str
    issued: str
    until: str = ""
    sha256: str = ""
    signature: str = ""
    revoked: str = ""

    def facts(self) -> bytes:
        """What the code in the QR code signs."""
        parts = ("mahakam-letter-1", self.number, self.service, self.place, self.issued, self.until)
        return "\n".join(parts).encode()

    def status(self, today: dt.date) -> Status:
        if self.revoked:
            return "revoked"
        return "expired" if self.until and today > dt.date.fromisoformat(self.until) else "valid"


def approvals_of(store: EntityStore, number: str, steps: tuple[Step, ...]) -> list[Approval]:
    """The approvals that count: those since the resident was last asked something or sent a document, or it was
    reopened or issued."""
    return _counting(store.record(KIND, number), steps)


def letters_of(store: EntityStore, number: str) -> list[Issued]:
    """The letters issued on a request, the oldest first."""
    return [_issued(raw) for raw in (store.record(KIND, number) or {}).get("letters", ())]


def approve(transaction: Transaction, number: str, steps: int, by: str, at: str) -> None:
    """Keep an approval of a request that had so many steps before it."""
    kept: dict[str, Any] = transaction.record(KIND, number) or {}
    approvals = [*kept.get("approvals", ()), asdict(Approval(by, at, steps))]
    transaction.save_record(KIND, number, kept | {"approvals": approvals})


def keep(transaction: Transaction, number: str, letter: Issued, made: bytes) -> None:
    """Keep a letter with its PDF."""
    kept: dict[str, Any] = transaction.record(KIND, number) or {}
    raw = asdict(letter) | {"pdf": base64.b64encode(made).decode()}
    transaction.save_record(KIND, number, kept | {"letters": [*kept.get("letters", ()), raw]})
    transaction.save_record(HASH, letter.sha256, {"number": letter.number})


def revoke(transaction: Transaction, number: str, at: str) -> None:
    """Let no letter of a request hold any longer."""
    kept: dict[str, Any] = transaction.record(KIND, number) or {}
    letters = [raw | {"revoked": raw["revoked"] or at} for raw in kept.get("letters", ())]
    transaction.save_record(KIND, number, kept | {"letters": letters})


def pdf_of(store: EntityStore, number: str) -> tuple[Issued, bytes] | None:
    """The newest letter on a request with its PDF; None if there is none that was not revoked."""
    letters = (store.record(KIND, number) or {}).get("letters", ())
    if not letters or letters[-1]["revoked"]:
        return None
    return _issued(letters[-1]), base64.b64decode(letters[-1]["pdf"])


def code_of(store: EntityStore, letter: Issued) -> str:
    """The code under which a letter is verified, base64url: nobody can make one without the node's key."""
    return base64.urlsafe_b64encode(_private(store).sign(letter.facts())).decode().rstrip("=")


def signed(store: EntityStore, letter: Issued, made: bytes) -> Issued:
    """A letter with the hash of its PDF and the signature over it."""
    signature = base64.b64encode(_private(store).sign(made)).decode()
    return replace(letter, sha256=hashlib.sha256(made).hexdigest(), signature=signature)


def with_code(store: EntityStore, number: str, code: str) -> Issued | None:
    """The letter with this number, if the code is its own; None for both others, so that nobody learns which
    numbers there are."""
    letter = _numbered(store, number)
    if letter is None:
        return None
    try:
        signature = base64.b64decode(code + "=" * (-len(code) % 4), b"-_", validate=True)
        _public(store).verify(signature, letter.facts())
    except (ValueError, InvalidSignature):
        return None
    return letter


def with_file(store: EntityStore, made: bytes) -> Issued | None:
    """The letter that these bytes are, unaltered to the last; None if they are none."""
    found = store.record(HASH, hashlib.sha256(made).hexdigest())
    letter = _numbered(store, str(found["number"])) if found else None
    if letter is None:
        return None
    try:
        _public(store).verify(base64.b64decode(letter.signature), made)
    except InvalidSignature:
        return None
    return letter


def public_pem(store: EntityStore) -> str:
    """The node's public key, with which anybody can check a letter's signature without the node."""
    return (
        _public(store)
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _numbered(store: EntityStore, number: str) -> Issued | None:
    parts = NUMBER.fullmatch(number)
    if parts is None:
        return None
    return next((one for one in letters_of(store, parts[1]) if one.number == number), None)


def _counting(kept: Mapping[str, Any] | None, steps: tuple[Step, ...]) -> list[Approval]:
    since = max(
        (
            at
            for at, step in enumerate(steps)
            if step.state in ("waiting", "reopened") or step.act in ("issued", "sent")
        ),
        default=0,
    )
    found = [Approval(**raw) for raw in (kept or {}).get("approvals", ())]
    return [one for one in found if one.steps > since]


def _issued(raw: Mapping[str, Any]) -> Issued:
    return Issued(**{name: raw[name] for name in Issued.__slots__})


def _public(store: EntityStore) -> Ed25519PublicKey:
    return _private(store).public_key()


def _private(store: EntityStore) -> Ed25519PrivateKey:
    kept = store.record(*_KEY) or store.write(_made)
    key = serialization.load_pem_private_key(kept["private"].encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _made(transaction: Transaction) -> dict[str, Any]:
    """The node's key, made once."""
    kept = transaction.record(*_KEY)
    if kept:
        return kept
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = {"private": pem.decode()}
    transaction.save_record(*_KEY, fresh)
    return fresh
