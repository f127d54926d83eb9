"""What a solution is: the file solutions/NAME.yaml of a city's folder, read strictly."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from mahakam.config import ConfigError, Place, Text, as_text, read_yaml
from mahakam.solutions.adapting import Adaptation, adapted, read_source
from mahakam.solutions.parts_of import ROOMS, Components, lacking_contract, missing, texts

THEMES = ("transport", "housing", "environment", "safety", "services")
LARGEST_CARRIED = 20 * 2**20
"""Bytes of a data file that may go along: it is read whole each time it is shown."""
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Cost:
    """``amount`` None: not known; then ``note`` says why."""

    amount: float | None
    currency: str
    note: Text


@dataclass(frozen=True, slots=True)
class Link:
    """``address`` is "" for something that stands nowhere in the web: a file of the folder, a report."""

    name: str
    address: str


@dataclass(frozen=True)
class Solution:
    """One solution of a place. ``id`` is the file's name without ending.

    ``indicator`` is the one that it meant to move; "" where there is none, and ``unmeasured`` says why.
    ``carry`` are data files of the folder that are the same for every city, so that they go along when it is adopted.
    ``offered``: everybody may take its files along to another node.
    """

    id: str
    place: str
    path: Path = field(repr=False)
    name: Text
    problem: Text
    context: Text
    method: Text
    started: dt.date
    cost: Cost
    sources: tuple[Link, ...]
    went_wrong: tuple[Text, ...]
    theme: str = ""
    partners: tuple[str, ...] = ()
    components: Components = field(default_factory=Components)
    indicator: str = ""
    unmeasured: Text | None = None
    code: tuple[Link, ...] = ()
    data_model: tuple[Link, ...] = ()
    version: str = "1"
    carry: tuple[str, ...] = ()
    adapt: tuple[Adaptation, ...] = ()
    offered: bool = False

    @property
    def key(self) -> str:
        """Place and name: samarinda/heavy-rain."""
        return f"{self.place}/{self.id}"


def all_solutions(
    places: Mapping[str, Place], problems: list[ConfigError] | None = None
) -> dict[str, Solution]:
    """Every solution of every place by its key; see :func:`solutions_of`."""
    found = (one for place in places.values() for one in solutions_of(place, places, problems).values())
    return {one.key: one for one in found}


def solutions_of(
    place: Place, places: Mapping[str, Place], problems: list[ConfigError] | None = None
) -> dict[str, Solution]:
    """The solutions of a place by id, each with every component there.

    Raises ConfigError for the first file that cannot be used; with ``problems`` it goes there and the file is left out.
    """
    found = {}
    for id, path in place.files("solutions").items():
        try:
            found[id] = read_solution(path, place, places)
        except ConfigError as error:
            if problems is None:
                raise
            problems.append(error)
    return found


def read_solution(path: Path, place: Place, places: Mapping[str, Place]) -> Solution:
    """Read one solutions/NAME.yaml and look whether what it names is there.

    Raises ConfigError naming the file, the key and what would be right. A file is read again only when it has changed;
    what it names is looked for each time.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error
    found = _read(path, place.id, state.st_mtime_ns, state.st_size)
    if problem := missing(found.components, place, places):
        raise ConfigError(path, problem)
    if problem := lacking_contract(found.components, place):
        raise ConfigError(path, problem)
    known = found.components.indicators
    if found.indicator and found.indicator not in known:
        raise ConfigError(
            path, f"indicator: {found.indicator!r} is none of its components{_near(found.indicator, known)}"
        )
    for number, name in enumerate(found.carry):
        if not place.inside(name).is_file():
            raise ConfigError(path, f"carry[{number}]: there is no file {name} in {place.folder}")
        if place.inside(name).stat().st_size > LARGEST_CARRIED:
            most = LARGEST_CARRIED // 2**20
            raise ConfigError(
                path, f"carry[{number}]: {name} is larger than {most} MB; let each city get its own"
            )
    for one in found.adapt:
        here = one.value(place)
        if here is None:
            raise ConfigError(path, f"adapt: {one.text!r}: {place.id} itself has no {one.source!r}")
        if here != one.text:
            raise ConfigError(
                path, f"adapt: {one.text!r} should be {place.id}'s own {one.source!r}, which is {here!r}"
            )
        if not any(
            adapted(text, [(one.text, "")]) != text for text in texts(found.components, place, places)
        ):
            raise ConfigError(path, f"adapt: {one.text!r} stands in none of its components")
    return found


@lru_cache(maxsize=2048)
def _read(path: Path, place: str, _changed: int, _bytes: int) -> Solution:
    facts = read_yaml(path)
    for key in facts:
        if key not in _KEYS:
            raise ConfigError(path, f"unknown key {key!r}{_near(str(key), _KEYS)}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", path.stem):
        raise ConfigError(path, "the file is named with small letters, digits and -, e.g. heavy-rain.yaml")
    for key in _NEEDED:
        if facts.get(key) in (None, "", [], {}):
            raise ConfigError(path, f"needs {key!r}: {_NEEDED[key]}")
    if bool(facts.get("indicator")) == bool(facts.get("unmeasured")):
        raise ConfigError(
            path,
            "needs either 'indicator', which it meant to move, or 'unmeasured', which says why there is none",
        )
    values: dict[str, Any] = {}
    for key, value in facts.items():
        if value is None:
            continue
        try:
            values[key] = _KEYS[key](value)
        except (ValueError, TypeError) as error:
            raise ConfigError(path, f"{key}{'' if str(error).startswith('[') else ': '}{error}") from error
    return Solution(id=path.stem, place=place, path=path, **values)


