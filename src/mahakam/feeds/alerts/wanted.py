"""Who is told what of a feed: ``alerts:`` in the feed, over that of its place and of the places above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from mahakam.config import LANGUAGES, ConfigError, Place, chain
from mahakam.ngsild.duration import DURATION_RULE, seconds_of

_KEYS = ("below", "drop", "language", "late", "mail")


@dataclass(frozen=True, slots=True)
class Wanted:
    """``mail``: addresses; ``late``: seconds after it was due; ``below``: a score, 0 to 1; ``drop``: points of it.

    ``below`` or ``drop`` None: nobody is told of that. ``language``: of the letters.
    """

    mail: tuple[str, ...] = ()
    late: float = 7200.0
    below: float | None = None
    drop: float | None = 0.05
    language: str = LANGUAGES[0]


def problem(given: object) -> str:
    """What is wrong with an ``alerts:``; "" for nothing."""
    if not isinstance(given, Mapping):
        return f"must be a mapping, as {{mail: [walidata@example.id], drop: 0.05}}, not {given!r}"
    unknown = [str(key) for key in given if key not in _KEYS]
    if unknown:
        return f"{unknown[0]!r} is unknown (known: {', '.join(_KEYS)})"
    mail = given.get("mail", [])
    for one in mail if isinstance(mail, list) else [mail]:
        if not isinstance(one, str) or "@" not in parseaddr(one)[1] or any(ord(c) < 33 for c in one):
            return f"mail: {one!r} is no address, as walidata@example.id"
    if "late" in given and (not isinstance(given["late"], str) or seconds_of(given["late"]) is None):
        return f"late: {given['late']!r} is not {DURATION_RULE}"
    if given.get("language", LANGUAGES[0]) not in LANGUAGES:
        return f"language: {given['language']!r} is none of {', '.join(LANGUAGES)}"
    for key in ("below", "drop"):
        value = given.get(key)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1
        ):
            return f"{key}: {value!r} is no share from 0 to 1 (null: nobody is told)"
    return ""


def wanted(place: Place, places: Mapping[str, Place], own: Mapping[str, Any], file: Path) -> Wanted:
    """What is wanted for a feed whose own ``alerts:`` is given. Raises ConfigError for one that is not valid."""
    found = Wanted()
    levels = [(one.facts.get("alerts") or {}, one.folder) for one in reversed(chain(places, place))]
    for given, where in [*levels, (own, file)]:
        if said := problem(given):
            raise ConfigError(where, f"alerts: {said}")
        found = _over(found, given)
    return found


def _over(found: Wanted, given: Mapping[str, Any]) -> Wanted:
    changes: dict[str, Any] = {key: given[key] for key in ("below", "drop", "language") if key in given}
    if "mail" in given:
        changes["mail"] = tuple(given["mail"] if isinstance(given["mail"], list) else [given["mail"]])
    if "late" in given:
        changes["late"] = seconds_of(given["late"])
    return replace(found, **changes)
