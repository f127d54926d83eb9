"""A condition of the query language as SQL: the words between comparisons; a dialect says the comparisons."""

from __future__ import annotations

from mahakam.ngsild.selection import And, Compare, Condition, Exists, Not, Or, Selection
from mahakam.store.sql.dialect import EVERYTHING, NOTHING, Dialect, Test

_DEPTH = 20


def compile_condition(condition: Condition, dialect: Dialect, depth: int = 0) -> Test:
    """The test of a condition. What lies too deep for a database is decided as a whole."""
    if depth < _DEPTH:
        if isinstance(condition, Not):
            return _negated(condition.part, dialect, depth + 1)
        if isinstance(condition, And | Or):
            parts = [compile_condition(part, dialect, depth + 1) for part in condition.parts]
            return all_of(parts) if isinstance(condition, And) else any_of(parts)
        if isinstance(condition, Compare | Exists):
            return dialect.leaf(condition)
    return dialect.decide(Selection(condition=condition))


def _negated(condition: Condition, dialect: Dialect, depth: int) -> Test:
    """Negation goes down to the comparisons, so that a part that is not exact spoils no other."""
    if depth < _DEPTH:
        if isinstance(condition, Not):
            return compile_condition(condition.part, dialect, depth + 1)
        if isinstance(condition, And | Or):
            parts = [_negated(part, dialect, depth + 1) for part in condition.parts]
            return any_of(parts) if isinstance(condition, And) else all_of(parts)
    return compile_condition(condition, dialect, depth).negated()


def all_of(tests: list[Test]) -> Test:
    return _joined(tests, " AND ") if tests else EVERYTHING


def any_of(tests: list[Test]) -> Test:
    return _joined(tests, " OR ") if tests else NOTHING


def _joined(tests: list[Test], word: str) -> Test:
    text = "(" + word.join(test.sql for test in tests) + ")"
    return Test(text, [one for test in tests for one in test.parameters], all(test.exact for test in tests))
