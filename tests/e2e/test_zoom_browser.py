"""The pages of services at 200 % with the text doubled once more: nothing overlaps, is cut off or scrolls sideways.

WCAG 1.4.4 and 1.4.10: a window of 1280 pixels at 200 % has 640 of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from mahakam.access.accounts import add_account
from mahakam.services.owner import key_of
from mahakam.services.request import Draft
from support.browser import launched, overlapping
from support.node import RunningNode
from support.routed import NORTH, opened, routed_town

PASSWORD = "correct horse battery"
STALL = """name: {en: Licence of a market stall, id: Izin pemakaian lapak pasar}
group: {en: Business, id: Usaha}
agency: Dinas Perdagangan
personal: true
workflow: licence
documents:
  identity: {name: {en: Identity card of the person who will use the stall, id: KTP pengguna lapak}}
  front: {name: {en: Photo of the stall, id: Foto lapak}, kinds: [photo], required: false}
retention: {documents: 730}
fee: {currency: IDR, amount: 60000}
product: {title: Licence, text: Yes you may, approvals: [Examined, {name: Signed, by: head}]}
standard: {requirements: [{en: An identity card, id: KTP}], time: {en: Five working days, id: Lima hari kerja}}
"""
CARD = """name: {en: "Appointment: change of the family card", id: "Janji temu: perubahan kartu keluarga"}
personal: true
workflow: appointment
office: {address: {en: Civil registry, id: Disdukcapil}, hours: ["Mo-Su 00:00-23:59"]}
appointments: {minutes: 60, capacity: 1, days: 3, notice: 1}
"""


@dataclass(frozen=True)
class Town:
    url: str
    stall: str
    card: str
    hole: str
    keys: dict[str, str]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("zoom")
    places = routed_town(folder / "places")
    for code, text in (("stall", STALL), ("card", CARD)):
        (places / f"prov/town/services/{code}.yaml").write_text(text)
    inside, desk, _hands = opened(folder / "data", places)
    store = inside.store.tenant()
    add_account(store, "siti", PASSWORD, ["officer", "head"], ["town"])
    words = "A deep hole in front of the market, since the rain of last week"
    numbers = [
        desk.send(Draft("town", service, words, NORTH)).number for service in ("stall", "card", "pothole")
    ]
    keys = {number: key_of(store, number) for number in numbers}
    inside.close()
    with RunningNode(folder / "data", config=(places,)) as node:
        yield Town(node.url, *numbers, keys)


@pytest.fixture(scope="module")
def page(town: Town) -> Iterator[Page]:
    """An officer's: what residents see is there too."""
    with launched() as chromium:
        yield _signed_in(chromium, town)


def _signed_in(chromium: Browser, town: Town) -> Page:
    context = chromium.new_context(
        viewport={"width": 640, "height": 400}, device_scale_factor=2, locale="en-GB", bypass_csp=True
    )
    made = context.new_page()
    made.goto(f"{town.url}/queue?lang=en")
    made.get_by_label("Name").fill("siti")
    made.get_by_label("Password").fill(PASSWORD)
    made.keyboard.press("Enter")
    made.wait_for_url("**/queue*")
    return made


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize(
    "path",
    [
        "/report?city=town&service=stall",
        "/report?city=town&service=card",
        "/requests?city=town",
        "/requests/{stall}?key={key_stall}",
        "/requests/{card}?key={key_card}",
        "/requests/{hole}?key={key_hole}",
        "/services?place=town",
        "/services/town/stall",
        "/services/town/card",
        "/queue?city=town",
        "/queue/{stall}",
        "/queue/{card}",
        "/queue/{hole}",
        "/queue/appointments?city=town",
    ],
)
def test_nothing_overlaps_with_the_text_doubled(page: Page, town: Town, path: str, language: str) -> None:
    named = {"stall": town.stall, "card": town.card, "hole": town.hole}
    keys = {f"key_{name}": town.keys[number] for name, number in named.items()}
    address = path.format(**named, **keys)
    page.goto(f"{town.url}{address}{'&' if '?' in address else '?'}lang={language}")
    page.add_style_tag(content="html { font-size: 200% !important }")
    page.evaluate("document.fonts.ready")
    assert overlapping(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_what_overlaps_and_what_is_cut_off_is_found(page: Page) -> None:
    page.set_content(
        "<p style='position:absolute;top:0;left:0'>One</p><p style='position:absolute;top:4px;left:4px'>Two</p>"
        "<div style='margin-top:99px;width:3em;overflow:hidden;white-space:nowrap'>A line that is cut off</div>"
    )
    assert overlapping(page) == ["One | Two", "cut off: A line that is cut off"]
