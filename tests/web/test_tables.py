"""One table, three faces: the page, the CSV and the JSON hold the same rows; nothing in them runs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient

from mahakam.web.language import reading
from mahakam.web.tables import Column, Table, csv_lines, guarded, json_lines, sort_key
from support.html import Page

_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
_rows = st.lists(st.fixed_dictionaries({"a": _values, "b": _values}), max_size=20)
_COLUMNS = [Column("a", "A"), Column("b", "B")]


def _request(query: str = "", path: str = "/things") -> Request:
    return Request(
        {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    )


@given(_rows)
def test_csv_holds_every_row_and_no_formula(rows: list[dict[str, Any]]) -> None:
    text = "".join(csv_lines(_COLUMNS, rows))
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["a", "b"]
    assert len(read) == len(rows) + 1
    for cells, row in zip(read[1:], rows, strict=True):
        for cell, value in zip(cells, (row["a"], row["b"]), strict=True):
            if isinstance(value, str) and cell != value:
                assert cell == "'" + value
            assert not cell.startswith(("=", "@", "\t", "\r", "\n"))
            if cell.startswith(("+", "-")):
                assert float(cell) == float(cell)


@given(_rows)
def test_json_holds_the_same_values(rows: list[dict[str, Any]]) -> None:
    assert json.loads(b"".join(json_lines(_COLUMNS, rows))) == rows


def test_a_formula_is_kept_from_running_and_a_number_is_not_touched() -> None:
    assert guarded('=HYPERLINK("http://x","y")') == '\'=HYPERLINK("http://x","y")'
    assert guarded("-2+3") == "'-2+3"
    assert guarded("-0.50028") == "-0.50028"
    assert guarded(-3) == -3
    assert guarded("+62 811") == "'+62 811"
    assert guarded("Rawa Makmur") == "Rawa Makmur"


@given(_rows, st.sampled_from(["a", "-a", "b", "-b", "nothing", ""]))
def test_sorting_keeps_every_row_and_puts_blanks_last(rows: list[dict[str, Any]], sort: str) -> None:
    table = Table(_request(f"sort={sort}"), "Things", _COLUMNS, rows)
    ordered = list(table.everything())
    assert sorted(map(id, ordered)) == sorted(map(id, rows))
    name = sort.removeprefix("-")
    if name in ("a", "b"):
        filled = [row[name] for row in ordered if row[name] not in (None, "")]
        assert filled == sorted(filled, key=sort_key, reverse=sort.startswith("-"))
        assert all(row[name] in (None, "") for row in ordered[len(filled) :])


@given(st.integers(0, 130), st.text(max_size=12))
def test_pages_cover_all_rows_once(count: int, asked: str) -> None:
    rows = [{"a": n, "b": ""} for n in range(count)]
    table = Table(_request(), "Things", _COLUMNS, rows, per_page=7)
    seen = [
        row["a"]
        for page in range(1, table.pages + 1)
        for row in Table(_request(f"page={page}"), "Things", _COLUMNS, rows, per_page=7).rows
    ]
    assert seen == list(range(count))
    request = Request({"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []})
    request._query_params = {"page": asked}  # type: ignore[assignment]
    assert 1 <= Table(request, "Things", _COLUMNS, rows, per_page=7).page <= table.pages


def test_cells_are_escaped_and_formatted() -> None:
    row = {"a": "<b>x</b>", "b": 1234.5}
    with reading("id"):
        assert str(_COLUMNS[0].show(row)) == "&lt;b&gt;x&lt;/b&gt;"
        assert str(Column("b", kind="number").show(row)) == "1.234,5"
        assert str(Column("a", link=lambda r: '/"><script>').show(row)).startswith('<a href="/&#34;')
    with reading("en"):
        assert str(Column("b", kind="number").show(row)) == "1,234.5"


def test_the_page_and_its_files_hold_the_same_rows(demo: TestClient) -> None:
    path = "/cities/samarinda/data/AdministrativeArea"
    rows = list(csv.DictReader(io.StringIO(demo.get(path + ".csv?sort=-name").text)))
    assert len(rows) == 59
    assert [row["name"] for row in rows] == sorted(
        (row["name"] for row in rows), key=str.casefold, reverse=True
    )
    table = Page(demo.get(path + "?sort=-name").text).tables[0]
    assert [row[0].strip() for row in table[1:]] == [row["name"] for row in rows][:50]
    assert len(demo.get(path + ".json").json()) == 59
    assert len(demo.get(path + ".geojson").json()["features"]) == 59


def test_a_filter_holds_for_page_and_files(demo: TestClient) -> None:
    path = "/cities/samarinda/data/AdministrativeArea"
    rows = list(csv.DictReader(io.StringIO(demo.get(path + ".csv?name=SUNGAI").text)))
    assert rows
    assert all("sungai" in row["name"].casefold() for row in rows)
    assert len(Page(demo.get(path + "?name=sungai").text).tables[0]) - 1 == len(rows)
    assert demo.get(path + ".csv?name=.*").text.count("\n") == 1, "the words are words, not a pattern"
    assert demo.get(path + "?q=level%3D%3D").status_code == 400
