"""How a person is known: by an address or a number, however it is written; and by a hash once they were erased."""

from __future__ import annotations

import re

from mahakam.access.secrets import hashed, marking_secret
from mahakam.store.protocol import EntityStore

_NOT_DIGITS = re.compile(r"\D")
_LEAST_DIGITS = 8


def known_as(text: str) -> str:
    """An address or number in the form in which two of them are compared: an address without regard to case, a
    number by its digits with the country's code (0812… and +62 812… are one).

    Raises ValueError for what is neither.
    """
    word = text.strip().casefold()
    if "@" in word[1:-1]:
        return word
    digits = _NOT_DIGITS.sub("", word)
    if len(digits) < _LEAST_DIGITS or re.search(r"[^\d\s()+./-]", word):
        raise ValueError(f"{text.strip()!r} is neither an e-mail address nor a telephone number")
    return (
        "62" + digits[1:]
        if digits.startswith("0") and not digits.startswith("00")
        else digits.removeprefix("00")
    )


def same(value: str, wanted: str) -> bool:
    """Whether a text is the address or number that is :func:`known_as` ``wanted``."""
    try:
        return known_as(value) == wanted
    except ValueError:
        return False


class Marker:
    """Hashes by which somebody who was erased is known when they come again, and by nothing else.

    Keyed, with a secret that never leaves the node: numbers are few enough to be tried one by one without it.
    """

    def __init__(self, store: EntityStore) -> None:
        self._marking = marking_secret(store)

    def of(self, text: str) -> str:
        """The hash of an address or number, however it is written; "" for what is neither."""
        try:
            known = known_as(text)
        except ValueError:
            return ""
        return hashed(self._marking, "erased", known)
