"""Erases a person from what agencies handed in (Law 27/2022 art. 8): cells of held rows, attributes of entities with
their histories and the cells that they came of, cells of every kept version of a dataset, and the kept copies of the
files.

The agencies' own files are theirs: of a new one that has the person, the next run leaves those cells empty
(``feeds.erased``). What was erased is noted by its place, so that a backup from before does not bring it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from mahakam.access.known_as import Marker, known_as
from mahakam.broker.clock import now
from mahakam.broker.writes import Modify
from mahakam.config import Place
from mahakam.feeds.archive import Archive
from mahakam.feeds.dataset_cells import empty_cells
from mahakam.feeds.erased import KIND
from mahakam.feeds.kept_files import kept_table
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.model import SourceError
from mahakam.ngsild import patch
from mahakam.ngsild.core import NULL
from mahakam.ngsild.entity import Document
from mahakam.ngsild.problem import Problem
from mahakam.operations.standing import Standing, in_table, is_of, standings
from mahakam.store.acting import by_right
from mahakam.store.protocol import Transaction

if TYPE_CHECKING:
    from mahakam.access.rights import Rights

ACTION, ADMIT = "forget.tables", "forget.admit"
_MOST = 100_000


class Row(msgspec.Struct, frozen=True):
    """Columns of a row in quarantine."""

    held: int
    columns: tuple[str, ...]


class Attributes(msgspec.Struct, frozen=True):
    """Attributes of an entity with all their history; ``moments`` in the history of others: name and number; and the
    columns of the row that it came of."""

    entity: str
    names: tuple[str, ...]
    moments: tuple[tuple[str, int], ...] = ()
    columns: tuple[str, ...] = ()


class Cells(msgspec.Struct, frozen=True):
    """Columns of rows (file, number) of the version of a dataset that a run left."""

    place: str
    feed: str
    run: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, int], ...]


class Erased(msgspec.Struct, frozen=True):
    """What was erased, or is to be. ``files``: SHA-256 of kept files. ``mark``: the hash by which their next runs know
    who it was in ``feeds`` (``place/feed``); "" once they may be handed in again."""

    rows: tuple[Row, ...] = ()
    entities: tuple[Attributes, ...] = ()
    versions: tuple[Cells, ...] = ()
    files: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    mark: str = ""
    notifications: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.entities or self.versions or self.notifications)


def erase(
    parts: Parts,
    rights: Rights,
    who: str,
    within: Callable[[Place | None], bool] = lambda _place: True,
    author: str = "",
) -> Erased:
    """Erase an address, a telephone number or another number (NIK) from the tables of the places in which whoever asks
    may. Raises ValueError as :func:`known_as`, SourceError for a version that cannot be written anew, OSError without
    room; then it is done again."""
    found = _located(parts, known_as(who), list(standings(parts, rights, who, within)))
    if found:
        _note(parts, found)
        with by_right():
            _apply(parts, found, author)
    return found


def again(parts: Parts, records: Mapping[str, Mapping[str, Any]]) -> int:
    """Erase in a store that a backup was put into what ``records`` of a later one name (:data:`KIND`), and it does not
    know; how many of them."""
    known = parts.store.records(KIND)
    missing = {key: value for key, value in records.items() if key not in known}
    for key, value in missing.items():
        _apply(parts, msgspec.convert(value, Erased), "")
        parts.store.write(lambda transaction, k=key, v=value: transaction.save_record(KIND, k, dict(v)))  # type: ignore[misc]
    return len(missing)


def admit(parts: Parts, who: str, within: Callable[[Place | None], bool] = lambda _place: True) -> list[str]:
    """Agencies may hand somebody in again, who asked for it or has to be there, in the places in which whoever says so
    may; the feeds. Raises ValueError."""
    mark = Marker(parts.store).of(known_as(who))

    def may(feed: str) -> bool:
        return within(parts.places.get(feed.partition("/")[0]))

    def work(transaction: Transaction) -> list[str]:
        admitted = set[str]()
        for key, one in transaction.records(KIND).items():
            feeds = [str(feed) for feed in one.get("feeds", ()) if one.get("mark") == mark and may(feed)]
            if feeds:
                admitted.update(feeds)
                left = [feed for feed in one["feeds"] if feed not in feeds]
                transaction.save_record(KIND, key, one | {"feeds": left, "mark": mark if left else ""})
        if admitted:
            transaction.audit(ADMIT, KIND)
        return sorted(admitted)

    return parts.store.write(work)


def _note(parts: Parts, found: Erased) -> None:
    """Before anything goes: what broke off is erased by the next try, and from a backup all the same."""

    def work(transaction: Transaction) -> None:
        key = f"{now()} {len(transaction.records(KIND))}"
        transaction.save_record(KIND, key, msgspec.to_builtins(found))

    parts.store.write(work)


def _located(parts: Parts, wanted: str, stands: Sequence[Standing]) -> Erased:
    rows, versions, attributes = list[Row](), list[Cells](), dict[str, list[Standing]]()
    feeds = set[tuple[str, str]]()
    told = [int(one.detail) for one in stands if one.kind == "notification"]
    for one in stands:
        if one.kind == "entity":
            attributes.setdefault(one.of, []).append(one)
            continue
        if one.kind in ("notification", "unlooked"):
            continue
        feed = one.of.partition("/")[2]
        feeds.add((one.place, feed))
        if one.kind == "held":
            rows.append(Row(int(one.detail), one.columns))
        elif one.kind == "dataset":
            versions.append(Cells(one.place, feed, one.run, one.columns, one.rows))
    entities = []
    for id, known in attributes.items():
        came = parts.store.lineage(id)
        columns = [name for name, value in came.raw.items() if is_of(value, wanted)] if came else []
        names = tuple(one.detail for one in known if not one.moments)
        moments = tuple((one.detail, number) for one in known for number in one.moments)
        entities.append(Attributes(id, names, moments, tuple(columns)))
        if came and (run := parts.store.run(came.run)):
            feeds.add((run.place, run.feed))
    files = sorted(set().union(*(_files(parts, place, feed, wanted) for place, feed in feeds)))
    named = tuple(sorted(f"{place}/{feed}" for place, feed in feeds))
    mark = Marker(parts.store).of(wanted)
    return Erased(tuple(rows), tuple(entities), tuple(versions), tuple(files), named, mark, tuple(told))


def _files(parts: Parts, place: str, feed: str, wanted: str) -> set[str]:
    """The kept files of a feed's runs in which the person stands, or which cannot be read any more."""
    found = set[str]()
    looked = set[tuple[str, str, str]]()
    for run in parts.store.runs(place, feed, limit=_MOST):
        for one in run.source.get("files") or [run.source]:
            part = str(one.get("sha256", "")), str(one.get("sheet", "")), str(one.get("entry", ""))
            if not part[0] or part in looked:
                continue
            looked.add(part)
            try:
                with kept_table(parts, place, feed, one) as table:
                    if table is not None and in_table(table, wanted):
                        found.add(part[0])
            except SourceError:
                found.add(part[0])
    return found


