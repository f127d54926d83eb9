"""The page of SQL: rows, files of any answer, what is wrong and where, in both languages."""

from __future__ import annotations

import io

import pyarrow.parquet as parquet
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from support.portal import words_of

MEAN = (
    "SELECT year(dateObserved) AS year, round(avg(precipitation), 2) AS mean "
    "FROM samarinda.rain GROUP BY 1 ORDER BY 1"
)


def test_the_page_opens_with_a_question_and_the_tables(demo: TestClient) -> None:
    page = demo.get("/sql", params={"table": "samarinda.rain"}).text
    assert "FROM samarinda.rain" in page
    assert "samarinda.flood_days_assumed" in page, "the schema names every table"
    assert "precipitation" in page


def test_an_answer_is_shown_and_taken_away_in_every_form(demo: TestClient) -> None:
    page = words_of(demo.get("/sql", params={"q": MEAN}).text)
    rows = demo.get("/sql.json", params={"q": MEAN}).json()
    assert [row["year"] for row in rows] == [2020, 2021, 2022, 2023, 2024, 2025]
    assert all(str(row["mean"]) in page for row in rows)
    text = demo.get("/sql.csv", params={"q": MEAN}).text.splitlines()
    assert text[0] == "year,mean"
    assert len(text) == 7
    table = parquet.read_table(io.BytesIO(demo.get("/sql.parquet", params={"q": MEAN}).content))
    assert table.to_pylist() == rows
    book = CalamineWorkbook.from_filelike(io.BytesIO(demo.get("/sql.xlsx", params={"q": MEAN}).content))
    assert book.get_sheet_by_index(0).to_python()[1:] == [[row["year"], row["mean"]] for row in rows]


def test_the_page_shows_the_first_rows_and_says_so_the_file_has_all(demo: TestClient) -> None:
    question = "SELECT range AS n FROM range(1000)"
    assert "The first 200 rows are shown" in words_of(demo.get("/sql", params={"q": question}).text)
    assert len(demo.get("/sql.json", params={"q": question}).json()) == 1000


def test_what_is_wrong_stands_on_the_page_with_its_place(demo: TestClient) -> None:
    question = "SELECT *\nFROM samarinda.rain\nWHERE precipitaton > 5"
    answer = demo.get("/sql", params={"q": question})
    assert answer.status_code == 400
    assert "line 3, column 7" in words_of(answer.text)
    assert 'data-at="3:7"' in answer.text
    assert "precipitaton &gt; 5</textarea>" in answer.text, "what was typed is kept"
    indonesian = demo.get("/sql", params={"q": question}, headers={"accept-language": "id"})
    assert "baris 3, kolom 7" in words_of(indonesian.text)


def test_programs_are_told_as_problem_details(demo: TestClient) -> None:
    answer = demo.get("/sql.json", params={"q": "SELECT nope FROM samarinda.rain"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["line"], answer.json()["column"]) == (1, 8)
    assert (
        demo.get("/sql.json", params={"q": "SELECT * FROM samarinda.ran"})
        .json()["detail"]
        .endswith("did you mean samarinda.rain?")
    )
    assert demo.get("/sql.txt", params={"q": "SELECT 1"}).status_code == 404


def test_text_of_an_answer_is_escaped(demo: TestClient) -> None:
    page = demo.get("/sql", params={"q": "SELECT '<script>alert(1)</script>' AS \"<b>\""}).text
    assert "<script>alert" not in page
    assert "<b>" not in page.partition("<main")[2].partition("Answer")[2]
    text = demo.get("/sql.csv", params={"q": "SELECT '=1+1' AS a"}).text
    assert text.splitlines()[1] == "'=1+1"


def test_too_many_questions_of_one_address_are_refused(demo: TestClient) -> None:
    from mahakam.feeds.catalogue.pace import Pace
    from mahakam.web.pages import sql

    before, sql._pace = sql._pace, Pace(1, 3600)
    try:
        assert demo.get("/sql.json", params={"q": "SELECT 1 AS a"}).status_code == 200
        refused = demo.get("/sql.json", params={"q": "SELECT 1 AS a"})
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
    finally:
        sql._pace = before
