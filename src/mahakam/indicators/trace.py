"""Where a value comes from: formula, aggregates, runs, then its inputs, page by page from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mahakam.broker.broker import Broker
from mahakam.config import ConfigError, Place, Text, as_text, read_yaml
from mahakam.indicators.definition import Definition, definitions_of
from mahakam.indicators.inputs import selection_of, value_at
from mahakam.indicators.value import TYPE, Value, value_of
from mahakam.ngsild.selection import Condition, Not, Selection
from mahakam.store.model import Run
from mahakam.store.protocol import Document

Only = Literal["", "counted", "others"]
MOST = 1000
"""The longest page of inputs."""


@dataclass(frozen=True, slots=True)
class Source:
    """A feed that the inputs came through: ``ref`` is ``place/feed``."""

    ref: str
    title: Text
    owner: str = ""
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """What one run gave: the run (None if it is no longer known), its inputs, rows it left in quarantine."""

    run: Run | None
    id: int
    inputs: int
    held: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The first answer to *where from?* of one value. ``outdated``: the definition has changed since."""

    value: Value
    place: Place
    definition: Definition
    outdated: bool
    runs: tuple[Share, ...]
    without_run: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """One row that went in: ``cells`` are the attributes that the expressions name; ``counted`` None: all
    alike.

    ``entity`` is the id of the entity ("" for a row of a dataset), ``row`` and ``line`` the place of a
    dataset's row in its ``file`` (data row from 1, line as a person sees it).
    """

    entity: str
    cells: dict[str, Any]
    counted: bool | None
    row: int = 0
    line: int = 0
    document: Document | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of inputs, the counted ones first. ``total`` over all pages."""

    inputs: tuple[Input, ...]
    total: int
    limit: int
    offset: int
    only: Only


def trace(broker: Broker, id: str) -> Trace | None:
    """The trace of a stored value by its entity id.

    None if there is no such value, or its place or definition is gone.
    """
    document = broker.get(id)
    if document is None or document.get("type") != TYPE:
        return None
    try:
        value = value_of(document)
        place = broker.places[value.place]
        definition = definitions_of(place, broker.places, [])[value.indicator]
    except (KeyError, ValueError, TypeError):
        return None
    shares = tuple(
        Share(broker.store.run(run), run, inputs, broker.store.count_held(run=run))
        for run, inputs in sorted(value.runs.items())
    )
    return Trace(
        value,
        place,
        definition,
        definition.hash != value.definition,
        shares,
        value.inputs - sum(share.inputs for share in shares),
        tuple(source_of(broker.places, ref) for ref in value.sources),
    )


def source_of(places: Mapping[str, Place], ref: str) -> Source:
    """Title, owner, licence and origin of a feed (``place/feed``); its own name where its file is gone."""
    place, _, feed = ref.partition("/")
    path = places[place].files("feeds").get(feed) if place in places else None
    try:
        facts = read_yaml(path) if path else {}
    except ConfigError:
        facts = {}
    words = {key: str(facts.get(key) or "") for key in ("owner", "licence", "origin")}
    return Source(ref, as_text(facts.get("title") or feed or ref), **words)


def inputs(
    broker: Broker,
    traced: Trace,
    *,
    limit: int = 50,
    offset: int = 0,
    only: Only = "",
) -> Page:
    """A page of the inputs of a value; the store reads no other entity than those of the page.

    Raises ConfigError if the definition's expressions are no longer valid.
    """
    limit, offset = max(1, min(limit, MOST)), max(0, offset)
    if traced.definition.dataset:
        return _page_of_dataset(broker, traced, limit, offset, only)
    halves = _halves(broker, traced)
    if halves is None:
        return _page_by_ids(broker, traced, limit, offset, only)
    found: list[Input] = []
    total = 0
    for half in halves:
        if only and half.counted is not (only == "counted"):
            continue
        start = offset + len(found) - total
        if len(found) < limit and start < half.count:
            documents = broker.query(half.selection, limit - len(found), max(0, start))
            found += [_input(traced.definition, document, half.counted) for document in documents]
        total += half.count
    return Page(tuple(found), total, limit, offset, only)


@dataclass(frozen=True, slots=True)
class _Half:
    """The inputs that make the number, or the others, or (``counted`` None) all where there is no
    difference.
    """

    selection: Selection
    count: int
    counted: bool | None


def _halves(broker: Broker, traced: Trace) -> tuple[_Half, ...] | None:
    """Selections of the inputs, the counted ones first.

    None if the query language cannot say them, or if they select another number of entities than went in: the
    store's comparison then is not the column engine's, or the inputs have changed since.
    """
    from mahakam.indicators.condition import both, condition_of, period_condition
    from mahakam.indicators.formula import parse

    definition, value = traced.definition, traced.value
    base = selection_of(definition, traced.place, broker.places)
    parts: list[Condition] = []
    if value.period.first:
        example = broker.query(base, 1)
        found = value_at(example[0], definition.time.split(".")) if example else None
        during = period_condition(definition.time, found, value.period, traced.place.timezone)
        if during is None:
            return None
        parts.append(during)
    if definition.where:
        where = condition_of(parse(definition.where, aggregate=False))
        if where is None:
            return None
        parts.append(where)
    every = replace(base, condition=both(*parts))
    if broker.count(every) != value.inputs:
        return None
    if not definition.counted:
        return (_Half(every, value.inputs, None),)
    marked = condition_of(parse(definition.counted, aggregate=False))
    if marked is None:
        return None
    counted = replace(base, condition=both(*parts, marked))
    if broker.count(counted) != value.counted:
        return None
    others = replace(base, condition=both(*parts, Not(marked)))
    return _Half(counted, value.counted, True), _Half(others, value.inputs - value.counted, False)


def _page_of_dataset(broker: Broker, traced: Trace, limit: int, offset: int, only: Only) -> Page:
    from mahakam.indicators.dataset import dataset_of, dataset_page

    definition = traced.definition
    dataset = dataset_of(broker, definition, traced.place)
    if dataset is None or (only and not definition.counted):
        return Page((), 0, limit, offset, only)
    rows, total = dataset_page(
        definition, dataset, traced.place.timezone, traced.value.period, limit, offset, only
    )
    found = tuple(
        Input("", row.cells, row.counted if definition.counted else None, row.row, row.line, file=row.file)
        for row in rows
    )
    return Page(found, total, limit, offset, only)


def _page_by_ids(
    broker: Broker,
    traced: Trace,
    limit: int,
    offset: int,
    only: Only,
) -> Page:
    """Where the query language cannot say the expressions: ids of all inputs, documents of the page."""
    from mahakam.indicators.evaluate import members
    from mahakam.indicators.inputs import inputs_of

    definition = traced.definition
    table = inputs_of(broker, definition, traced.place)
    marks = members(definition, table, traced.value.period)
    if definition.counted:
        marks = [(id, mark) for id, mark in marks if not only or mark is (only == "counted")]
        marks.sort(key=lambda one: not one[1])
    elif only:
        marks = []
    page = dict(marks[offset : offset + limit])
    documents = {
        document["id"]: document for document in broker.query(Selection(ids=tuple(page)), limit)
    } if page else {}  # fmt: skip
    found = tuple(
        _input(definition, documents[id], mark if definition.counted else None)
        for id, mark in page.items()
        if id in documents
    )
    return Page(found, len(marks), limit, offset, only)


def _input(definition: Definition, document: Document, counted: bool | None) -> Input:
    paths = {name: [name] if "://" in name else name.split(".") for name in definition.compiled.columns}
    cells = {name: value_at(document, path) for name, path in paths.items()}
    return Input(document["id"], cells, counted, document=document)
