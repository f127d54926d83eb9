"""The workbench through its pages: filters, many at once, passing on, what stays inside, photos, the crew's list."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from mahakam.access import accounts
from mahakam.app import Node
from mahakam.services.handover import Handover
from mahakam.services.request import Draft
from mahakam.web.request_desk import desk_of
from mahakam.web.site import Site
from support.portal import Browser, Portal, hidden, words_of
from support.routed import MARKET, NORTH, SOUTH, opened, routed_town

PASSWORD = "correct horse battery"
WORKBENCH = """
templates:
  - name: {en: Repaired, id: Diperbaiki}
    text: {en: "{number} is repaired", id: "{number} sudah baik"}
    states: [answered]
checklists:
  pothole: [{en: Photo taken, id: Foto diambil}, {en: Filled, id: Ditambal}]
"""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = routed_town(tmp_path / "places")
    (places / "prov" / "workbench.yaml").write_text(WORKBENCH)
    node: Node = opened(tmp_path / "data", places)[0]
    node.close()
    with Portal(tmp_path / "data", places) as made:
        store = made.node.store.tenant()
        for name in ("siti", "budi"):
            accounts.add_account(store, name, PASSWORD, ["officer"], ["town"])
        accounts.add_account(store, "wati", PASSWORD, ["officer"], ["bay"])
        desk = desk_of(Site(made.node))
        for at, point in enumerate((NORTH, MARKET, SOUTH), 1):
            desk.send(Draft("town", "pothole", f"Hole {at}", point, contact="warga@example.id"))
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert browser.fill("/signin", {"name": name, "password": PASSWORD}, action="/signin").status_code == 303
    browser.get("/?lang=en")
    return browser


def _numbers(browser: Browser, query: str = "") -> list[str]:
    return [row["number"][-1] for row in browser.get(f"/queue.json{query}").json()]


def _page(number: int) -> str:
    return f"/queue/TOWN-2026-00000{number}"


def _token(browser: Browser) -> dict[str, str]:
    return {"form": hidden(browser.get("/queue").text)["form"]}


def _routed_to(portal: Portal, number: int) -> tuple[str, ...]:
    found = desk_of(Site(portal.node)).request(f"TOWN-2026-00000{number}")
    assert found
    return found.routed


def test_each_team_has_its_queue_and_what_no_rule_fits_waits_for_triage(portal: Portal) -> None:
    siti = _as(portal, "siti")
    assert sorted(_numbers(siti)) == ["1", "2", "3"]
    triage = _numbers(siti, "?team=triage")
    assert triage == [str(at) for at in (1, 2, 3) if _routed_to(portal, at) == ("triage",)]
    assert "3" in triage or _routed_to(portal, 3) == ("works/night",)
    reason = words_of(portal.browser().get("/requests/TOWN-2026-000001?lang=en").text)
    assert "Given to" in reason or "Waits to be passed" in reason, "why it is there is public"


def test_the_list_says_the_residents_words_and_a_number_leads_to_its_report(portal: Portal) -> None:
    desk = desk_of(Site(portal.node))
    desk.send(Draft("town", "pothole", "<b>Deep</b> " + "and wide " * 30, SOUTH))
    siti = _as(portal, "siti")
    shown = siti.get("/queue?lang=en").text
    assert "Pothole Hole 1" in words_of(shown)
    assert "<b>Deep</b> and wide" in words_of(shown)
    assert re.search(r" (and|wide) …", words_of(shown)), "cut at a word"
    assert "<b>" not in shown
    found = siti.get(f"/queue?number={_page(2).rpartition('/')[2].lower()}&status=late")
    assert found.headers["location"] == f"{_page(2)}?status=late"
    missing = siti.get("/queue?number=<i>77")
    assert missing.status_code == 200
    assert "There is no report with this number" in words_of(missing.text)
    assert "<i>" not in missing.text
    elsewhere = _as(portal, "wati").get(f"/queue?number={_page(2).rpartition('/')[2]}")
    assert "There is no report with this number" in words_of(elsewhere.text)


def test_many_at_once_each_with_its_own_result(portal: Portal) -> None:
    siti = _as(portal, "siti")
    page = siti.get("/queue")
    picks = re.findall(r'name="pick" value="([^"]+)"', page.text)
    assert len(picks) == 3
    assert siti.fill(_page(2), {"state": "inProgress", "text": "On my way"}).status_code == 303
    sent = siti.post(
        "/queue/bulk",
        hidden(page.text)
        | {"pick": [*picks, "BAY-2026-000009:1"], "do": "state:answered", "text": "All done"},
    )
    words = words_of(sent.text)
    assert "2 of 4 done" in words
    assert words.count("Somebody changed it meanwhile") == 1
    assert "All done" in words, "the words are still there for the one that is left"
    assert _numbers(siti) == ["2"]
    forged = siti.post("/queue/bulk", {"pick": picks, "do": "state:rejected", "text": "No"})
    assert forged.status_code == 403


def test_it_is_passed_on_with_a_reason_and_nothing_that_was_typed_is_lost(portal: Portal) -> None:
    siti, budi = _as(portal, "siti"), _as(portal, "budi")
    seen = hidden(budi.get(_page(1)).text)
    refused = siti.fill(
        _page(1), {"do": "transfer", "to": "transport", "reason": ""}, action=_page(1) + "/pass"
    )
    assert refused.status_code == 422
    assert "everybody can read it" in words_of(refused.text)
    assert '<option value="transport" selected>' in refused.text
    sent = siti.fill(
        _page(1), {"do": "transfer", "to": "transport", "reason": "A lamp"}, action=_page(1) + "/pass"
    )
    assert sent.status_code == 303
    assert _routed_to(portal, 1)[0] == "transport"
    assert "Passed on to Transport" in words_of(
        portal.browser().get("/requests/TOWN-2026-000001?lang=en").text
    )
    late = budi.post(_page(1) + "/pass", seen | {"do": "transfer", "to": "works", "reason": "Ours after all"})
    assert late.status_code == 409
    assert "Somebody changed this request" in words_of(late.text)
    assert "Ours after all" in late.text
    assert _routed_to(portal, 1)[0] == "transport"
    merged = siti.fill(
        _page(2), {"do": "merge", "into": "town-2026-000001", "reason": "Same"}, action=_page(2) + "/pass"
    )
    assert merged.status_code == 303
    assert sorted(_numbers(siti)) == ["1", "3"]
    for into in ("TOWN-2026-000077", "nonsense", "BAY-2026-000001"):
        bad = siti.fill(_page(3), {"do": "merge", "into": into, "reason": ""}, action=_page(3) + "/pass")
        assert bad.status_code == 422


def test_two_officers_cannot_both_take_one(portal: Portal) -> None:
    siti, budi = _as(portal, "siti"), _as(portal, "budi")
    seen = hidden(budi.get(_page(1)).text)
    assert siti.fill(_page(1), {"person": "siti", "seen": ""}, action=_page(1) + "/assign").status_code == 303
    late = budi.post(_page(1) + "/assign", seen | {"person": "budi", "seen": ""})
    assert late.status_code == 409
    assert "Somebody else has assigned it" in words_of(late.text)
    assert _numbers(siti, "?mine=1") == ["1"]
    assert _numbers(budi, "?mine=1") == []
    wrong = siti.fill(_page(1), {"person": "wati", "seen": "siti"}, action=_page(1) + "/assign")
    assert wrong.status_code == 422, "she does not work in this city"


def test_what_is_internal_stays_inside(portal: Portal) -> None:
    """Notes, the person it is with and the ticks are in no public answer, in whatever form it is asked for."""
    siti = _as(portal, "siti")
    secret = "Contractor owes us money"
    assert siti.fill(_page(1), {"note": secret}, action=_page(1) + "/notes").status_code == 303
    assert siti.fill(_page(1), {"person": "budi", "seen": ""}, action=_page(1) + "/assign").status_code == 303
    ticked = siti.post(_page(1) + "/checklist", _token(siti) | {"point": ["1"]})
    assert ticked.status_code == 303
    inside = siti.get(_page(1)).text
    assert secret in inside
    assert 'name="point" value="1" checked' in inside
    stranger = portal.browser()
    entity = "urn:ngsi-ld:ServiceRequest:TOWN-2026-000001"
    for path in (
        "/requests/TOWN-2026-000001",
        "/requests.json",
        "/requests.csv",
        "/open311/requests.json?jurisdiction_id=town&extensions=true",
        "/open311/requests/TOWN-2026-000001.xml?jurisdiction_id=town&extensions=true",
        "/open311/servicerequestupdates.json?jurisdiction_id=town",
        f"/ngsi-ld/v1/entities/{entity}?options=sysAttrs",
        "/ngsi-ld/v1/entities?type=ServiceRequest&options=sysAttrs",
        f"/ngsi-ld/v1/temporal/entities/{entity}",
    ):
        shown = stranger.get(path)
        assert shown.status_code == 200, path
        for word in (secret, "budi", "siti", "warga@example.id"):
            assert word not in shown.text, f"{word} in {path}"
    for path in (_page(1), "/queue", "/queue.json", "/queue/count", "/queue/crew"):
        assert stranger.get(path).status_code in (303, 401), path
    assert _as(portal, "wati").get(_page(1)).status_code == 403


def test_ticks_of_two_officers_do_not_undo_each_other(portal: Portal) -> None:
    siti, budi = _as(portal, "siti"), _as(portal, "budi")
    one, other = _token(siti), _token(budi)
    siti.post(_page(1) + "/checklist", one | {"point": ["0"]})
    budi.post(_page(1) + "/checklist", other | {"point": ["1"]})
    assert siti.get(_page(1)).text.count('name="was"') == 2


def test_photos_of_the_work_are_public_and_checked_like_all_photos(portal: Portal) -> None:
    siti = _as(portal, "siti")
    picture = io.BytesIO()
    Image.new("RGB", (80, 60), "#777").save(picture, "JPEG")
    sent = siti.fill(
        _page(1),
        {"when": "after"},
        {"photo": ("x.jpg", picture.getvalue(), "image/jpeg")},
        _page(1) + "/photos",
    )
    assert sent.status_code == 303
    public = portal.browser().get("/requests/TOWN-2026-000001?lang=en").text
    assert "After the work" in words_of(public)
    name = re.search(r"/photos/[^\"]+\.jpg", public)
    assert name
    assert portal.browser().get(name[0]).headers["content-type"] == "image/jpeg"
    script = siti.fill(
        _page(1),
        {"when": "after"},
        {"photo": ("x.jpg", b"<script>alert(1)</script>", "image/jpeg")},
        _page(1) + "/photos",
    )
    assert script.status_code == 422
    assert "not a photo that can be read" in words_of(script.text)


def test_filters_are_kept_by_name(portal: Portal) -> None:
    siti = _as(portal, "siti")
    assert siti.post("/queue/filters?team=works", _token(siti) | {"name": "Works <b>"}).status_code == 303
    shown = siti.get("/queue")
    assert 'href="/queue?team=works"' in shown.text
    assert "Works &lt;b&gt;" in shown.text
    assert "Works &lt;b&gt;" not in _as(portal, "budi").get("/queue").text
    siti.post("/queue/filters", _token(siti) | {"forget": "Works <b>"})
    assert 'href="/queue?team=works"' not in siti.get("/queue").text


def test_the_words_that_are_ready_come_in_both_languages(portal: Portal) -> None:
    page = _as(portal, "siti").get(_page(1)).text
    assert 'value="TOWN-2026-000001 is repaired"' in page
    assert 'value="TOWN-2026-000001 sudah baik"' in page


def test_the_crew_gets_the_chosen_stops_without_anybodys_name(portal: Portal) -> None:
    siti = _as(portal, "siti")
    page = siti.get("/queue/crew?pick=TOWN-2026-000001:2&pick=TOWN-2026-000003:2&pick=BAY-2026-000001:1")
    words = words_of(page.text)
    assert "2 stops" in words
    assert "Hole 1" in words
    assert "Hole 3" in words
    assert "Hole 2" not in words
    assert "☐ Filled" in words
    assert "warga@example.id" not in page.text
    assert "3 stops" in words_of(siti.get("/queue/crew").text), "without a choice the queue as it is"


def test_save_and_next_goes_down_the_queue(portal: Portal) -> None:
    siti = _as(portal, "siti")
    first, second, _third = _numbers(siti)
    sent = siti.fill(_page(int(first)), {"state": "answered", "text": "Filled", "then": "next"})
    assert sent.headers["location"] == _page(int(second))
    hands = Handover(desk_of(Site(portal.node)), portal.node.broker, portal.node.places)
    assert hands.desk.request(f"TOWN-2026-00000{first}").state == "answered"  # type: ignore[union-attr]


def test_the_count_follows(portal: Portal) -> None:
    siti = _as(portal, "siti")
    assert siti.get("/queue/count").json() == {"count": 3, "late": 0}
    siti.fill(_page(1), {"state": "rejected", "text": "Not ours"})
    assert siti.get("/queue/count").json()["count"] == 2
