"""The one point where writing is restricted: what the policy lets somebody do to entities of the types that it names.

Looked at in the transaction of the write, with the entity as it is and as it would be, so that it is the same whichever
way the write came. A node whose policy names no type has no pens, and pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from mahakam.ngsild.entity import ENTITY_MEMBERS
from mahakam.ngsild.problem import Problem

Verb = Literal["create", "change", "delete"]


class Pen(Protocol):
    """What somebody may write."""

    @property
    def name(self) -> str:
        """Whose it is; "" is a stranger's."""

    def named(self, type: str, /) -> bool:
        """Whether the policy names a type: of the others everybody writes what their role lets them."""

    def may(self, type: str, attribute: str, verb: Verb, scopes: Sequence[str], /) -> bool:
        """``attribute`` "" is the entity itself. ``scopes``: of the entity, none: it has none."""


class Pens(Protocol):
    def current(self) -> Pen | None:
        """That of whoever acts now; None: the node itself, which may write everything."""


def check(pen: Pen, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
    """Raises Problem (401, 403) if the entity may not become this; None is one that there is not."""
    heads = [head for head in (before, after) if head is not None]
    if not any(pen.named(type) for head in heads for type in _listed(head["type"])):
        return
    if before is None or after is None:
        verb: Verb = "create" if before is None else "delete"
        check_names(pen, heads, [("", verb)])
        if after is not None:
            check_names(pen, heads, [(name, verb) for name in after if name not in ENTITY_MEMBERS])
        return
    if _listed(before["type"]) != _listed(after["type"]) or before.get("scope") != after.get("scope"):
        check_names(pen, heads, [("", "change")])
    changes = list(_changes(before, after))
    if not changes:  # the same again: a write nevertheless, which is told to subscribers
        touched = [
            name for name in after if name not in ENTITY_MEMBERS and before.get(name) is not after[name]
        ]
        _check_any(pen, heads, touched or [""])
    check_names(pen, heads, changes)


def check_names(pen: Pen, heads: Iterable[Mapping[str, Any]], names: Iterable[tuple[str, Verb]]) -> None:
    """The same for what is done to these attributes ("": the entity itself) of an entity with these heads."""
    asked = list(names)
    for head in heads:
        scopes = _listed(head.get("scope") or [])
        for type in filter(pen.named, _listed(head["type"])):
            for name, verb in asked:
                if not pen.may(type, name, verb, scopes):
                    raise _refusal(pen, type, name, verb, scopes)


def _check_any(pen: Pen, heads: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """The same, where the right to change one of them is enough."""
    problems: list[Problem] = []
    for name in names:
        try:
            check_names(pen, heads, [(name, "change")])
        except Problem as problem:
            problems.append(problem)
    if len(problems) == len(names):
        raise problems[0]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Verb]]:
    for name in (before.keys() | after.keys()) - ENTITY_MEMBERS:
        old, new = before.get(name), after.get(name)
        if old is new:
            continue
        if old is None:
            yield name, "create"
        elif new is None:
            yield name, "delete"
        elif _said(old, new) != _said(new, new):
            yield name, "change"


def _said(attribute: Any, other: Any) -> list[Any]:
    """What somebody says of an attribute, in all its instances: without the times and the flag that this node adds.

    The flag (``broker.guard``) counts if ``other`` has one too: then somebody wrote it.
    """
    left_out = {"createdAt", "modifiedAt"}
    if not any("quality" in one for one in _listed(other)):
        left_out.add("quality")
    return [{name: part for name, part in one.items() if name not in left_out} for one in _listed(attribute)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _refusal(pen: Pen, type: str, name: str, verb: Verb, scopes: Sequence[str]) -> Problem:
    what = f"{verb} {name} of" if name else verb
    where = f" in {', '.join(scopes)}" if scopes else ""
    if not pen.name:
        return Problem(
            "Unauthorized",
            "Sign in, or send an API key",
            f"to {what} {type}{where}, a role is needed",
            status=401,
        )
    return Problem(
        "Forbidden",
        "Not allowed",
        f"{pen.name} may not {what} {type}{where}; /rights says who may",
        status=403,
    )
