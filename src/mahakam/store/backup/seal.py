"""Encryption of a backup's objects: AES-256-GCM over pieces, so that a file of any size streams.

The pieces of an object are numbered and its last one is marked (the STREAM construction of Hoang, Reyhanitabar,
Rogaway and Vizár, CRYPTO 2015): none can be left out, changed or put elsewhere unseen.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mahakam.store.errors import StoreError

PIECE = 1 << 20
"""Bytes of a piece before it is encrypted."""
_TAG = 16
_SALT = 16
SHORTEST_KEY = 16
"""Characters that a key must have at least."""
COST = 17
"""Of a new folder's scrypt (RFC 7914): N = 2^17, r = 8, p = 1, as OWASP asks; 128 MiB and under a second."""
FIRST_COST = 15
"""Of folders that do not say which they have."""
_COSTS = range(FIRST_COST, 23)


class Seal:
    """The keys that belong to a passphrase and to a backup folder's salt."""

    def __init__(self, passphrase: bytes, salt: bytes, cost: int = COST) -> None:
        if len(passphrase) < SHORTEST_KEY:
            raise StoreError(
                f"the key has {len(passphrase)} characters; it must have {SHORTEST_KEY}"
                " (openssl rand -base64 32 makes one)"
            )
        if cost not in _COSTS:
            raise StoreError(
                f"the folder's scrypt has the cost {cost!r:.20}; from {_COSTS[0]} to {_COSTS[-1]} are known"
            )
        derived = Scrypt(salt=salt, length=64, n=2**cost, r=8, p=1).derive(passphrase)
        self._key, self._names = derived[:32], derived[32:]

    @property
    def proof(self) -> str:
        """Tells the right key from a wrong one, and gives nothing away."""
        return hmac.new(self._names, b"mahakam backup", hashlib.sha256).hexdigest()

    def name(self, digest: str) -> str:
        """What an object is called: the content's own digest would tell who has the same file."""
        return hmac.new(self._names, digest.encode(), hashlib.sha256).hexdigest()

    def closed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pieces of ``PIECE`` bytes (the last one shorter) → what is written."""
        salt = os.urandom(_SALT)
        cipher = self._cipher(salt)
        yield salt
        number = 0
        held: bytes | None = None
        for piece in pieces:
            if held is not None:
                yield cipher.encrypt(_nonce(number), held, b"more")
                number += 1
            held = piece
        yield cipher.encrypt(_nonce(number), held or b"", b"last")

    def opened(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What was written, in any cut → the content. Raises StoreError if it is not what was written."""
        rest = b""
        cipher: AESGCM | None = None
        number = 0
        try:
            for piece in pieces:
                rest += piece
                if cipher is None and len(rest) >= _SALT:
                    cipher, rest = self._cipher(rest[:_SALT]), rest[_SALT:]
                while cipher is not None and len(rest) > PIECE + _TAG:
                    yield cipher.decrypt(_nonce(number), rest[: PIECE + _TAG], b"more")
                    rest = rest[PIECE + _TAG :]
                    number += 1
            if cipher is None:
                raise StoreError("is cut off")
            yield cipher.decrypt(_nonce(number), rest, b"last")
        except InvalidTag:
            raise StoreError("is damaged, or was changed") from None

    def _cipher(self, salt: bytes) -> AESGCM:
        return AESGCM(hmac.new(self._key, salt, hashlib.sha256).digest())


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