def _apply(parts: Parts, found: Erased, author: str) -> None:
    for version in found.versions:
        empty_cells(parts, version.place, version.feed, version.run, version.columns, version.rows, author)
    for entity in found.entities:
        _without(parts, entity, author)
    for row in found.rows:
        parts.store.write(lambda transaction, row=row: _emptied(transaction, row))  # type: ignore[misc]
    if found.notifications:  # what is left of the entity is told by the change itself
        parts.store.write(lambda transaction: _untold(transaction, found.notifications))
    archive = Archive(parts.data)
    for sha256 in found.files:
        if kept := archive.path(sha256):
            kept.unlink(missing_ok=True)


def _untold(transaction: Transaction, numbers: Sequence[int]) -> None:
    transaction.settle(*numbers)
    for number in numbers:
        transaction.audit(ACTION, f"notification/{number}")


def _emptied(transaction: Transaction, row: Row) -> None:
    held = transaction.held_row(row.held)
    if held is None:
        return
    gone = {cells[name] for cells in (held.raw, held.fixed) for name in row.columns if cells.get(name)}
    transaction.save_held(
        replace(
            held,
            raw=_blank(held.raw, row.columns),
            fixed=_blank(held.fixed, row.columns),
            reasons=[
                one | {"value": None} if not row.columns or one.get("value") in gone else one
                for one in held.reasons
            ],
        )
    )
    if row.columns:
        transaction.forget_changes(row.held, row.columns)
    transaction.audit(ACTION, f"held/{row.held}")


def _blank(cells: Mapping[str, str | None], columns: Sequence[str]) -> dict[str, str | None]:
    return {name: "" if name in columns else value for name, value in cells.items()}


def _without(parts: Parts, one: Attributes, author: str) -> None:
    """An entity that may not be without them, or is no more, goes with all its history."""

    def change(document: Document, at: str) -> patch.Change:
        return patch.merge(document, {name: NULL for name in one.names if name in document}, at)

    def also(transaction: Transaction) -> None:
        for name in one.names:
            transaction.drop_moments(one.entity, name)
        for name, number in one.moments:
            transaction.drop_moments(one.entity, name, number=number)
        came = parts.store.lineage(one.entity)
        if came is not None and one.columns:
            transaction.put_lineage([replace(came, raw=_blank(came.raw, one.columns))])
        transaction.audit(ACTION, one.entity)

    if not one.names or parts.broker.get(one.entity) is None:
        parts.store.write(also)
        return
    try:
        parts.broker.together([Modify(one.entity, change, ruled=True)], author, also)
    except Problem:
        parts.broker.delete(one.entity, author)
        parts.store.write(lambda transaction: _ended(transaction, one.entity))


def _ended(transaction: Transaction, id: str) -> None:
    transaction.drop_evolution(id)
    transaction.audit(ACTION, id)
