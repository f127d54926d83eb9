"""Rows that come back repaired, by form or sheet: merged with what others wrote, sent through, told one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import orjson

from mahakam.broker.clock import now
from mahakam.feeds.parts import Parts
from mahakam.feeds.quarantine import OPEN, Busy, replay
from mahakam.store.model import Change, Held, Run
from mahakam.store.protocol import Transaction

BATCH = 500
"""Rows to a transaction."""
Cells = Mapping[str, str | None]
Outcome = Literal["stored", "held", "left out", "changed meanwhile", "unknown"]


@dataclass(frozen=True, slots=True)
class Returned:
    """A row that came back: which one, the :func:`version` it was made from, and what its cells should read.

    ``where`` is the row of the sheet it stood in; 0 for a form. ``id`` 0: its key was none of ours.
    """

    id: int
    version: str
    cells: Cells
    where: int = 0


@dataclass(slots=True)
class Result:
    """What a returned row became. ``clashes``: column → (as it reads now, as it came back): neither is lost.

    ``changed``: whether this return wrote anything into the row; ``read``: whether the replay read its file.
    """

    returned: Returned
    outcome: Outcome
    held: Held | None = None
    changed: bool = False
    clashes: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    read: bool = True


@dataclass(frozen=True, slots=True)
class Repaired:
    """All results in their order, and the run that the rows went through: None if there was nothing to send.

    ``busy``: a run was under way; what was written is kept, and the next run reads it.
    """

    results: Sequence[Result]
    run: Run | None = None
    busy: bool = False

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome == outcome for result in self.results)


def cells_now(held: Held) -> dict[str, str | None]:
    """The row's cells as they read now: as it came, with what was put right."""
    return {**held.raw, **held.fixed}


def version(cells: Cells) -> str:
    """What names a state of a row's cells, 16 characters."""
    flat = {column: _flat(value) for column, value in cells.items()}
    return hashlib.sha256(orjson.dumps(flat, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def take_back(
    parts: Parts,
    place: str,
    feed: str,
    rows: Iterable[Returned],
    author: str,
    reason: str = "",
    *,
    allowed: Callable[[Held], bool] = lambda _held: True,
    locked: Collection[str] = (),
    then_replay: bool = True,
) -> Repaired:
    """Write what came back into the held rows, then replay the feed, and say what each row became.

    A cell that only the sender changed is written; one that somebody else changed in the meantime stays, and is a
    clash. Rows that ``allowed`` refuses are as unknown as those of another feed; ``locked`` columns stay as they are.
    The same rows once more give the same results and write nothing: an upload that was cut off is sent again.
    """
    results: list[Result] = []
    batch: list[Returned] = []
    seen: set[int] = set()

    def known(held: Held | None) -> bool:
        return held is not None and (held.place, held.feed) == (place, feed) and allowed(held)

    def flush() -> None:
        bases = {one.id: _base(parts, one) for one in batch if one.id}
        at = now()

        def work(transaction: Transaction) -> list[Result]:
            made = []
            for one in batch:
                held = transaction.held_row(one.id) if one.id else None
                if held is None or not known(held):
                    made.append(Result(one, "unknown"))
                else:
                    made.append(_merge(transaction, held, one, bases[one.id], author, at, reason, locked))
            return made

        results.extend(parts.broker.transact(work))
        batch.clear()

    for one in rows:
        if one.id in seen:  # a row that was copied within the sheet: the first is meant
            flush()
            results.append(Result(one, "unknown"))
            continue
        if one.id:
            seen.add(one.id)
        batch.append(one)
        if len(batch) >= BATCH:
            flush()
    flush()
    done = Repaired(results)
    if then_replay and any(result.held and result.held.fixed for result in results if _is_open(result)):
        try:
            done = Repaired(results, replay(parts, place, feed, author))
        except Busy:
            done = Repaired(results, busy=True)
    _look_again(parts, done)
    return done


def _base(parts: Parts, one: Returned) -> Cells | None:
    """The cells from which the row was made; None if it never read so, or came anew with other cells."""
    held = parts.store.held_row(one.id)
    if held is None:
        return None
    cells = cells_now(held)
    if version(cells) == one.version:
        return cells
    for change in reversed(parts.store.changes(one.id)):
        if change.column in cells and change.new not in ("released", "dismissed"):
            cells[change.column] = change.old
            if version(cells) == one.version:
                return cells
    return None


def _merge(
    transaction: Transaction,
    held: Held,
    one: Returned,
    base: Cells | None,
    author: str,
    at: str,
    reason: str,
    locked: Collection[str],
) -> Result:
    if held.state not in OPEN:
        return Result(one, "stored" if held.state == "released" else "left out", held)
    present = cells_now(held)
    result = Result(one, "held", held)
    fixed = dict(held.fixed)
    for column, value in one.cells.items():
        if column not in held.raw or column in locked or _flat(value) == _flat(present[column]):
            continue
        if base is not None and _flat(value) == _flat(base[column]):
            continue
        if base is None or _flat(present[column]) != _flat(base[column]):
            result.clashes[column] = (present[column], value)
            continue
        fixed[column] = value or None
        transaction.record_change(Change(held.id, author, at, column, present[column], value or None, reason))
        result.changed = True
    if result.changed:
        held.fixed = fixed
        transaction.save_held(held)
    if result.clashes:
        result.outcome = "changed meanwhile"
    return result


def _look_again(parts: Parts, done: Repaired) -> None:
    """What each row is after the replay: its state and its reasons now."""
    for result in done.results:
        if result.held is None:
            continue
        result.held = latest = parts.store.held_row(result.held.id) or result.held
        if latest.state == "released":
            result.outcome = "stored"
        elif latest.state == "dismissed":
            result.outcome = "left out"
        if done.run is not None:
            result.read = latest.run == done.run.id


def _is_open(result: Result) -> bool:
    return result.held is not None and result.held.state in OPEN


def _flat(value: str | None) -> str:
    """A value without what forms and sheets do not keep: line ends, NUL, and whether it is empty or not there."""
    return "".join(value.replace("\x00", "").splitlines()) if value else ""
