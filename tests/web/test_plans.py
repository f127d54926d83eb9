"""Action plans on their pages and in the report: who may, what is refused, each figure on page, in PDF and XLSX."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pdfplumber
import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.cli.demo import take_action_plans
from mahakam.network.cycle import current, cycles_of
from mahakam.network.plans import plan
from support.demo_part import EXAMPLES, node_over, part_of_demo
from support.html import Page
from support.people import person, post

PATH = "/network/plans"
SAMARINDA = PATH + "/samarinda"
EXAMPLE = EXAMPLES / "kaltim/samarinda/plan.yaml"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    data: Path = tmp_path_factory.mktemp("plans") / "data"
    shutil.copytree(part_of_demo(), data)
    found = node_over(data)
    take_action_plans(found)
    yield found
    found.close()


@pytest.fixture(scope="module")
def reader(node: Node) -> TestClient:
    return TestClient(Application(node), base_url="http://localhost", headers={"accept-language": "en"})


@pytest.fixture(scope="module")
def officer(node: Node) -> TestClient:
    return person(node, "cici", "city_officer", "bontang")


def year(node: Node) -> int:
    """The year that is reported for today, where the network is."""
    network = node.places["ascn"]
    found = current(cycles_of(network), dt.datetime.now(ZoneInfo(network.timezone)).date())
    assert found is not None
    return found.year


def rows(client: TestClient, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(path).text)))


def test_a_city_s_page_shows_its_plan_and_what_was_measured(reader: TestClient) -> None:
    text = Page(reader.get(SAMARINDA).text).text
    for said in (
        "stays dry",
        "Room for the water",
        "120,000,000,000 IDR",
        "At most four flood days",
        "made up",
    ):
        assert said in text
    outcome = next(row for row in rows(reader, SAMARINDA + "/outcomes.csv") if row["project"] == "P1")
    assert (outcome["baseline"], outcome["target"], outcome["name"]) == ("12", "4", "Flood days")
    assert reader.get(f"/trace/value/samarinda/flood-days/{outcome['period']}").status_code == 200
    city = reader.get("/cities/samarinda").text
    assert SAMARINDA in city, "the city's page leads to its plan"
    assert PATH not in reader.get("/cities/balikpapan").text


def test_a_city_without_a_plan_says_what_to_do(reader: TestClient) -> None:
    assert "No plan yet" in reader.get(PATH + "/jakarta").text
    assert reader.get(PATH + "/jakarta.xlsx").status_code == 200
    assert reader.get(PATH + "/atlantis").status_code == 404


def test_who_may_write(node: Node, reader: TestClient, officer: TestClient) -> None:
    stranger = TestClient(Application(node), base_url="http://localhost", follow_redirects=False)
    assert stranger.get(SAMARINDA + "/file").headers["location"].startswith("/signin")
    thailand, indonesia = (
        person(node, "tida", "representative", "TH"),
        person(node, "indah", "representative", "ID"),
    )
    secretariat = person(node, "sari", "secretariat")
    for path in ("/file", "/progress"):
        statuses = [
            one.get(SAMARINDA + path).status_code for one in (officer, thailand, secretariat, indonesia)
        ]
        assert statuses == [403, 403, 403, 200], (
            "its country's representative may, another city's officer may not"
        )
    assert officer.get(PATH + "/bontang/file").status_code == 200
    own = post(indonesia, SAMARINDA + "/file", SAMARINDA + "/update", {"do": "collate"})
    assert own[0] == 403, "the Secretariat's to do"
    assert post(secretariat, PATH, SAMARINDA + "/update", {"do": "send"})[0] == 403


def test_a_file_with_faults_changes_nothing_and_stays(node: Node) -> None:
    here, officer = PATH + "/balikpapan", person(node, "bayu", "city_officer", "balikpapan")
    wrong = EXAMPLE.read_text("utf-8").replace("city: samarinda", "city: balikpapan")
    wrong = wrong.replace("budget: 120000000000", "budget: plenty").replace("area: Health", "area: Hearth", 1)
    status, page = post(officer, here + "/file", here + "/file", {"yaml": wrong, "seen": "x"})
    assert status == 422
    for said in (
        "projects, entry 1, budget",
        "A number was expected",
        "focus_areas, entry 2, area",
        "budget: plenty",
    ):
        assert said in page
    assert plan(node.store.tenant(), "balikpapan").changes == 0
    status, page = post(officer, here + "/file", here + "/file", {"yaml": EXAMPLE.read_text("utf-8")})
    assert (status, "This is the plan of samarinda" in page) == (422, True)
    status, page = post(officer, here + "/file", here + "/file", {"yaml": " "})
    assert (status, "Choose a file" in page) == (422, True)
    old = officer.post(here + "/file", data={"yaml": wrong, "form": "0.stale"})
    assert (old.status_code, "budget: plenty" in old.text) == (403, True)
    sent = {"file": ("plan.pdf", b"%PDF", "application/pdf")}
    status, page = post(officer, here + "/file", here + "/file", {}, sent)
    assert (status, "plan.pdf is neither" in page) == (422, True)


def test_from_the_file_to_the_secretariat(node: Node, officer: TestClient, reader: TestClient) -> None:
    here, now = PATH + "/bontang", year(node)
    text = EXAMPLE.read_text("utf-8").replace("city: samarinda", "city: bontang").partition("progress:")[0]
    seen = re.search(r'name="seen" value="([^"]+)"', officer.get(here + "/file").text)
    assert seen
    given = {"yaml": text, "seen": seen.group(1)}
    assert post(officer, here + "/file", here + "/file", given) == (303, here)
    other = given | {"yaml": text.replace("until: 2030", "until: 2031")}
    status, page = post(officer, here + "/file", here + "/file", other)
    assert (status, "until: 2031" in page) == (409, True), "written meanwhile: what was sent is kept"
    book = officer.get(here + ".xlsx").content
    status, page = post(officer, here + "/file", here + "/file", {}, {"file": ("plan.xlsx", book, "x")})
    assert (status, "Nothing was changed." in page) == (422, True), "the workbook says what the plan says"
    # Sent too early, then reported with a fault, then well.
    status, page = post(officer, here, here + "/update", {"do": "send", "text": "All of it"})
    assert (status, "of P1, P2" in page, "All of it" in page) == (422, True, True)
    report = {
        "project": "P1",
        "text": "The drains are surveyed.",
        "done-M1": "2026-10-01",
        "spent": "9.500.000",
    }
    status, page = post(officer, here + "/progress?project=P1", here + "/progress", report)
    assert (status, "needs its evidence" in page, "drains are surveyed" in page) == (422, True, True)
    proof = report | {"evidence": "Survey https://example.org/survey.pdf"}
    status, page = post(
        officer,
        here + "/progress?project=P1",
        here + "/progress",
        proof | {"spent": "much", "done-M1": "2999-01-01"},
    )
    assert (status, "amount of money" in page, "still to come" in page) == (422, True, True)
    assert post(officer, here + "/progress?project=P1", here + "/progress", proof)[0] == 303
    second = {"project": "P2", "text": "Sites are looked at."}
    assert post(officer, here + "/progress?project=P2", here + "/progress", second)[0] == 303
    told = {(row["project"], row["spent"]) for row in rows(reader, here + "/progress.csv")}
    assert told == {("P1", "9500000"), ("P2", "")}
    assert post(officer, here, here + "/update", {"do": "send"})[0] == 303
    status, page = post(officer, here + "/progress?project=P2", here + "/progress", second)
    assert (status, "was sent" in page) == (422, True)
    secretariat = person(node, "sinta", "secretariat")
    assert f'href="{here}#update"' in secretariat.get(PATH).text, "it waits to be taken in"
    status, page = post(secretariat, here, here + "/update", {"do": "return", "reason": " "})
    assert (status, "Say why" in page) == (422, True)
    assert post(secretariat, here, here + "/update", {"do": "return", "reason": "Say more"})[0] == 303
    assert "Say more" in officer.get(here).text
    assert post(officer, here, here + "/update", {"do": "send"})[0] == 303
    assert post(secretariat, here, here + "/update", {"do": "collate"})[0] == 303
    assert post(secretariat, PATH, here + "/update", {"do": "collate"})[0] == 409, "it was taken in already"
    bontang = next(row for row in rows(reader, PATH + ".csv") if row["city"] == "Bontang")
    assert (bontang["update"], bontang["reached"], bontang["milestones"]) == ("collated", "1", "5")
    assert f"updates of {now} sent" in Page(reader.get(PATH).text).text


def test_the_secretariat_notes_the_steps_of_the_year(node: Node) -> None:
    secretariat = person(node, "sekar", "secretariat")
    status, page = post(secretariat, PATH, PATH, {"step": "report", "note": ""})
    assert (status, "selected>Consolidated report" in page) == (422, True)
    done = {"step": "report", "note": "https://example.org/report.pdf"}
    assert post(secretariat, PATH, PATH, done)[0] == 303
    assert post(secretariat, PATH, PATH, done)[0] == 409
    assert 'href="https://example.org/report.pdf"' in secretariat.get(PATH).text
    assert post(person(node, "rudi", "representative", "ID"), PATH, PATH, done)[0] == 403


def figures(text: str) -> set[str]:
    return set(re.findall(r"\d[\d.,]*\d|\d", text))


REPORTS = ["", "/countries/ID", "/countries/LA", "/cities/samarinda", "/cities/jakarta"]


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("part", REPORTS)
def test_every_figure_of_the_report_is_in_the_pdf_and_the_workbook(
    reader: TestClient, part: str, language: str
) -> None:
    base, asked = "/network/report" + part, {"accept-language": language}
    page = Page(reader.get(base, headers=asked).text)
    shown = {figure for table in page.tables for row in table[1:] for cell in row for figure in figures(cell)}
    facts = re.search(
        r"<dl class=\"facts num totals\">(.*?)</dl>", reader.get(base, headers=asked).text, re.S
    )
    assert facts
    shown |= figures(html.unescape(re.sub(r"<[^>]+>", " ", facts.group(1))))
    assert len(shown) > 1, "a report without figures"
    with pdfplumber.open(io.BytesIO(reader.get(base + ".pdf", headers=asked).content)) as file:
        text = " ".join(page.extract_text() for page in file.pages)
    printed = figures(re.sub(r"\s+", " ", text)) | figures(re.sub(r"\s+", "", text))
    assert shown - printed == set(), "not in the PDF"
    book = CalamineWorkbook.from_filelike(io.BytesIO(reader.get(base + ".xlsx", headers=asked).content))
    written: set[str] = set()
    for name in book.sheet_names:
        for row in book.get_sheet_by_name(name).to_python():
            for cell in row:
                written |= figures(str(cell)) if isinstance(cell, str) else as_shown(cell, language)
    assert shown - written == set(), "not in the workbook"


def as_shown(cell: object, language: str) -> set[str]:
    """The figures by which a page may show a number or a day of the workbook."""
    if isinstance(cell, dt.date):
        return {str(cell.day), str(cell.year)}
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return set()
    found = {f"{cell:,.0f}", f"{cell:,.1f}", f"{cell * 100:,.0f}", f"{cell * 100:,.1f}", str(int(cell))}
    found |= {f"{cell:,.3f}".rstrip("0").rstrip(".")}
    if language == "id":
        swap = str.maketrans(",.", ".,")
        found = {one.translate(swap) for one in found}
    return found


def test_the_demo_takes_a_plan_in_once(node: Node) -> None:
    before = plan(node.store.tenant(), "samarinda")
    take_action_plans(node)
    assert plan(node.store.tenant(), "samarinda") == before
