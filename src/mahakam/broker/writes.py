"""The kinds of write that the broker takes, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mahakam.ngsild.draft import Draft
from mahakam.ngsild.entity import Document
from mahakam.ngsild.patch import Change
from mahakam.ngsild.problem import Problem
from mahakam.store.model import Lineage

Patch = Callable[[Document, str], Change]
"""(stored document, time of the write) → the change: a function of ``ngsild.patch``, its fragment bound."""


@dataclass(slots=True)
class Create:
    """A new entity; refused if there is one with its id."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Replace:
    """An entity instead of the one with its id; refused if there is none."""

    document: Document


@dataclass(frozen=True, slots=True)
class Upsert:
    """A new entity; or, if there is one with its id, instead of it, or ``patch`` applied to it."""

    document: Document
    patch: Patch | None = None


@dataclass(frozen=True, slots=True)
class Modify:
    """A change to a stored entity; refused if there is none. ``ruled``: by the room that has the rules of its
    changes (:class:`Transitions`), which has looked."""

    id: str
    patch: Patch
    ruled: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """The end of an entity; refused if there is none, or by what ``check`` raises, in the transaction."""

    id: str
    check: Callable[[Document], None] | None = None


Write = Create | Replace | Upsert | Modify | Delete


@dataclass(slots=True)
class Written:
    """One write of a batch: ``problem`` is None if it was done; ``created`` if the entity is new.

    ``not_updated``: attribute → why a patch left it as it was; None or nothing if it left none.
    """

    id: str
    created: bool = False
    problem: Problem | None = None
    not_updated: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Ingest:
    """A document from a feed, and where it came from."""

    document: Document
    lineage: Lineage


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many documents a feed's batch stored, and how many stood there already, made of the same record."""

    stored: int
    unchanged: int