def _near(word: str, known: Any) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else "; there are " + (", ".join(known) or "none")


def _text(value: object) -> Text:
    if isinstance(value, Mapping):
        if not value or not all(
            isinstance(k, str) and isinstance(v, str) and v.strip() for k, v in value.items()
        ):
            raise ValueError("must be text, or text by language: {en: Rain, id: Hujan}")
    elif not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be text, not {value!r}")
    text = as_text(value)
    if max(map(len, text.values())) > _LONGEST:
        raise ValueError(f"is too long: {_LONGEST} characters at most")
    return text


def _texts(value: object) -> tuple[Text, ...]:
    return tuple(_each(_list(value), _text))


def _words(value: object) -> tuple[str, ...]:
    return tuple(_each(_list(value), _word))


def _word(value: object) -> str:
    if (
        isinstance(value, bool | dict | list)
        or value is None
        or not str(value).strip()
        or len(str(value)) > 200
    ):
        raise ValueError(f"must be a short text, not {value!r}")
    return str(value).strip()


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, not {value!r}")
    return value


def _each(values: list[object], read: Callable[[object], Any]) -> list[Any]:
    found = []
    for number, value in enumerate(values):
        try:
            found.append(read(value))
        except ValueError as error:
            raise ValueError(f"[{number}]{'' if str(error).startswith('[') else ': '}{error}") from error
    return found


def _date(value: object) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise ValueError(f"must be a day, as 2022-06-16, not {value!r}")
    return value


def _theme(value: object) -> str:
    if value not in THEMES:
        raise ValueError(f"must be one of {', '.join(THEMES)}, not {value!r}")
    return str(value)


def _cost(value: object) -> Cost:
    if not isinstance(value, Mapping) or not set(value) <= {"amount", "currency", "note"}:
        raise ValueError("must be {amount: 2500000, currency: IDR, note: …}, or {note: why it is not known}")
    amount, currency = value.get("amount"), str(value.get("currency") or "")
    if amount is None:
        if not value.get("note"):
            raise ValueError("without an amount needs a note that says why it is not known")
        return Cost(None, "", _text(value["note"]))
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount < 0:
        raise ValueError(f"amount must be a number, not {amount!r}")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ValueError(f"needs a currency of three letters beside the amount, e.g. IDR, not {currency!r}")
    return Cost(float(amount), currency, _text(value["note"]) if value.get("note") else {})


def _links(value: object) -> tuple[Link, ...]:
    return tuple(_each(value if isinstance(value, list) else [value], _link))


def _link(value: object) -> Link:
    """An address, a text, or ``{name: …, link: https://…}``."""
    if isinstance(value, Mapping):
        if set(value) != {"name", "link"}:
            raise ValueError("must be an https address, a text, or {name: …, link: https://…}")
        name, address = _word(value["name"]), str(value["link"])
    else:
        name = address = _word(value)
        if not address.startswith(("https://", "http://")):
            return Link(name, "")
    if not address.startswith(("https://", "http://")) or not urlsplit(address).hostname:
        raise ValueError(f"{address!r} is no address that begins with https://")
    return Link(name, address)


def _components(value: object) -> Components:
    if not isinstance(value, Mapping):
        raise ValueError("must be {contracts: […], feeds: […], indicators: […], services: […]}")
    found: dict[str, tuple[str, ...]] = {}
    for room, names in value.items():
        if room not in ROOMS:
            raise ValueError(f"unknown key {room!r}{_near(str(room), ROOMS)}")
        try:
            found[room] = _words(names)
        except ValueError as error:
            raise ValueError(f"{room}{'' if str(error).startswith('[') else ': '}{error}") from error
    return Components(**found)


def _carry(value: object) -> tuple[str, ...]:
    found = _words(value)
    for number, name in enumerate(found):
        parts = PurePosixPath(name).parts
        if len(parts) < 2 or parts[0] not in ("data", "codes") or ".." in parts:
            raise ValueError(f"[{number}]: {name!r} is no file of data/ or codes/")
    return found


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


def _adapt(value: object) -> tuple[Adaptation, ...]:
    if not isinstance(value, Mapping):
        raise ValueError('must map a text of the components to what it is in a city: {"6472": code digits}')
    return tuple(Adaptation(_word(text), read_source(source)) for text, source in value.items())


_KEYS: dict[str, Callable[[Any], Any]] = {
    "name": _text,
    "theme": _theme,
    "problem": _text,
    "context": _text,
    "method": _text,
    "cost": _cost,
    "partners": _words,
    "went_wrong": _texts,
    "started": _date,
    "indicator": _word,
    "unmeasured": _text,
    "components": _components,
    "code": _links,
    "data_model": _links,
    "sources": _links,
    "version": _word,
    "carry": _carry,
    "adapt": _adapt,
    "offered": _yes_or_no,
}
_NEEDED = {
    "name": "what it is called",
    "problem": "what was wrong before",
    "context": "the conditions in which it worked, so that others can compare theirs",
    "method": "what was done",
    "cost": "{amount: 2500000, currency: IDR}, or {note: why it is not known}",
    "went_wrong": "a list of what went wrong; it is what others learn most from",
    "started": "the day from which its effect is looked for, as 2022-06-16",
    "sources": "where these facts come from",
}
