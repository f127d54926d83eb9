"""A feed as the catalogue tells of it: what it is about, whose it is, under which terms, and what its columns are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mahakam.config import ConfigError, Place, Text, as_text
from mahakam.feeds.definition import Feed
from mahakam.feeds.known import Dataset, dataset, feed_of
from mahakam.feeds.parts import contract_file
from mahakam.feeds.standard import Statistics
from mahakam.feeds.year.desk import Released, released
from mahakam.quality.classes import OPEN, WHOLE, Closing
from mahakam.quality.contract import PERSONAL, Contract, Field
from mahakam.quality.rule import OneOf, Refers

if TYPE_CHECKING:
    from mahakam.store.protocol import EntityStore


class Sight(Protocol):
    """What a reader sees (``access.rights``)."""

    def class_of(self, type: str, attribute: str, place: Place | None, said: str = "", /) -> str:
        """The class of an attribute in a place, "" is public; ``said``: in the contract that was read now."""

    def reads(self, type: str, attribute: str, place: Place | None, said: Closing, /) -> bool:
        """Whether an attribute (``*``: the entity) is read in a place; ``said``: by the contract that was read now."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the reader sees: the data standard of a variable (Satu Data Indonesia, BPS regulation 4/2020).

    ``title`` is the concept, ``description`` the definition, ``codes`` the classification (a code list of the
    node, ``name.column``), ``values`` the values allowed, ``kind`` the measure, ``unit`` its UN/CEFACT code.
    """

    field: Field
    title: str
    description: str
    kind: str
    unit: str
    codes: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.field.name


@dataclass(frozen=True)
class Entry:
    """One dataset of the catalogue: the feed of a place, with its contract and what its runs left."""

    known: Dataset
    feed: Feed
    contract: Contract
    classes: Mapping[str, str]
    """The fields that are not public, with their class (internal, personal)."""
    kept: frozenset[str]
    """Of these the fields that are hidden from this reader: all of them from a stranger."""
    released: Released | None = None
    """What was examined and published of it, if anything was."""

    @property
    def place(self) -> Place:
        return self.known.place

    @property
    def name(self) -> str:
        """The name in CKAN: lower-case letters, digits, dash and underscore."""
        return re.sub(r"[^a-z0-9_-]", "_", f"{self.place.id}--{self.feed.name}".lower())

    @property
    def table(self) -> str:
        """The name of the table in SQL: ``place.feed``, with underscores for what no plain name may hold."""
        return f"{sql_name(self.place.id)}.{sql_name(self.feed.name)}"

    @property
    def path(self) -> str:
        """The stable path of the dataset on this node."""
        return f"/catalogue/{self.place.id}/{self.feed.name}"

    @property
    def description(self) -> Text:
        """What the feed says, else its contract, else the title: DCAT-AP wants a description of every dataset."""
        if self.feed.description:
            return self.feed.description
        return as_text(self.contract.description) if self.contract.description else self.feed.title

    @property
    def modified(self) -> str:
        """When its rows last changed, ISO 8601; "" before the first run."""
        return self.known.updated

    @property
    def rows(self) -> int | None:
        """The rows that the last run left in the store; None before the first run."""
        run = self.known.run
        return None if run is None else run.stored + run.unchanged

    @property
    def producer(self) -> str:
        """The agency whose data it is (produsen data); the place's government where the feed names none."""
        return self.feed.owner or next(iter(self.place.name.values()))

    @property
    def code_lists(self) -> tuple[str, ...]:
        """The reference codes (kode referensi) that its values are held to."""
        return tuple(sorted({column.codes for column in self.columns if column.codes}))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns that this reader may see."""
        units = dict(self.feed.entity.units) if self.feed.entity else {}
        codes = {r.check.field: r.check.target for r in self.contract.rules if isinstance(r.check, Refers)}
        allowed = {
            r.check.field: tuple(sorted(map(str, r.check.values)))
            for r in self.contract.rules
            if isinstance(r.check, OneOf) and r.name in ("enum", "invalidValues")
        }
        return tuple(
            Column(
                field,
                field.title or field.physical,
                field.description,
                field.kind.logical,
                units.get(field.name, ""),
                codes.get(field.name, ""),
                allowed.get(field.name, ()),
            )
            for field in self.contract.fields.values()
            if field.name not in self.kept
        )

    @property
    def statistics(self) -> Statistics:
        """The data standard and statistical metadata that its file declares, and what was published of the form."""
        return self.feed.statistics.over(self.released.statistics if self.released else Statistics())

    def declared(self, written: Statistics) -> Statistics:
        """All that is declared: by the feed's file, in a form, and by the contract of its public columns."""
        variables = []
        for column in self.columns:
            words = {
                "name": column.name,
                "concept": column.title,
                "definition": column.description,
                "type": column.kind,
                "classification": column.codes or ", ".join(column.values),
                "public": "yes",
            }
            variables.append({key: text for key, text in words.items() if text})
        return self.feed.statistics.over(written).over(Statistics(variables=tuple(variables)))

    @property
    def personal(self) -> tuple[str, ...]:
        """The personal columns among those that this reader sees."""
        return tuple(name for name, of in self.classes.items() if of == PERSONAL and name not in self.kept)

    def closed(self, kind: str = "") -> tuple[str, ...]:
        """The fields that are kept from this reader: all, or those of one class (personal, internal)."""
        return tuple(name for name, of in self.classes.items() if name in self.kept and kind in ("", of))


