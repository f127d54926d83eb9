"""In a real browser on a crew's phone: jobs are worked on without a connection, and arrive once, over nobody's work."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from mahakam.access.accounts import add_account
from mahakam.services import private
from mahakam.services.desk import Desk, revision_of
from mahakam.services.request import Draft
from mahakam.services.request import Request as ServiceRequest
from support.browser import launched, phone, serious
from support.node import RunningNode
from support.routed import NORTH, opened, routed_town

PASSWORD = "correct horse battery"
FIRST, SECOND = "TOWN-2026-000001", "TOWN-2026-000002"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


class Town:
    """A running node, and the same data looked at from inside."""

    def __init__(self, folder: Path) -> None:
        self._places = routed_town(folder / "places")
        (self._places / "prov" / "town" / "workbench.yaml").write_text(
            "checklists: {pothole: [Signs are put up, Edges are cut]}\n"
        )
        self.data = folder / "data"
        inside, desk, _hands = opened(self.data, self._places)
        for name in ("siti", "budi"):
            add_account(inside.store.tenant(), name, PASSWORD, ["officer"], ["town"])
        for at in range(2):
            sent = desk.send(Draft("town", "pothole", f"Hole {at}", (NORTH[0] + at / 1000, NORTH[1])))
            private.assign(inside.store.tenant(), sent.number, "", "siti", "budi")
        inside.close()
        self.node = RunningNode(self.data, config=(self._places,))

    def desk(self) -> tuple[Desk, object]:
        inside, desk, _hands = opened(self.data, self._places)
        return desk, inside

    def request(self, number: str) -> ServiceRequest:
        desk, inside = self.desk()
        found = desk.request(number)
        inside.close()  # type: ignore[attr-defined]
        assert found is not None
        return found

    def private(self, number: str) -> tuple[list[str], frozenset[int]]:
        desk, inside = self.desk()
        kept = desk.private(number)
        inside.close()  # type: ignore[attr-defined]
        return [note.text for note in kept.notes if not note.act], kept.done


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    with made.node:
        yield made


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = phone(chromium)
    yield made
    made.close()


def _hole() -> dict[str, object]:
    out = io.BytesIO()
    Image.effect_noise((1400, 1000), 80).convert("RGB").save(out, "JPEG", quality=95)
    return {"name": "hole.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def _taken_along(context: BrowserContext, town: Town) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(f"{town.node.url}/field?lang=en")
    page.get_by_label("Name").fill("siti")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/field?lang=en")
    page.locator("html[data-offline-ready]").wait_for(state="attached")
    expect(page.locator(".field-job")).to_have_count(2)
    return page


def _job(page: Page, number: str) -> Locator:
    return page.locator(f'.field-job[data-number="{number}"]')


def _finish(job: Locator, words: str) -> None:
    job.locator("[data-finish-part] summary").tap()
    job.get_by_label("Words for the resident").fill(words)
    job.get_by_role("button", name="Finished").tap()


def test_a_day_without_a_connection_arrives_once(context: BrowserContext, town: Town) -> None:
    page = _taken_along(context, town)
    seen = revision_of(town.request(FIRST))
    assert serious(page) == []
    context.set_offline(True)
    page.goto(f"{town.node.url}/field")  # the whole page anew, from the phone alone
    job = _job(page, FIRST)
    expect(job).to_contain_text("Hole 0")
    expect(page.get_by_text("No connection. Go on working")).to_be_visible()
    job.get_by_role("button", name="Begin the work").tap()
    job.locator('[data-photo="before"]').set_input_files(_hole())  # type: ignore[arg-type]
    expect(job.locator(".field-act.waiting")).to_have_count(2)
    job.get_by_label("Signs are put up").check()
    job.get_by_text("Note for the agency").tap()
    job.get_by_label("Not public.").fill("Two bags of asphalt")
    job.get_by_role("button", name="Keep the note").tap()
    _finish(job, "The hole is closed")
    expect(job.locator(".field-act.waiting")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.reload()
    expect(_job(page, FIRST).locator(".field-act.waiting")).to_have_count(5)
    assert serious(page) == []
    assert revision_of(town.request(FIRST)) == seen

    # The server takes the first act, but its answer is lost on the way: the phone must ask again.
    lost: list[int] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    context.route("**/field/TOWN-*", lose)
    context.set_offline(False)
    expect(_job(page, FIRST).locator(".field-act.sent")).to_have_count(5, timeout=60_000)
    assert lost == [200]
    found = town.request(FIRST)
    assert [step.state for step in found.steps[seen:]] == ["inProgress", "answered"]
    assert found.steps[-1].text == "The hole is closed"
    assert [one.when for one in found.work_photos] == ["before"]
    assert town.private(FIRST) == (["Two bags of asphalt"], frozenset({0}))


def test_what_the_office_did_meanwhile_is_shown_and_neither_is_lost(
    context: BrowserContext, town: Town
) -> None:
    page = _taken_along(context, town)
    context.set_offline(True)
    page.reload()
    job = _job(page, SECOND)
    _finish(job, "The hole is closed")
    expect(job.locator(".field-act.waiting")).to_have_count(1)
    desk, inside = town.desk()
    desk.step(
        SECOND, revision_of(town.request(SECOND)), "inProgress", "Another crew comes at noon", "", "budi"
    )
    inside.close()  # type: ignore[attr-defined]
    context.set_offline(False)
    act = job.locator(".field-act.conflict")
    expect(act).to_contain_text("Somebody changed this request meanwhile", timeout=60_000)
    expect(act).to_contain_text("Another crew comes at noon")
    expect(act).to_contain_text("The hole is closed")
    assert town.request(SECOND).state == "inProgress"
    act.get_by_role("button", name="Send it all the same").tap()
    expect(job.locator(".field-act.sent")).to_have_count(1, timeout=60_000)
    assert [step.text for step in town.request(SECOND).steps[-2:]] == [
        "Another crew comes at noon",
        "The hole is closed",
    ]


def test_a_session_that_has_ended_loses_nothing(context: BrowserContext, town: Town) -> None:
    page = _taken_along(context, town)
    context.clear_cookies()
    job = _job(page, FIRST)
    job.get_by_role("button", name="Begin the work").tap()
    expect(page.get_by_role("alert")).to_contain_text("not signed in any more")
    expect(job.locator(".field-act.waiting")).to_have_count(1)
    page.get_by_role("alert").get_by_role("link", name="Sign in").tap()
    page.get_by_label("Name").fill("budi")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/field")
    expect(_job(page, FIRST).locator(".field-act")).to_contain_text("siti did this")
    assert town.request(FIRST).state == "received"
