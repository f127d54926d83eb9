"""What a database says in its own way: the tests that the compiled selections are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from mahakam.ngsild.selection import Compare, Exists, Selection
from mahakam.store.sql.keys import Box


class Test(NamedTuple):
    """An expression on ``e``, an entity's row, that is true or false, never NULL; ``?`` stands for a parameter.

    It is true for every row that is selected. If it is not ``exact`` it may be true for others too, which
    :func:`mahakam.ngsild.match.matches` then sorts out.
    """

    sql: str
    parameters: list[Any]
    exact: bool = True

    def negated(self) -> Test:
        """Its opposite; of what is not exact, everything."""
        return Test(f"NOT ({self.sql})", self.parameters) if self.exact else ANYTHING


EVERYTHING = Test("TRUE", [])
NOTHING = Test("FALSE", [])
ANYTHING = Test("TRUE", [], exact=False)


def listed_type(name: str) -> Test:
    """Looks into the table of types."""
    return Test("EXISTS (SELECT 1 FROM entity_type t WHERE t.type = ? AND t.entity = e.n)", [name])


class Dialect(Protocol):
    """A database; the tables and columns are the same in all (``entity e``, ``entity_type``, ``entity_scope``)."""

    join: str
    """Words that join the index that drives with the entities."""

    def among(self, column: str, values: Sequence[str]) -> Test: ...

    def touches(self, box: Box) -> Test:
        """The box around the entity's location touches this one."""

    def has_type(self, name: str) -> Test: ...

    def has_scope(self, pattern: str, /) -> Test | None:
        """Of a row alone whether it has a scope, or (``/#`` at the end) one there or below; None: it cannot tell."""

    def has_any(self, attributes: Sequence[str]) -> Test: ...

    def leaf(self, condition: Compare | Exists) -> Test: ...

    def decide(self, selection: Selection) -> Test:
        """What no index and no comparison of the database decides."""