def sql_name(text: str) -> str:
    """A name that SQL takes without quotes."""
    plain = re.sub(r"\W", "_", text.lower(), flags=re.ASCII)
    return f"_{plain}" if plain[:1].isdigit() else plain


def entries(store: EntityStore, places: Mapping[str, Place], sight: Sight) -> Iterator[Entry]:
    """Every usable feed of every place, as a reader sees it; the page of quality has the others."""
    for place in places.values():
        for name in place.files("feeds"):
            found = entry(store, places, sight, place.id, name)
            if found is not None:
                yield found


def entry(
    store: EntityStore, places: Mapping[str, Place], sight: Sight, place_id: str, name: str
) -> Entry | None:
    """One entry as a reader sees it; None if the place, the feed or its contract is not there or cannot be used."""
    place = places.get(place_id)
    if place is None or name not in place.files("feeds"):
        return None
    try:
        feed = feed_of(place, name)
        path = contract_file(places, place, feed.contract)
        contract = _contract(path, path.stat().st_mtime_ns) if path else None
    except ConfigError:
        return None
    if contract is None:
        return None
    if not sight.reads(contract.entity, WHOLE, place, OPEN):
        return None
    classes = classes_of(contract, place, sight)
    kept = hidden_fields(contract, place, sight)
    return Entry(dataset(store, place, name), feed, contract, classes, kept, released(store, place.id, name))


def classes_of(contract: Contract, place: Place, sight: Sight) -> dict[str, str]:
    """The fields of a contract that are not public in a place, with their class."""
    fields = contract.fields.values()
    kinds = {one.name: sight.class_of(contract.entity, one.name, place, one.closed) for one in fields}
    return {name: kind for name, kind in kinds.items() if kind}


def hidden_fields(contract: Contract, place: Place, sight: Sight) -> frozenset[str]:
    """The fields of a contract that are hidden from a reader in a place."""
    return frozenset(
        one.name
        for one in contract.fields.values()
        if not sight.reads(contract.entity, one.name, place, Closing(one.closed, one.readers))
    )


@lru_cache(maxsize=512)
def _contract(path: Path, _modified: int) -> Contract | None:
    from mahakam.quality.load import load
    from mahakam.quality.odcs import ContractError

    try:
        return load(path)
    except ContractError:
        return None


def quality_measures(one: Entry) -> dict[str, Any]:
    """The figures of the last run: rows read, stored, held, with a warning, the score from 0 to 1, and
    ``completenessShare`` and so on: the share of the rows without a finding of that dimension.

    Empty before the first run.
    """
    run = one.known.run
    if run is None:
        return {}
    figures: dict[str, Any] = {
        "rowsRead": run.read - run.left_out,
        "rowsStored": run.stored + run.unchanged,
        "rowsHeld": one.known.held,
        "rowsWithWarning": run.warnings,
    }
    if one.known.score is not None:
        figures["score"] = round(one.known.score, 4)
    for name, share in run.quality.get("dimensions", {}).items():
        figures[f"{name}Share"] = share
    return figures
