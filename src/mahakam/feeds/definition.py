"""A feed as ``feeds/NAME.yaml`` defines it, read strictly: a key that means nothing is an error, not a silence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mahakam.config import ConfigError, Place, Text, as_text, read_yaml
from mahakam.feeds import origins, standard
from mahakam.feeds.sources import formats

Duplicates = Literal["error", "first", "last"]
Kept = Literal["entities", "dataset"]

_FEED = (
    "title", "description", "source", "contract", "missing", "map", "where", "duplicates", "entity", "store",
    "theme", "owner", "agency", "licence", "origin", "schedule", "alerts", "statistics",
)  # fmt: skip
_SOURCE = (
    "file", "files", "format", "entry", "encoding", "delimiter", "decimal", "header", "columns", "sheet", "skip",
    "records", "rows", "table",
)  # fmt: skip
_FIELD = (
    "column", "date", "replace", "number", "text", "pattern", "to", "value", "file", "longitude", "latitude", "x", "y",
    "crs", "geometry",
)  # fmt: skip
_ENTITY = ("id", "observedAt", "relationships", "units")
_SKIP = ("where", "reason")
_SKIP_WHERE = ("column", "in", "pattern", "blank")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DATE_MARK = re.compile(r"%(?:-?[dmyHIMSj]|[aAwbBYpgfnzZUWcxXGVu%])")
_BEYOND_RE2 = re.compile(r"(?<!\\)(?:\(\?(?:<?[=!]|P=|\()|\\[1-9])")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Number:
    """How numbers are written: ``decimal`` mark and ``group`` mark ("" for none)."""

    decimal: str = "."
    group: str = ","


@dataclass(frozen=True, slots=True)
class Field:
    """How one field of the contract is made. Exactly one origin: column, value, file, longitude + latitude, geometry.

    ``longitude`` and ``latitude`` name columns; under ``crs`` they may be projected (x and y).
    """

    name: str
    column: str | None = None
    value: str | None = None
    file: bool = False
    geometry: bool = False
    longitude: str | None = None
    latitude: str | None = None
    crs: str = "EPSG:4326"
    replace: tuple[tuple[str, str | None], ...] = ()
    pattern: str | None = None
    to: str | None = None
    text: str | None = None
    number: Number | None = None
    date: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns that it is made of."""
        return tuple(c for c in (self.column, self.longitude, self.latitude) if c is not None)


@dataclass(frozen=True, slots=True)
class Skip:
    """Rows that are no records (totals, notes): those whose ``column`` is one of ``values``, matches, or is blank."""

    column: str
    values: tuple[str, ...] = ()
    pattern: str | None = None
    blank: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EntityForm:
    """How a record becomes an entity. ``id`` is a template; ``units`` gives UN/CEFACT codes by field."""

    id: str
    observed_at: str | None = None
    relationships: tuple[tuple[str, str], ...] = ()
    units: tuple[tuple[str, str], ...] = ()

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The fields that the id is made of."""
        return placeholders(self.id)


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed of a place. ``files`` are patterns inside the place's folder; ``pins`` go to ``sources.read``."""

    place: Place
    name: str
    path: Path
    title: Text
    files: tuple[str, ...]
    pins: Mapping[str, Any]
    skips: tuple[Skip, ...]
    contract: str
    missing: tuple[str, ...]
    fields: tuple[Field, ...]
    where: str | None
    duplicates: Duplicates
    entity: EntityForm | None
    store: Kept
    theme: str = ""
    owner: str = ""
    agency: str = ""
    """The column that says which agency sent the row, where several do."""
    licence: str = ""
    origin: str = ""
    schedule: str = ""
    description: Text | None = None
    alerts: Mapping[str, Any] = field(default_factory=dict)
    fetched: tuple[str, Mapping[str, Any]] | None = None
    """Where the data comes from if it is no file of the place: the origin's name and its options."""
    statistics: standard.Statistics = field(default_factory=standard.Statistics)
    """The data standard and the statistical metadata that its file declares."""

    def source_files(self) -> list[Path]:
        """The files of the source, in the order of their names within a pattern.

        Raises ConfigError if a pattern finds none or leads out of the place's folder.
        """
        found: list[Path] = []
        for pattern in self.files:
            if ".." in Path(pattern).parts or Path(pattern).is_absolute():
                raise ConfigError(
                    self.path, f"source: {pattern!r} leads out of the place's folder; name a file inside it"
                )
            if any(mark in pattern for mark in "*?["):
                matches = sorted(self.place.folder.glob(pattern))
                if not matches:
                    raise ConfigError(
                        self.path, f"source: no file matches {pattern!r} in {self.place.folder}"
                    )
                found += [self.place.inside(str(m.relative_to(self.place.folder))) for m in matches]
            else:
                path = self.place.inside(pattern)
                if not path.is_file():
                    raise ConfigError(
                        self.path, f"source: there is no file {pattern!r} in {self.place.folder}"
                    )
                found.append(path)
        return found


