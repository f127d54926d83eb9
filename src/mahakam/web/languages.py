"""The languages that pages can be read in: each a catalogue of words, and what ``locales/languages.yaml`` says of it.

``mahakam.config.LANGUAGES`` are those in which everything is said; in another one what has no words yet is in English.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from mahakam.config import LANGUAGES, checked_mapping, read_yaml

LOCALES = Path(__file__).parent / "locales"
SOURCE = "en"
"""The language of the messages themselves, to which others fall back: its catalogue has all of them, without words."""


@dataclass(frozen=True, slots=True)
class Language:
    """One of them. ``code``: ISO 639; ``name``: its own; ``formats``: the CLDR locale of its dates and numbers."""

    code: str
    name: str
    formats: str

    @property
    def complete(self) -> bool:
        return self.code in LANGUAGES


def path_of(code: str) -> Path:
    return LOCALES / code / "LC_MESSAGES" / "mahakam.po"


@cache
def languages() -> Mapping[str, Language]:
    """Code → language, in the order of ``languages.yaml``; then those that it does not name.

    Raises ConfigError for a key that is none.
    """
    file = LOCALES / "languages.yaml"
    said = read_yaml(file)
    there = sorted(path.parts[-3] for path in LOCALES.glob("*/LC_MESSAGES/mahakam.po"))
    codes = [code for code in said if code in there] + [code for code in there if code not in said]
    lines = {code: checked_mapping(file, code, said.get(code, {}), ("name", "formats"), ()) for code in codes}
    return MappingProxyType({code: _language(code, lines[code]) for code in codes})


def _language(code: str, line: Mapping[str, str]) -> Language:
    formats = line.get("formats") or (code if _known(code) else SOURCE)
    return Language(code, line.get("name") or _own_name(code), formats)


def _known(code: str) -> bool:
    from babel.localedata import exists

    return bool(exists(code))


def _own_name(code: str) -> str:
    from babel import Locale

    return (Locale.parse(code).get_display_name() if _known(code) else None) or code


def own_names(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Code and own name of these languages."""
    return [(code, languages()[code].name) for code in codes]


def known_as(tag: str) -> str:
    """The language that a tag of a browser means, ``zh-Hant-SG`` → zh, ``tl`` → fil; "" if it is none of ours."""
    from babel.core import get_global

    code = tag.strip().lower().split("-")[0]
    meant = code if code in languages() else str(get_global("language_aliases").get(code, code)).split("_")[0]
    return meant if meant in languages() else ""


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """The words of one language, compiled in memory from its ``.po``; what it lacks is in English."""
    if not path_of(code).is_file():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path_of(code).open("rb") as stream:
        messages = read_po(stream, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def share(code: str) -> float:
    """How much of the messages a language has words for, 0 to 1."""
    return 1.0 if code in LANGUAGES else _messages(code) / max(_messages(SOURCE), 1)


def _messages(code: str) -> int:
    """The catalogue of a language that is not complete holds nothing but what is translated."""
    return len(re.findall(r"^msgid ", path_of(code).read_text("utf-8"), re.M)) - 1
