"""Rules between columns that a contract from data proposes: those put in, with their counts, and no others."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.quality.columns import check_columns
from mahakam.quality.infer import infer
from mahakam.quality.load import parse_document
from mahakam.quality.references import FixedReferences

Columns = dict[str, list[str]]


def proposed(columns: Columns) -> tuple[dict[str, dict[str, Any]], dict[str, list[int]]]:
    """Expression → what speaks for it and against it; expression → the rows that the check names."""
    with duckdb.connect() as connection:
        rows = pa.array(range(1, len(next(iter(columns.values()))) + 1), pa.int64())
        texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        connection.register("source", pa.table({"_row": rows, "_line": rows, **texts}))
        document = infer(connection, "source", list(columns), "data")
        rules = [r for r in document["schema"][0].get("quality", ()) if "implementation" in r]
        contract = parse_document(document)[0]
        check = check_columns(connection, "source", list(columns), contract, FixedReferences())
        named: dict[str, list[int]] = {}
        for finding in check.findings():
            named.setdefault(finding.rule, []).append(finding.row)
    facts = {r["implementation"]: {c["property"]: c["value"] for c in r["customProperties"]} for r in rules}
    return facts, {r["implementation"]: sorted(named.get(r["name"], [])) for r in rules}


def permits(rng: random.Random, rows: int, wrong: set[int], low: str, high: str) -> Columns:
    """A permit is asked for and given some days later; in the wrong rows it is given before."""
    columns: Columns = {"number": [f"P-{n:05d}" for n in range(rows)], low: [], high: []}
    for n in range(rows):
        asked = date(2024, 1, 1) + timedelta(days=rng.randrange(300))
        given = asked + timedelta(days=rng.randrange(0, 40) if n not in wrong else -1 - rng.randrange(20))
        columns[low].append(asked.isoformat())
        columns[high].append(given.isoformat())
    return columns


def households(rng: random.Random, rows: int, wrong: set[int]) -> Columns:
    """Men, women and their sum, which is off in the wrong rows."""
    columns: Columns = {"code": [f"V-{n:05d}" for n in range(rows)], "men": [], "women": [], "all": []}
    for n in range(rows):
        men, women = rng.randrange(1, 5000), rng.randrange(1, 5000)
        columns["men"].append(str(men))
        columns["women"].append(str(women))
        columns["all"].append(str(men + women + (rng.randrange(1, 9) if n in wrong else 0)))
    return columns


def readings(rng: random.Random, rows: int, wrong: set[int]) -> Columns:
    """Four substances, some of them not measured, and the greatest of them."""
    columns: Columns = {"at": [f"R-{n:05d}" for n in range(rows)], "a": [], "b": [], "c": [], "top": []}
    for n in range(rows):
        measured = [rng.randrange(2, 300) for _ in "abc"]
        for name, value in zip("abc", measured, strict=True):
            columns[name].append("" if name == "c" and n % 5 == 0 else str(value))
        top = max(measured[: 2 if n % 5 == 0 else 3])
        columns["top"].append(str(top + (1 if n in wrong else 0)))
    return columns


some = settings(deadline=None, max_examples=12)
"""A case makes a contract and checks with it: a second of work on a busy machine."""
drawn = st.tuples(st.integers(0, 2**32), st.integers(300, 900), st.integers(0, 4))


@some
@given(drawn)
def test_dates_in_order_are_found_with_their_counts(case: tuple[int, int, int]) -> None:
    seed, rows, number = case
    rng = random.Random(seed)
    wrong = set(rng.sample(range(rows), number))
    facts, named = proposed(permits(rng, rows, wrong, "asked", "given"))
    rule = '"asked" <= "given"'
    assert set(facts) == {rule}
    assert facts[rule] == {
        "confidence": round(1 - number / rows, 4), "following": rows - number, "against": number,
    }  # fmt: skip
    assert named[rule] == sorted(n + 1 for n in wrong)


@some
@given(drawn)
def test_a_total_is_found_and_the_rows_that_do_not_add_up(case: tuple[int, int, int]) -> None:
    seed, rows, number = case
    rng = random.Random(seed)
    wrong = set(rng.sample(range(rows), number))
    facts, named = proposed(households(rng, rows, wrong))
    rule = '"all" = "men" + "women"'
    assert set(facts) == {rule}, "nor that a part is at most the whole, which follows"
    assert facts[rule]["against"] == number
    assert named[rule] == sorted(n + 1 for n in wrong)


@some
@given(drawn)
def test_a_greatest_is_found_and_the_rows_that_have_another(case: tuple[int, int, int]) -> None:
    seed, rows, number = case
    rng = random.Random(seed)
    wrong = set(rng.sample(range(rows), number))
    facts, named = proposed(readings(rng, rows, wrong))
    rule = '"top" = greatest("a", "b", "c")'
    assert set(facts) == {rule}
    assert facts[rule]["against"] == number
    assert named[rule] == sorted(n + 1 for n in wrong)


@some
@given(st.integers(0, 2**32), st.integers(60, 600), st.sampled_from(["number", "small", "date"]))
def test_columns_that_have_nothing_to_do_with_each_other_get_no_rule(seed: int, rows: int, kind: str) -> None:
    rng = random.Random(seed)
    make = {
        "number": lambda: f"{rng.lognormvariate(4, 1):.2f}",
        "small": lambda: str(rng.randrange(6)),
        "date": lambda: (date(2024, 1, 1) + timedelta(days=rng.randrange(300))).isoformat(),
    }[kind]
    columns = {name: [make() for _ in range(rows)] for name in ("a", "b", "c", "d", "e")}
    assert proposed(columns)[0] == {}


@some
@given(st.integers(0, 2**32))
def test_figures_that_only_tell_of_size_get_no_rule(seed: int) -> None:
    """Large villages have more of everything: schools are always fewer than households, which is no rule."""
    rng = random.Random(seed)
    size = [rng.lognormvariate(6, 1) for _ in range(300)]
    columns = {
        "households": [str(round(s * rng.uniform(0.8, 1.2))) for s in size],
        "vehicles": [str(round(s * rng.uniform(0.4, 0.7))) for s in size],
    }
    assert proposed(columns)[0] == {}


def test_rounded_parts_may_be_off_by_their_rounding() -> None:
    rng = random.Random(3)
    parts = [(rng.uniform(1, 90), rng.uniform(1, 90), rng.uniform(1, 90)) for _ in range(200)]
    columns = {
        name: [f"{row[at]:.1f}" for row in parts] for at, name in enumerate(("paper", "glass", "food"))
    }
    columns["waste"] = [f"{sum(row):.1f}" for row in parts]
    columns["waste"][70] = "999.9"
    facts, named = proposed(columns)
    (rule,) = facts
    assert rule == 'abs("waste" - ("paper" + "glass" + "food")) <= 0.2'
    assert named[rule] == [71]


def test_every_second_column_is_added_up_too() -> None:
    """As tables of men and women by age are laid out."""
    rng = random.Random(4)
    ages = range(12)
    columns: Columns = {"village": [f"V-{n:05d}" for n in range(150)]}
    for age in ages:
        columns[f"men {age}"] = [str(rng.randrange(1, 400)) for _ in range(150)]
        columns[f"women {age}"] = [str(rng.randrange(1, 400)) for _ in range(150)]
    men = [columns[f"men {age}"] for age in ages]
    columns["men"] = [str(sum(int(one[n]) for one in men)) for n in range(150)]
    facts, _ = proposed(columns)
    assert list(facts) == ['"men" = ' + " + ".join(f'"men_{age}"' for age in ages)]


@pytest.mark.parametrize(("low", "high"), [("harga_min", "harga_max"), ("jam mulai", "jam selesai")])
def test_names_say_which_is_the_lower(low: str, high: str) -> None:
    rng = random.Random(5)
    lows = [rng.uniform(10, 90) for _ in range(200)]
    columns = {
        low: [f"{one:.2f}" for one in lows],
        high: [f"{one + rng.uniform(1, 20):.2f}" for one in lows],
    }
    assert list(proposed(columns)[0]) == [f'"{low.replace(" ", "_")}" <= "{high.replace(" ", "_")}"']


def test_what_speaks_for_a_column_that_another_decides_is_said() -> None:
    codes = [("64.71", "64.72", "64.74", "64.09", "64.08", "64.03")[n % 6] for n in range(120)]
    towns = [
        ("Balikpapan", "Samarinda", "Bontang", "Penajam", "Sangatta", "Berau")[n % 6] for n in range(120)
    ]
    towns[8] = "Kutai Barat"
    with duckdb.connect() as connection:
        rows = pa.array(range(1, 121), pa.int64())
        connection.register("source", pa.table({"_row": rows, "_line": rows, "code": codes, "town": towns}))
        document = infer(connection, "source", ["code", "town"], "data")
    (_, town) = document["schema"][0]["properties"]
    (rule,) = [one for one in town["quality"] if "determined" in str(one.get("implementation"))]
    said = {one["property"]: one["value"] for one in rule["customProperties"]}
    assert said == {"confidence": round(119 / 120, 4), "following": 119, "against": 1}
