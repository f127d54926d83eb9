"""Computing the values of indicators and storing them, where what they are made from has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.broker.clock import now
from mahakam.broker.copied import members, not_copied
from mahakam.broker.writes import Delete, Upsert, Write
from mahakam.config import ConfigError, Place, scope_of
from mahakam.indicators.definition import Definition, definitions_of
from mahakam.indicators.evaluate import figures
from mahakam.indicators.inputs import inputs_of, selection_of, with_runs
from mahakam.indicators.projecting import carry_on, forget_projections
from mahakam.indicators.value import TYPE, Value, entity_of, judge, meaning, says_meaning, value_of
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.selection import Compare, Path, Scopes, Selection, Types
from mahakam.store.protocol import Document, EntityStore, Transaction

AUTHOR = "indicators"
KIND = "indicator"
"""Kind of the records that remember what an indicator was last computed from."""

Progress = Callable[[int, int, str], None]
"""Called with (done, of, "place/indicator")."""


@dataclass(frozen=True)
class Outcome:
    """What computing one indicator came to. ``state``: ``computed``, ``unchanged`` (nothing it is made from
    has changed), ``noInputs`` (no entity of the type yet) or ``failed`` (``problem`` says why).

    ``undated`` inputs lie in no period, because their time is absent or cannot be read.
    """

    place: str
    indicator: str
    state: str
    values: int = 0
    available: int = 0
    written: int = 0
    removed: int = 0
    undated: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Computed:
    """The values of an indicator, in order of time, and how many inputs had no readable time."""

    values: tuple[Value, ...]
    inputs: int
    undated: int


@dataclass
class _Feeds:
    """Which feed a run belongs to, asked of the store once a run."""

    store: EntityStore
    _names: dict[int, str] = field(default_factory=dict)

    def of(self, runs: Iterable[int]) -> tuple[str, ...]:
        """Each feed once, as ``place/feed``, in the order of the runs."""
        return tuple(dict.fromkeys(name for run in sorted(runs) if (name := self._name(run))))

    def _name(self, run: int) -> str:
        if run not in self._names:
            found = self.store.run(run)
            self._names[run] = f"{found.place}/{found.feed}" if found else ""
        return self._names[run]


def compute(broker: Broker, place: Place, definition: Definition) -> Computed:
    """The values of one indicator for a place, computed now and stored nowhere.

    Raises ConfigError if the definition cannot be computed over what there is.
    """
    if definition.dataset:
        return _over_dataset(broker, place, definition)
    selection = selection_of(definition, place, broker.places)
    table = inputs_of(broker, definition, place)
    if not table.num_rows:
        return Computed((), 0, 0)
    table = with_runs(table, broker.store.runs_behind(selection))
    feeds = _Feeds(broker.store)
    values = tuple(
        judge(definition, place.id, figure, feeds.of(figure.runs)) for figure in figures(definition, table)
    )
    return Computed(values, table.num_rows, table.column("_period").null_count)


def _over_dataset(broker: Broker, place: Place, definition: Definition) -> Computed:
    from mahakam.indicators.dataset import dataset_figures, dataset_of

    dataset = dataset_of(broker, definition, place)
    if dataset is None:
        definition.compiled  # noqa: B018 - a wrong formula is an error also while there is nothing to count
        return Computed((), 0, 0)
    found, rows, undated = dataset_figures(definition, dataset, place.timezone)
    feeds = _Feeds(broker.store)
    values = tuple(judge(definition, place.id, figure, feeds.of(figure.runs)) for figure in found)
    return Computed(values, rows, undated)


def compute_all(
    broker: Broker,
    *,
    only: Sequence[str] = (),
    names: Sequence[str] = (),
    force: bool = False,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Compute and store every indicator of every place (or of the places ``only`` and the indicators
    ``names``).

    What cannot be computed is an outcome of state ``failed`` and stops nothing else. Values of indicators
    that are no longer defined are removed. With ``force`` nothing is skipped.
    """
    outcomes: list[Outcome] = []
    work: list[tuple[Place, Definition]] = []
    for place in broker.places.values():
        if only and place.id not in only:
            continue
        problems: list[ConfigError] = []
        definitions = definitions_of(place, broker.places, problems)
        own = [error for error in problems if error.path.is_relative_to(place.folder / "indicators")]
        outcomes += [Outcome(place.id, error.path.stem, "failed", problem=str(error)) for error in own]
        if not names and not problems:
            _forget(broker, place, set(definitions))
            forget_projections(broker, place, set(definitions))
        work += [(place, one) for id, one in definitions.items() if not names or id in names]
    for done, (place, definition) in enumerate(work):
        if progress:
            progress(done, len(work), f"{place.id}/{definition.id}")
        outcomes.append(update(broker, place, definition, force=force))
    if progress:
        progress(len(work), len(work), "")
    return outcomes


