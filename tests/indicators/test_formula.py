"""Every function that the page names is there, and computes what it says."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mahakam.indicators.definition import Definition
from mahakam.indicators.evaluate import figures, sealed
from mahakam.indicators.formula import AGGREGATES, SCALARS
from mahakam.indicators.inputs import entity_table

PAGE = Path(__file__).parents[2] / "docs" / "indicators.md"
ROWS = [
    {"n": 4, "x": 2.5, "t": " Air ", "day": "2020-02-10", "on": True},
    {"n": 1, "x": 0.5, "t": "Api", "day": "2021-05-11", "on": False},
    {"n": 9, "x": None, "t": "Angin", "day": "2021-12-31", "on": True},
    {"n": 1, "x": 1.0, "t": None, "day": "2022-01-01", "on": None},
]


def value(formula: str, rows: list[dict[str, Any]] = ROWS, **more: Any) -> float | None:
    documents = [
        {
            "id": f"urn:x:{number}",
            "type": "X",
            **{name: {"type": "Property", "value": one} for name, one in row.items() if one is not None},
        }
        for number, row in enumerate(rows)
    ]
    definition = Definition("x", Path("x.yaml"), {"en": "x"}, "X", formula, per="none", **more)
    (figure,) = figures(definition, entity_table(definition, documents, "Asia/Makassar"))
    return figure.value


AGGREGATE_VALUES: dict[str, tuple[str, float]] = {
    "count": ("count(x)", 3),
    "sum": ("sum(x)", 4),
    "avg": ("avg(x)", 4 / 3),
    "min": ("min(n)", 1),
    "max": ("max(x)", 2.5),
    "median": ("median(x)", 1),
    "mode": ("mode(n)", 1),
    "quantile_cont": ("quantile_cont(n, 0.5)", 2.5),
    "quantile_disc": ("quantile_disc(n, 0.5)", 1),
    "stddev": ("stddev(n)", 3.774917217635375),
    "stddev_pop": ("stddev_pop(n)", 3.2691742076555053),
    "stddev_samp": ("stddev_samp(n)", 3.774917217635375),
    "var_pop": ("var_pop(n)", 10.6875),
    "var_samp": ("var_samp(n)", 14.25),
    "count_if": ("count_if(n > 1)", 2),
    "bool_and": ('sum(n) * cast(bool_and("on") as int)', 0),
    "bool_or": ('sum(n) * cast(bool_or("on") as int)', 15),
    "arg_max": ("arg_max(x, t)", 0.5),
    "arg_min": ("arg_min(n, day)", 4),
}
SCALAR_VALUES: dict[str, tuple[str, float]] = {
    "abs": ("sum(abs(-n))", 15),
    "ceil": ("sum(ceil(x))", 5),
    "floor": ("sum(floor(x))", 3),
    "round": ("round(avg(x), 1)", 1.3),
    "sqrt": ("sum(sqrt(n))", 7),
    "ln": ("sum(ln(n))", math.log(36)),
    "log": ("sum(log(n * 10 / n))", 4),
    "exp": ("sum(exp(n - n))", 4),
    "power": ("sum(power(n, 2))", 99),
    "greatest": ("sum(greatest(n, 3))", 19),
    "least": ("sum(least(n, 3))", 8),
    "coalesce": ("sum(coalesce(x, 10))", 14),
    "nullif": ("sum(nullif(n, 1))", 13),
    "lower": ("count(*) filter (where lower(t) = 'api')", 1),
    "upper": ("count(*) filter (where upper(t) = 'API')", 1),
    "trim": ("sum(length(trim(t)))", 11),
    "length": ("sum(length(t))", 13),
    "concat": ("sum(length(concat(t, '!')))", 17),
    "contains": ("count(*) filter (where contains(t, 'ng'))", 1),
    "starts_with": ("count(*) filter (where starts_with(t, 'A'))", 2),
    "regexp_matches": ("count(*) filter (where regexp_matches(t, '^A.*n$'))", 1),
    "year": ("max(year(day))", 2022),
    "month": ("sum(month(day))", 20),
    "day": ("sum(day(day))", 53),
    "quarter": ("sum(quarter(day))", 8),
    "extract": ("max(extract(year from day))", 2022),
    "date_part": ("max(date_part('year', day))", 2022),
    "date_trunc": ("count(distinct date_trunc('year', day))", 3),
    "date_diff": ("date_diff('day', min(day), max(day))", (date(2022, 1, 1) - date(2020, 2, 10)).days),
}


@pytest.mark.parametrize("name", AGGREGATES)
def test_every_aggregate_computes(name: str) -> None:
    formula, expected = AGGREGATE_VALUES[name]
    assert value(formula) == pytest.approx(expected)
    assert f"`{name}" in PAGE.read_text("utf-8") or name.startswith("stddev_")


@pytest.mark.parametrize("name", SCALARS)
def test_every_function_inside_an_aggregate_computes(name: str) -> None:
    formula, expected = SCALAR_VALUES[name]
    assert value(formula) == pytest.approx(expected)
    assert name in PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("count(*) / 8", 0.5),
        ("sum(n) // 2", 7),
        ("sum(n) % 4", 3),
        ("sum(case when n > 1 then 1 else 0 end)", 2),
        ("count(*) filter (where t ilike 'A%' and day between '2021-01-01' and '2021-12-31')", 2),
        ('count(*) filter (where t is null or not "on")', 2),
        ("count(distinct n)", 3),
        ("0.1 + sum(x) - 0.1", 4),
    ],
)
def test_operators(formula: str, expected: float) -> None:
    assert value(formula) == pytest.approx(expected)


def test_names_that_sql_would_not_take() -> None:
    rows: list[dict[str, Any]] = [{"https://example.org/a.b": 3, "Größe": 2, "select": 1, 'a"b': 4}]
    formula = 'sum("https://example.org/a.b") + sum("Größe") + sum("select") + sum("a""b")'
    assert value(formula, rows) == 10


def test_text_with_quotes_stays_text() -> None:
    rows: list[dict[str, Any]] = [{"t": "O'Hare; drop table inputs; --"}, {"t": "x"}]
    assert value("count(*) filter (where t = 'O''Hare; drop table inputs; --')", rows) == 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/mahakam-leak.csv'",
        "ATTACH '/tmp/mahakam-leak.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_the_database_reaches_nothing_outside(query: str) -> None:
    import duckdb

    with sealed() as connection, pytest.raises(duckdb.Error):
        connection.execute(query)


def test_one_figure_sees_nothing_of_another() -> None:
    import duckdb
    import pyarrow as pa

    with sealed() as one, sealed() as other:
        one.register("inputs", pa.table({"a": [1]}))
        with pytest.raises(duckdb.CatalogException):
            other.execute("SELECT * FROM inputs")
        assert one.execute("SELECT a FROM inputs").fetchall() == [(1,)]
    with sealed() as later, pytest.raises(duckdb.CatalogException):
        later.execute("SELECT * FROM inputs")
