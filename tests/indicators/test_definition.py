"""An indicator's file is read strictly: what is wrong is named, with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from mahakam.config import ConfigError, load_places
from mahakam.indicators.definition import Definition, definitions_of, read_definition
from support.indicators import EXAMPLES, City

GOOD = "name: N\nfrom: Rain\nformula: sum(mm)\nper: year\ntime: date\n"


def read(folder: Path, text: str, name: str = "rain.yaml") -> Definition:
    path = folder / name
    path.write_text(text, "utf-8")
    definition = read_definition(path)
    assert definition.compiled
    return definition


def test_every_example_is_good() -> None:
    places = load_places([EXAMPLES])
    found = [one for place in places.values() for one in definitions_of(place, places).values()]
    assert len(found) > 15
    assert all(one.compiled.value for one in found)
    assert {one.theme for one in found} >= {"transport", "housing", "environment", "safety"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "formulla: x\n", "unknown key 'formulla'; did you mean 'formula'?"),
        (GOOD + "xyzzy: 1\n", "unknown key 'xyzzy'; known keys: name,"),
        ("name: N\nfrom: Rain\n", "needs 'formula'"),
        ("name: N\nfrom: Rain\nformula: sum(mm)\n", "per: year needs 'time'"),
        (GOOD + "better: low\n", "better: must be one of lower, higher, neutral, not 'low'"),
        (GOOD + "theme: weather\n", "theme: must be one of transport,"),
        (GOOD + "target: {soon: 3}\n", "target: 'soon': 3 must be a year and a number"),
        (GOOD + "needs: {completeness: 75}\nexpected: days\n", "must be a share from 0 to 1, not 75"),
        (GOOD + "needs: {completeness: 0.75}\n", "needs 'expected'"),
        (GOOD + "needs: {everything: 1}\n", "needs: must be {completeness: SHARE}"),
        (GOOD + "expected: weeks\n", "expected: must be a number of inputs, or days or months, not 'weeks'"),
        (GOOD + "inherit: maybe\n", "inherit: must be true or false, not 'maybe'"),
        (GOOD + "breaks: {2022-01: words}\n", "breaks: '2022-01' is no period of per: year"),
        (GOOD + "decimals: -1\n", "decimals: must be a whole number"),
        (GOOD + "frameworks: sdg\n", "frameworks: must be a list"),
        (GOOD + "name: {en: 3}\n", "name: must be text"),
        ("- a\n", "must hold a mapping"),
        ("name: [\n", "is not valid YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)
    assert "rain.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("read_csv('/etc/passwd')", "function read_csv is not allowed"),
        ("count(*) + (select count(*) from read_text('/etc/passwd'))", "a query inside an expression"),
        ("getenv('HOME')", "function getenv is not allowed"),
        ("sum(a); drop table inputs", "is not allowed"),
        ("sum(a) over ()", "a window (OVER) is not allowed"),
        ("smu(a)", "function smu is not allowed; did you mean sum?"),
        ("a + 1", "has no aggregate, e.g. count(*)"),
        ("sum(a) / b", "'b' stands outside an aggregate; write e.g. sum(b)"),
        ("sum(max(a))", "stands inside another aggregate"),
        ("sum(a", "is not an SQL expression"),
        ("sum(*)", "* stands only in count(*)"),
        ("sum(a::json)", "type JSON is not available"),
        ("count(*) filter (where a in (select 1))", "a query inside an expression"),
        ("sum($1)", "is not allowed"),
        ("sum(list_transform(a, x -> x))", "is not allowed"),
        ("sum(a) + " * 3000 + "1", "is longer than 4000 characters"),
        ("(" * 200 + "sum(a)" + ")" * 200, "levels deep"),
        ("current_setting('home_directory')", "is not allowed"),
    ],
)
def test_a_formula_that_reaches_further_than_its_rows_is_refused(
    tmp_path: Path, formula: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace("sum(mm)", f'"{formula}"'))
    assert says in str(caught.value)
    assert "formula:" in str(caught.value)


@pytest.mark.parametrize("key", ["where", "counted"])
def test_a_question_to_each_row_has_no_aggregate(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"{key}: count\(\*\) counts many rows"):
        read(tmp_path, GOOD + f'{key}: "count(*) > 3"\n')
    with pytest.raises(ConfigError, match=rf"{key}: function read_text is not allowed"):
        read(tmp_path, GOOD + f"{key}: \"read_text('/etc/passwd') is not null\"\n")


def test_a_name_that_is_no_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="letters, digits"):
        read(tmp_path, GOOD, "hujan lebat.yaml")


def test_only_what_is_marked_is_passed_down(city: City) -> None:
    city.indicator("own", GOOD)
    city.indicator("above", GOOD, where="prov")
    city.indicator("passed", GOOD + "inherit: true\n", where="prov")
    assert set(definitions_of(city.place, city.places)) == {"own", "passed"}
    assert set(definitions_of(city.places["prov"], city.places)) == {"above", "passed"}
    city.indicator("passed", GOOD.replace("sum", "max"))
    assert definitions_of(city.place, city.places)["passed"].formula == "max(mm)", "the nearest wins"


def test_the_hash_follows_what_decides_the_value(tmp_path: Path) -> None:
    first = read(tmp_path, GOOD)
    assert read(tmp_path, GOOD + "better: higher\nnote: n\n").hash == first.hash
    assert read(tmp_path, GOOD + "where: mm > 1\n").hash != first.hash
    assert read(tmp_path, GOOD.replace("year", "month")).hash != first.hash
