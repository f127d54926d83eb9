"""What an officer decides of a file that is not a feed yet; plain JSON, so that it can wait and be gone back to."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as a_field
from typing import Any

from mahakam.ngsild.entity import ENTITY_MEMBERS

TYPES = ("string", "integer", "number", "boolean", "date", "timestamp", "time", "object", "array")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ENTITY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_NAMED = re.compile(r'"([^"]+)"')
"""A field in an expression."""
_INSTEAD = {"id": "code", "type": "kind", "scope": "extent"}


@dataclass
class Column:
    """A column of the file: what was seen in it, and what becomes of it.

    ``property``: as inferred (ODCS). ``samples``: some present values. ``low``, ``high``: as text. ``field``, ``type``,
    ``use``, ``required``, ``key``, ``personal`` and ``off`` (rules that are switched off) are the officer's.
    ``attribute`` and ``confidence``: of the nearest model.
    """

    name: str
    property: dict[str, Any]
    samples: list[str]
    missing: int
    distinct: int
    low: str = ""
    high: str = ""
    suspected: str = ""
    attribute: str = ""
    confidence: float = 0.0
    field: str = ""
    type: str = "string"
    use: bool = True
    required: bool = False
    key: bool = False
    personal: bool = False
    off: list[str] = a_field(default_factory=list)


@dataclass
class Draft:
    """``pins``: how the file is read, where the officer said so. ``problem``: why it cannot be read, "" if it can.

    ``models``: the nearest Smart Data Models, as {model, home, confidence}. ``place`` is the place's id, ``slug`` the
    name of the feed and the contract, ``file`` the name of the file; ``point``: longitude and latitude columns.
    ``across``: the rules between columns (ODCS, by the inferred names), `"""

    place: str
    file: str
    author: str
    at: float
    title: str
    slug: str
    entity: str
    owner: str = ""
    pins: dict[str, str] = a_field(default_factory=dict)
    problem: str = ""
    rows: int = 0
    format: str = ""
    notes: list[str] = a_field(default_factory=list)
    markers: list[str] = a_field(default_factory=list)
    columns: list[Column] = a_field(default_factory=list)
    sample: list[list[str]] = a_field(default_factory=list)
    models: list[dict[str, Any]] = a_field(default_factory=list)
    point: list[str] = a_field(default_factory=list)
    location: bool = False
    across: list[dict[str, Any]] = a_field(default_factory=list)
    across_off: list[int] = a_field(default_factory=list)
    totals: list[dict[str, Any]] = a_field(default_factory=list)
    totals_out: bool = True
    totals_rows: list[str] = a_field(default_factory=list)
    """Row and name of each row of totals."""

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, record: dict[str, Any]) -> Draft:
        return cls(**{**record, "columns": [Column(**column) for column in record["columns"]]})

    @property
    def used(self) -> list[Column]:
        return [column for column in self.columns if column.use]

    @property
    def keys(self) -> list[Column]:
        return [column for column in self.used if column.key]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What cannot be published so. ``what``: field, taken, entity, slug, title, none; ``column`` its number, or -1."""

    what: str
    value: str
    column: int = -1


def wrong(draft: Draft, taken: frozenset[str]) -> list[Wrong]:
    """Everything that must be put right before a draft can be tried. ``taken``: names of feeds and contracts."""
    found = []
    if not draft.title.strip():
        found.append(Wrong("title", ""))
    if not _SLUG.fullmatch(draft.slug):
        found.append(Wrong("slug", draft.slug))
    elif draft.slug in taken:
        found.append(Wrong("taken", draft.slug))
    if not _ENTITY.fullmatch(draft.entity):
        found.append(Wrong("entity", draft.entity))
    if not draft.used:
        found.append(Wrong("none", ""))
    seen = {"location"} if draft.location else set()
    for number, column in enumerate(draft.columns):
        if not column.use:
            continue
        if not _FIELD.fullmatch(column.field) or column.field in ENTITY_MEMBERS:
            found.append(Wrong("field", column.field, number))
        elif column.field in seen:
            found.append(Wrong("twice", column.field, number))
        seen.add(column.field)
    return found


def free_name(wanted: str, taken: set[str]) -> str:
    """An attribute's name that an entity can have and that no other column took; it is added to those taken."""
    base = _INSTEAD.get(wanted, wanted)
    base = f"{base}Value" if base in ENTITY_MEMBERS else base
    name, again = base, 1
    while name in taken:
        again += 1
        name = f"{base}_{again}"
    taken.add(name)
    return name


def take_model(draft: Draft, model: str) -> None:
    """Name the entity and the matched columns as a Smart Data Model does; "" goes back to the file's own names."""
    taken = {"location"} if draft.location else set()
    if model:
        draft.entity = model
    for column in draft.columns:
        wanted = column.attribute if model and column.attribute else str(column.property["name"])
        column.field = free_name(wanted, taken)


def asked_across(draft: Draft) -> list[tuple[int, dict[str, Any]]]:
    """The rules between columns that can be asked, with their numbers: all their columns are taken in, as they were
    seen."""
    whole = {str(c.property["name"]) for c in draft.used if c.type == c.property["logicalType"]}
    every = enumerate(draft.across)
    return [(n, rule) for n, rule in every if set(_NAMED.findall(rule["implementation"])) <= whole]


def rule_renamed(rule: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A rule whose implementation is an expression, with fields by other names."""
    text = _NAMED.sub(lambda found: f'"{names.get(found[1], found[1])}"', rule["implementation"])
    return {**rule, "implementation": text}


def rules(column: Column) -> dict[str, dict[str, Any]]:
    """The rules of a column that can be switched off: key → the options or the rule (ODCS)."""
    found: dict[str, dict[str, Any]] = {}
    options = column.property.get("logicalTypeOptions", {})
    bounds = {name: options[name] for name in ("minimum", "maximum") if name in options}
    if bounds:
        found["range"] = bounds
    if "pattern" in options:
        found["pattern"] = {"pattern": options["pattern"]}
    for number, rule in enumerate(column.property.get("quality", ())):
        found[f"rule{number}"] = rule
    return found
