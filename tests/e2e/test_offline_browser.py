"""In a real browser on a small phone: a report is written without a connection and arrives once, when it is back."""

from __future__ import annotations

import io
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from support.browser import launched, phone, serious
from support.node import RunningNode
from support.portal import TOWN, two_cities


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(tmp_path / "data", config=(two_cities(tmp_path / "places"),)) as running:
        yield running


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = phone(chromium)
    yield made
    made.close()


def _hole() -> dict[str, object]:
    out = io.BytesIO()
    Image.effect_noise((1400, 1000), 80).convert("RGB").save(out, "JPEG", quality=95)
    return {"name": "hole.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def _visited(context: BrowserContext, node: RunningNode) -> Page:
    """The form was opened once with a connection: from then on it is on the phone."""
    page = context.new_page()
    page.goto(f"{node.url}/report?city=town&lang=en")
    page.locator("html[data-offline-ready]").wait_for(state="attached")
    return page


def _by_hand(page: Page) -> None:
    """Unfold the fields for a place without the map, once the page is as it stays: nothing moves under the finger."""
    page.locator("form[data-report][data-ready]").wait_for()
    if page.locator("[data-by-hand]").get_attribute("open") is None:
        page.get_by_text("Without the map").tap()
    expect(page.locator("[data-by-hand]")).to_have_attribute("open", "")


def _fill(page: Page, words: str) -> None:
    _by_hand(page)
    page.get_by_label("Latitude").fill(str(TOWN[1]))
    page.get_by_label("Longitude").fill(str(TOWN[0]))
    page.get_by_text("Pothole", exact=True).tap()
    page.get_by_label("What is wrong?").fill(words)


def _stored(node: RunningNode) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = httpx.get(f"{node.url}/requests.json", timeout=120).json()
    return rows


def test_a_form_that_could_not_be_kept_at_first_is_kept_later(
    context: BrowserContext, node: RunningNode
) -> None:
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.request.url)
            route.abort()

    context.route("**/report/kept?*", lose)  # the worker's, not the page's
    _visited(context, node)
    assert lost, "the first try was lost indeed"


def test_a_report_written_offline_arrives_once(context: BrowserContext, node: RunningNode) -> None:
    page = _visited(context, node)
    context.set_offline(True)
    page.goto(f"{node.url}/report?city=town")  # the whole page anew, from the phone alone
    expect(page.get_by_role("heading", name="Report a problem in Town")).to_be_visible()
    page.wait_for_selector(".pin-map.ready")
    _fill(page, "Hole behind the bridge, no signal here")
    page.get_by_label("Photos").set_input_files(_hole())  # type: ignore[arg-type]
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/report/kept")
    expect(page.locator(".kept")).to_contain_text("Waits for a connection")
    expect(page.locator(".kept")).to_contain_text("Hole behind the bridge")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert _stored(node) == []

    context.set_offline(False)
    expect(page.locator(".kept")).to_contain_text("Sent", timeout=90_000)
    (row,) = _stored(node)
    assert row["description"] == "Hole behind the bridge, no signal here"
    assert row["photo"]
    expect(page.get_by_role("link", name=str(row["number"]))).to_be_visible()
    page.get_by_role("link", name=str(row["number"])).tap()
    expect(page.get_by_role("button", name="Withdraw the report")).to_be_visible()

    page.goto(f"{node.url}/report?city=town")
    expect(page.get_by_label("What is wrong?")).to_have_value("")
    page.reload()
    assert len(_stored(node)) == 1, "nothing is sent a second time"


