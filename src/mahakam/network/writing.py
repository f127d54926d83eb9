"""What holds of whatever a person writes in the network: said in a language, not too long, with a reason, by a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from mahakam.faults import Fault, refuse
from mahakam.network.recommendation import LANGUAGES, LONGEST_TEXT


def reasoned(text: str, field: str = "reason") -> str:
    """A reason, stripped. Raises Refused for none, or one that is too long."""
    if not text.strip():
        raise refuse(field, "reason")
    if len(text) > LONGEST_TEXT:
        raise refuse(field, "long", most=LONGEST_TEXT)
    return text.strip()


def written(name: str, words: Mapping[str, str]) -> list[Fault]:
    """Something in one language at least, none of it too long; the fault stands at the language's field."""
    faults = [] if words else [Fault(f"{name}-{LANGUAGES[0]}", "language", {})]
    return faults + too_long(name, words)


def too_long(name: str, words: Mapping[str, str]) -> list[Fault]:
    return [
        Fault(f"{name}-{language}", "long", {"most": LONGEST_TEXT})
        for language, text in words.items()
        if len(text) > LONGEST_TEXT
    ]


def titled(name: str, text: str, most: int) -> list[Fault]:
    """A line that is there and not too long."""
    return [] if 0 < len(text.strip()) <= most else [Fault(name, "words", {"most": most})]


def day_faults(name: str, day: str) -> list[Fault]:
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        return [Fault(name, "date", {})]
    return []
