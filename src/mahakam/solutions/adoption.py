"""A solution taken over by another city: its files written into the city's folder, its feeds run, its indicators
computed; who did it, when, from where and which version is kept."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from mahakam.config import ConfigError, Place
from mahakam.faults import Changed
from mahakam.feeds import definition
from mahakam.feeds.connecting.publish import create_file
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import last_success, run_feed
from mahakam.indicators.compute import compute_all
from mahakam.indicators.definition import read_definition
from mahakam.quality.load import load_all
from mahakam.quality.odcs import ContractError
from mahakam.services.catalogue import catalogue
from mahakam.solutions.bundle import reachable
from mahakam.solutions.definition import Solution
from mahakam.solutions.left import Left, left
from mahakam.solutions.preview import Preview, preview
from mahakam.store.protocol import EntityStore, Transaction

KIND = "solution-adoption"


class Look(msgspec.Struct, frozen=True):
    """Somebody looked at a newer version: took it over (``files`` were replaced or added) or not, with the reason."""

    version: str
    at: str
    by: str
    taken: bool
    files: tuple[str, ...] = ()
    reason: str = ""


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """``solution``: its key, samarinda/heavy-rain. ``files``: what was written → its SHA-256. ``kept``: files of the
    city's own that were kept in place of the solution's. ``at``: UTC, ISO 8601. ``values``: what texts of the
    components were made into."""

    place: str
    solution: str
    version: str
    at: str
    by: str
    files: dict[str, str]
    kept: tuple[str, ...] = ()
    values: dict[str, str] = {}
    looks: tuple[Look, ...] = ()
    """At newer versions since; ``version`` is the one that the city has now, ``at`` stays the first day."""

    def declined(self, version: str) -> Look | None:
        """Who looked at a version and did not take it over, None if nobody has."""
        last = next((one for one in reversed(self.looks) if one.version == version), None)
        return last if last and not last.taken else None

    @property
    def key(self) -> str:
        return f"{self.place}/{self.solution}"

    def day(self, timezone: str) -> dt.date:
        """The day of the adoption where the city is."""
        return dt.datetime.fromisoformat(self.at).astimezone(ZoneInfo(timezone)).date()


class Refusal(Exception):
    """Nothing was written. ``lacking`` texts nobody said the city's own for; ``wrong`` ones that cannot be used;
    ``conflicts`` files that would have to be kept; ``problems`` what the files' own readers say."""

    def __init__(
        self,
        lacking: tuple[str, ...] = (),
        wrong: tuple[str, ...] = (),
        conflicts: tuple[str, ...] = (),
        problems: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.lacking, self.wrong, self.conflicts, self.problems = lacking, wrong, conflicts, problems

    def __str__(self) -> str:
        said = [
            f"it is not known what {one!r} is in this city" for one in self.lacking if one not in self.wrong
        ]
        said += [
            f"what was given for {one!r} cannot be used: letters, digits and spaces" for one in self.wrong
        ]
        said += [f"{one} is there already with other content; it can be kept, and is never replaced"
                 for one in self.conflicts]  # fmt: skip
        return "; ".join([*said, *self.problems])


def adoptions(store: EntityStore) -> list[Adoption]:
    """By the time of adoption."""
    found = [msgspec.convert(kept, Adoption) for kept in store.records(KIND).values()]
    return sorted(found, key=lambda one: (one.at, one.key))


def adoption(store: EntityStore, place: str, solution: str) -> Adoption | None:
    kept = store.record(KIND, f"{place}/{solution}")
    return msgspec.convert(kept, Adoption) if kept else None


def began_in(
    solution: Solution, adopted: Collection[Adoption], places: Mapping[str, Place]
) -> dict[str, dt.date]:
    """Every place that has a solution, and since when."""
    found = {one.place: one.day(places[one.place].timezone) for one in adopted
             if one.solution == solution.key and one.place in places}  # fmt: skip
    return found | {solution.place: solution.started}


def problems_of(found: Preview, places: Mapping[str, Place]) -> tuple[str, ...]:
    """What the readers of contracts, feeds, indicators and services say of the files as they would be."""
    said = []
    with tempfile.TemporaryDirectory(prefix="mahakam-adopt-") as folder:
        staged = Place(found.place.id, found.place.kind, Path(folder), found.place.facts)
        for piece in found.fresh:
            if piece.text:
                path = Path(folder) / piece.name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(piece.content)
        among = {**places, staged.id: staged}
        for piece in found.fresh:
            room, _slash, file = piece.name.partition("/")
            path, name = Path(folder) / piece.name, file.removesuffix(".yaml")
            try:
                if room == "contracts":
                    load_all(path)
                elif room == "feeds":
                    definition.load(staged, name)
                elif room == "indicators":
                    read_definition(path).compiled  # noqa: B018 - a wrong formula is an error
                elif room == "services":
                    catalogue(staged, among)
            except ConfigError as error:
                said.append(f"{piece.name}: {error.problem}")
            except ContractError as error:
                said.append(f"{piece.name}: {str(error).removeprefix(str(path)).lstrip(': ')}")
    return tuple(dict.fromkeys(said))


def check(found: Preview, places: Mapping[str, Place], keep: Collection[str]) -> None:
    """Raises Refusal for what stands against it. ``keep``: names of files of the city's own that stay."""
    conflicts = tuple(one.name for one in found.conflicts if one.name not in keep)
    lacking = tuple(one.text for one in found.lacking)
    problems = () if lacking else problems_of(found, places)
    if lacking or found.wrong or conflicts or problems:
        raise Refusal(lacking, found.wrong, conflicts, problems)


def adopt(
    parts: Parts, found: Preview, *, keep: Collection[str] = (), by: str, at: str, seen: str = ""
) -> Adoption:
    """Write the new files, note the adoption, run its feeds that have their files and compute its indicators.

    What is there is never overwritten. Done again it writes what is missing and keeps the first day. ``seen`` is the
    mark of the preview that was agreed to. Raises Refusal; Changed if the folder is no longer as it was seen;
    ConfigError if it cannot be written to. Then nothing new is left behind.
    """
    check(found, parts.places, keep)
    if seen and seen != found.mark:
        raise Changed
    written: list[Path] = []
    try:
        for piece in found.fresh:
            create_file(found.place.folder / piece.name, piece.content, written)
    except OSError as error:
        for path in written:
            with suppress(OSError):
                path.unlink()
        if any((found.place.folder / piece.name).exists() for piece in found.fresh):
            raise Changed from error
        raise ConfigError(found.place.folder, f"cannot be written to: {error.strerror}") from error
    made = Adoption(
        place=found.place.id,
        solution=found.solution.key,
        version=found.solution.version,
        at=at,
        by=by,
        files={one.name: one.digest for one in found.pieces if one.state in ("new", "same")},
        kept=tuple(one.name for one in found.conflicts),
        values=dict(found.values),
    )

    def note(transaction: Transaction) -> Adoption:
        before = transaction.record(KIND, made.key)
        if before is not None:
            return msgspec.convert(before, Adoption)
        transaction.save_record(KIND, made.key, msgspec.to_builtins(made))
        return made

    kept = parts.store.write(note)
    first_run(parts, found.solution, found.place, by, found.values)
    return kept


def remaining(parts: Parts, found: Preview) -> list[Left]:
    """What is left to do: a feed's file is not, once one was sent."""

    def sent(one: Left) -> bool:
        feed = one.name.partition("/")[2].removesuffix(".yaml")
        return one.code == "file" and last_success(parts, found.place.id, feed) is not None

    return [one for one in left(found, parts.places) if not sent(one)]


def first_run(
    parts: Parts, solution: Solution, place: Place, by: str, values: Mapping[str, str] | None = None
) -> list[str]:
    """Run the solution's feeds of a city and compute its indicators; what could not be done, each in one line.

    A feed whose file is not there yet is one of those: :func:`mahakam.solutions.left.left` says what it needs. One that
    would still ask the origin's server is not run.
    """
    said = []
    found = preview(solution, place, reachable(parts.data, parts.places), values or {})
    needs = left(found, parts.places)
    for name in solution.components.feeds:
        mine = {one.code for one in needs if one.name == f"feeds/{name}.yaml"}
        if "address" in mine:
            said.append(
                f"{name}: it would ask the address of {solution.place}; write the city's own into the file"
            )
            continue
        if "file" in mine and last_success(parts, place.id, name):
            continue  # somebody sent its file: there is none in the folder to read again
        try:
            run = run_feed(parts, place.id, name, author=by)
        except ConfigError as error:
            said.append(f"{name}: {error}")
            continue
        if run.state == "failed":
            said.append(f"{name}: {run.message}")
    names = solution.components.indicators
    outcomes = compute_all(parts.broker, only=(place.id,), names=names) if names else []
    return said + [f"{one.indicator}: {one.problem}" for one in outcomes if one.problem]
