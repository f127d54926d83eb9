"""Held rows as a grid to edit: its lines and cells, what a form says of them, and what became of each row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import FormData

from mahakam.config import ConfigError, Place
from mahakam.feeds.held_sheet import KEPT, columns_of
from mahakam.feeds.known import public
from mahakam.feeds.parts import Parts
from mahakam.feeds.repairing import Repaired, Result, Returned, cells_now, version
from mahakam.quality import wording
from mahakam.store.model import Held, Run
from mahakam.store.protocol import EntityStore
from mahakam.web import gate
from mahakam.web.datasets import feed_of
from mahakam.web.language import _, n_, reader
from mahakam.web.proposals import Proposal, repairs

if TYPE_CHECKING:
    from mahakam.web.site import Site

ROWS = 25
LONGEST_VALUE = 2000
Clashes = Mapping[str, tuple[str | None, str | None]]
"""As in :class:`mahakam.feeds.repairing.Result`."""
FIELDS, BYTES = 12_000, 8 * 2**20
"""What a grid's form may hold."""


@dataclass(frozen=True)
class HeldRows:
    """Held rows of a feed as a table's rows, narrowed by the database. ``cell``: a column and what it reads."""

    store: EntityStore
    place: str
    feed: str
    rule: str = ""
    field: str = ""
    run: int = 0
    cell: tuple[str, str] | None = None

    def count(self) -> int:
        return self.store.count_held(
            self.place, self.feed, rule=self.rule, field=self._field, run=self.run, cell=self.cell
        )

    def window(self, limit: int, offset: int) -> Sequence[Held]:
        return self._read(limit, offset, 0)

    def scan(self) -> Iterator[Held]:
        after = 0
        while rows := self._read(1000, 0, after):
            yield from rows
            after = rows[-1].id

    @property
    def _field(self) -> str | None:
        return self.field if self.rule else None

    def _read(self, limit: int, offset: int, after: int) -> list[Held]:
        return self.store.held(
            self.place,
            self.feed,
            rule=self.rule,
            field=self._field,
            run=self.run,
            cell=self.cell,
            limit=limit,
            offset=offset,
            after=after,
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. ``name``: of its form field, "" where it may not be changed; ``theirs``: what somebody else wrote
    meanwhile; ``proposed``: what it should rather read."""

    column: str
    name: str
    now: str
    raw: str
    wrong: str = ""
    proposed: str = ""
    theirs: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    held: Held
    version: str
    why: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    columns: Sequence[str]
    lines: Sequence[Line]
    calm: frozenset[str] = field(default_factory=frozenset)
    """Columns without a finding on the page: a phone leaves them out."""


def columns_pointed_at(place: Place, feed: str, held: Held) -> dict[str, list[str]]:
    """Column → the sentences of the findings on it; under "" those on none."""
    found: dict[str, list[str]] = {}
    columns_of_field = _columns(place, feed)
    for reason in held.reasons:
        sentence = wording.sentence(reason, reader().language)
        for column in columns_of_field(str(reason.get("field") or "")) or ("",):
            found.setdefault(column, []).append(sentence)
    return found


def reasons_of(held: Held) -> str:
    """All that is wrong with a row, as sentences."""
    return " ".join(wording.sentence(reason, reader().language) for reason in held.reasons)


def grid(
    site: Site,
    place: Place,
    feed: str,
    rows: Sequence[Held],
    *,
    locked: Collection[str] = (),
    masked: Collection[str] = (),
    typed: Mapping[str, str] | None = None,
    clashes: Mapping[int, Clashes] | None = None,
) -> Grid:
    """The grid over some rows. ``locked`` columns cannot be changed; ``masked`` ones (personal data) are shown only
    where a finding points; ``typed``: what was typed before, by form field; ``clashes`` as in :class:`Result`."""
    proposals = _proposals(site, place, feed, rows)
    columns = columns_of(rows)
    lines = []
    loud: set[str] = set()
    for held in rows:
        wrong = columns_pointed_at(place, feed, held)
        loud |= set(wrong)
        now = cells_now(held)
        cells = []
        for index, column in enumerate(held.raw):
            text, bad = now[column] or "", " ".join(wrong.get(column, ()))
            hidden = column in masked and not bad
            name = "" if hidden or column in locked or len(text) > LONGEST_VALUE else f"c-{held.id}-{index}"
            proposal = proposals.get((column, text)) if bad and name else None
            clash = (clashes or {}).get(held.id, {}).get(column)
            cells.append(
                Cell(
                    column,
                    name,
                    KEPT if hidden else (typed or {}).get(name, text)[:LONGEST_VALUE],
                    KEPT if hidden else (held.raw[column] or "")[:LONGEST_VALUE],
                    bad,
                    proposal.new if proposal else "",
                    (clash[0] or "") if clash else None,
                )
            )
        by_name = {cell.column: cell for cell in cells}
        whole = tuple(by_name.get(column, Cell(column, "", "", "")) for column in columns)
        lines.append(Line(held, version(now), reasons_of(held), whole))
    first = columns[0] if columns else ""
    return Grid(columns, lines, frozenset(columns) - loud - {first})


def returned(store: EntityStore, form: FormData, locked: Collection[str] = ()) -> list[Returned]:
    """The rows of a grid's form, with the cells that it has."""
    rows = []
    for text in form.getlist("row")[: 2 * ROWS]:
        if not isinstance(text, str) or not text.isdecimal() or len(text) > 18:
            continue
        held = store.held_row(int(text))
        if held is None:
            continue
        names = {column: f"c-{text}-{index}" for index, column in enumerate(held.raw) if column not in locked}
        cells = {
            column: gate.text(form, name)[:LONGEST_VALUE] for column, name in names.items() if name in form
        }
        taken = _taken(form, names)
        rows.append(Returned(held.id, gate.text(form, f"v-{text}")[:16], {**cells, **taken}))
    return rows


def said(site: Site, place: Place, done: Repaired) -> str:
    """What became of the rows, in one sentence for a person."""
    changed = sum(one.changed for one in done.results)
    stored = done.count("stored")
    held = done.count("held") + done.count("changed meanwhile")
    if done.busy:
        return _("Saved. A run of this dataset is under way: the next one reads what you wrote.")
    if done.run is not None and done.run.state == "failed":
        return _("Saved, but the run could not be finished: %(why)s", why=run_words(site, place, done.run))
    if done.run is None and changed:
        return n_("%(n)s row saved.", "%(n)s rows saved.", changed)
    if done.run is None:
        return _("Nothing was changed.")
    went = n_("%(n)s row went in", "%(n)s rows went in", stored)
    return _("Sent through: %(stored)s, %(held)s are still held.", stored=went, held=held)


def run_words(site: Site, place: Place, run: Run) -> str:
    """What a run says, without where its files lie."""
    return public(place, run.message, site.settings.data)


def clashing(done: Repaired | None) -> tuple[list[Held], dict[int, Clashes]]:
    """The rows that somebody else changed too, and the clashes of each row that came back."""
    handled = [(one.held, one.clashes) for one in done.results if one.held] if done else []
    return [held for held, clashes in handled if clashes], {held.id: clashes for held, clashes in handled}


def outcome_words(result: Result) -> str:
    """What became of one row."""
    match result.outcome:
        case "stored":
            return _("went in")
        case "left out":
            return _("left out")
        case "unknown":
            return _("not a row of this sheet")
        case "changed meanwhile":
            return _("changed by somebody else meanwhile")
        case _:
            return _("still held")


def _taken(form: FormData, names: Mapping[str, str]) -> dict[str, str]:
    """The proposal whose button was pressed: ``c-17-3=Kebon Jeruk``."""
    name, equals, value = gate.text(form, "take").partition("=")
    return {column: value[:LONGEST_VALUE] for column, own in names.items() if equals and own == name}


def _columns(place: Place, feed: str) -> Callable[[str], tuple[str, ...]]:
    """The columns that a field is made of; without a map each is the column of its name."""
    try:
        found = feed_of(place, feed)
    except ConfigError:
        return lambda _name: ()
    made = {one.name: one.columns for one in found.fields}
    return lambda name: made.get(name, ()) if made else (name,) if name else ()


def _proposals(site: Site, place: Place, feed: str, rows: Sequence[Held]) -> dict[tuple[str, str], Proposal]:
    try:
        found = feed_of(place, feed)
        book = Parts.of(site.node).book()
        cures = repairs(found, book.contract(place.id, found.contract), book.references(place.id), rows)
    except ConfigError:
        return {}
    return {(one.column, one.old): one for cure in cures.values() for one in cure.proposals}


def personal_columns(site: Site, place: Place, feed: str) -> frozenset[str]:
    """The columns of the file from which the contract's personal fields are made; all are, if it cannot be read."""
    found = feed_of(place, feed)
    contract = Parts.of(site.node).book().contract(place.id, found.contract)
    names = _columns(place, feed)
    return frozenset(column for one in contract.fields.values() if one.personal for column in names(one.name))
