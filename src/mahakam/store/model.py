"""The records a store keeps beside entities: runs, lineage, quarantine, corrections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

RunState = Literal["running", "clean", "held", "failed", "unchanged"]
HeldState = Literal["held", "fixed", "released", "dismissed"]


@dataclass(slots=True)
class Run:
    """One run of a feed. Times are ISO 8601 UTC. ``summary`` counts by reason: ``{"rule field": n}``.

    ``source`` says how the file was read (file name, SHA-256, bytes, encoding, delimiter, sheet, header row);
    ``fingerprint`` is the hash of file, feed, contract and corrections: equal ones need no second run.
    ``quality`` is what :func:`mahakam.feeds.scores.measured` found; {} of a run before there was such a thing.
    """

    id: int
    place: str
    feed: str
    started: str
    state: RunState = "running"
    ended: str = ""
    author: str = ""
    read: int = 0
    stored: int = 0
    unchanged: int = 0
    held: int = 0
    left_out: int = 0
    warnings: int = 0
    summary: dict[str, int] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    message: str = ""
    quality: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where an entity's present state came from: the run, and the row as it stood in the file.

    ``row`` counts data rows from 1; ``line`` is the row number a person sees when opening the file;
    ``raw`` is the row's cells as text by column name; ``checks`` the number of rules passed; ``warnings``
    the findings it carries.
    """

    entity: str
    run: int
    file: str
    sheet: str
    row: int
    line: int
    raw: dict[str, str | None]
    digest: str
    checks: int = 0
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Held:
    """A row in quarantine: as it came, with every reason, and a steward's changes; the store gives ``id``."""

    place: str
    feed: str
    run: int
    file: str
    sheet: str
    row: int
    line: int
    raw: dict[str, str | None]
    reasons: list[dict[str, Any]]
    state: HeldState = "held"
    fixed: dict[str, str | None] = field(default_factory=dict)
    id: int = 0
    entity: str = ""


@dataclass(slots=True)
class Change:
    """One change by a steward to a held row: who, when, which column, from what to what, why."""

    held: int
    author: str
    at: str
    column: str
    old: str | None
    new: str | None
    reason: str = ""


@dataclass(slots=True)
class Correction:
    """A correction rule that became part of a feed: in ``column``, ``old`` reads ``new``."""

    place: str
    feed: str
    column: str
    old: str
    new: str | None
    author: str
    at: str
    reason: str = ""
    active: bool = True
    id: int = 0


@dataclass(frozen=True, slots=True)
class Owed:
    """A notification in the outbox. ``made``, ``due``: seconds since 1970; ``error`` is the last try's.

    ``trace``: ``traceparent`` of the write that owes it, "" if that was not traced.
    """

    number: int
    subscription: str
    entity: str
    body: bytes
    made: float
    due: float
    tries: int
    error: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit trail: who did or read what, when; the ``n``-th of its ``lane``.

    ``at``: ISO 8601 UTC. ``kind``: of principal: person, key, open, stranger, command, node. ``count``: how many things
    were written. ``content``: keyed SHA-256 of them, hexadecimal; "" of a reading. ``request``: the request's id.
    ``detail``: JSON object, or "". ``digest``: SHA-256 over the digest of the entry before and this one's fields.
    """

    lane: int
    n: int
    at: str
    principal: str
    kind: str
    action: str
    object: str
    count: int
    content: str
    request: str
    detail: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal: ``action`` is create, replace, change or delete; ``at`` is ISO 8601 UTC."""

    entity: str
    action: str
    author: str
    at: str
