"""Conditions about linked entities, answered by asking for those entities first (clause 4.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mahakam.ngsild.entity import Document
from mahakam.ngsild.match import fulfils, of_types, targets
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.selection import (
    And,
    Compare,
    Condition,
    Linked,
    Not,
    Or,
    Path,
    Selection,
    Types,
)
from mahakam.store.protocol import EntityStore

MAX_TARGETS = 10_000
_NEVER, _ALWAYS = Or(()), And(())


def resolved(selection: Selection, store: EntityStore) -> Selection:
    """The selection without ``Linked``: the attribute must be one of the ids that were found.

    Raises Problem TooComplexQuery where there are too many.
    """
    if selection.condition is None or not _is_linked(selection.condition):
        return selection
    return replace(selection, condition=_resolved(selection.condition, store))


def followed(condition: Condition, document: Document, get: Callable[[str], Document | None]) -> Condition:
    """The condition as it stands for one document: what it says of linked entities is answered by reading them."""
    match condition:
        case And(parts):
            return And(tuple(followed(part, document, get) for part in parts))
        case Or(parts):
            return Or(tuple(followed(part, document, get) for part in parts))
        case Not(part):
            return Not(followed(part, document, get))
        case Linked(attribute, type, inner):
            for id in targets(document, Path(attribute)):
                for target in map(get, id if isinstance(id, list) else [id]):
                    if target is None or (type and not of_types(target, Types(((type,),)))):
                        continue
                    if fulfils(target, followed(inner, target, get)):
                        return _ALWAYS
            return _NEVER
    return condition


def has_links(condition: Condition | None) -> bool:
    """Whether a condition says anything of linked entities."""
    return condition is not None and _is_linked(condition)


def _is_linked(condition: Condition) -> bool:
    if isinstance(condition, And | Or):
        return any(map(_is_linked, condition.parts))
    return isinstance(condition, Linked) or (isinstance(condition, Not) and _is_linked(condition.part))


def _resolved(condition: Condition, store: EntityStore) -> Condition:
    match condition:
        case And(parts):
            return And(tuple(_resolved(part, store) for part in parts))
        case Or(parts):
            return Or(tuple(_resolved(part, store) for part in parts))
        case Not(part):
            return Not(_resolved(part, store))
        case Linked(attribute, type, inner):
            targets = Selection(types=Types(((type,),)) if type else None, condition=_resolved(inner, store))
            ids = tuple(document["id"] for document in store.documents(targets, MAX_TARGETS + 1))
            if len(ids) > MAX_TARGETS:
                raise Problem(
                    "TooComplexQuery",
                    "The query is too complex",
                    f"q: {attribute} may lead to more than {MAX_TARGETS:,} entities that fit",
                )
            return Compare(Path(attribute), "==", ids) if ids else _NEVER
    return condition
