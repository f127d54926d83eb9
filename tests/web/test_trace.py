"""Where does this come from: from a number to the row of the file, and the file itself."""

from __future__ import annotations

import csv
import hashlib
import io
import re

from starlette.testclient import TestClient

from support.demo_part import EXAMPLES
from support.html import Page

FLOODS = "/trace/value/samarinda/flood-days/2024"


def test_a_value_names_its_formula_its_rows_and_its_runs(demo: TestClient) -> None:
    page = demo.get(FLOODS)
    assert "count(*) filter (where floodLevelStatus = &#39;flooded&#39;)" in page.text
    assert "366 rows went in; 9 of them make the number." in page.text
    assert "by a test" in page.text
    assert "rain-flood.csv" in page.text


def test_the_counted_rows_stand_first_and_lead_to_the_file(demo: TestClient) -> None:
    table = Page(demo.get(FLOODS).text).tables[0]
    assert [row[1].strip() for row in table[1:11]] == ["yes"] * 9 + ["no"]
    first = next(link for link in Page(demo.get(FLOODS).text).links if link.startswith("/trace/entity/"))
    row = demo.get(first).text
    assert "rain-flood.csv" in row
    assert "curah_hujan_mm" in row, "the columns as they stood in the file"


def test_pages_of_rows_and_the_whole_table(demo: TestClient) -> None:
    counted = Page(demo.get(FLOODS + "?only=counted").text).tables[0]
    assert len(counted) - 1 == 9
    rows = list(csv.DictReader(io.StringIO(demo.get(FLOODS + ".csv").text)))
    assert len(rows) == 366
    assert [row["counted"] for row in rows].count("true") == 9
    assert len({row["entity"] for row in rows}) == 366
    last = Page(demo.get(FLOODS + "?page=25").text).tables[0]
    assert len(last) - 1 == 366 - 24 * 15
    beyond = Page(demo.get(FLOODS + "?page=999999").text).tables[0]
    assert beyond == last


def test_the_line_named_is_the_line_of_the_file(demo: TestClient) -> None:
    """What the trace calls row n is what an editor shows in line n."""
    lines = (EXAMPLES / "kaltim/samarinda/data/rain-flood.csv").read_text("utf-8-sig").splitlines()
    rows = list(csv.DictReader(io.StringIO(demo.get(FLOODS + ".csv?only=counted").text)))
    assert len(rows) == 9
    for row in rows:
        assert row["observationDate"] in lines[int(row["line"]) - 1]


def test_the_file_can_be_had_as_it_came(demo: TestClient) -> None:
    address = re.search(r'href="(/trace/file/\d+/[0-9a-f]{64})"', demo.get(FLOODS).text)
    assert address
    answer = demo.get(address[1])
    assert answer.status_code == 200
    original = EXAMPLES / "kaltim/samarinda/data/rain-flood.csv"
    assert answer.content == original.read_bytes()
    assert hashlib.sha256(answer.content).hexdigest() in address[1]
    assert "attachment" in answer.headers["content-disposition"]


def test_a_number_without_enough_data_says_why(demo: TestClient) -> None:
    page = demo.get("/trace/value/samarinda/flood-days/2020").text
    assert "Too little data to say" in page
    assert "where 90% is needed" in page


def test_a_marker_on_the_map_says_what_it_is(demo: TestClient) -> None:
    popup = demo.get("/trace/popup?id=urn:ngsi-ld:AdministrativeArea:64.72.01.1001").text
    assert "Rawa Makmur" in popup
    assert "/trace/entity/urn:ngsi-ld:AdministrativeArea:64.72.01.1001" in popup
    assert "<html" not in popup


def test_warnings_of_a_row_are_shown_with_it(demo: TestClient) -> None:
    rows = demo.get("/trace/value/jakarta/unhealthy-days/2020.json").json()
    pages = (demo.get("/trace/entity/" + row["entity"]).text for row in rows)
    assert any('<span class="chip warn">warning</span>' in page for page in pages)
