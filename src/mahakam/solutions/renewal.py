"""A newer version of a solution that a city adopted: what it would change in the city's folder, taken over or not.

A file that the city did not touch since it was adopted is replaced; one that it changed stays unless it says so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import Literal

import msgspec

from mahakam.config import ConfigError, Place
from mahakam.faults import Changed, refuse
from mahakam.feeds.parts import Parts
from mahakam.solutions.adoption import KIND, Adoption, Look, Refusal, first_run, problems_of
from mahakam.solutions.definition import Solution
from mahakam.solutions.preview import Piece, Preview, preview
from mahakam.store.protocol import EntityStore, Transaction

State = Literal["same", "new", "replaced", "own"]
"""``same``: nothing to do. ``new``: not there, would be written. ``replaced``: as it was adopted, would be replaced.
``own``: the city's own work since, stays unless the city says that the new one takes its place."""
LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class Change:
    """A file of the newer version beside what is there now."""

    piece: Piece
    state: State

    @property
    def name(self) -> str:
        return self.piece.name

    def difference(self) -> list[str]:
        """Line by line from what is there to the newer one; [] for data files and for what stays the same."""
        if not self.piece.text or self.state == "same":
            return []
        before, after = (
            part.decode("utf-8", "replace").splitlines() for part in (self.piece.there, self.piece.content)
        )
        return list(unified_diff(before, after, lineterm="", n=2))[2:]


@dataclass(frozen=True)
class Renewal:
    """``gone``: files that came with the adopted version and are no part of the newer one; they stay where they are."""

    adoption: Adoption
    preview: Preview
    changes: tuple[Change, ...]
    gone: tuple[str, ...]

    @property
    def version(self) -> str:
        return self.preview.solution.version

    @property
    def waits(self) -> bool:
        """Whether there is another version that nobody has decided about."""
        return self.version != self.adoption.version and self.adoption.declined(self.version) is None

    @property
    def mark(self) -> str:
        """Equal marks: the same would be done to the same files."""
        parts = [
            f"{one.name} {one.state} {one.piece.digest} {_digest(one.piece.there)}" for one in self.changes
        ]
        return hashlib.sha256("\n".join([self.version, self.preview.mark, *parts]).encode()).hexdigest()[:16]

    def written(self, take: Collection[str]) -> list[Change]:
        """What would be written if the city takes the newer one of its ``own`` files named in ``take``."""
        return [
            one for one in self.changes
            if one.state in ("new", "replaced") or (one.state == "own" and one.name in take)
        ]  # fmt: skip


def renewal(
    adoption: Adoption, solution: Solution, places: Mapping[str, Place], given: Mapping[str, str]
) -> Renewal:
    """What taking over the solution as it is now would do. ``given`` says what the newer version asks for and the
    adopted one did not. Raises ConfigError for a component that cannot be read."""
    found = preview(solution, places[adoption.place], places, {**given, **adoption.values})
    changes = tuple(Change(piece, _state(adoption, piece, found.place)) for piece in found.pieces)
    named = {one.name for one in changes}
    gone = tuple(
        name for name in adoption.files if name not in named and (found.place.folder / name).exists()
    )
    return Renewal(adoption, found, changes, gone)


def _state(adoption: Adoption, piece: Piece, place: Place) -> State:
    if piece.state in ("same", "above"):
        return "same"
    if piece.state == "new":
        return "new"
    mine = (place.folder / piece.name).is_file()
    return "replaced" if mine and _digest(piece.there) == adoption.files.get(piece.name) else "own"


def take_over(
    parts: Parts, found: Renewal, take: Collection[str], *, by: str, at: str, seen: str
) -> Adoption:
    """Write the newer version, all of it or none, note it, run its feeds and compute its indicators.

    ``take``: files of the city's own that the newer one replaces. ``seen`` is the mark that was agreed to. Raises
    Refusal, Changed and ConfigError; then the folder is as it was.
    """
    if seen != found.mark:
        raise Changed
    chosen = found.written(take)
    fresh = {one.name for one in chosen}
    planned = replace(
        found.preview,
        pieces=tuple(replace(one, state="new") if one.name in fresh else one for one in found.preview.pieces),
    )
    lacking = tuple(one.text for one in planned.lacking)
    problems = () if lacking else problems_of(planned, parts.places)
    if lacking or planned.wrong or problems:
        raise Refusal(lacking, planned.wrong, (), problems)
    _write(found.preview.place.folder, chosen)
    files = {
        one.name: one.piece.digest
        for one in found.changes
        if one.state == "same" and one.piece.state == "same"
    }
    files |= {one.name: one.piece.digest for one in chosen}
    kept = tuple(one.name for one in found.changes if one.state == "own" and one.name not in fresh)
    look = Look(found.version, at, by, taken=True, files=tuple(one.name for one in chosen))

    def note(before: Adoption) -> Adoption:
        return msgspec.structs.replace(
            before, version=found.version, files={**before.files, **files}, kept=kept,
            values=dict(found.preview.values), looks=(*before.looks, look),
        )  # fmt: skip

    made = _noted(parts.store, found.adoption, note)
    first_run(parts, found.preview.solution, found.preview.place, by, found.preview.values)
    return made


def decline(store: EntityStore, found: Renewal, reason: str, *, by: str, at: str) -> Adoption:
    """The city looked at the newer version and does not take it over; why is kept. Raises Refused and Changed."""
    if not reason.strip():
        raise refuse("reason", "reason")
    if len(reason) > LONGEST_REASON:
        raise refuse("reason", "long", most=LONGEST_REASON)
    look = Look(found.version, at, by, taken=False, reason=reason.strip())
    return _noted(
        store, found.adoption, lambda before: msgspec.structs.replace(before, looks=(*before.looks, look))
    )


def _noted(store: EntityStore, seen: Adoption, step: Callable[[Adoption], Adoption]) -> Adoption:
    def work(transaction: Transaction) -> Adoption:
        kept = transaction.record(KIND, seen.key)
        before = msgspec.convert(kept, Adoption) if kept else None
        if before is None or before.version != seen.version or len(before.looks) != len(seen.looks):
            raise Changed
        changed = step(before)
        transaction.save_record(KIND, seen.key, msgspec.to_builtins(changed))
        return changed

    return store.write(work)


def _write(folder: Path, chosen: Collection[Change]) -> None:
    """Each file whole; if one cannot be written, those before it are put back."""
    before: list[tuple[Path, bytes | None]] = []
    try:
        for one in chosen:
            path = folder / one.name
            before.append((path, path.read_bytes() if path.is_file() else None))
            _put(path, one.piece.content)
    except OSError as error:
        for path, content in reversed(before):
            if content is not None:
                _put(path, content)
            else:
                path.unlink(missing_ok=True)
        raise ConfigError(folder, f"cannot be written to: {error.strerror}") from error


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
