"""In a real browser: a city's plan is changed and reported of, goes to the Secretariat and back, is taken in, and
stands in the report that everybody reads."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pdfplumber
import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.cli.demo import take_action_plans
from support.browser import launched, press, serious, signed_in
from support.demo_part import CONFIG, node_over, part_of_demo
from support.node import RunningNode
from support.people import in_office

PASSWORD = "correct horse battery"
PLAN = "/network/plans/samarinda"
VALUE = "/trace/value/samarinda/flood-days/2024"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """The network's node with Samarinda's plan, the city's officer and a Secretariat."""
    shutil.copytree(part_of_demo(), tmp_path / "data")
    inside = node_over(tmp_path / "data")
    store = inside.store.tenant()
    take_action_plans(inside)
    for account, role, seat in (("cici", "city_officer", "samarinda"), ("sari", "secretariat", "")):
        add_account(store, account, PASSWORD, ["resident"], ["ascn"])
        in_office(store, account, role, seat)
    inside.close()
    with RunningNode(tmp_path / "data", config=CONFIG) as running:
        yield running


def _as(browser: Browser, node: RunningNode, name: str) -> Page:
    return signed_in(browser, node.url, PLAN, name, PASSWORD)


def _report(page: Page, node: RunningNode, project: str, text: str, **more: str) -> None:
    page.goto(f"{node.url}{PLAN}/progress?project={project}")
    page.get_by_label("What happened").fill(text)
    for label, value in more.items():
        page.locator(f"[name='{label.replace('_', '-')}']").fill(value)
    press(page, "Report it")


def test_a_plan_through_its_year(chromium: Browser, node: RunningNode) -> None:
    officer, secretariat = _as(chromium, node, "cici"), _as(chromium, node, "sari")

    # The plan is changed as text: a fault is named where it stands, and what was written stays.
    officer.get_by_role("link", name="Change the plan").click()
    officer.get_by_text("Or write it here").click()
    written = officer.get_by_label("The plan as text").input_value()
    assert "budget: 45000000000\n" in written
    officer.get_by_label("The plan as text").fill(written.replace("until: 2030", "until: soon", 1))
    press(officer, "Check and take it in")
    expect(officer.get_by_role("alert")).to_contain_text(
        "plan, until: A year was expected, as 2030, not “soon”."
    )
    mended = officer.get_by_label("The plan as text").input_value().replace("until: soon", "until: 2035", 1)
    officer.get_by_label("The plan as text").fill(mended)
    press(officer, "Check and take it in")
    officer.wait_for_url(f"**{PLAN}")
    expect(officer.get_by_text("(until 2035)")).to_be_visible()

    # Progress, project by project; a milestone that was reached needs its evidence.
    _report(officer, node, "P1", "The first pond holds water.", done_M2="2026-11-01", spent="61.000.000.000")
    expect(officer.get_by_text("A milestone that was reached needs its evidence.")).to_be_visible()
    expect(officer.get_by_label("What happened")).to_have_value("The first pond holds water.")
    assert serious(officer) == []
    officer.get_by_label("Evidence").fill(f"{node.url}{VALUE}\nPhotographs https://example.org/pond")
    press(officer, "Report it")
    officer.wait_for_url(f"**{PLAN}#progress")
    _report(officer, node, "P2", "Sites are looked at.")
    reported = officer.get_by_role("region", name="What was reported")
    expect(reported.get_by_role("link", name="Photographs")).to_have_attribute(
        "href", "https://example.org/pond"
    )
    expect(officer.locator("#P1")).to_contain_text("2 of 3")
    expect(officer.locator("#P1")).to_contain_text("61,000,000,000 IDR")

    # To the Secretariat, back with a reason, and in.
    press(officer, "Send it to the Secretariat")
    expect(officer.get_by_text("with the Secretariat").first).to_be_visible()
    secretariat.goto(f"{node.url}/network/plans")
    secretariat.get_by_role("region", name="Waits to be taken in").get_by_role("link").click()
    secretariat.get_by_label("What is missing").fill("Which sites?")
    press(secretariat, "Give it back")
    officer.goto(f"{node.url}{PLAN}")
    expect(officer.get_by_text("Which sites?")).to_be_visible()
    _report(officer, node, "P2", "Sites in Palaran and Sambutan are looked at.")
    press(officer, "Send it to the Secretariat")
    secretariat.goto(f"{node.url}{PLAN}")
    press(secretariat, "Take it in")
    expect(secretariat.get_by_text("taken in").first).to_be_visible()

    # What everybody reads.
    assert "Sites in Palaran" in httpx.get(f"{node.url}/network/report/cities/samarinda").text
    paper = httpx.get(f"{node.url}/network/report/cities/samarinda.pdf?lang=en").content
    with pdfplumber.open(io.BytesIO(paper)) as file:
        text = " ".join(page.extract_text() for page in file.pages)
    assert "61,000,000,000" in text
    assert "Palaran" in text
    for page in (officer, secretariat):
        page.context.close()