class _Line:
    """What a phone and the server say to each other, passed on until a connection has carried ``most`` bytes up."""

    def __init__(self, port: int) -> None:
        self.most = 0
        """0: it does not break."""
        self.broke = threading.Event()
        self._server = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                phone, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
            except OSError:  # the line, or the server, has ended
                return
            threading.Thread(target=self._pass_on, args=(phone, server, True), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, phone, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        carried = 0
        with suppress(OSError):
            while piece := source.recv(65_536):
                carried += len(piece)
                if up and 0 < self.most < carried:
                    self.broke.set()
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def line(node: RunningNode) -> Iterator[_Line]:
    made = _Line(int(node.url.rpartition(":")[2]))
    yield made
    made.close()


def _visited_by(context: BrowserContext, line: _Line) -> Page:
    page = context.new_page()
    page.goto(f"{line.url}/report?city=town&lang=en")
    page.locator("html[data-offline-ready]").wait_for(state="attached")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    return page


def test_a_connection_that_breaks_in_the_upload_loses_no_photo(
    context: BrowserContext, node: RunningNode, line: _Line
) -> None:
    page = _visited_by(context, line)
    _fill(page, "Hole at the end of the bus, in the tunnel")
    page.get_by_label("Photos").set_input_files(_hole())  # type: ignore[arg-type]
    line.most = 100_000
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/report/kept")
    assert line.broke.is_set(), "the upload broke, and not something before it"
    expect(page.locator(".kept")).to_contain_text("Waits for a connection")
    expect(page.locator(".kept")).to_contain_text("Pothole · Hole at the end of the bus")
    assert _stored(node) == []

    line.most = 0
    expect(page.locator(".kept")).to_contain_text("Sent", timeout=90_000)
    (row,) = _stored(node)
    assert row["description"] == "Hole at the end of the bus, in the tunnel"
    assert row["photo"]
    page.goto(f"{line.url}/report?city=town")
    expect(page.get_by_label("What is wrong?")).to_have_value("")


def test_without_a_place_it_comes_back_into_the_form_with_its_photos(
    context: BrowserContext, line: _Line
) -> None:
    page = _visited_by(context, line)
    page.locator("form[data-report][data-ready]").wait_for()
    page.get_by_text("Pothole", exact=True).tap()
    page.get_by_label("What is wrong?").fill("Hole, the photo knows where")
    page.get_by_label("Photos").set_input_files(_hole())  # type: ignore[arg-type]
    line.most = 100_000
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/report/kept")
    line.most = 0
    expect(page.locator(".kept")).to_contain_text("Not taken")
    page.get_by_role("link", name="Mend it and send it again").tap()
    expect(page.get_by_label("What is wrong?")).to_have_value("Hole, the photo knows where")
    expect(page.locator("[data-photo-previews] img")).to_have_count(1)


def test_two_reports_and_a_lost_answer_make_two_requests(context: BrowserContext, node: RunningNode) -> None:
    page = _visited(context, node)
    context.set_offline(True)
    for words in ("First hole of the evening", "Second hole, other street"):
        page.goto(f"{node.url}/report?city=town")
        _fill(page, words)
        page.get_by_role("button", name="Send report").tap()
        page.wait_for_url("**/report/kept")
    expect(page.locator(".kept")).to_have_count(2)

    # The server takes the first report, but its answer is lost on the way: the phone must ask again.
    lost: list[str] = []

    def lose(route: object) -> None:
        if route.request.method == "POST" and not lost:  # type: ignore[attr-defined]
            lost.append(route.fetch().status)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    context.route("**/report", lose)
    context.set_offline(False)
    # Nobody touches the phone: the open page asks again by itself.
    expect(page.locator(".kept.sent")).to_have_count(2, timeout=60_000)
    assert {row["description"] for row in _stored(node)} == {
        "First hole of the evening",
        "Second hole, other street",
    }
    assert len(_stored(node)) == 2
    assert lost == [201], "the answer to the first was lost indeed"


def test_who_wrote_without_a_connection_is_asked_afterwards_whether_it_is_the_same(
    context: BrowserContext, node: RunningNode
) -> None:
    page = _visited(context, node)
    _fill(page, "Deep hole before the market gate")
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/requests/TOWN-*")
    first = page.url.split("/requests/")[1].split("?")[0]
    page.goto(f"{node.url}/report?city=town")
    context.set_offline(True)
    _fill(page, "A hole by the gate of the market")
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/report/kept")
    expect(page.locator(".kept-alike")).to_have_count(0)

    context.set_offline(False)
    expect(page.locator(".kept.sent")).to_have_count(1)
    assert len(_stored(node)) == 2, "it does not wait until somebody has looked"
    page.get_by_role("link", name="Is it the same?").tap()
    asked = page.locator("#alike")
    expect(asked).to_contain_text("Deep hole before the market gate")
    expect(asked.get_by_role("button")).to_have_count(1)  # its own is none of them
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    asked.get_by_role("button", name="It is this one").tap()
    expect(page.locator(".course")).to_contain_text(f"Continues as {first}")
    expect(page.locator("#alike")).to_have_count(0)
    page.goto(f"{node.url}/requests/{first}")
    expect(page.locator(".course")).to_contain_text("Also reported as")


def test_a_server_that_is_gone_is_no_connection_either(context: BrowserContext, node: RunningNode) -> None:
    page = _visited(context, node)
    _fill(page, "Written while the server was down")
    node.__exit__(None, None, None)
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/report/kept")
    expect(page.locator(".kept")).to_contain_text("Waits for a connection")
    node.__enter__()
    page.get_by_role("button", name="Send now").tap()
    expect(page.locator(".kept.sent")).to_have_count(1, timeout=90_000)
    assert [row["description"] for row in _stored(node)] == ["Written while the server was down"]


def test_what_is_typed_is_saved_as_it_is_typed(context: BrowserContext, node: RunningNode) -> None:
    page = _visited(context, node)
    _fill(page, "Half a report")
    page.goto(f"{node.url}/services")
    page.goto(f"{node.url}/report?city=town&lang=en")
    expect(page.get_by_label("What is wrong?")).to_have_value("Half a report")
    expect(page.get_by_text("What you typed before is back.")).to_be_visible()
    assert page.locator("[name=service]:checked").get_attribute("value") == "pothole"
    page.get_by_role("button", name="Start anew").tap()
    page.wait_for_load_state()
    expect(page.get_by_label("What is wrong?")).to_have_value("")


def test_what_the_city_cannot_take_is_said_and_can_be_mended(
    context: BrowserContext, node: RunningNode
) -> None:
    page = _visited(context, node)
    context.set_offline(True)
    page.get_by_role("button", name="Send report").tap()
    expect(page.locator("[data-offline]")).to_contain_text("There is no connection now")
    _fill(page, "A hole far out at sea")
    page.get_by_label("Latitude").fill("10")
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/report/kept")
    context.set_offline(False)
    expect(page.locator(".kept.refused")).to_contain_text("outside", timeout=90_000)
    page.get_by_role("link", name="Mend it").tap()
    _by_hand(page)
    expect(page.get_by_label("What is wrong?")).to_have_value("A hole far out at sea")
    page.get_by_label("Latitude").fill(str(TOWN[1]))
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/requests/TOWN-*")
    assert len(_stored(node)) == 1


def test_the_map_that_comes_late_folds_nothing_away_that_somebody_uses(
    context: BrowserContext, node: RunningNode
) -> None:
    page = context.new_page()
    held: list[Route] = []
    page.route("**/static/report*.js", lambda route: held.append(route))  # the script is still on its way
    page.goto(f"{node.url}/report?city=town&lang=en", wait_until="commit")
    page.get_by_label("Latitude").fill(str(TOWN[1]))
    page.get_by_label("What is wrong?").fill("A hole")  # the hand is elsewhere by now
    expect(page.locator("[data-ready]")).to_have_count(0)
    held[0].continue_()
    page.locator("form[data-report][data-ready]").wait_for()
    expect(page.locator(".pin-map")).to_be_visible()
    expect(page.get_by_label("Latitude")).to_have_value(str(TOWN[1]))
    expect(page.get_by_label("Latitude")).to_be_visible()

    page.unroute("**/static/report*.js")
    page.evaluate("localStorage.clear()")
    page.goto(f"{node.url}/report?city=town&lang=en")
    page.locator("form[data-report][data-ready]").wait_for()
    expect(page.get_by_label("Latitude")).to_be_hidden()
