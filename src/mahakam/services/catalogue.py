"""What residents can ask for: the services of a place's folder and of the places above, and their search."""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mahakam.config import ConfigError, Place, Text, as_text, chain, read_yaml
from mahakam.services.clock import read_targets
from mahakam.services.form import Question, read_form

_FIELDS = {
    "name": "what residents call it",
    "group": "the heading it stands under",
    "description": "one or two plain sentences",
    "agency": "who answers",
    "keywords": "a list of other words for it",
    "icon": "the name of a picture",
    "form": "its questions, as JSON Schema",
    "targets": "working days for each stage",
}
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ALIKE = 0.75
"""Difflib ratio from which two words count as one mistyped: "lubamg" and "lubang" do."""


@dataclass(frozen=True, slots=True)
class Service:
    """``code`` is the file's name: the ``service_code`` of Open311. ``place`` is where it is configured."""

    code: str
    place: str
    name: Text
    group: Text
    description: Text
    agency: str
    keywords: tuple[str, ...] = ()
    icon: str = ""
    questions: tuple[Question, ...] = ()
    targets: Mapping[str, float] = field(default_factory=dict)


def catalogue(place: Place, places: Mapping[str, Place]) -> dict[str, Service]:
    """The services of a place by code: its parents', then its own, which replace a parent's of the same name.

    Raises ConfigError for a file that cannot be used.
    """
    found: dict[str, Service] = {}
    for owner in reversed(chain(places, place)):
        for code, path in owner.files("services").items():
            changed = path.stat().st_mtime_ns if path.exists() else 0  # reading one that is gone says so
            found[code] = _as_of(code, owner.id, path, changed)
    return found


@functools.lru_cache(4096)
def _as_of(code: str, place: str, path: Path, _changed: int) -> Service:
    """A service is read again only when its file changed: one report asks for the catalogue several times."""
    return read_service(code, place, path)


def read_service(code: str, place: str, path: Path) -> Service:
    """One ``services/NAME.yaml``. Raises ConfigError naming the field that is missing, unknown or wrong."""
    if not _CODE.fullmatch(code):
        raise ConfigError(
            path, "a service's file is named with small letters, digits and -, e.g. street-light.yaml"
        )
    raw = read_yaml(path)
    unknown = sorted(set(raw) - set(_FIELDS))
    if unknown:
        known = ", ".join(f"{name} ({what})" for name, what in _FIELDS.items())
        near = difflib.get_close_matches(unknown[0], _FIELDS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; a service has {known}"
        raise ConfigError(path, f"unknown field {unknown[0]!r}{hint}")
    if not raw.get("name"):
        raise ConfigError(path, "needs a name, e.g. name: {en: Pothole, id: Jalan berlubang}")
    keywords = raw.get("keywords") or []
    if not isinstance(keywords, list):
        raise ConfigError(path, f"keywords is a list, e.g. keywords: [jalan, lubang], not {keywords!r}")
    return Service(
        code=code,
        place=place,
        name=_text(path, "name", raw["name"]),
        group=_text(path, "group", raw.get("group") or ""),
        description=_text(path, "description", raw.get("description") or ""),
        agency=str(raw.get("agency") or ""),
        keywords=tuple(str(word) for word in keywords),
        icon=str(raw.get("icon") or ""),
        questions=read_form(path, raw.get("form")),
        targets=read_targets(path, raw.get("targets")),
    )


def search(services: Iterable[Service], query: str) -> list[Service]:
    """The services that the query may mean, the likeliest first; all, as they come, for an empty query.

    Case and accents do not count, words may be cut short or mistyped, and every language is searched. All
    words of the query must be found.
    """
    wanted = _words(query)[:12]
    services = list(services)
    if not wanted:
        return services
    scored = [(_score(service, wanted), index) for index, service in enumerate(services)]
    best = sorted((-score, index) for score, index in scored if score > 0)
    return [services[index] for _, index in best]


def _score(service: Service, wanted: list[str]) -> float:
    fields: list[tuple[float, Iterable[str]]] = [
        (3.0, service.name.values()),
        (2.0, service.keywords),
        (1.5, service.group.values()),
        (1.0, (*service.description.values(), service.agency)),
    ]
    weighted = [(weight, _words(" ".join(texts))) for weight, texts in fields]
    total = 0.0
    for word in wanted:
        best = max((weight * max(map(_likeness(word), words), default=0.0) for weight, words in weighted))
        if not best:
            return 0.0
        total += best
    return total


def _likeness(word: str) -> Any:
    def of(other: str) -> float:
        if other == word:
            return 1.0
        if other.startswith(word):
            return 0.9
        if len(word) >= 4 and word in other:
            return 0.7
        if min(len(word), len(other)) < 4 or abs(len(word) - len(other)) > 2:
            return 0.0
        ratio = difflib.SequenceMatcher(None, word, other).ratio()
        return 0.6 * ratio if ratio >= _ALIKE else 0.0

    return of


def _words(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text[:4000]) if not unicodedata.combining(c))
    return re.findall(r"\w+", plain.casefold())


def _text(path: Path, field: str, value: object) -> Text:
    if isinstance(value, (list, bool)) or (isinstance(value, Mapping) and not value):
        raise ConfigError(path, f"{field} is a text or {{en: …, id: …}}, not {value!r}")
    return as_text(value)
