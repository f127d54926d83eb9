"""The same nine rules in each peer's own words. ``python -m bench.check.peers NAME FILE`` prints failing rows
by rule."""

from __future__ import annotations

import json
import sys
from typing import Any

from bench.check.data import LEVELS

NUMBERS = ("pm25", "pm10", "so2", "co", "o3", "no2", "max")
SIX = NUMBERS[:6]


def _frame(path: str) -> Any:
    """Every column as text, then typed columns beside it (``t_…``): a failing cast is a finding, not a
    crash."""
    import polars as pl

    raw = pl.read_csv(path, infer_schema=False)
    casts = [pl.col(n).cast(pl.Float64, strict=False).alias(f"t_{n}") for n in NUMBERS]
    return raw.with_columns(*casts, pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("t_date"))


def dataframely(path: str) -> dict[str, int]:
    import dataframely as dy
    import polars as pl

    def is_type(name: str) -> Any:
        return pl.col(name).is_null() | pl.col(f"t_{name}").is_not_null()

    class Air(dy.Schema):
        reading = dy.String()
        date = dy.String(nullable=True)
        station = dy.String(regex="^DKI[1-5]$")
        pm25 = dy.String(nullable=True)
        pm10 = dy.String(nullable=True)
        so2 = dy.String(nullable=True)
        co = dy.String(nullable=True)
        o3 = dy.String(nullable=True)
        no2 = dy.String(nullable=True)
        max = dy.String(nullable=True)
        category = dy.String(nullable=True)
        t_pm25 = dy.Float64(nullable=True, min=0, max=500)
        t_pm10 = dy.Float64(nullable=True, min=0, max=500)
        t_so2 = dy.Float64(nullable=True)
        t_co = dy.Float64(nullable=True)
        t_o3 = dy.Float64(nullable=True)
        t_no2 = dy.Float64(nullable=True)
        t_max = dy.Float64(nullable=True)
        t_date = dy.Date(nullable=True)

        @dy.rule()
        def once(cls) -> Any:
            return pl.col("reading").is_unique()

        @dy.rule()
        def dates(cls) -> Any:
            return is_type("date")

        @dy.rule()
        def numbers(cls) -> Any:
            return pl.all_horizontal(*[is_type(n) for n in NUMBERS])

        @dy.rule()
        def level(cls) -> Any:
            return pl.col("category").is_in(LEVELS)

        @dy.rule()
        def greatest(cls) -> Any:
            return pl.col("t_max") == pl.max_horizontal(*[f"t_{n}" for n in SIX])

    _, failure = Air.filter(_frame(path))
    details = failure.details() if hasattr(failure, "details") else failure.invalid()
    return {"rows": len(details), **failure.counts()}


def pandera(path: str) -> dict[str, int]:
    import pandera.polars as pa
    import polars as pl

    def typed(name: str) -> Any:
        return pa.Check(
            lambda data: data.lazyframe.select(pl.col(name).is_null() | pl.col(f"t_{name}").is_not_null()),
            name=f"type_{name}",
        )

    greatest = pa.Check(
        lambda data: data.lazyframe.select(pl.col("t_max") == pl.max_horizontal(*[f"t_{n}" for n in SIX])),
        name="greatest",
    )
    schema = pa.DataFrameSchema(
        {
            "reading": pa.Column(str, unique=True),
            "station": pa.Column(str, pa.Check.str_matches("^DKI[1-5]$"), nullable=False),
            "t_pm25": pa.Column(float, pa.Check.in_range(0, 500), nullable=True),
            "t_pm10": pa.Column(float, pa.Check.in_range(0, 500), nullable=True),
            "category": pa.Column(str, pa.Check.isin(LEVELS), nullable=True),
        },
        checks=[typed(n) for n in ("date", *NUMBERS)] + [greatest],
    )
    try:
        schema.validate(_frame(path), lazy=True)
    except pa.errors.SchemaErrors as errors:
        return {"cases": len(errors.failure_cases)}
    return {"cases": 0}


def pointblank(path: str) -> dict[str, int]:
    import pointblank as pb
    import polars as pl

    plan = (
        pb.Validate(_frame(path))
        .rows_distinct(columns_subset="reading")
        .col_vals_expr(expr=pl.col("date").is_null() | pl.col("t_date").is_not_null())
        .col_vals_not_null(columns="station")
        .col_vals_regex(columns="station", pattern="^DKI[1-5]$", na_pass=True)
        .col_vals_between(columns="t_pm25", left=0, right=500, na_pass=True)
        .col_vals_between(columns="t_pm10", left=0, right=500, na_pass=True)
        .col_vals_expr(
            expr=pl.all_horizontal(*[pl.col(n).is_null() | pl.col(f"t_{n}").is_not_null() for n in NUMBERS])
        )
        .col_vals_in_set(columns="category", set=list(LEVELS))
        .col_vals_expr(expr=pl.col("t_max") == pl.max_horizontal(*[f"t_{n}" for n in SIX]))
        .interrogate()
    )
    return {f"step {i}": int(n) for i, n in plan.n_failed().items()}


def frictionless(path: str) -> dict[str, int]:
    from frictionless import Check, Checklist, Resource, Schema, errors, fields

    class Greatest(Check):
        type = "greatest"
        Errors = [errors.RowConstraintError]  # noqa: RUF012 - frictionless' own way

        def validate_row(self, row: Any) -> Any:
            values = [row[n] for n in SIX if row[n] is not None]
            if row["max"] is not None and values and row["max"] != max(values):
                yield errors.RowConstraintError.from_row(row, note="max is not the greatest")

    within = {"minimum": 0, "maximum": 500}
    schema = Schema(
        fields=[
            fields.StringField(name="reading", constraints={"unique": True}),
            fields.DateField(name="date"),
            fields.StringField(name="station", constraints={"required": True, "pattern": "DKI[1-5]"}),
            *[
                fields.NumberField(name=n, constraints=within if n in ("pm25", "pm10") else {})
                for n in NUMBERS
            ],
            fields.StringField(name="category", constraints={"enum": list(LEVELS)}),
        ]
    )
    import os

    folder, name = os.path.split(path)
    resource = Resource(path=name, basepath=folder, schema=schema)
    report = resource.validate(Checklist(checks=[Greatest()]), limit_errors=10_000_000)
    counts: dict[str, int] = {}
    for task in report.tasks:
        for error in task.errors:
            counts[error.type] = counts.get(error.type, 0) + 1
    return counts


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2])))
