"""Texts that are written in the network's languages side by side: a field for each, named ``why-en``, ``why-id``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mahakam.network.recommendation import LANGUAGES, Words
from mahakam.web.languages import own_names

LANGUAGE_NAMES = own_names(LANGUAGES)


def words_in(fields: Mapping[str, Any], name: str) -> Words:
    """What was typed in each language, without the empty ones."""
    found: Words = {}
    for code in LANGUAGES:
        value = fields.get(f"{name}-{code}")
        text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
        if text:
            found[code] = text
    return found


def names_of(*names: str) -> tuple[str, ...]:
    """The fields of some texts, in every language."""
    return tuple(f"{name}-{code}" for name in names for code in LANGUAGES)