def placeholders(template: str) -> tuple[str, ...]:
    """The fields that a template names in braces, in order."""
    return tuple(_PLACEHOLDER.findall(template))


def load(place: Place, name: str) -> Feed:
    """Read ``feeds/NAME.yaml`` of a place.

    Raises ConfigError naming file and key for everything that is unknown, missing or of the wrong kind.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            place.folder, f"{name!r} is no name of a feed: letters, digits, dot, dash and underscore only"
        )
    files = place.files("feeds")
    if name not in files:
        have = ", ".join(files) or "none"
        raise ConfigError(
            place.folder / "feeds", f"there is no feed {name!r}{_nearest(name, files)} (feeds: {have})"
        )
    return from_mapping(place, name, files[name], read_yaml(files[name]))


def load_all(place: Place) -> list[Feed]:
    """Every feed of a place, by name."""
    return [load(place, name) for name in place.files("feeds")]


def from_mapping(place: Place, name: str, path: Path, given: Mapping[str, Any]) -> Feed:
    """A feed from the mapping that its YAML holds. Raises ConfigError as :func:`load` does."""
    read = _Reader(path)
    read.keys(given, _FEED, "")
    source = given.get("source")
    if isinstance(source, str):
        source = {"file": source}
    source = read.mapping(source, "source", required=True)
    read.keys(source, (*_SOURCE, *origins.names()), "source")
    fetched = read.fetched(source)
    patterns = () if fetched else read.files(source)
    pins = read.pins(source)
    contract = given.get("contract")
    if not contract:
        raise ConfigError(path, "needs a contract, e.g. contract: air-quality")
    if not isinstance(contract, str) or not _NAME.fullmatch(contract):
        raise ConfigError(path, f"contract: must be a name of a file in contracts/, not {contract!r}")
    store = read.choice(given.get("store", "entities"), ("entities", "dataset"), "store")
    duplicates = read.choice(given.get("duplicates", "error"), ("error", "first", "last"), "duplicates")
    entity = read.entity(given.get("entity"), needed=store == "entities")
    missing = given.get("missing", [""])
    if not isinstance(missing, list) or any(isinstance(mark, dict | list) for mark in missing):
        raise ConfigError(path, f'missing: must be a list, e.g. missing: ["", "-"], not {missing!r}')
    fields = read.mapping(given.get("map"), "map")
    where = given.get("where")
    if where is not None and not isinstance(where, str):
        raise ConfigError(path, f"where: must be a condition, as \"kind = 'fire'\", not {where!r}")
    return Feed(
        place=place,
        name=name,
        path=path,
        title=read.text(given.get("title", name), "title"),
        files=patterns,
        pins=pins,
        skips=tuple(read.skips(source.get("skip"))),
        contract=str(contract),
        missing=tuple("" if m is None else str(m) for m in missing),
        fields=tuple(read.field(str(key), value) for key, value in fields.items()),
        where=where or None,
        duplicates=duplicates,  # type: ignore[arg-type]
        entity=entity,
        store=store,  # type: ignore[arg-type]
        theme=read.word(given.get("theme", ""), "theme"),
        owner=read.word(given.get("owner", ""), "owner"),
        agency=read.word(given.get("agency", ""), "agency"),
        licence=read.word(given.get("licence", ""), "licence"),
        origin=read.word(given.get("origin", ""), "origin"),
        schedule=read.schedule(given.get("schedule", "")),
        description=read.text(given["description"], "description") if given.get("description") else None,
        alerts=read.alerts(given.get("alerts")),
        fetched=fetched,
        statistics=read.statistics(given.get("statistics")),
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f"; did you mean {match[0]!r}?" if match else ""


class _Reader:
    """Reads parts of one feed file, and says where in it something is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self, given: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        for key in given:
            if key not in known:
                at = f"{where}.{key}" if where else str(key)
                raise ConfigError(
                    self.path,
                    f"{at}: unknown key{_nearest(str(key), known)} (known: {', '.join(sorted(known))})",
                )

    def mapping(self, value: object, where: str, *, required: bool = False) -> dict[str, Any]:
        if value is None and not required:
            return {}
        if not isinstance(value, dict):
            raise ConfigError(self.path, f"{where}: must be a mapping (key: value), not {value!r}")
        return value

    def word(self, value: object, where: str) -> str:
        """One word or number, as text (YAML reads an unquoted 2024 as a number)."""
        if isinstance(value, dict | list | bool) or value is None:
            raise ConfigError(self.path, f"{where}: must be one text, not {value!r}")
        return str(value)

    def text(self, value: object, where: str) -> Text:
        """Words for people: one text, or a text by language."""
        for one in value.values() if isinstance(value, dict) else [value]:
            if isinstance(one, dict | list) or one is None:
                raise ConfigError(
                    self.path, f"{where}: must be one text, or a text by language, not {value!r}"
                )
        return as_text(value)

    def schedule(self, value: object) -> str:
        expression = self.word(value, "schedule")
        if expression:
            from mahakam.feeds.schedule import problem

            if said := problem(expression):
                raise ConfigError(self.path, f"schedule: {said}")
        return expression

    def alerts(self, value: object) -> dict[str, Any]:
        from mahakam.feeds.alerts.wanted import problem

        given = self.mapping(value, "alerts")
        if said := problem(given):
            raise ConfigError(self.path, f"alerts: {said}")
        return given

    def statistics(self, value: object) -> standard.Statistics:
        given = self.mapping(value, "statistics")
        if said := standard.problem(given):
            raise ConfigError(self.path, f"statistics: {said}")
        return standard.read(given)

    def fetched(self, source: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
        named = [key for key in source if key in origins.names()]
        if not named:
            return None
        if len(named) > 1 or "file" in source or "files" in source:
            raise ConfigError(self.path, f"source: name one of file, files, {', '.join(origins.names())}")
        if problem := origins.named(named[0]).problem(source[named[0]]):
            raise ConfigError(self.path, f"source.{named[0]}: {problem}")
        return named[0], source[named[0]]

    def files(self, source: Mapping[str, Any]) -> tuple[str, ...]:
        if ("file" in source) == ("files" in source):
            raise ConfigError(self.path, "source: name one file, or files: a list or a pattern")
        key = "files" if "files" in source else "file"
        named = source[key]
        several = named if key == "files" and isinstance(named, list) else [named]
        if not several or not all(isinstance(name, str) and name for name in several):
            more = (
                "a name, a pattern or a list of them" if key == "files" else "one name (several go in files)"
            )
            raise ConfigError(self.path, f"source.{key}: must be {more}, not {named!r}")
        return tuple(several)

    def pins(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """What the source pins, each of the kind that ``sources.read`` takes."""
        pins: dict[str, Any] = {}
        for key, value in source.items():
            if key in ("file", "files", "skip", *origins.names()) or value is None:
                continue
            where = f"source.{key}"
            if key == "format":
                pins[key] = self.choice(value, formats.names(), where)
            elif key == "columns":
                if not isinstance(value, list) or not value:
                    raise ConfigError(
                        self.path, f"{where}: must be a list of names, as [a, b], not {value!r}"
                    )
                pins[key] = [self.word(name, where) for name in value]
            elif key == "decimal" and value not in (",", "."):
                raise ConfigError(self.path, f'{where}: must be "," or ".", not {value!r}')
            elif key in ("header", "rows", "sheet", "table"):
                pins[key] = self.word(value, where)
            elif not isinstance(value, str) or not value:
                raise ConfigError(self.path, f"{where}: must be a text, not {value!r}")
            else:
                pins[key] = value
        return pins

    def choice(self, value: object, known: tuple[str, ...], where: str) -> str:
        if value not in known:
            raise ConfigError(self.path, f"{where}: must be {' or '.join(known)}, not {value!r}")
        return str(value)

    def skips(self, value: object) -> Iterable[Skip]:
        for item in value if isinstance(value, list) else [value] if value else []:
            skip = self.mapping(item, "source.skip")
            self.keys(skip, _SKIP, "source.skip")
            where = self.mapping(skip.get("where"), "source.skip.where", required=True)
            self.keys(where, _SKIP_WHERE, "source.skip.where")
            if "column" not in where or len(where) != 2:
                raise ConfigError(self.path, "source.skip.where: needs column, and one of in, pattern, blank")
            values = where.get("in", [])
            values = values if isinstance(values, list) else [values]
            column = self.word(where["column"], "source.skip.where.column")
            pattern = where.get("pattern")
            self.pattern(pattern, "source.skip.where.pattern")
            yield Skip(
                column,
                tuple(self.word(v, "source.skip.where.in") for v in values),
                None if pattern is None else str(pattern),
                bool(where.get("blank")),
                str(skip.get("reason", "")),
            )

    def entity(self, value: object, *, needed: bool) -> EntityForm | None:
        if value is None and not needed:
            return None
        if value is None:
            raise ConfigError(
                self.path, 'needs entity: {id: "urn:ngsi-ld:Type:place:{field}"}, or store: dataset'
            )
        entity = self.mapping(value, "entity")
        self.keys(entity, _ENTITY, "entity")
        template = self.word(entity.get("id", ""), "entity.id")
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S+$", template):
            raise ConfigError(
                self.path, f"entity.id: {template!r} is no URI template, as urn:ngsi-ld:Type:place:{{field}}"
            )
        if not placeholders(template):
            raise ConfigError(
                self.path, f"entity.id: {template!r} names no field in braces: all rows would be one entity"
            )
        relationships = self.mapping(entity.get("relationships"), "entity.relationships")
        for name, target in relationships.items():
            if not placeholders(str(target)):
                raise ConfigError(
                    self.path, f"entity.relationships.{name}: {target!r} names no field in braces"
                )
        return EntityForm(
            template,
            self.word(entity["observedAt"], "entity.observedAt") if entity.get("observedAt") else None,
            tuple((str(k), str(v)) for k, v in relationships.items()),
            tuple(
                (str(k), self.word(v, f"entity.units.{k}"))
                for k, v in self.mapping(entity.get("units"), "entity.units").items()
            ),
        )

    def pattern(self, value: object, where: str) -> None:
        if value is None:
            return
        try:
            re.compile(str(value))
        except re.error as error:
            raise ConfigError(self.path, f"{where}: {value!r} is no regular expression: {error}") from error
        if beyond := _BEYOND_RE2.search(str(value)):
            raise ConfigError(
                self.path,
                f"{where}: {beyond[0]} in {value!r} is not known here: no look-around, no back-reference",
            )

    def field(self, name: str, value: object) -> Field:
        where = f"map.{name}"
        if isinstance(value, str):
            return Field(name, column=value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Field(name, column=str(value))
        if isinstance(value, bool):
            raise ConfigError(
                self.path,
                f"{where}: YAML reads yes, no, on and off as true or false; write the column in quotes",
            )
        given = self.mapping(value, where, required=True)
        self.keys(given, _FIELD, where)
        for one, other in (("x", "longitude"), ("y", "latitude")):
            if one in given and other in given:
                raise ConfigError(self.path, f"{where}: {one} and {other} are the same; name one of them")
        for key in ("column", "longitude", "latitude", "x", "y", "crs", "pattern", "to"):
            if key in given:
                self.word(given[key], f"{where}.{key}")
        longitude = given.get("longitude", given.get("x"))
        latitude = given.get("latitude", given.get("y"))
        if (longitude is None) != (latitude is None):
            raise ConfigError(self.path, f"{where}: longitude needs latitude beside it (or x and y)")
        origins = [
            "column" in given, "value" in given, bool(given.get("file")), bool(given.get("geometry")),
            longitude is not None,
        ]  # fmt: skip
        if sum(origins) != 1:
            raise ConfigError(
                self.path,
                f"{where}: needs exactly one of column, value, file, geometry, longitude and latitude",
            )
        self.pattern(given.get("pattern"), f"{where}.pattern")
        if "to" in given and "pattern" not in given:
            raise ConfigError(self.path, f"{where}: to needs a pattern beside it")
        text = given.get("text")
        if text is not None:
            self.choice(text, ("trim", "upper", "lower", "title"), f"{where}.text")
        dates = given.get("date", [])
        dates = dates if isinstance(dates, list) else [dates]
        for format in dates:
            if not isinstance(format, str) or "%" not in format or "%" in _DATE_MARK.sub("", format):
                raise ConfigError(self.path, f'{where}.date: {format!r} is no date format, as "%d/%m/%Y"')
        replace = self.mapping(given.get("replace"), f"{where}.replace")
        return Field(
            name,
            column=None if given.get("column") is None else str(given["column"]),
            value=_constant(given["value"]) if "value" in given else None,
            file=bool(given.get("file")),
            geometry=bool(given.get("geometry")),
            longitude=None if longitude is None else str(longitude),
            latitude=None if latitude is None else str(latitude),
            crs=str(given.get("crs", "EPSG:4326")),
            replace=tuple((_constant(k) or "", _constant(v)) for k, v in replace.items()),
            pattern=None if given.get("pattern") is None else str(given["pattern"]),
            to=None if given.get("to") is None else str(given["to"]),
            text=None if text in (None, "trim") else str(text),
            number=self.number(given.get("number"), where),
            date=tuple(dates),
        )

    def number(self, value: object, where: str) -> Number | None:
        if value is None or value is False:
            return None
        if value is True:
            return Number()
        given = self.mapping(value, f"{where}.number")
        self.keys(given, ("decimal", "group"), f"{where}.number")
        decimal = str(given.get("decimal", "."))
        group = str(given.get("group", "." if decimal == "," else ","))
        if len(decimal) != 1 or len(group) > 1 or decimal == group or (decimal + group).isalnum():
            raise ConfigError(
                self.path, f"{where}.number: decimal and group must be two different marks, as , and ."
            )
        return Number(decimal, group)


def _constant(value: object) -> str | None:
    """A YAML scalar as canonical text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