def update(
    broker: Broker,
    place: Place,
    definition: Definition,
    *,
    force: bool = False,
) -> Outcome:
    """Compute one indicator and store what changed; nothing is computed if nothing it is made from has
    changed.
    """
    key = f"{place.id}/{definition.id}"
    at = now()
    try:
        selection = selection_of(definition, place, broker.places)
        mark = _mark(definition, place, broker.places, _inputs(broker, place, definition, selection))
        if nodes := members(broker.store):  # what one of them sent stands until it leaves
            mark["nodes"] = nodes
        if not force and _untouched(broker, selection, mark, broker.store.record(KIND, key)):
            return Outcome(place.id, definition.id, "unchanged")
        computed = compute(broker, place, definition)
        written, removed = _store(broker, place, definition, computed.values, at)
        carry_on(broker, place, definition, computed.values, at)
    except (ConfigError, Problem) as error:
        return Outcome(place.id, definition.id, "failed", problem=str(error))
    record = {**mark, "at": at}
    broker.transact(lambda transaction: transaction.save_record(KIND, key, record))
    return Outcome(
        place.id,
        definition.id,
        "computed" if computed.values else "noInputs",
        values=len(computed.values),
        available=sum(value.state == "available" for value in computed.values),
        written=written,
        removed=removed,
        undated=computed.undated,
    )


def _store(
    broker: Broker,
    place: Place,
    definition: Definition,
    values: Sequence[Value],
    now: str,
) -> tuple[int, int]:
    """Write the values that are not stored as they are; the numbers written and removed."""
    stored = {
        document["id"]: document for document in broker.scan(_values_of(place, broker.places, definition.id))
    }
    scope = scope_of(place, broker.places)
    fresh = [
        entity_of(value, definition, place, scope, now)
        for value in values
        if not _same(value, definition, place, stored.get(value.id))
    ]
    gone = sorted(stored.keys() - {value.id for value in values})
    # What the city's own node sent of itself is its word: this node neither replaces it nor takes it away.
    writes = not_copied(broker.store, [*map(Upsert, fresh), *map(Delete, gone)])
    _write(broker, writes)
    written = sum(isinstance(one, Upsert) for one in writes)
    return written, len(writes) - written


def _write(broker: Broker, writes: Sequence[Write]) -> None:
    """Raises the Problem of the first refused write: a contract for the type of values that they do not
    follow.
    """
    if not writes:
        return
    for written in broker.batch(writes, author=AUTHOR):
        if written.problem:
            raise written.problem


def _inputs(broker: Broker, place: Place, definition: Definition, selection: Selection) -> int | str:
    """The number of entities, or the state of the dataset."""
    if not definition.dataset:
        return broker.count(selection)
    from mahakam.indicators.dataset import dataset_of

    dataset = dataset_of(broker, definition, place)
    return dataset.mark() if dataset else ""


def _mark(
    definition: Definition, place: Place, places: Mapping[str, Place], inputs: int | str
) -> dict[str, object]:
    """All that decides the values besides the inputs' contents."""
    words = [
        definition.hash,
        meaning(definition, place),
        [str(definition.projection), sorted(definition.target)],
        place.timezone,
        scope_of(place, places),
    ]
    return {"definition": words, "inputs": inputs}


def _untouched(
    broker: Broker, selection: Selection, mark: dict[str, object], record: dict[str, Any] | None
) -> bool:
    """Whether definition and inputs are as they were: as many, and none modified since (a removal changes
    the count, unless one came in its place, which then is newer). Cheap: two counts, no column engine.
    """
    if record is None or {**mark, "at": record.get("at")} != record:
        return False
    if not mark["inputs"] or isinstance(mark["inputs"], str):
        return True
    since = Compare(Path("modifiedAt"), ">=", (record["at"],))
    return broker.count(replace(selection, condition=since)) == 0


def _same(value: Value, definition: Definition, place: Place, document: Document | None) -> bool:
    if document is None:
        return False
    try:
        stored = value_of(document)
    except (KeyError, ValueError, TypeError):
        return False
    return replace(value, computed=stored.computed) == stored and says_meaning(document, definition, place)


def _values_of(place: Place, places: Mapping[str, Place], name: str = "") -> Selection:
    return Selection(
        types=Types(((TYPE,),)),
        scopes=Scopes(((scope_of(place, places),),)),
        condition=Compare(Path("indicator"), "==", (name,)) if name else None,
    )


def _forget(broker: Broker, place: Place, defined: set[str]) -> None:
    """Remove the values of indicators that the place no longer has, and what they were computed from: one that comes
    back is computed anew."""
    gone = [
        document
        for document in broker.scan(_values_of(place, broker.places))
        if document.get("indicator", {}).get("value") not in defined
    ]
    _write(broker, not_copied(broker.store, [Delete(document["id"]) for document in gone]))
    names = {str(document.get("indicator", {}).get("value")) for document in gone}

    def forget(transaction: Transaction) -> None:
        for name in names:
            transaction.save_record(KIND, f"{place.id}/{name}", None)

    if names:
        broker.transact(forget)
