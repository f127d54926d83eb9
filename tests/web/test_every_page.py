"""What holds for every page: it is there, in every language, linked rightly, and needs nothing inline."""

from __future__ import annotations

from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from starlette.testclient import TestClient

from mahakam.config import LANGUAGES
from mahakam.web.foreign import unmarked
from mahakam.web.languages import languages
from mahakam.web.middleware import CONTENT_SECURITY_POLICY
from support.html import Page

PAGES = [
    "/",
    "/about",
    "/developers",
    "/cities/samarinda",
    "/cities/bontang",
    "/cities/kaltim",
    "/cities/jakarta",
    "/cities/samarinda/map",
    "/cities/samarinda/data/AdministrativeArea",
    "/indicators/samarinda",
    "/indicators/samarinda/flood-days",
    "/indicators/samarinda/rain-month",
    "/indicators/bontang/people-per-health-centre",
    "/indicators/jakarta/unhealthy-days",
    "/trace/value/samarinda/flood-days/2024",
    "/trace/value/kaltim/earthquakes/2021",
    "/trace/entity/urn:ngsi-ld:AdministrativeArea:64.72.01.1001",
    "/quality",
    "/quality/samarinda",
    "/quality/jakarta/fires-2013",
    "/quality/bontang/villages",
    "/year",
    "/year/samarinda/2027",
    "/year/samarinda/2027/calendar?month=3",
    "/network",
    "/network/people",
    "/network/plans",
    "/network/plans/samarinda",
    "/network/report",
    "/network/report/countries/ID",
    "/network/report/cities/samarinda",
    "/network/meetings",
    "/network/recommendations",
    "/network/cooperation",
    "/upload",
    "/upload?place=samarinda&theme=housing",
    "/catalogue?q=hujan&theme=environment",
    "/catalogue/samarinda/rain",
    "/sql?q=SELECT+*+FROM+samarinda.rain",
    "/network?country=Thailand&focus_area=Quality+Environment",
]


BEGUN = [code for code in languages() if code not in LANGUAGES]
IN_LANGUAGES = [
    (path, language)
    for at, path in enumerate(PAGES)
    for language in (*LANGUAGES, *(BEGUN[(at + step) % len(BEGUN)] for step in (0, 4, 8)))
]
"""Each page in the two complete languages and in three of the others in turn, which differ by their catalogue alone."""


@pytest.mark.parametrize(("path", "language"), IN_LANGUAGES)
def test_a_page_is_whole_in_every_language(demo: TestClient, path: str, language: str) -> None:
    answer = demo.get(path, headers={"accept-language": language})
    assert answer.status_code == 200, answer.text[:2000]
    assert answer.headers["content-language"] == language
    page = Page(answer.text)
    assert page.language == language
    assert page.inline == [], "the content security policy would refuse this"
    assert [tag for tag, _ in page.headings].count("h1") == 1
    assert {"header", "nav", "main", "footer"} <= set(page.landmarks)
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"
    assert "%(" not in page.text
    assert unmarked(answer.text) == answer.text
    assert "None" not in page.text.split()


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(demo: TestClient, path: str) -> None:
    page = Page(demo.get(path).text)
    assert page.links
    for link in dict.fromkeys(page.links):
        address, fragment = urldefrag(urljoin(path, link))
        # The same page in the other languages is what the test above looks at.
        if urlsplit(address).netloc or address.endswith((".png", ".woff2")) or link in page.versions:
            continue
        status, places = _led_to(demo, address)
        assert status == 200, f"{path} links to {link}: {status}"
        if fragment and places is not None:
            assert fragment in places, f"{path} links to {link}: no such place on the page"


_LED: dict[str, tuple[int, frozenset[str] | None]] = {}


def _led_to(demo: TestClient, address: str) -> tuple[int, frozenset[str] | None]:
    """The status of an address and the ids of its page, None for what is no page: most pages link to the same."""
    if address not in _LED:
        answer = demo.get(address, follow_redirects=True)
        is_page = "text/html" in answer.headers.get("content-type", "")
        _LED[address] = answer.status_code, frozenset(Page(answer.text).ids) if is_page else None
    return _LED[address]


def test_security_headers(demo: TestClient) -> None:
    for path in ("/", "/nowhere", "/quality.csv"):
        headers = demo.get(path).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_a_page_that_is_not_there_says_so_in_the_same_look(demo: TestClient) -> None:
    for path in (
        "/nowhere",
        "/cities/atlantis",
        "/indicators/samarinda/happiness",
        "/trace/value/samarinda/flood-days/1066",
        "/trace/entity/urn:ngsi-ld:Nothing:1",
        "/quality/samarinda/nothing",
        "/cities/samarinda/data/Nothing",
        "/cities/samarinda/layers/99.geojson",
        "/static/../site.py",
        "/static/%2e%2e/site.py",
        "/trace/file/1/" + "0" * 64,
    ):
        answer = demo.get(path)
        assert answer.status_code == 404, path
        if "text/html" in answer.headers["content-type"]:
            assert "<h1>" in answer.text


def test_a_form_from_another_site_is_refused(demo: TestClient) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        assert demo.post("/report", data={"description": "x"}, headers=headers).status_code == 403


def test_text_of_the_address_is_escaped(demo: TestClient) -> None:
    for path in (
        "/cities/<script>alert(1)</script>",
        "/network?q=<script>alert(1)</script>",
        "/cities/samarinda/data/AdministrativeArea?name=<script>alert(1)</script>",
        "/trace/entity/<script>alert(1)</script>",
        "/?lang=<script>alert(1)</script>",
    ):
        assert "<script>alert" not in demo.get(path).text


def test_an_empty_node_says_what_to_do(nothing: TestClient) -> None:
    start = nothing.get("/")
    assert start.status_code == 200
    assert "There is no city here yet" in start.text
    assert "city.yaml" in start.text
    for path in ("/quality", "/network", "/developers", "/about"):
        assert nothing.get(path).status_code == 200
    assert "This node keeps no network" in nothing.get("/network").text
    assert nothing.get("/network/projects.csv").text == "country,city,project,focus_area,status\r\n"
