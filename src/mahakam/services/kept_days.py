"""How many days what belongs to a person is kept after their request was settled (``retention:`` of a service or
place)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mahakam.config import ConfigError, Place

MOST_DAYS = 36_500
_LEAST = {"documents": 0, "contact": 1}
"""Mail of the answer is tried for a day: until then the address is needed."""
_EXAMPLE = (
    "e.g. retention: {documents: 365, contact: 180}, the days they are kept after a request was settled"
)


@dataclass(frozen=True, slots=True)
class KeptDays:
    """Days that the documents of a request, and the contact (name, e-mail, phone), are kept; None: nothing is
    removed."""

    documents: int | None = None
    contact: int | None = None


def read_retention(path: Path, raw: object) -> KeptDays:
    """``retention: {documents: 365, contact: 180}`` of a service. Raises ConfigError."""
    if raw is None:
        return KeptDays()
    if not isinstance(raw, Mapping) or not raw or set(raw) - set(_LEAST):
        raise ConfigError(path, f"retention has documents, contact or both, {_EXAMPLE}")
    for name, days in raw.items():
        if isinstance(days, bool) or not isinstance(days, int) or not _LEAST[name] <= days <= MOST_DAYS:
            span = f"{_LEAST[name]} to {MOST_DAYS}"
            raise ConfigError(
                path, f"retention.{name} is a whole number from {span}, not {days!r}; {_EXAMPLE}"
            )
    return KeptDays(**raw)


def kept_days(own: KeptDays, above: Sequence[Place]) -> KeptDays:
    """What a service says, completed by ``retention:`` of its place and of those above, the nearest first.

    Raises ConfigError.
    """
    for place in above:
        more = read_retention(place.folder, place.facts.get("retention"))
        own = KeptDays(
            more.documents if own.documents is None else own.documents,
            more.contact if own.contact is None else own.contact,
        )
    return own
