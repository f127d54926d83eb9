"""What a steward does with held rows: put a value right, make it a rule, leave a row out, replay."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mahakam.broker.clock import now
from mahakam.feeds import definition
from mahakam.feeds.archive import Archive
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import last_success, run_feed
from mahakam.feeds.turn import is_taken
from mahakam.store.model import Change, Correction, Held, Run
from mahakam.store.protocol import Transaction

OPEN = ("held", "fixed")


class NoLongerHeld(Exception):
    """The row was released or left out in the meantime; nothing was written."""


class Busy(Exception):
    """A run of the feed is under way; nothing was started."""


def correct(
    parts: Parts, place: str, feed: str, pairs: Mapping[tuple[str, str], str], author: str, reason: str = ""
) -> None:
    """Make correction rules: in a column, an old value reads a new one. ``pairs``: (column, old) → new.

    A rule for the same column and old value is replaced: it stays in the store, but is active no more.
    """
    at = now()
    before = {(one.column, one.old): one for one in parts.store.corrections(place, feed)}

    def work(transaction: Transaction) -> None:
        for (column, old), new in pairs.items():
            known = before.get((column, old))
            if known is not None:
                known.active = False
                transaction.save_correction(known)
            transaction.save_correction(Correction(place, feed, column, old, new, author, at, reason))

    parts.broker.transact(work)


def fix(parts: Parts, id: int, changes: Mapping[str, str | None], author: str, reason: str = "") -> Held:
    """Put cells of a held row right: column → value. The row as it came stays; each change is kept.

    Raises KeyError for no such row, NoLongerHeld.
    """
    at = now()

    def work(transaction: Transaction) -> Held:
        held = _open_row(transaction, id)
        for column, new in changes.items():
            old = held.fixed.get(column, held.raw.get(column))
            transaction.record_change(Change(id, author, at, column, old, new, reason))
        held.fixed = {**held.fixed, **changes}
        transaction.save_held(held)
        return held

    return parts.broker.transact(work)


def fix_alike(
    parts: Parts, place: str, feed: str, pairs: Mapping[tuple[str, str], str], author: str, reason: str = ""
) -> int:
    """Put the same cells of all held rows right that read alike now, and of no row to come; returns how many.

    ``pairs`` as in :func:`correct`.
    """
    mended = 0
    for (column, old), new in pairs.items():
        after = 0
        while rows := parts.store.held(place, feed, cell=(column, old), after=after, limit=1000):
            after = rows[-1].id
            for row in rows:
                try:
                    fix(parts, row.id, {column: new}, author, reason)
                except NoLongerHeld:
                    continue
                mended += 1
    return mended


def dismiss(parts: Parts, id: int, author: str, reason: str) -> None:
    """Leave a row out for good, with the reason. Raises KeyError for no such row, NoLongerHeld."""
    at = now()

    def work(transaction: Transaction) -> None:
        held = _open_row(transaction, id)
        transaction.record_change(Change(id, author, at, "state", held.state, "dismissed", reason))
        held.state = "dismissed"
        transaction.save_held(held)

    parts.broker.transact(work)


def replay(parts: Parts, place: str, feed: str, author: str) -> Run:
    """Send the feed's last file through again, with the corrections and fixes as they are now.

    The file is the one that the last run read; from the archive, if it was handed in. Raises Busy.
    """
    only_one(parts, place, feed)
    with tempfile.TemporaryDirectory(prefix="mahakam-replay-") as folder:
        files = _last_files(parts, place, feed, Path(folder))
        return run_feed(parts, place, feed, author=author, file=files, force=True)


def only_one(parts: Parts, place: str, feed: str) -> None:
    """Two runs of one feed at once would release and hold each other's rows. Raises Busy."""
    if is_taken(parts.data, place, feed):
        raise Busy(feed)


def _last_files(parts: Parts, place: str, feed: str, folder: Path) -> list[Path]:
    """Copies of the last run's files under their own names; none where the feed's own files are what was read."""
    found = definition.load(parts.place(place), feed)
    last = last_success(parts, place, feed)
    source = last.source if last else {}
    infos = source.get("files") or [source]
    if not source.get("file") or (found.fetched is None and len(infos) > 1):
        return []
    own = set() if found.fetched else {path.name for path in found.source_files()}
    copies: list[Path] = []
    for info in infos:
        name, kept = Path(str(info["file"])).name, Archive(parts.data).path(str(info["sha256"]))
        if name in own or kept is None:
            return []
        shutil.copyfile(kept, folder / name)
        copies.append(folder / name)
    return copies


def _open_row(transaction: Transaction, id: int) -> Held:
    held = transaction.held_row(id)
    if held is None:
        raise KeyError(id)
    if held.state not in OPEN:
        raise NoLongerHeld(id)
    return held
