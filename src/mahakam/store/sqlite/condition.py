"""A condition of the query language as SQL: plain comparisons by SQLite, the others by the exact test."""

from __future__ import annotations

import re
from typing import Any

import apsw
import orjson

from mahakam.ngsild.selection import And, Compare, Condition, Exists, Not, Or, Path, Selection

BODY = "CAST(e.body AS TEXT)"
_OPERATORS = {"==": "=", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_ENTITY_MEMBERS = frozenset(("id", "type", "scope", "createdAt", "modifiedAt", "deletedAt"))
_TIME_LIKE = re.compile(r"\d\d(\d\d-\d\d-\d\dT)?")
_LARGEST = 2**53
_DEPTH = 20

Sql = tuple[str, list[Any]]
"""An expression that is 0 or 1, never NULL, and its parameters."""


def compile_condition(condition: Condition, depth: int = 0) -> Sql:
    """The SQL of a condition on ``e``, an entity's row."""
    if depth < _DEPTH:
        if isinstance(condition, And | Or):
            word = " AND " if isinstance(condition, And) else " OR "
            if not condition.parts:
                return ("1" if isinstance(condition, And) else "0"), []
            parts = [compile_condition(part, depth + 1) for part in condition.parts]
            text = "(" + word.join(part for part, _ in parts) + ")"
            return text, [one for _, parameters in parts for one in parameters]
        if isinstance(condition, Not):
            text, parameters = compile_condition(condition.part, depth + 1)
            return f"NOT ({text})", parameters
        if isinstance(condition, Compare) and _is_plain(condition.path):
            compared = _compare(condition)
            if compared is not None:
                return compared
        if isinstance(condition, Exists) and _is_plain(condition.path):
            return f"(json_type({BODY}, ?) IS NOT NULL)", [json_path(condition.path.attribute)]
    return exact_test(Selection(condition=condition))


def exact_test(selection: Selection) -> Sql:
    """The in-memory match, called by SQLite for each row that is left."""
    from mahakam.ngsild.match import matches

    return "document_matches(e.body, e.times, ?)", [
        apsw.pyobject(lambda document: matches(document, selection))
    ]


def json_path(*keys: str) -> str:
    """SQLite's path to a key; quotes inside a name are written as the body's JSON writes them."""
    return "$" + "".join("." + orjson.dumps(key).decode() for key in keys)


def _is_plain(path: Path) -> bool:
    return not path.sub and not path.trail and path.attribute not in _ENTITY_MEMBERS


def _compare(compare: Compare) -> Sql | None:
    """One value against a single Property's number or text; what else a row holds goes to the exact test."""
    operator = _OPERATORS.get(compare.operator)
    if operator is None or compare.range or len(compare.values) != 1:
        return None
    wanted = compare.values[0]
    values: list[Any]
    if isinstance(wanted, str):
        # Times are compared as times, which is not for SQLite; and its text ends at a NUL.
        if _TIME_LIKE.match(wanted) or "\x00" in wanted:
            return None
        alike, direct, values = "'text'", f"value {operator} ?", [wanted]
        others = "'integer', 'real', 'true', 'false'"
    elif isinstance(wanted, int | float) and not isinstance(wanted, bool) and abs(wanted) < _LARGEST:
        # So close to each other, two numbers are told apart by how their text was read.
        alike, values = "'integer', 'real'", [wanted, wanted]
        direct = f"CASE WHEN abs(value - ?) < 1e-9 THEN NULL ELSE value {operator} ? END"
        others = "'text', 'true', 'false'"
    else:
        return None
    unlike = 1 if operator == "!=" else 0
    test, parameters = exact_test(Selection(condition=compare))
    name = compare.path.attribute
    text = (
        f"coalesce((SELECT CASE WHEN kind IN ({alike}) THEN {direct} WHEN kind IN ({others}) THEN {unlike}"
        " WHEN attribute IS NULL THEN 0 END FROM"
        " (SELECT json_type(body, ?) AS kind, json_extract(body, ?) AS value, json_type(body, ?) AS attribute"
        f" FROM (SELECT {BODY} AS body))), {test})"
    )
    value = json_path(name, "value")
    return text, [*values, value, value, json_path(name), *parameters]
