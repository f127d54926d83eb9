"""What a read keeps of an entity and of the entities linked to it: ``pick`` and ``omit`` (clause 4.21)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from mahakam.ngsild.context import Context
from mahakam.ngsild.lexical import require_name
from mahakam.ngsild.problem import bad_request

_WORD = re.compile(r"[^,|{}\s]+")
_DEPTH = 32

_Tree = dict[str, Any]
"""Canonical name → the tree of what is named inside its braces, {} where it has none."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Canonical names. ``below``: of the entities that an attribute links to, what is kept of them."""

    pick: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    below: tuple[tuple[str, Projection], ...] = ()

    def keeps(self, name: str) -> bool:
        return (not self.pick or name in self.pick) and name not in self.omit

    def linked(self, name: str) -> Projection:
        """What is kept of the entities that an attribute links to: everything, if nothing is said."""
        return next((projection for known, projection in self.below if known == name), EVERYTHING)

    @property
    def depth(self) -> int:
        """Over how many links it reaches."""
        return max((1 + projection.depth for _, projection in self.below), default=0)


EVERYTHING = Projection()


def parse_projection(pick: str, omit: str, context: Context) -> Projection:
    """The projection of the two parameters, e.g. ``id,locatedAt{id,name}``.

    Raises Problem BadRequestData.
    """
    return _combined(_Reader("pick", pick, context).read(), _Reader("omit", omit, context).read())


def _combined(pick: _Tree, omit: _Tree) -> Projection:
    whole = tuple(name for name, below in omit.items() if not below)
    both = sorted(pick.keys() & set(whole))
    if both:
        raise bad_request("pick and omit name the same", ", ".join(both))
    below = {
        name: _combined(pick.get(name, {}), omit.get(name, {}))
        for name in {**pick, **omit}
        if pick.get(name) or omit.get(name)
    }
    return Projection(tuple(pick), whole, tuple(below.items()))


class _Reader:
    """A recursive-descent reading of one list."""

    def __init__(self, parameter: str, text: str, context: Context) -> None:
        self.parameter = parameter
        self.text = text
        self.context = context
        self.at = 0

    def read(self) -> _Tree:
        if not self.text:
            return {}
        tree = self.list(0)
        if self.at < len(self.text):
            self.fail(", or the end")
        return tree

    def list(self, depth: int) -> _Tree:
        if depth > _DEPTH:
            self.fail(f"braces at most {_DEPTH} deep")
        tree: _Tree = {}
        while True:
            match = _WORD.match(self.text, self.at)
            if match is None:
                self.fail("a name")
            self.at = match.end()
            name = require_name(match.group(), self.context, f"The parameter {self.parameter}")
            tree[name] = {}
            if self.peek() == "{":
                self.at += 1
                tree[name] = self.list(depth + 1)
                if self.peek() != "}":
                    self.fail("}")
                self.at += 1
            if self.peek() not in (",", "|"):
                return tree
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def fail(self, expected: str) -> NoReturn:
        found = repr(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "the end"
        raise bad_request(
            f"The parameter {self.parameter} is not valid",
            f"position {self.at + 1}: expected {expected}, found {found}",
        )
