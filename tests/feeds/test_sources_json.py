"""JSON sources: lists, lists inside, one record a line; what is not JSON is refused with its position."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.feeds.sources import SourceError
from mahakam.quality import note_words
from support.sources import cells, read, rows, written


def dumped(folder: Path, value: object, name: str = "a.json") -> Path:
    return written(folder, name, json.dumps(value, ensure_ascii=False))


def test_a_list_of_records(tmp_path: Path) -> None:
    table = read(dumped(tmp_path, [{"kode": "A", "n": 1}, {"kode": "B", "lebar": 2.5, "n": None}]))
    assert table.info.format == "json"
    assert table.columns == ["kode", "n", "lebar"]
    assert rows(table) == [(1, 1, "A", "1", None), (2, 2, "B", None, "2.5")]


def test_values_are_text_in_their_json_form(tmp_path: Path) -> None:
    row = {
        "a": True,
        "b": "0012",
        "c": 12345678901234567890,
        "d": {"x": [1, "é"]},
        "e": "",
        "f": 1.0,
        "g": False,
    }
    assert cells(read(dumped(tmp_path, [row]))) == [
        ("true", "0012", "12345678901234567890", '{"x":[1,"é"]}', None, "1.0", "false")
    ]


def test_the_only_list_of_records_is_found_and_told(tmp_path: Path) -> None:
    table = read(dumped(tmp_path, {"ok": True, "tags": ["a"], "hasil": [{"kode": "A"}, {"kode": "B"}]}))
    assert cells(table) == [("A",), ("B",)]
    assert any("'hasil'" in note for note in table.info.notes)


def test_several_lists_need_a_pin(tmp_path: Path) -> None:
    path = dumped(tmp_path, {"a": [{"x": 1}], "b": [{"y": 2}]})
    with pytest.raises(SourceError, match=r"say which with records: \(a, b\)"):
        read(path)
    table = read(path, records="b")
    assert (table.columns, cells(table)) == (["y"], [("2",)])


def test_a_path_leads_through_objects_and_lists(tmp_path: Path) -> None:
    path = dumped(tmp_path, {"data": [{"items": [{"kode": "A"}]}, {"items": [{"kode": "B"}]}]})
    assert cells(read(path, records="data.1.items")) == [("B",)]
    with pytest.raises(SourceError, match=r"has no 'item' on the way 'data\.1\.item'; there is: items"):
        read(path, records="data.1.item")
    with pytest.raises(SourceError, match="leads to dict, not to a list"):
        read(path, records="data.0")


def test_one_object_is_one_record(tmp_path: Path) -> None:
    assert cells(read(dumped(tmp_path, {"kode": "A", "n": 1}))) == [("A", "1")]


def test_rows_as_lists_get_numbered_columns(tmp_path: Path) -> None:
    table = read(dumped(tmp_path, [["A", 1], ["B", 2]]))
    assert table.columns == ["column 1", "column 2"]
    assert cells(table) == [("A", "1"), ("B", "2")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_record_a_line(tmp_path: Path, name: str, end: str) -> None:
    text = end.join(['{"kode":"A","n":1}', '{"kode":"B"}', "", '{"n":3}']) + end
    assert rows(read(written(tmp_path, name, text))) == [
        (1, 1, "A", "1"),
        (2, 2, "B", None),
        (3, 4, None, "3"),
    ]


def test_one_record_a_line_in_a_gz(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl.gz", gzip.compress(b'{"kode":"A"}\n'))
    assert cells(read(path)) == [("A",)]


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("a.json", '[{"a": 1},\n {"a": }]', "line 2, column 8"),
        ("a.json", '[{"a": 1}', "line 1, column 10"),
        ("a.json", "[{'a': 1}]", "line 1, column 3"),
        ("a.jsonl", '{"a":1}\n{"a":\n', "line 2, column"),
    ],
)
def test_what_is_not_json_is_refused_with_its_position(
    tmp_path: Path, name: str, text: str, where: str
) -> None:
    with pytest.raises(SourceError, match=rf"^{name}, {where}") as raised:
        read(written(tmp_path, name, text))
    assert "not valid JSON" in str(raised.value)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(("name", "start"), [("a.json", "[\n"), ("a.jsonl", '{"a": 1}\n')])
def test_what_json_does_not_have_is_text_and_told(
    tmp_path: Path, constant: str, name: str, start: str
) -> None:
    first = '{"a": 1},\n' if name == "a.json" else ""
    text = start + first + f'{{"a": {constant}}}' + ("]" if name == "a.json" else "\n")
    table = read(written(tmp_path, name, text))
    assert cells(table) == [("1",), (constant,)]
    notes = [note for note in table.info.notes if "JSON does not have" in note]
    assert notes == [f"holds what JSON does not have, read as text: {constant} 1 times"]
    assert note_words.said(notes[0], "id") != notes[0]


def test_the_word_nan_in_a_text_is_not_counted(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.json", '[{"nama": "NaN Corp",\n"n": 1},\n{"n": NaN}]'))
    assert cells(table) == [("NaN Corp", "1"), (None, "NaN")]
    assert table.info.notes == ["holds what JSON does not have, read as text: NaN 1 times"]


@pytest.mark.parametrize("number", ["1e400", "-1e400"])
def test_a_number_too_large_to_hold_stays_what_it_was(tmp_path: Path, number: str) -> None:
    assert cells(read(written(tmp_path, "a.json", f'[{{"kode": "A", "n": {number}}}]'))) == [("A", number)]


@pytest.mark.parametrize("number", ["0.10", "1.2345678901234567890", "1E3", "-0"])
def test_numbers_keep_their_value(tmp_path: Path, number: str) -> None:
    ((found,),) = cells(read(written(tmp_path, "a.json", f'[{{"n": {number}}}]')))
    assert float(str(found)) == float(number)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, "no list of records"),
        ("kata", "no list of records"),
        ([1, 2], "record 1.*int"),
        ([{"a": 1}, "b"], "record 2"),
    ],
)
def test_what_is_no_list_of_records_is_refused(tmp_path: Path, value: object, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read(dumped(tmp_path, value))


@pytest.mark.parametrize("value", [[], {"data": []}])
def test_an_empty_list_is_a_table_without_rows(tmp_path: Path, value: object) -> None:
    pins = {"records": "data"} if isinstance(value, dict) else {}
    assert rows(read(dumped(tmp_path, value), **pins)) == []


def test_a_tower_of_brackets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nested too deep"):
        read(written(tmp_path, "a.json", "[" * 200_000 + "]" * 200_000))


def test_members_that_differ_in_case_only_stay_apart(tmp_path: Path) -> None:
    table = read(dumped(tmp_path, [{"nama": "A", "Nama": "B", "_row": 7, "": "C"}]))
    assert table.columns == ["nama", "Nama (2)", "_row (2)", "column 4"]
    assert cells(table) == [("A", "B", "7", "C")]


def test_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        path = written(tmp_path, "a.json", '[{"nama": "Café"}]'.encode(encoding))
        assert cells(read(path)) == [("Café",)]


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
)  # fmt: skip
RECORDS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c d", "é"]), SCALARS, max_size=4), max_size=5)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS, st.booleans())
def test_every_value_comes_back(tmp_path: Path, made: list[dict[str, object]], lines: bool) -> None:
    text = "\n".join(map(json.dumps, made)) if lines else json.dumps(made)
    if lines and not made:
        return
    table = read(written(tmp_path, "a.jsonl" if lines else "a.json", text))
    for given_record, found in zip(made, cells(table), strict=True):
        for name, cell in zip(table.columns, found, strict=True):
            value = given_record.get(name)
            if isinstance(value, str) or value is None:
                assert cell == (value or None)
            else:
                assert json.loads(str(cell)) == value
