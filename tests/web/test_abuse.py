"""What somebody who means harm would try on the pages of services: each attempt is a test."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mahakam.services.photo import photo_file
from mahakam.services.satisfaction import survey
from mahakam.web.pages import report
from support.html import Page
from support.portal import TOWN, Browser, Portal, hidden, two_cities, words_of

XSS = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'`{{1234567*8}}"
FORM = "/report?city=town&lang=en"
GOOD = {"service": "pothole", "description": "Deep hole", "longitude": str(TOWN[0]), "latitude": str(TOWN[1])}
NUMBER = "TOWN-2026-000001"
QUESTIONS = """form:
  properties:
    note: {title: Note, type: string}
    size: {title: Size, type: string, oneOf: [{const: a, title: A}]}
"""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    path = places / "prov/town/services/pothole.yaml"
    path.write_text(path.read_text() + QUESTIONS)
    with Portal(tmp_path / "data", places, smtp="smtp://127.0.0.1:9", mail_from="a@b.id") as made:
        yield made


def _send(browser: Browser, files: Any = None, **changes: str) -> Any:
    return browser.fill(FORM, GOOD | {"anyway": "1"} | changes, files or {"photo": ("", b"")}, "/report")


def _harmless(text: str) -> None:
    """Nothing that somebody typed became an element, a handler or the end of an attribute."""
    page = Page(text)
    assert page.inline == []
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "9876536" not in text


# XSS in every field


@pytest.mark.parametrize(
    "field",
    ["service", "description", "longitude", "latitude", "village", "address", "contact", "kept_photo",
     "idempotency", "q-pothole-note", "q-pothole-size", "anyway", "form"],
)  # fmt: skip
def test_a_script_in_a_field_of_the_report_is_text(portal: Portal, field: str) -> None:
    browser = portal.browser()
    answer = _send(browser, **{field: XSS})
    _harmless(answer.text)
    if answer.status_code == 303:
        for path in (answer.headers["location"], "/requests", "/insight?city=town", "/report?city=town",
                     f"/queue/{NUMBER}"):  # fmt: skip
            _harmless(browser.get(path).text)


@pytest.mark.parametrize(
    "path",
    ["/services?q={}", "/services?event={}", "/requests?number={}", "/requests?status={}&service={}",
     "/insight?city=town&service={}&days={}", "/report?city=town&service={}&lat={}&lon={}",
     f"/requests/{NUMBER}?key={{}}", f"/requests/{NUMBER}/follow/{{}}", "/requests/{}", "/services/town/{}"],
)  # fmt: skip
def test_a_script_in_an_address_is_text(portal: Portal, path: str) -> None:
    from urllib.parse import quote

    _send(portal.browser())
    _harmless(portal.browser().get(path.replace("{}", quote(XSS, safe=""))).text)


def test_a_script_in_answers_comments_and_feeds_is_text(portal: Portal) -> None:
    browser = portal.browser()
    own = _send(browser).headers["location"]
    browser.fill(own, {"comment": XSS}, action=f"/requests/{NUMBER}/comments")
    refused = browser.fill(own, {"email": XSS}, action=f"/requests/{NUMBER}/follow")
    _harmless(refused.text)
    key = re.search("key=(.+)", own)
    assert key
    shown = browser.get(own)
    fields = hidden(shown.text) | {"do": "withdraw", "text": XSS, "key": key[1], "revision": "1"}
    assert browser.post(f"/requests/{NUMBER}/mine", fields).status_code == 303
    after = browser.get(own).text
    _harmless(after)
    assert after.count("{{1234567*8}}") == 2, "both are there, as text"
    feed = browser.get(f"/requests/{NUMBER}.atom")
    assert b"<script>" not in feed.content
    assert feed.headers["x-content-type-options"] == "nosniff"


# CSRF


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/report", GOOD | {"city": "town"}),
        (f"/requests/{NUMBER}/comments", {"comment": "I was never here"}),
        (f"/requests/{NUMBER}/follow", {"email": "victim@example.id"}),
        (f"/requests/{NUMBER}/mine", {"do": "withdraw"}),
        (f"/requests/{NUMBER}/rate", {element.code: "4" for element in survey().elements}),
    ],
)
def test_a_form_on_another_site_does_nothing(portal: Portal, path: str, fields: dict[str, str]) -> None:
    browser = portal.browser()
    own = _send(browser).headers["location"]
    before = browser.get("/ngsi-ld/v1/entities?type=ServiceRequest").text
    key = own.partition("key=")[2]
    token = {"form": hidden(browser.get(own).text)["form"], "key": key, "revision": "1"}
    for origin, more in (("https://evil.example", token), ("null", token), (browser.origin, {"key": key})):
        answer = browser.post(path, fields | more, Origin=origin)
        assert answer.status_code == 403, (origin, words_of(answer.text))
    assert browser.get("/ngsi-ld/v1/entities?type=ServiceRequest").text == before
    for made in ("ServiceRequestComment", "SatisfactionSurvey"):
        assert browser.get(f"/ngsi-ld/v1/entities?type={made}").json() == []


# Guessing another's link, and counting through the numbers


def test_another_ones_key_opens_nothing(portal: Portal) -> None:
    browser = portal.browser()
    first = _send(browser, contact="warga@example.id").headers["location"].partition("key=")[2]
    second = _send(browser, description="Another").headers["location"].partition("key=")[2]
    assert first != second
    for key in (
        second,
        first[:-1],
        first.lower() if first.lower() != first else first.upper(),
        "",
        "0" * 20,
        "é",
    ):
        page = browser.get(f"/requests/{NUMBER}?key={key}&lang=en")
        assert "Withdraw" not in words_of(page.text), key
        fields = hidden(page.text) | {"key": key, "do": "withdraw", "revision": "1"}
        assert browser.post(f"/requests/{NUMBER}/mine", fields).status_code == 404
        assert browser.get(f"/requests/{NUMBER}/rate?key={key}").status_code == 404
    assert "Withdraw" in words_of(browser.get(f"/requests/{NUMBER}?key={first}&lang=en").text)


def test_counting_through_the_numbers_finds_only_what_is_public(portal: Portal) -> None:
    """Numbers follow each other so that a person can say them; they open nothing but the public page."""
    _send(portal.browser(), contact="warga@example.id", description="Public words")
    stranger = portal.browser("10.6.6.6")
    found = stranger.get(f"/requests/{NUMBER}")
    assert "Public words" in found.text
    for secret in ("warga", "example.id", "?key=", "&key=", "&amp;key=", 'name="key"'):
        assert secret not in found.text
    there, not_there = (
        stranger.post(f"/requests/TOWN-2026-{n:06d}/mine", {"key": "x" * 20, "do": "withdraw"})
        for n in (1, 2)
    )
    assert (there.status_code, words_of(there.text)) == (404, words_of(not_there.text)), "both look the same"


# A flood


def test_a_flood_from_one_address_is_told_to_wait(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "REPORTS", 3)
    flood = portal.browser("10.5.5.5")
    answers = [_send(flood, description=f"Report {n}") for n in range(5)]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert re.search(r"wait \d+ minutes?, then send it", words_of(answers[-1].text))
    assert "Report 4" in answers[-1].text, "nothing typed is lost"
    assert _send(portal.browser("10.5.5.6")).status_code == 303, "and nobody else waits"
    fields = GOOD | {"city": "town", "anyway": "1"} | flood.get("/report/token.json").json()
    assert flood.post("/report", fields, accept="application/json").status_code == 429


# E-mail headers: tests/services/test_outbox.py, tests/web/test_follow.py


# Photos


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _jpeg(comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (80, 60), "teal").save(out, "JPEG", comment=comment)
    return out.getvalue()


SCRIPTS = {
    "page": ("hole.jpg", b"<html><script>alert(1)</script>"),
    "svg": ("hole.png", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "php": ("hole.php", b"<?php system($_GET[0]); ?>"),
    "shell": ("../../../../tmp/hole.jpg", b"#!/bin/sh\nrm -rf /\n"),
    "pdf": ("hole.jpg", b"%PDF-1.7\n1 0 obj<</S/JavaScript>>"),
    "gif script": ("hole.jpg", b"GIF89a/*" + b"\0" * 40 + b"*/=1;alert(1)"),
    "tiff": ("hole.jpg", b"II*\0" + b"\0" * 60),
    "eps": ("hole.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run"),
    "empty": ("hole.jpg", b"\xff\xd8\xff"),
}


@pytest.mark.parametrize("name", list(SCRIPTS))
def test_a_script_that_says_it_is_a_photo_is_refused(portal: Portal, name: str) -> None:
    file, content = SCRIPTS[name]
    answer = _send(portal.browser(), {"photo": (file, content, "image/jpeg")})
    assert answer.status_code == 422
    assert "photo" in words_of(answer.text).lower()
    assert not list((portal.node.settings.data).rglob("*.jpg"))
    assert portal.browser().get("/requests.json").json() == []


def test_a_file_that_is_two_things_is_a_photo_only(portal: Portal) -> None:
    """A JPEG that is a ZIP, a page and a script as well: what is kept is drawn anew, and says nothing else."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("evil.js", "alert(1)")
    payload = b"<script>alert(1)</script><?php evil(); ?>"
    both = _jpeg(comment=payload) + payload + archive.getvalue()
    answer = _send(portal.browser(), {"photo": ("hole.html", both, "text/html")})
    assert answer.status_code == 303
    page = portal.browser().get(answer.headers["location"]).text
    name = re.search("/photos/([0-9a-f]{64})", page)
    assert name
    path = photo_file(portal.node.settings.data, name[1])
    assert path is not None
    kept = path.read_bytes()
    for part in (b"script", b"php", b"evil", b"PK\x03\x04"):
        assert part not in kept
    assert not zipfile.is_zipfile(io.BytesIO(kept))
    served = portal.browser().get(f"/photos/{name[1]}.jpg")
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("size", [(30_000, 30_000), (65_500, 200)])
def test_a_few_bytes_that_would_fill_the_memory_are_refused(portal: Portal, size: tuple[int, int]) -> None:
    width, height = size
    bomb = _png(width, height, zlib.compress(b"\0" * min((width * 3 + 1) * height, 50_000_000), 9))
    assert len(bomb) < 200_000
    answer = _send(portal.browser(), {"photo": ("hole.png", bomb, "image/png")})
    assert answer.status_code == 422
    assert "too many pixels" in words_of(answer.text)
