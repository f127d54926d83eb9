"""SQLite's tests: plain comparisons by its JSON functions, the others by the exact test in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from mahakam.ngsild.selection import Compare, Exists, Path, Selection
from mahakam.store.sql.dialect import Test, listed_type
from mahakam.store.sql.keys import Box
from mahakam.store.sqlite.places import touching

BODY = "CAST(e.body AS TEXT)"
_OPERATORS = {"==": "=", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_ENTITY_MEMBERS = frozenset(("id", "type", "scope", "createdAt", "modifiedAt", "deletedAt"))
_TIME_LIKE = re.compile(r"\d\d(\d\d-\d\d-\d\dT)?")
_LARGEST = 2**53


class SqliteDialect:
    """See :class:`mahakam.store.sql.dialect.Dialect`. All its tests are exact."""

    join = "CROSS JOIN"
    """SQLite then keeps the order in which the tables are named."""

    def among(self, column: str, values: Sequence[str]) -> Test:
        return Test(f"{column} IN (SELECT value FROM json_each(?))", [orjson.dumps(values).decode()])

    def touches(self, box: Box) -> Test:
        return touching(box)

    def has_type(self, name: str) -> Test:
        """The keys, in the row itself, tell it of an entity of one type without a look elsewhere."""
        alone = orjson.dumps([[name]]).decode()[:-1]
        listed = listed_type(name)
        return Test(
            f"(e.keys BETWEEN ? AND ? OR {listed.sql})", [f"{alone},", f"{alone}-", *listed.parameters]
        )

    def has_scope(self, pattern: str, /) -> Test | None:
        path = pattern.removesuffix("/#")
        below = " OR (value > ? AND value < ?)" if path != pattern else ""
        bounds = [path + "/", path + "0"] if below else []  # "0" follows "/" in order
        return Test(
            f"EXISTS (SELECT 1 FROM json_each(e.keys, '$[1]') WHERE value = ?{below})", [path, *bounds]
        )

    def has_any(self, attributes: Sequence[str]) -> Test:
        choices = " OR ".join([f"json_type({BODY}, ?) IS NOT NULL"] * len(attributes))
        return Test(f"({choices})", [json_path(name) for name in attributes])

    def leaf(self, condition: Compare | Exists) -> Test:
        if is_plain(condition.path):
            if isinstance(condition, Exists):
                return self.has_any([condition.path.attribute])
            compared = _compare(condition)
            if compared is not None:
                return compared
        return self.decide(Selection(condition=condition))

    def decide(self, selection: Selection) -> Test:
        """The in-memory match, called by SQLite for each row that is left."""
        from mahakam.ngsild.match import matches

        return Test(
            "document_matches(e.body, e.times, ?)",
            [apsw.pyobject(lambda document: matches(document, selection))],
        )


SQLITE = SqliteDialect()


def json_path(*keys: str) -> str:
    """SQLite's path to a key; quotes inside a name are written as the body's JSON writes them."""
    return "$" + "".join("." + orjson.dumps(key).decode() for key in keys)


def is_plain(path: Path) -> bool:
    return not path.sub and not path.trail and path.attribute not in _ENTITY_MEMBERS


def plain_value(compare: Compare) -> tuple[str, int | float | str] | None:
    """SQL's operator and the number or text that an index is asked for; None if it could not tell."""
    operator = _OPERATORS.get(compare.operator)
    if operator is None or operator == "!=" or compare.range or len(compare.values) != 1:
        return None
    wanted = compare.values[0]
    if isinstance(wanted, str):
        return None if "\x00" in wanted else (operator, wanted)
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and abs(wanted) < _LARGEST:
        return operator, wanted
    return None


def _compare(compare: Compare) -> Test | None:
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
    test, parameters, _ = SQLITE.decide(Selection(condition=compare))
    name = compare.path.attribute
    text = (
        f"coalesce((SELECT CASE WHEN kind IN ({alike}) THEN {direct} WHEN kind IN ({others}) THEN {unlike}"
        " WHEN attribute IS NULL THEN 0 END FROM"
        " (SELECT json_type(body, ?) AS kind, json_extract(body, ?) AS value, json_type(body, ?) AS attribute"
        f" FROM (SELECT {BODY} AS body))), {test})"
    )
    value = json_path(name, "value")
    return Test(text, [*values, value, value, json_path(name), *parameters])
