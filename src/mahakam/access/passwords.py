"""What is no password: too short, made of words that everybody here knows, or known from a breach."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from mahakam.access.policy import OFFICES, PEOPLE
from mahakam.config import Place

SHORTEST, LONGEST = 10, 256
KNOWN = Path(__file__).with_name("known-passwords.bin")
"""Digests of passwords of breaches, the commonest 30,000 of this length, in order (``tools/known_passwords.py``)."""
_BYTES = 8
EVERYBODYS = (
    "mahakam", "password", "passw0rd", "katasandi", "kata sandi", "sandi", "rahasia", "secret", "admin", "welcome",
    "selamat", "kota", "city", "satudata", *PEOPLE, *OFFICES,
)  # fmt: skip
"""Words that are no secret on any node."""
LEAST = 5
"""Characters that are left at least when such words are taken out."""
_SHORTEST_WORD = 4
Fault = Literal["", "short", "long", "words", "known"]
SENTENCES: Mapping[Fault, str] = {
    "short": f"a password has at least {SHORTEST} characters; a sentence is easy to remember",
    "long": f"a password has at most {LONGEST} characters",
    "words": "a password made of the account's own name, or of words that everybody here knows, is no secret;"
    " choose another",
    "known": "this password is known from a breach and is tried first; choose another",
}


def fault_of(password: str, name: str = "", words: Iterable[str] = ()) -> Fault:
    """What is wrong with a password for an account of this name; "" if nothing is.

    ``words``: those of the node (:func:`words_of`). Any characters will do; none are asked for.
    """
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    if _known(password):
        return "known"
    left = password.casefold()
    for word in sorted({name.casefold(), *EVERYBODYS, *words}, key=len, reverse=True):
        left = left.replace(word, "") if len(word) >= _SHORTEST_WORD or word == name else left
    return "words" if left != password.casefold() and len(left) < LEAST else ""


def words_of(places: Mapping[str, Place]) -> set[str]:
    """The names of a node's places."""
    return {
        word.casefold()
        for place in places.values()
        for word in (place.id, *place.name.values())
        if len(word) >= _SHORTEST_WORD
    }


def digest_of(password: str) -> bytes:
    """As the list has it, however it is written."""
    return hashlib.sha256(password.casefold().encode("utf-8", "surrogatepass")).digest()[:_BYTES]


def _known(password: str) -> bool:
    digests, wanted = _digests(), digest_of(password)
    count = len(digests) // _BYTES
    at = bisect_left(range(count), wanted, key=lambda one: digests[one * _BYTES : (one + 1) * _BYTES])
    return digests[at * _BYTES : (at + 1) * _BYTES] == wanted


@lru_cache(maxsize=1)
def _digests() -> bytes:
    return KNOWN.read_bytes()
