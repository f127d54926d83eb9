"""Reporting a problem and following it, through the pages."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mahakam.services.desk import Desk
from mahakam.services.photo import LARGEST_BYTES
from mahakam.services.request import MOST_PHOTOS, Draft
from mahakam.services.retention import Retention
from mahakam.web.pages import report
from support.portal import BAY, TOWN, Browser, Portal, hidden, two_cities, words_of

FORM = "/report?city=town&lang=en"
GOOD = {
    "service": "pothole",
    "description": "Deep hole\nnear the <market>",
    "longitude": str(TOWN[0]),
    "latitude": str(TOWN[1]),
}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        yield made


def _photo(size: tuple[int, int] = (64, 48), place: tuple[float, float] | None = None) -> bytes:
    exif = Image.Exif()
    if place:
        exif[0x8825] = {1: "S", 2: (-place[1], 0.0, 0.0), 3: "E", 4: (place[0], 0.0, 0.0)}
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, "JPEG", exif=exif)
    return out.getvalue()


def _kept(page: str) -> list[str]:
    """The names of the photos that the form offers to keep."""
    return re.findall(r'name="kept_photo" value="([0-9a-f]{64})" checked', page)


def _send(browser: Browser, photo: bytes | None = None, page: str = FORM, **changes: str) -> Any:
    files = (
        {"photo": ("p.jpg", photo, "image/jpeg")}
        if photo is not None
        else {"photo": ("", b"", "application/octet-stream")}
    )
    return browser.fill(page, GOOD | changes, files, action="/report")


def test_a_resident_reports_and_everybody_can_follow(portal: Portal) -> None:
    browser = portal.browser("10.0.0.9")
    answer = _send(browser, _photo(), contact="warga@example.id")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/requests/TOWN-2026-000001?sent=1&key=")
    page = portal.browser().get("/requests/town-2026-000001").headers["location"]
    shown = portal.browser().get(page + "?lang=en").text
    words = words_of(shown)
    assert "Deep hole near the <market>" in words
    assert "<market>" not in shown
    assert "Received" in words
    assert "Dinas PU" in words
    assert "warga@example.id" not in shown
    picture = portal.browser().get(next(part for part in shown.split('"') if part.startswith("/photos/")))
    assert picture.headers["content-type"] == "image/jpeg"
    assert "immutable" in picture.headers["cache-control"]
    listed = json.loads(portal.browser().get("/requests.json").text)
    assert [(row["number"], row["city"], row["status"], row["latitude"]) for row in listed] == [
        ("TOWN-2026-000001", "town", "received", TOWN[1])
    ]
    assert "warga" not in json.dumps(listed)


def test_a_fault_costs_nobody_a_word(portal: Portal) -> None:
    answer = _send(
        portal.browser(), _photo(), service="", description="My long story", latitude="0.45", contact="me@x"
    )
    assert answer.status_code == 422
    words = words_of(answer.text)
    for said in ("Choose what it is about", "outside Town", "not an e-mail address", "My long story"):
        assert said in words, said
    kept = hidden(answer.text) | {"kept_photo": _kept(answer.text)[0]}
    for typed in (
        'value="0.45"',
        'value="117.05"',
        'value="me@x"',
        f'src="/photos/{kept["kept_photo"]}.jpg"',
    ):
        assert typed in answer.text, typed
    again = portal.browser().post("/report", kept | GOOD, {"photo": ("", b"")})
    assert again.status_code == 303
    assert kept["kept_photo"] in portal.browser().get(again.headers["location"]).text, (
        "the photo need not be chosen again"
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"longitude": "", "latitude": ""}, "Show where it is"),
        ({"longitude": "", "latitude": "-0.45"}, "not a number"),
        ({"longitude": "east", "latitude": "-0.45"}, "not a number: east"),
        ({"longitude": "NaN", "latitude": "-0.45"}, "not a number"),
        ({"longitude": "117.05", "latitude": "-91"}, "latitude goes from -90 to 90"),
        ({"longitude": str(BAY[0]), "latitude": str(BAY[1])}, "is in Bay, not in Town"),
        ({"longitude": "117.35", "latitude": "0.1"}, "nearest city here is Bay, 5.6 km"),
        ({"description": ""}, "Say in a few words"),
        ({"description": "x" * 4001}, "too long: 4,001 characters, at most 4,000"),
        ({"service": "unknown"}, "Choose what it is about"),
    ],
)
def test_each_fault_says_what_would_be_right(portal: Portal, changes: dict[str, str], says: str) -> None:
    answer = _send(portal.browser(), **changes)
    assert answer.status_code == 422
    assert says in words_of(answer.text)
    assert portal.browser().get("/requests.json").json() == []


def test_a_decimal_comma_is_a_number_here(portal: Portal) -> None:
    assert _send(portal.browser(), longitude="117,05", latitude="-0,45").status_code == 303


@pytest.mark.parametrize(
    ("photo", "says"),
    [
        (b"%PDF-1.7 not a photo", "not a photo that can be read"),
        (b"\xff" * (LARGEST_BYTES + 1), "too large: at most 10 MB"),
    ],
)
def test_a_file_that_is_no_photo_is_refused_in_words(portal: Portal, photo: bytes, says: str) -> None:
    answer = _send(portal.browser(), photo)
    assert answer.status_code == 422
    assert says in words_of(answer.text)
    assert "Deep hole" in words_of(answer.text)


def test_a_body_without_end_is_refused(portal: Portal) -> None:
    answer = _send(portal.browser(), b"\xff" * (MOST_PHOTOS * LARGEST_BYTES + 6 * 2**20))
    assert answer.status_code == 413
    assert "at most" in words_of(answer.text)


def test_the_photos_place_is_offered_and_confirmed(portal: Portal) -> None:
    browser = portal.browser()
    answer = _send(browser, _photo(place=TOWN), longitude="", latitude="")
    assert answer.status_code == 422
    assert "The place comes from your photo" in words_of(answer.text)
    assert 'value="117.05"' in answer.text
    fields = hidden(answer.text) | GOOD
    assert browser.post("/report", fields, {"photo": ("", b"")}).status_code == 303


def test_up_to_five_photos_are_kept_through_a_fault(portal: Portal) -> None:
    browser = portal.browser()
    photos = [("photo", (f"{n}.jpg", _photo((60 + n, 40)), "image/jpeg")) for n in range(6)]
    fields = hidden(browser.get(FORM).text) | GOOD
    faulty = browser.post("/report", fields | {"service": ""}, photos[:3])
    assert len(_kept(faulty.text)) == 3
    again = hidden(faulty.text) | GOOD | {"kept_photo": _kept(faulty.text)}
    many = browser.post("/report", again, photos[3:])
    assert many.status_code == 422
    assert "at most 5" in words_of(many.text)
    sent = browser.post("/report", again, photos[3:5])
    assert sent.status_code == 303
    page = browser.get(sent.headers["location"]).text
    assert len(re.findall(r'<img src="/photos/[0-9a-f]{64}\.jpg"', page)) == 5
    (row,) = browser.get("/ngsi-ld/v1/entities?type=ServiceRequest").json()
    assert len(row["photos"]["value"]) == 5
    assert row["mediaUrl"]["value"] == row["photos"]["value"][0]


def test_an_address_is_kept_and_names_the_village(portal: Portal) -> None:
    shape = {"type": "Polygon", "coordinates": [[[117.0, -0.5], [117.1, -0.5], [117.1, -0.4], [117.0, -0.5]]]}
    portal.node.broker.create(
        {
            "id": "urn:ngsi-ld:AdministrativeArea:1",
            "type": "AdministrativeArea",
            "scope": ["/prov/town"],
            "name": {"type": "Property", "value": "Sungai Pinang"},
            "level": {"type": "Property", "value": "village"},
            "location": {"type": "GeoProperty", "value": shape},
        }
    )
    browser = portal.browser()
    address = "Jl. Pemuda 3, sungai-pinang, <b>dekat</b> pasar"
    asked = _send(browser, longitude="", latitude="", address=address)
    assert asked.status_code == 422
    assert "The pin is in Sungai Pinang" in words_of(asked.text)
    typed = hidden(asked.text) | GOOD | {"address": address}
    sent = browser.post("/report", typed, {"photo": ("", b"")})
    page = browser.get(sent.headers["location"]).text
    assert address in words_of(page)
    assert "<b>dekat" not in page


def test_a_double_tap_makes_one_report(portal: Portal) -> None:
    browser = portal.browser()
    fields = hidden(browser.get(FORM).text) | GOOD
    first, second = (
        browser.post("/report", fields | {"anyway": "1"}, {"photo": ("", b"")}) for _ in range(2)
    )
    assert first.headers["location"] == second.headers["location"]
    assert len(browser.get("/requests.json").json()) == 1


def test_what_is_open_near_by_is_shown_before_it_is_sent_again(portal: Portal) -> None:
    browser = portal.browser()
    _send(browser)
    near = browser.get(
        f"/report/near.json?city=town&service=pothole&lon={TOWN[0]}&lat={TOWN[1] + 0.0003}"
    ).json()
    assert [(one["number"], one["metres"]) for one in near] == [("TOWN-2026-000001", 33)]
    assert (
        browser.get(f"/report/near.json?city=town&service=street-light&lon={TOWN[0]}&lat={TOWN[1]}").json()
        == []
    )
    assert browser.get("/report/near.json?city=town&service=pothole&lon=x&lat=").json() == []
    again = _send(browser, description="The same hole")
    assert again.status_code == 200
    assert "Somebody has reported this near by" in words_of(again.text)
    assert "/requests/TOWN-2026-000001" in again.text
    assert "The same hole" in words_of(again.text)
    sent = browser.post("/report", hidden(again.text) | GOOD | {"anyway": "1"}, {"photo": ("", b"")})
    assert sent.headers["location"].startswith("/requests/TOWN-2026-000002?sent=1&key=")


def test_a_form_from_elsewhere_or_too_old_keeps_its_words(portal: Portal) -> None:
    browser = portal.browser()
    fields = hidden(browser.get(FORM).text) | GOOD
    assert (
        browser.post("/report", fields, {"photo": ("", b"")}, Origin="https://evil.example").status_code
        == 403
    )
    old = browser.post("/report", fields | {"form": "0.0"}, {"photo": ("", b"")})
    assert old.status_code == 403
    assert "Deep hole" in words_of(old.text)
    assert browser.post("/report", hidden(old.text) | GOOD, {"photo": ("", b"")}).status_code == 303


def test_an_address_that_floods_waits_and_loses_nothing(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "REPORTS", 2)
    flood = portal.browser("10.0.0.66")
    answers = [_send(flood, anyway="1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert "Deep hole" in words_of(answers[2].text)
    assert int(answers[2].headers["retry-after"]) > 0
    assert _send(portal.browser("10.0.0.67"), anyway="1").status_code == 303


def test_the_city_is_chosen_first_and_services_are_found_with_slips(portal: Portal) -> None:
    browser = portal.browser()
    choice = browser.get("/report?lang=en")
    assert "/report?city=town" in choice.text
    assert "/report?city=bay" in choice.text
    assert browser.get("/report?city=nowhere").status_code == 404
    assert browser.get("/report?city=prov").headers["location"] == "/report"
    assert browser.get("/report/services.json?city=town&q=lampo").json() == ["street-light"]
    assert "checked" in browser.get("/report?city=town&service=pothole").text


def test_the_form_needs_no_script(portal: Portal) -> None:
    page = portal.browser().get(FORM).text
    assert '<details class="by-hand" data-by-hand open>' in page
    for name in ("latitude", "longitude", "description", "service", "photo", "contact"):
        assert f'name="{name}"' in page


def test_both_languages(portal: Portal) -> None:
    page = portal.browser().get("/report?city=town&lang=id").text
    assert "Jalan berlubang" in page
    assert "Pothole" not in page
    assert 'lang="id"' in page


def test_the_list_is_filtered_and_finds_a_number(portal: Portal) -> None:
    browser = portal.browser()
    _send(browser)
    _send(
        browser, page="/report?city=bay", longitude=str(BAY[0]), latitude=str(BAY[1]), service="street-light"
    )
    assert len(browser.get("/requests.json").json()) == 2
    assert [row["city"] for row in browser.get("/requests.json?city=bay").json()] == ["bay"]
    assert [row["service"] for row in browser.get("/requests.json?service=pothole").json()] == ["pothole"]
    assert browser.get("/requests.json?status=closed").json() == []
    assert len(browser.get("/requests.json?status=open").json()) == 2
    assert len(list(csv.DictReader(io.StringIO(browser.get("/requests.csv").text)))) == 2
    assert (
        browser.get("/requests?number=%20bay-2026-000001").headers["location"] == "/requests/BAY-2026-000001"
    )
    missing = browser.get("/requests?lang=en&number=<b>")
    assert "There is no report with the number <b>" in words_of(missing.text)
    assert "<b>." not in missing.text


@pytest.mark.parametrize(
    "path",
    [
        "/requests/TOWN-2026-000009",
        "/requests/x",
        "/requests/..%2f..%2fetc",
        "/photos/../x.jpg",
        "/photos/zz.jpg",
    ],
)
def test_what_is_not_there_is_not_there(portal: Portal, path: str) -> None:
    assert portal.browser().get(path).status_code == 404


QUESTIONS = """form:
  properties:
    size: {title: {en: Size, id: Ukuran}, type: string, oneOf: [{const: hand, title: Hand}, {const: car, title: Car}]}
    seen: {title: Seen, type: array, items: {oneOf: [{const: water, title: Water}, {const: glass, title: Glass}]}}
    deep: {title: How deep, type: number, minimum: 0, maximum: 50}
  required: [size]
