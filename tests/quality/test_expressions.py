"""What expressions mean: SQL's order of operators and its three-valued logic."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from mahakam.quality.evaluate import compile_expression
from mahakam.quality.lexical import Kind
from mahakam.quality.parse import parse
from mahakam.quality.references import FixedReferences

KINDS = {
    "a": Kind("integer"),
    "b": Kind("number"),
    "name": Kind("string"),
    "yes": Kind("boolean"),
    "day": Kind("date"),
    "at": Kind("timestamp"),
    "order": Kind("integer"),
}
VALUES: dict[str, Any] = {
    "a": 2,
    "b": None,
    "name": "abc",
    "yes": True,
    "day": date(2025, 2, 28),
    "at": datetime(2025, 2, 28, 12),
    "order": 7,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a = 2", True),
        ("a == 3", False),
        ("b > 1", None),
        ("b > 1 or yes", True),
        ("b > 1 and not yes", False),
        ("not b > 1", None),
        ("a + 2 * 3 = 8", True),
        ("-a % 2 = 0 and a - 1 - 1 = 0", True),
        ("a / 0 = 1", None),
        ("a between 1 and 2 and name = 'abc'", True),
        ("a not between 1 and 2", False),
        ("a in (1, -2, 2)", True),
        ("a not in (1, 3)", True),
        ("a in (1, null)", None),
        ("name like 'a%'", True),
        ("name not like 'a%'", False),
        ("name like '_bc' and not name like 'b_'", True),
        ("b is null and a is not null", True),
        ("b is distinct from a", True),
        ("yes is not true", False),
        ("greatest(a, b, 1) = 2", True),
        ("coalesce(b, 5) = 5", True),
        ("case when a > 5 then 'x' when a > 1 then 'y' end = 'y'", True),
        ("case when a > 5 then 'x' end = 'x'", None),
        ("name || 'd' = 'abcd' and length(name) = 3", True),
        ("day >= '2025-02-28' and day - date '2025-02-01' = 27", True),
        ("at < '2025-02-28T20:00:00.5+08:00'", True),
        ("year(day) = 2025 and month(day) = 2", True),
        ("not_in_future(day)", True),
        ("not_in_future(at)", False),
        ('"order" > 6', True),
        ("name = 'it''s'", False),
        ("matches(name, '^[a-c]+$') -- the letters", True),
    ],
)
def test_an_expression_has_the_value_that_sql_gives_it(text: str, value: bool | None) -> None:
    references = FixedReferences(zone="Asia/Makassar", moment=datetime(2025, 2, 28, 11))
    assert compile_expression(parse(text, KINDS), references, None)(VALUES) is value
