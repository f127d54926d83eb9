"""The catalogues of words: ``python -m mahakam.web.messages extract|update|check|fill``.

``extract`` prints every message with its place; ``update`` brings ``locales/*/LC_MESSAGES/mahakam.po``
up to the sources; ``check`` fails (exit 1) on a message without a translation, a fuzzy one, or one whose
``%(name)s`` differ;
``fill`` reads ``{"English": "Indonesian", …}`` (plural: ``"one": ["satu", …]``) from standard input.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mahakam.config import LANGUAGES
from mahakam.web.language import LOCALES

WEB = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "n_": (1, 2)}
SOURCE = "en"
"""The language of the messages themselves: its catalogue may stay empty."""


def extract() -> Any:
    """Every message of the web room's Python and templates, as a babel Catalog."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    found = Catalog(project="Mahakam", charset="utf-8")
    options = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
    for name, line, message, comments, context in extract_from_dir(
        WEB,
        method_map=_METHODS,
        options_map=options,
        keywords=_KEYWORDS,
        directory_filter=lambda path: Path(path).name not in {"static", "assets", "locales", "__pycache__"},
    ):
        if message:
            found.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return found


def path_of(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "mahakam.po"


def load(language: str) -> Any:
    """The catalogue of a language; an empty one if it has no file."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    path = path_of(language)
    if not path.is_file():
        return Catalog(locale=language, project="Mahakam", charset="utf-8")
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


def save(language: str, catalogue: Any) -> None:
    """Write atomically, sorted, without line numbers (they would change with every edit)."""
    from babel.messages.pofile import write_po

    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.header_comment = f"# The words of Mahakam's pages ({language})."
    catalogue.fuzzy = False
    out = io.BytesIO()
    write_po(
        out, catalogue, width=110, sort_output=True, no_location=True, ignore_obsolete=True, omit_header=False
    )
    text = re.sub(
        r'^"(Project-Id|Report|Last|Language-Team|POT-|PO-R|Generated).*\n',
        "",
        out.getvalue().decode(),
        flags=re.M,
    )
    draft = path.with_suffix(".draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)


@contextmanager
def _alone() -> Iterator[None]:
    """Two people who update at once do not lose each other's words."""
    LOCALES.mkdir(exist_ok=True)
    folder = os.open(LOCALES, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def update() -> None:
    """Add new messages (untranslated), drop those that are gone; never guess a translation."""
    template = extract()
    with _alone():
        for language in LANGUAGES:
            catalogue = load(language)
            catalogue.update(template, no_fuzzy_matching=True)
            save(language, catalogue)


def fill(language: str, translations: dict[str, Any]) -> list[str]:
    """Put translations in; returns the messages that the catalogue does not have."""
    with _alone():
        catalogue = load(language)
        unknown = []
        for message, translation in translations.items():
            entry = catalogue.get(message)
            if entry is None:
                unknown.append(message)
                continue
            entry.string = _shaped(entry, translation, catalogue.num_plurals)
        save(language, catalogue)
    return unknown


def _shaped(entry: Any, translation: Any, forms: int) -> Any:
    if not entry.pluralizable:
        return translation
    given = [translation] if isinstance(translation, str) else list(translation)
    return tuple((given + given[-1:] * forms)[:forms])


def faults() -> list[str]:
    """What is wrong with the catalogues, a line each; empty if every message has its translation."""
    template = extract()
    found = []
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        catalogue = load(language)
        for entry in template:
            if not entry.id:
                continue
            shown = entry.id if isinstance(entry.id, str) else entry.id[0]
            translated = catalogue.get(shown)
            strings = translated.string if translated else ""
            forms = [strings] if isinstance(strings, str) else list(strings)
            if not all(forms) or not forms:
                found.append(f"{language}: no translation: {shown!r}")
            elif translated.fuzzy:
                found.append(f"{language}: fuzzy: {shown!r}")
            elif any(
                not _names(form) <= _names(*_ids(entry)) or _names(shown) - _names(form) - {"n"}
                for form in forms
            ):
                found.append(f"{language}: other %(names)s than the message: {shown!r}")
    return found


def _ids(entry: Any) -> list[str]:
    return [entry.id] if isinstance(entry.id, str) else list(entry.id)


def _names(*texts: str) -> set[str]:
    return {name for text in texts for name in re.findall(r"%\((\w+)\)", text)}


def main(arguments: list[str]) -> int:
    match arguments:
        case ["extract"]:
            for entry in extract():
                if entry.id:
                    where = ", ".join(f"{name}:{line}" for name, line in entry.locations)
                    print(f"{_ids(entry)[0]}\t{where}")
        case ["update"]:
            update()
        case ["check"]:
            found = faults()
            print("\n".join(found) or "every message has its translation", file=sys.stderr)
            return 1 if found else 0
        case ["fill"]:
            unknown = fill("id", json.load(sys.stdin))
            for message in unknown:
                print(f"not in the catalogue (run update first?): {message!r}", file=sys.stderr)
            return 1 if unknown else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
