"""What an indicator is: the file indicators/NAME.yaml, read strictly."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from mahakam.config import ConfigError, Place, Text, as_text, checked_mapping, read_yaml

if TYPE_CHECKING:
    from mahakam.indicators.formula import Formula

Per = Literal["year", "month", "none"]
Better = Literal["lower", "higher", "neutral"]
Within = Literal["place", "below"]
Theme = Literal["transport", "housing", "environment", "safety", "services"]
Expected = int | Literal["days", "months"] | None

METHOD = 1
"""Number of the way in which values are computed; a change of it makes every value be computed anew."""


@dataclass(frozen=True, slots=True)
class Projected:
    """How a series is carried on: ``to`` a year (None: the last target's), with an interval that is meant to hold
    the share ``level`` of outcomes, inside the bounds that the number cannot leave (None: told from the series).
    """

    to: int | None = None
    level: float = 0.8
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Definition:
    """One indicator. ``id`` is the file's name without ending; ``source`` an entity type, or
    ``dataset:NAME``.

    ``expected`` is the number of inputs a full period has, or ``days``/``months`` (distinct ones with an
    input); ``minimum`` the completeness (0 to 1) below which there is no value; ``breaks`` maps the label
    of the first period counted in another way to the reason, so that nothing is compared across it;
    ``fresh`` the days after the end of a period for which its value may stand as the present state.
    ``baseline`` is the year from which the path to the target is drawn (None: from the newest value);
    ``projection`` None: none is made.
    """

    id: str
    path: Path = field(repr=False)
    name: Text
    source: str
    formula: str
    description: Text | None = None
    theme: Theme | None = None
    frameworks: tuple[tuple[str, str], ...] = ()
    where: str = ""
    counted: str = ""
    per: Per = "year"
    time: str = ""
    unit: str = ""
    decimals: int | None = None
    better: Better = "neutral"
    target: Mapping[int, float] = field(default_factory=dict)
    minimum: float | None = None
    expected: Expected = None
    note: Text | None = None
    inherit: bool = False
    shown_below: bool = False
    within: Within = "place"
    compare: str = ""
    breaks: Mapping[str, Text] = field(default_factory=dict)
    fresh: int | None = None
    baseline: int | None = None
    projection: Projected | None = field(default_factory=Projected)

    @property
    def measure(self) -> str:
        """What is measured: definitions with one name here may be compared if they agree."""
        return self.compare or self.id

    @property
    def dataset(self) -> str | None:
        """The name of the dataset that the rows come from, None if they are entities."""
        return self.source.removeprefix("dataset:") if self.source.startswith("dataset:") else None

    @cached_property
    def compiled(self) -> Formula:
        """The three expressions, parsed and checked.

        Raises ConfigError naming the expression and what is wrong in it.
        """
        from mahakam.indicators.formula import Formula

        return Formula.of(self)

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits over all that decides the value: equal hashes over equal inputs give equal
        values.
        """
        parts = (
            METHOD,
            self.source,
            self.where,
            self.formula,
            self.counted,
            self.per,
            self.time,
            self.unit,
            self.minimum,
            self.expected,
            self.within,
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    @property
    def fresh_days(self) -> int | None:
        """How long the newest value stands for the present: two years, three months, or what ``fresh``
        says.
        """
        return self.fresh if self.fresh is not None else {"year": 730, "month": 92, "none": None}[self.per]


def definitions_of(
    place: Place, places: Mapping[str, Place], problems: list[ConfigError] | None = None
) -> dict[str, Definition]:
    """The indicators of a place by id: its own, and those that a place above passes down (``inherit: true``).

    Raises ConfigError for the first file that cannot be used; with ``problems`` it goes there and the file is
    left out. Expressions are checked by ``Definition.compiled``.
    """
    found = _read_all(place, problems)
    above, seen = place.parent, {place.id}
    while above in places and above not in seen:
        seen.add(str(above))
        for id, definition in _read_all(places[str(above)], problems).items():
            if definition.inherit:
                found.setdefault(id, definition)
        above = places[str(above)].parent
    return dict(sorted(found.items()))


def _read_all(place: Place, problems: list[ConfigError] | None) -> dict[str, Definition]:
    found = {}
    for id, path in place.files("indicators").items():
        try:
            found[id] = read_definition(path)
        except ConfigError as error:
            if problems is None:
                raise
            problems.append(error)
    return found


def read_definition(path: Path) -> Definition:
    """Read one indicators/NAME.yaml.

    Raises ConfigError naming the file, the key and what would be right. A file is read again only when it has
    changed, so that a page costs no parsing.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2048)
def _read(path: Path, _changed: int, _bytes: int) -> Definition:
    facts = read_yaml(path)
    checked_mapping(path, "", facts, list(_KEYS), ("name", "from", "formula"))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", path.stem):
        raise ConfigError(path, "the file's name becomes part of an id: use letters, digits, dots, hyphens")
    values: dict[str, Any] = {}
    for key, value in facts.items():
        name, read = _KEYS[key]
        if value is None:
            continue
        try:
            values[name] = read(value)
        except (ValueError, TypeError) as error:
            raise ConfigError(path, f"{key}: {error}") from error
    definition = Definition(id=path.stem, path=path, **values)
    _agree(definition)
    return definition


def _agree(definition: Definition) -> None:
    """Keys that only make sense together."""
    if definition.per != "none" and not definition.time:
        raise ConfigError(
            definition.path,
            f"per: {definition.per} needs 'time', the attribute that says when, e.g. time: date",
        )
    if definition.minimum is not None and definition.expected is None:
        raise ConfigError(
            definition.path,
            "needs: completeness needs 'expected', what a full period has, e.g. expected: days",
        )
    if definition.expected in ("days", "months") and not definition.time:
        raise ConfigError(definition.path, f"expected: {definition.expected} needs 'time'")
    if definition.expected == "months" and definition.per == "month":
        raise ConfigError(definition.path, "expected: months is for per: year; a month has days")
    if definition.expected in ("days", "months") and definition.per == "none":
        raise ConfigError(
            definition.path, f"expected: {definition.expected} needs a period: per: year or month"
        )
    if definition.per == "none" and definition.projection and definition.projection.to:
        raise ConfigError(definition.path, "projection: needs periods to learn from: per: year or month")
    for label in definition.breaks:
        pattern = {"year": r"\d{4}", "month": r"\d{4}-\d{2}", "none": r"$."}[definition.per]
        if not re.fullmatch(pattern, label):
            raise ConfigError(
                definition.path,
                f"breaks: {label!r} is no period of per: {definition.per}, e.g. 2022 or 2022-01",
            )


def _text(value: object) -> Text:
    if isinstance(value, Mapping):
        if not value or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
            raise ValueError("must be text, or text by language: {en: Rain, id: Hujan}")
    elif not isinstance(value, str):
        raise ValueError(f"must be text, not {value!r}")
    return as_text(value)


def _string(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be text, not {value!r}")
    return value.strip()


def _unit(value: object) -> str:
    return str(value).strip()


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"must be a whole number, not {value!r}")
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


def _one_of(allowed: Any) -> Callable[[object], str]:
    names = get_args(allowed)

    def read(value: object) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(names)}, not {value!r}")
        return str(value)

    return read


def _frameworks(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ValueError('must be a list like [{sdg: "11.6.2"}, {iso37120: Environment and climate change}]')
    return tuple((str(name), str(where)) for item in value for name, where in item.items())


def _target(value: object) -> dict[int, float]:
    if not isinstance(value, Mapping):
        raise ValueError("must map years to values: {2030: 30, 2045: 0}")
    targets = {}
    for year, aim in value.items():
        if isinstance(aim, bool) or not isinstance(aim, int | float) or not re.fullmatch(r"\d{4}", str(year)):
            raise ValueError(f"{year!r}: {aim!r} must be a year and a number, e.g. 2030: 30")
        targets[int(year)] = float(aim)
    return dict(sorted(targets.items()))


def _year(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1000 <= value <= 9999:
        raise ValueError(f"must be a year, e.g. 2021, not {value!r}")
    return value


def _projection(value: object) -> Projected | None:
    if value is False:
        return None
    allowed = ("to", "level", "lowest", "highest")
    if not isinstance(value, Mapping) or not set(value) <= set(allowed):
        raise ValueError("must be false, or {to: 2030, level: 0.8, lowest: 0, highest: 366}")
    for key in allowed[1:]:
        if key in value and (isinstance(value[key], bool) or not isinstance(value[key], int | float)):
            raise ValueError(f"{key} must be a number, not {value[key]!r}")
    level = value.get("level", 0.8)
    if not 0.5 <= level <= 0.99:
        raise ValueError(f"level must be a share from 0.5 to 0.99, not {level!r}")
    lowest, highest = value.get("lowest"), value.get("highest")
    if lowest is not None and highest is not None and lowest >= highest:
        raise ValueError(f"lowest must be below highest, not {lowest!r} and {highest!r}")
    to = _year(value["to"]) if "to" in value else None
    return Projected(to, level, lowest, highest)


def _needs(value: object) -> float:
    if not isinstance(value, Mapping) or set(value) != {"completeness"}:
        raise ValueError("must be {completeness: SHARE}, e.g. {completeness: 0.75}")
    share = value["completeness"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"completeness must be a share from 0 to 1, not {share!r}")
    return float(share)


def _expected(value: object) -> Expected:
    if value == "days" or value == "months":
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"must be a number of inputs, or days or months, not {value!r}")
    return value


def _breaks(value: object) -> dict[str, Text]:
    if not isinstance(value, Mapping):
        raise ValueError("must map the first period counted anew to the reason: {2022: {en: ..., id: ...}}")
    return {
        str(label): _text(reason) for label, reason in sorted(value.items(), key=lambda item: str(item[0]))
    }


_KEYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "name": ("name", _text),
    "description": ("description", _text),
    "theme": ("theme", _one_of(Theme)),
    "frameworks": ("frameworks", _frameworks),
    "from": ("source", _string),
    "where": ("where", _string),
    "formula": ("formula", lambda value: _string(str(value))),
    "counted": ("counted", _string),
    "per": ("per", _one_of(Per)),
    "time": ("time", _string),
    "unit": ("unit", _unit),
    "decimals": ("decimals", _whole),
    "better": ("better", _one_of(Better)),
    "target": ("target", _target),
    "needs": ("minimum", _needs),
    "expected": ("expected", _expected),
    "note": ("note", _text),
    "inherit": ("inherit", _switch),
    "shown_below": ("shown_below", _switch),
    "within": ("within", _one_of(Within)),
    "compare": ("compare", _string),
    "breaks": ("breaks", _breaks),
    "fresh": ("fresh", _whole),
    "baseline": ("baseline", _year),
    "projection": ("projection", _projection),
}
