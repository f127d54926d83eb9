"""Who is told what of a feed: ``alerts:`` in the feed, over that of its place and of places above; and its agency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from mahakam.config import LANGUAGES, ConfigError, Place, chain
from mahakam.ngsild.duration import DURATION_RULE, seconds_of

_KEYS = ("below", "drop", "language", "late", "mail")
_OF_PLACES = "agencies"
"""The key that only a place has: agency → its addresses, told of its own feeds only."""


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


def problem(given: object, *, of_place: bool = False) -> str:
    """What is wrong with an ``alerts:``; "" for nothing. ``of_place``: it is a place's, which may name agencies."""
    if not isinstance(given, Mapping):
        return f"must be a mapping, as {{mail: [walidata@example.id], drop: 0.05}}, not {given!r}"
    keys = (_OF_PLACES, *_KEYS) if of_place else _KEYS
    unknown = [str(key) for key in given if key not in keys]
    if unknown == [_OF_PLACES]:
        return "agencies stands in the place's alerts, not in a feed's"
    if unknown:
        return f"{unknown[0]!r} is unknown (known: {', '.join(keys)})"
    agencies = given.get(_OF_PLACES, {})
    if not isinstance(agencies, Mapping):
        return (
            f"agencies: must be a mapping, as {{Dinas Perhubungan: data@dishub.example.id}}, not {agencies!r}"
        )
    for where, mail in [
        ("mail", given.get("mail", [])),
        *((f"agencies: {a}", m) for a, m in agencies.items()),
    ]:
        for one in _listed(mail):
            if not isinstance(one, str) or "@" not in parseaddr(one)[1] or any(ord(c) < 33 for c in one):
                return f"{where}: {one!r} is no address, as walidata@example.id"
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


def wanted(
    place: Place, places: Mapping[str, Place], own: Mapping[str, Any], file: Path, owner: str = ""
) -> Wanted:
    """What is wanted for a feed whose own ``alerts:`` is given, of the agency ``owner``, whose own addresses come to
    those of the feed. Raises ConfigError for one that is not valid."""
    found = Wanted()
    agency: tuple[str, ...] = ()
    for one in reversed(chain(places, place)):
        given = one.facts.get("alerts") or {}
        if said := problem(given, of_place=True):
            raise ConfigError(one.folder, f"alerts: {said}")
        found = _over(found, given)
        if owner and owner in given.get(_OF_PLACES, {}):
            agency = tuple(_listed(given[_OF_PLACES][owner]))
    if said := problem(own):
        raise ConfigError(file, f"alerts: {said}")
    found = _over(found, own)
    return replace(found, mail=tuple(dict.fromkeys((*found.mail, *agency))))


def _listed(mail: Any) -> list[Any]:
    return mail if isinstance(mail, list) else [mail]


def _over(found: Wanted, given: Mapping[str, Any]) -> Wanted:
    changes: dict[str, Any] = {key: given[key] for key in ("below", "drop", "language") if key in given}
    if "mail" in given:
        changes["mail"] = tuple(_listed(given["mail"]))
    if "late" in given:
        changes["late"] = seconds_of(given["late"])
    return replace(found, **changes)
