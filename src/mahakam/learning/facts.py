"""What this node itself knows that somebody did: never what they say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mahakam.broker.broker import Broker
from mahakam.config import Place
from mahakam.indicators.series import all_series
from mahakam.indicators.trace import Input, Trace, inputs, trace
from mahakam.indicators.value import value_id
from mahakam.learning.paths import Fact
from mahakam.spreadsheet import plain
from mahakam.store.model import Held
from mahakam.store.protocol import EntityStore

MOST_RUNS, MOST_ROWS, MOST_INPUTS, _PAGE = 2000, 20_000, 20_000, 1000


@dataclass(frozen=True, slots=True)
class Proof:
    """``what`` names the feed or the indicator, ``at`` when it was (ISO 8601), ``href`` opens it on this node;
    ``detail`` is the row or the run."""

    fact: Fact
    what: str
    at: str
    href: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """The row that somebody says is behind a value: file, the row as the file shows it, and what one of its cells
    reads."""

    indicator: str
    period: str
    file: str
    row: str
    cell: str


def feed_run(broker: Broker, place: Place, account: str) -> Proof | None:
    """The latest run of a feed of the place that the account started and that brought rows in."""
    for run in broker.store.runs(place.id, limit=MOST_RUNS):
        if run.author == account and run.state in ("clean", "held") and run.stored + run.unchanged:
            href = f"/catalogue/{place.id}/{run.feed}"
            return Proof("feed_run", run.feed, run.ended or run.started, href, str(run.id))
    return None


def row_repaired(broker: Broker, place: Place, account: str) -> Proof | None:
    """A row that was held, changed by the account, and let in since; or a rule that it wrote, with a run since."""
    store: EntityStore = broker.store
    for held in _released(store, place):
        for change in reversed(store.changes(held.id)):
            if change.author == account:
                href = f"/quarantine/{place.id}/{held.feed}/{held.id}"
                return Proof("row_repaired", held.feed, change.at, href, f"{held.file} {held.line}")
    for rule in reversed(store.corrections(place.id)):
        if rule.author == account:
            since = (
                run for run in store.runs(place.id, rule.feed, limit=100)
                if run.started >= rule.at and run.state in ("clean", "held")
            )  # fmt: skip
            if next(since, None):
                return Proof(
                    "row_repaired", rule.feed, rule.at, f"/quarantine/{place.id}/{rule.feed}", rule.column
                )
    return None


def indicator_fed(broker: Broker, place: Place, account: str) -> Proof | None:
    """An indicator of the place whose latest value was computed from rows of a run that the account started."""
    for series in all_series(broker, place, above=False):
        latest = series.latest
        for id in sorted(latest.runs, reverse=True) if latest else ():
            run = broker.store.run(id)
            if latest and run and run.author == account:
                href = f"/trace/value/{place.id}/{latest.indicator}/{latest.label}"
                return Proof("indicator_fed", latest.indicator, latest.computed, href, str(run.id))
    return None


def row_traced(broker: Broker, place: Place, named: Named, at: str) -> Proof | None:
    """Whether the named row is behind the value, by the node's own trace. Only cells count that the page of the trace
    shows to everybody."""
    traced = trace(broker, value_id(place.id, named.indicator, named.period))
    if traced is None:
        return None
    file, row, cell = named.file.strip(), named.row.strip(), _plain(named.cell)
    for one in _inputs(broker, traced):
        found = _where(broker, one)
        if found is None or str(found[1]) != row or not _same_file(found[0], file):
            continue
        if cell and cell in {_plain(value) for value in one.cells.values()}:
            href = f"/trace/value/{place.id}/{named.indicator}/{named.period}"
            return Proof("row_traced", named.indicator, at, href, f"{found[0]} {found[1]}")
    return None


CHECKS: dict[Fact, Callable[[Broker, Place, str], Proof | None]] = {
    "feed_run": feed_run,
    "row_repaired": row_repaired,
    "indicator_fed": indicator_fed,
}
"""Those that need no answer of the person."""


def _released(store: EntityStore, place: Place) -> Iterator[Held]:
    after, seen = 0, 0
    while seen < MOST_ROWS and (page := store.held(place.id, state="released", limit=_PAGE, after=after)):
        yield from page
        after, seen = page[-1].id, seen + len(page)


def _inputs(broker: Broker, traced: Trace) -> Iterator[Input]:
    for offset in range(0, MOST_INPUTS, _PAGE):
        page = inputs(broker, traced, limit=_PAGE, offset=offset)
        yield from page.inputs
        if offset + _PAGE >= page.total:
            return


def _where(broker: Broker, one: Input) -> tuple[str, int] | None:
    """The file of an input and its row as a person sees it there."""
    if one.file:
        return one.file, one.line
    lineage = broker.store.lineage(one.entity) if one.entity else None
    return (lineage.file, lineage.line) if lineage else None


def _same_file(known: str, said: str) -> bool:
    return bool(said) and said.casefold() in (known.casefold(), known.rpartition("/")[2].casefold())


def _plain(value: object) -> str:
    return " ".join(plain(value).split()).casefold()
