"""For what a place uses that which a resident gives, on which legal basis, in which words: ``consent.yaml``."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mahakam.config import (
    ConfigError,
    Place,
    Text,
    chain,
    checked_keys,
    checked_mapping,
    checked_text,
    read_yaml,
)

FILE = "consent.yaml"
CONTACT, UPDATES, PUSH, PHOTOS, SURVEY = PURPOSES = ("contact", "updates", "push", "photos", "survey")
"""What a resident gives and need not give: an e-mail address for questions, and for news, news to a device, photos,
answers to the survey."""
CONSENT = "consent"
BASES = (CONSENT, "contract", "legal_duty", "vital_interest", "public_task", "legitimate_interest")
"""Law 27/2022, art. 20 (2)."""
_LONGEST_VERSION = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Purpose:
    """``version`` is that of the words, which a person is shown when they give it."""

    code: str
    basis: str
    version: str
    text: Text


def purposes_of(place: Place | None, places: Mapping[str, Place]) -> dict[str, Purpose]:
    """Code → purpose: as shipped, with the lines of the place's file and of those above, the nearest first.

    Of a file that cannot be used none holds, and the log says so: what is shipped asks for consent everywhere.
    """
    found = dict(_read(Path(__file__).with_name(FILE), 0))
    for each in reversed(chain(places, place) if place else []):
        path = each.folder / FILE
        if path.is_file():
            try:
                found |= _read(path, path.stat().st_mtime_ns)
            except ConfigError as error:
                _log.error("%s; the words and bases that are shipped hold instead", error)
    return found


@functools.lru_cache(256)
def _read(path: Path, _changed: int) -> Mapping[str, Purpose]:
    raw = read_yaml(path)
    checked_keys(path, "", raw, PURPOSES)
    return {str(code): _purpose(path, str(code), one) for code, one in raw.items()}


def _purpose(path: Path, code: str, raw: object) -> Purpose:
    keys = ("basis", "version", "text")
    said = checked_mapping(path, code, raw, keys, keys)
    if said["basis"] not in BASES:
        raise ConfigError(path, f"{code}.basis is one of {', '.join(BASES)}, not {said['basis']!r}")
    version = str(said["version"])
    if len(version) > _LONGEST_VERSION:
        raise ConfigError(path, f"{code}.version has at most {_LONGEST_VERSION} letters, e.g. '2026-11'")
    return Purpose(code, said["basis"], version, checked_text(path, f"{code}.text", said["text"]))