"""


def test_a_service_asks_its_own_questions(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    path = places / "prov/town/services/pothole.yaml"
    path.write_text(path.read_text() + QUESTIONS)
    with Portal(tmp_path / "data", places) as portal:
        browser = portal.browser()
        refused = _send(browser, **{"q-pothole-deep": "abyss", "q-pothole-seen": "glass"})
        assert refused.status_code == 422
        words = words_of(refused.text)
        assert "Please answer this question." in words
        assert "Write a number, as 50 or 12.5." in words
        assert 'value="abyss"' in refused.text, "what was typed is still there"
        assert re.search(r'name="q-pothole-seen" value="glass"\s+checked', refused.text)
        assert browser.get("/requests.json").json() == []
        sent = _send(
            browser, **{"q-pothole-size": "car", "q-pothole-deep": "12,5", "q-pothole-seen": "glass"}
        )
        assert sent.status_code == 303, words_of(sent.text)
        words = words_of(browser.get(sent.headers["location"] + "&lang=en").text)
        assert "Size Car Seen Glass How deep 12.5" in words
        elsewhere = {"service": "street-light", "description": "Dark corner"}
        other = _send(browser, **elsewhere, **{"q-pothole-deep": "abyss"})
        assert other.status_code == 303, "another service's questions are not asked"


def test_the_form_says_how_long_the_contact_is_kept_and_who_may_still_follow(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    with (places / "prov/town/city.yaml").open("a") as city:
        city.write("retention: {contact: 90}\n")
    with Portal(
        tmp_path / "data", places, smtp="smtp://127.0.0.1:9", mail_from="Town <t@example.id>"
    ) as portal:
        said = "It is deleted 90 days after the report was settled."
        assert said in words_of(portal.browser().get("/report?city=town&lang=en").text)
        assert "It is deleted" not in words_of(portal.browser().get("/report?city=bay&lang=en").text)
        assert "they are deleted 90 days after" in words_of(
            portal.browser().get("/services/town/pothole?lang=en").text
        )
        desk = Desk(portal.node.broker, portal.node.places, portal.node.settings.data)
        number = desk.send(Draft("town", "pothole", "A hole", TOWN, contact="a@example.id")).number
        assert "Send me mail about it" in portal.browser().get(f"/requests/{number}?lang=en").text
        desk.step(number, 1, "rejected", "Not ours", "", "siti")
        runs = Retention(desk, desk.store, portal.node.places, portal.node.settings.data)
        runs.run(dt.datetime.now(dt.UTC) + dt.timedelta(days=91))
        page = portal.browser().get(f"/requests/{number}?lang=en").text
        assert "Contact deleted, kept long enough" in words_of(page)
        assert "Send me mail about it" not in page
        assert "data-push" not in page
