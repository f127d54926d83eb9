"""The monitoring and evaluation report: the real register's figures, the difference to the printed ones, as files."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

import pdfplumber
import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from mahakam.config import ConfigError, Place
from mahakam.network.reconcile import Move, explanation, lines
from mahakam.network.records import Project
from mahakam.network.stated import Report, reports_of
from support.html import Page

REGISTER = Path(__file__).parents[2] / "examples/ascn/data/projects-2025.csv"
AREAS = {
    "Civic & Social": 34,
    "Built Infrastructure": 32,
    "Quality Environment": 25,
    "Safety & Security": 19,
    "Industry & Innovation": 16,
    "Health & Well-Being": 8,
}


def rows(demo: TestClient, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(demo.get(path).text)))


def test_the_figures_of_the_report(demo: TestClient) -> None:
    areas = rows(demo, "/network/report/areas.csv")
    assert {row["focus_area"]: int(row["projects"]) for row in areas} == AREAS
    assert sum(int(row["completed"]) for row in areas) == 18


def test_by_country_and_city_it_is_the_register(demo: TestClient) -> None:
    """Row by row against the file as it came, whose two spellings a steward's correction maps."""
    names = {"Manila City": "Manila", "Ha Noi": "Hanoi"}
    register = list(csv.DictReader(REGISTER.open(encoding="utf-8")))
    cities = Counter(
        (row["country"], row["country"] if not row["project"] else names.get(row["city"], row["city"]))
        for row in register
    )
    found = rows(demo, "/network/report/cities.csv")
    assert {
        (row["country"], row["city"]): int(row["projects"]) for row in found if row["projects"] != "0"
    } == cities
    assert len(found) == 38
    countries = rows(demo, "/network/report/countries.csv")
    assert len(countries) == 11
    assert {row["country"]: int(row["projects"]) for row in countries if row["projects"] != "0"} == Counter(
        r["country"] for r in register
    )
    for row in [*found, *countries]:
        parts = (
            int(value)
            for name, value in row.items()
            if name not in ("country", "city", "projects", "completed")
        )
        assert sum(parts) == int(row["projects"])


def test_what_the_report_prints_otherwise_is_found(demo: TestClient) -> None:
    check = {(row["what"], row["name"]): row for row in rows(demo, "/network/report/check.csv")}
    differs = {name for (_, name), row in check.items() if row["agrees"].lower() == "false"}
    assert differs == {"Built Infrastructure", "Quality Environment"}
    built = check["focus_area_share", "Built Infrastructure"]
    assert (built["stated"], round(float(built["counted"]), 1)) == ("25", 23.9)
    assert check["status", "ongoing or planning"]["counted"] == "116"
    assert check["projects", ""]["agrees"].lower() == "true"
    text = Page(demo.get("/network/report").text).text
    assert "2 of the figures that the report states do not agree" in text
    assert (
        "1 project that stands under Quality Environment in the register, counted under Built Infrastructure"
        in text
    )


@pytest.mark.parametrize("language", ["en", "id"])
def test_the_pdf_has_every_figure_of_the_page(demo: TestClient, language: str) -> None:
    answer = demo.get("/network/report.pdf", headers={"accept-language": language})
    assert answer.headers["content-type"] == "application/pdf"
    with pdfplumber.open(io.BytesIO(answer.content)) as file:
        text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in file.pages))
    for row in rows(demo, "/network/report/areas.csv"):
        share = float(row["share"]) * 100
        shown = f"{share:.1f}".replace(".", "," if language == "id" else ".")
        assert re.search(rf"\b{row['projects']} {re.escape(shown)}\s?%", text), row
    for row in rows(demo, "/network/report/cities.csv"):
        assert row["city"].split()[0] in text
    assert "134" in text
    assert ("Selesai" if language == "id" else "Completed") in text


def test_the_workbook_opens_with_numbers_as_numbers(demo: TestClient) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(demo.get("/network/report.xlsx").content))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    assert sheets["By focus area"][1][:2] == ["Civic & Social", 34]
    assert len(sheets["Projects"]) == 1 + 134
    assert sum(row[2] for row in sheets["By city"][1:]) == 134
    short = [row[1] for row in sheets["Monitoring and evaluation"] if row[0] == "In short"]
    assert any("134" in line for line in short), "what the page says in words is in the workbook too"
    page = Page(demo.get("/network/report").text).text
    for line in short:
        for figure in re.findall(r"\d+(?:[.,]\d+)?", line):
            assert figure in page, line


def project(area: str, status: str = "ongoing") -> Project:
    return Project("urn:1", "n", "c", "", "c", "", area, status, "2025-01-01")


def report(**stated: object) -> Report:
    import datetime as dt

    values = {"projects": None, "status": {}, "focus_area": {}, "focus_area_share": {}, **stated}
    return Report("1", {"en": "r"}, dt.date(2025, 1, 1), "", **values)  # type: ignore[arg-type]


def test_shares_agree_as_they_are_printed() -> None:
    projects = [project("A")] * 2 + [project("B")]
    shares = {"A": 66.7, "B": 33}
    assert all(one.agrees for one in lines(report(focus_area_share=shares), projects))
    assert not lines(report(focus_area_share={"A": 66}), projects)[0].agrees
    assert explanation(report(focus_area_share=shares), projects) is None


def test_the_smallest_move_explains() -> None:
    projects = [project("A")] * 6 + [project("B")] * 4
    assert explanation(report(focus_area_share={"A": 40, "B": 60}), projects) == Move(2, "A", "B")
    assert explanation(report(focus_area_share={"A": 10, "B": 10}), projects) is None


def test_an_empty_register_is_no_error() -> None:
    found = lines(report(projects=3, focus_area_share={"A": 10}), [])
    assert [one.agrees for one in found] == [False, False]


def test_a_node_without_a_network_says_so(nothing: TestClient) -> None:
    assert nothing.get("/network/report").status_code == 404
    assert nothing.get("/network/report.pdf").status_code == 404


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": 1}, "must be a list"),
        (["x"], "reports[0]: must be a mapping"),
        ([{"as_off": 1}], "did you mean 'as_of'?"),
        ([{"key": "1"}], "as_of must be a date"),
        ([{"as_of": "2025"}], "as_of must be a date"),
    ],
)
def test_what_is_no_report_is_said(tmp_path: Path, found: object, said: str) -> None:
    place = Place("n", "network", tmp_path, {"name": "N", "reports": found})
    with pytest.raises(ConfigError, match=re.escape(said)):
        reports_of(place)
