"""At the end of a run: what is held now, what an earlier run held and this one released, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mahakam.feeds.parts import Parts
from mahakam.store.model import Change, Held, Run

Position = tuple[str, str, int]
"""File, sheet and data row: what names a row of a feed from run to run."""
_ALL = 1_000_000
_GONE = "not among the rows of run "
"""Why a run dismisses a row; a steward's reason begins otherwise."""


def position(held: Held) -> Position:
    return held.file, held.sheet, held.row


class Quarantine:
    """The rows of a feed that a steward saw, as they stood before a run."""

    def __init__(self, parts: Parts, run: Run) -> None:
        rows = parts.store.held(run.place, run.feed, None, limit=_ALL)
        self.open = {position(h): h for h in rows if h.state in ("held", "fixed")}
        self.dismissed: dict[Position, list[Held]] = {}
        for each in rows:
            if each.state == "dismissed":
                self.dismissed.setdefault(position(each), []).append(each)
        self._changes = parts.store.changes
        self.decided = [h for h in rows if h.fixed and h.state in ("held", "fixed", "released")]

    def is_dismissed(self, held: Held) -> bool:
        """Did a steward dismiss this very row? A row of the same number with other cells is another row.

        One that a run dismissed because the file had it no more, and that comes again, is held again.
        """
        before = self.dismissed.get(position(held), ())
        return any(each.raw == held.raw and not self._was_gone(each) for each in before)

    def _was_gone(self, held: Held) -> bool:
        last = [change for change in self._changes(held.id) if change.new == "dismissed"][-1:]
        return bool(last) and last[0].reason.startswith(_GONE)

    def adopt(self, held: Held) -> Held:
        """A row that is held again keeps its number in the quarantine, and its fix while its cells are the same."""
        before = self.open.get(position(held))
        if before is not None:
            held.id = before.id
            if before.raw == held.raw:
                held.fixed = before.fixed
        return held


def settle(
    parts: Parts,
    run: Run,
    before: Quarantine,
    held: Iterable[Held],
    stored: Mapping[Position, str],
    files: Iterable[tuple[str, str]],
    at: str,
) -> None:
    """Record a run's end. ``stored``: position → entity of the rows that passed; ``files``: what the run read.

    A row that was held and passes now is released to its entity; one that its file no longer has, or that the feed
    leaves out now, is dismissed with that reason. Rows of other files stay as they are.
    """
    held = list(held)
    now_held = {position(h) for h in held}
    read = set(files)

    def work(transaction: Any) -> None:
        for each in held:
            if not each.id:
                transaction.hold([each])
            elif (mended := _meanwhile(transaction, each)) is not None:
                transaction.save_held(mended)
        for where, old in before.open.items():
            if where in now_held or where[:2] not in read:
                continue
            entity = stored.get(where, "")
            reason = f"passed in run {run.id}" if entity else f"{_GONE}{run.id}"
            new = "released" if entity else "dismissed"
            latest = transaction.held_row(old.id) or old
            if latest.state not in ("held", "fixed"):
                continue
            transaction.record_change(Change(old.id, run.author, at, "state", latest.state, new, reason))
            latest.entity, latest.state = entity, "released" if entity else "dismissed"
            transaction.save_held(latest)
        transaction.save_run(run)

    parts.broker.transact(work)


def _meanwhile(transaction: Any, held: Held) -> Held | None:
    """A row that is held again, with what a person wrote into it during the run; None if they left it out."""
    latest: Held | None = transaction.held_row(held.id)
    if latest is None or latest.raw != held.raw:
        return held
    if latest.state == "dismissed":
        return None
    held.fixed = latest.fixed
    return held
