"""The catalogues of words: ``python -m mahakam.web.messages extract|update|check|missing|fill``.

``extract`` prints every message with its place; ``update`` brings ``locales/*/LC_MESSAGES/mahakam.po`` up to the
sources: the languages in which all is said get the new messages, the others keep what they have words for;
``check`` fails (exit 1) on a message without a translation in one of the former, and in any language on a fuzzy one, on
one whose ``%(name)s`` differ or that lacks a plural form; it says how much of the others is translated;
``missing LANGUAGE`` prints what a language has no words for yet, as a ``.po`` file to be filled;
``fill [LANGUAGE]`` (without one: id) reads such a file, or ``{"English": "words", …}`` (plural: ``"one": ["form",
…]``), from standard input.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mahakam.config import LANGUAGES
from mahakam.web.languages import LOCALES, SOURCE, languages, path_of, share

WEB = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "n_": (1, 2)}


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
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(_written(language, catalogue), "utf-8")
    draft.replace(path)


def _written(language: str, catalogue: Any) -> str:
    from babel.messages.pofile import write_po

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
    if '"Plural-Forms:' not in text:  # babel leaves it out for a language that CLDR does not know
        text = text.replace('"MIME-Version', f'"Plural-Forms: {catalogue.plural_forms}\\n"\n"MIME-Version', 1)
    return text


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
        for language in languages():
            catalogue = load(language)
            catalogue.update(template, no_fuzzy_matching=True)
            if language not in LANGUAGES:
                catalogue = _only(catalogue, lambda entry: all(_forms(entry)))
            save(language, catalogue)


def missing(language: str) -> str:
    """The messages that a language has no words for, as the text of a ``.po`` file."""
    catalogue = load(language)
    catalogue.update(extract(), no_fuzzy_matching=True)
    return _written(language, _only(catalogue, lambda entry: not all(_forms(entry))))


def fill(language: str, translations: dict[str, Any]) -> list[str]:
    """Put translations in; returns the messages that the pages do not have."""
    with _alone():
        catalogue = load(language)
        known = catalogue if language in LANGUAGES else extract()
        unknown = []
        for message, translation in translations.items():
            entry = known.get(message)
            if entry is None:
                unknown.append(message)
                continue
            held = catalogue.get(message) or catalogue.add(entry.id, flags=entry.flags)
            held.string = _shaped(entry, translation, catalogue.num_plurals)
        save(language, catalogue)
    return unknown


def given(text: str) -> dict[str, Any]:
    """Message → words, from a ``.po`` file or JSON. Raises ValueError for what is neither."""
    from babel.messages.pofile import PoFileError, read_po

    if text.lstrip().startswith("{"):
        return dict(json.loads(text))
    try:
        filled = read_po(io.StringIO(text), abort_invalid=True)
    except PoFileError as error:
        raise ValueError(str(error)) from error
    return {_ids(entry)[0]: entry.string for entry in filled if entry.id and all(_forms(entry))}


def _only(catalogue: Any, wanted: Callable[[Any], bool]) -> Any:
    """The same catalogue with nothing but the wanted messages."""
    for entry in [one for one in catalogue if one.id and not wanted(one)]:
        catalogue.delete(entry.id)
    catalogue.obsolete.clear()
    return catalogue


def _shaped(entry: Any, translation: Any, forms: int) -> Any:
    if not entry.pluralizable:
        return translation
    given = [translation] if isinstance(translation, str) else list(translation)
    return tuple((given + given[-1:] * forms)[:forms])


def faults() -> list[str]:
    """What is wrong with the catalogues, a line each; empty if every message that must have a translation has one."""
    template = [entry for entry in extract() if entry.id]
    found = []
    for language in languages():
        if language == SOURCE:
            continue
        catalogue = load(language)
        for entry in template:
            wrong = _fault(entry, catalogue.get(_ids(entry)[0]), language)
            if wrong:
                found.append(f"{language}: {wrong}: {_ids(entry)[0]!r}")
    return found


def _fault(entry: Any, translated: Any, language: str) -> str:
    forms = _forms(translated) if translated else []
    if not any(forms):
        return "no translation" if language in LANGUAGES else ""
    if not all(forms):
        return "a plural form is missing"
    if translated.fuzzy:
        return "fuzzy"
    asked, shown = _names(*_ids(entry)), _names(_ids(entry)[0])
    if any(not _names(form) <= asked or shown - _names(form) - {"n"} for form in forms):
        return "other %(names)s than the message"
    return ""


def _ids(entry: Any) -> list[str]:
    return [entry.id] if isinstance(entry.id, str) else list(entry.id)


def _forms(entry: Any) -> list[str]:
    return [entry.string] if isinstance(entry.string, str) else list(entry.string or ("",))


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
            begun = [f"{one} {share(one):.0%}" for one in languages() if one not in LANGUAGES]
            print("begun: " + ", ".join(begun), file=sys.stderr)
            return 1 if found else 0
        case ["missing", code]:
            print(missing(code))
        case ["fill"] | ["fill", _]:
            try:
                words = given(sys.stdin.read())
            except ValueError as error:
                print(f"neither a .po file nor JSON: {error}", file=sys.stderr)
                return 2
            unknown = fill([*arguments, "id"][1], words)
            for message in unknown:
                print(f"not in the catalogue (run update first?): {message!r}", file=sys.stderr)
            return 1 if unknown else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
