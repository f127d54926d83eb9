"""A file looked at before it is taken in: read, mapped and checked as its feed would, with nothing stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError, Place
from mahakam.feeds import definition
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import MEMORY, explained
from mahakam.feeds.sources.model import SourceError

if TYPE_CHECKING:
    from mahakam.feeds.definition import Feed
    from mahakam.quality.contract import Contract
    from mahakam.quality.report import Group


@dataclass(frozen=True)
class Preview:
    """What would become of a file. ``problem``: why it cannot be read at all, "" if it can.

    ``rows`` are those that belong; ``held`` of them break a rule; ``blocking`` are faults of the whole file.
    """

    problem: str = ""
    read: int = 0
    left_out: Mapping[str, int] | None = None
    rows: int = 0
    held: int = 0
    flagged: int = 0
    groups: tuple[Group, ...] = ()
    blocking: tuple[str, ...] = ()
    source: Mapping[str, Any] | None = None

    @property
    def can_go_in(self) -> bool:
        return not self.problem and not self.blocking and self.rows > 0

    @property
    def good(self) -> int:
        return self.rows - self.held


def preview(parts: Parts, place: Place, feed: str, file: Path) -> Preview:
    """Check a file as the feed's run would; nothing is written but to memory and a temporary folder."""

    def load() -> tuple[Feed, Contract]:
        found = definition.load(place, feed)
        return found, parts.book().contract(place.id, found.contract)

    return preview_of(parts, place, load, file)


def preview_of(parts: Parts, place: Place, load: Callable[[], tuple[Feed, Contract]], file: Path) -> Preview:
    """As :func:`preview`, of a feed and contract that need not be the place's yet."""
    import duckdb

    from mahakam.feeds.checking import judge, keep_duplicates, needed, types_of
    from mahakam.feeds.reading import MAPPED, described, read_files
    from mahakam.quality.odcs import ContractError
    from mahakam.quality.report import make_report

    connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": 2})
    try:
        connection.execute("SET preserve_insertion_order = true")
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        found, contract = load()
        book = parts.book()
        corrections = parts.store.corrections(place.id, found.name)
        reading = read_files(
            connection, found, [file], types_of(contract), corrections, required=needed(contract)
        )
        left_out = dict(reading.left_out)
        if found.duplicates != "error":
            key = contract.key or (found.entity.key_fields if found.entity else ())
            if count := keep_duplicates(connection, MAPPED, key, found.duplicates):
                left_out[f"key seen {'before' if found.duplicates == 'first' else 'again'}"] = count
        judged = judge(connection, MAPPED, contract, book.references(place.id))
        report = make_report(file.name, judged.check, described(reading), reading.notes)
        blocking = tuple(
            f"{f.rule} {f.field}: {f.value}, expected {f.expected}"
            for f in judged.file
            if f.severity == "error"
        )
        return Preview(
            read=reading.read,
            left_out=left_out,
            rows=reading.read - sum(left_out.values()),
            held=len(judged.errors),
            flagged=sum(1 for row in judged.warnings if row not in judged.errors),
            groups=tuple(report.groups),
            blocking=blocking,
            source=described(reading),
        )
    except (SourceError, ConfigError, ContractError, OSError, MemoryError, duckdb.Error) as error:
        return Preview(problem=explained(error))
    finally:
        connection.close()
