"""Handing in a newer file: looked at first, taken in when the officer says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mahakam.access import accounts
from support.portal import STOPS, Browser, Portal, two_cities, with_stops, words_of

PASSWORD = "correct horse battery"
PAGE = "/upload/town/stops"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", with_stops(two_cities(tmp_path / "places"))) as made:
        store = made.node.store.tenant()
        accounts.add_account(store, "siti", PASSWORD, ["officer"], ["town"])
        accounts.add_account(store, "budi", PASSWORD, ["officer"], ["bay"])
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert (
        browser.fill("/signin?lang=en", {"name": name, "password": PASSWORD}, action="/signin").status_code
        == 303
    )
    return browser


def _send(browser: Browser, content: bytes, name: str = "stops.csv") -> httpx.Response:
    return browser.fill(PAGE, {}, {"file": (name, content, "application/octet-stream")})


def _stored(portal: Portal) -> int:
    return portal.node.store.tenant().types().get("BusStop", 0)


def _id(page: str) -> str:
    found = re.search(r'name="id" value="([0-9a-f]{32})"', page)
    assert found
    return found.group(1)


def test_the_check_comes_before_the_storing(portal: Portal) -> None:
    siti = _as(portal, "siti")
    looked = _send(siti, STOPS.encode())
    assert looked.status_code == 200
    words = words_of(looked.text)
    assert "District is not in the code list" in words
    assert "Kebun Jeruk" in words
    assert "Take in 1 row" in words
    assert _stored(portal) == 0, "looking stores nothing"
    assert portal.node.store.tenant().runs("town", "stops") == []
    form = siti.post(PAGE + "/confirm", {"id": _id(looked.text), "form": _token(looked.text)})
    assert form.status_code == 303
    assert _stored(portal) == 1
    result = words_of(siti.get(form.headers["location"]).text)
    assert "rows read 5" in result
    assert "held 4" in result
    (run,) = portal.node.store.tenant().runs("town", "stops")
    assert (run.author, run.read, run.stored, run.held) == ("siti", 5, 1, 4)


def test_a_double_tap_runs_once(portal: Portal) -> None:
    siti = _as(portal, "siti")
    looked = _send(siti, STOPS.encode()).text
    answers = [siti.post(PAGE + "/confirm", {"id": _id(looked), "form": _token(looked)}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 409]
    assert len(portal.node.store.tenant().runs("town", "stops")) == 1


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "stops.csv", "is empty"),
        (b"MZ\x90\x00", "virus.exe", "cannot be read here"),
        (b"%PDF-1.7", "stops.pdf", "cannot be read here"),
        (b"PK\x03\x04 not a workbook", "stops.xlsx", ""),
        (b"not json", "stops.geojson", ""),
        (b"a;b\n1;2\n", "stops.csv", ""),
        (b"\x00" * 5000, "stops.csv", ""),
    ],
)
def test_a_wrong_file_is_refused_in_words_and_leaves_nothing(
    portal: Portal, content: bytes, name: str, says: str
) -> None:
    answer = _send(_as(portal, "siti"), content, name)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert says in words_of(answer.text)
    assert "Traceback" not in answer.text
    assert _stored(portal) == 0
    assert not list((portal.node.settings.data / "uploads").rglob("*.*"))


@pytest.mark.parametrize(
    "name",
    ["../../../etc/cron.d/x.csv", "..\\..\\x.csv", "<script>alert(1)</script>.csv", "." * 300 + "x.csv"],
)
def test_a_file_name_leads_nowhere(portal: Portal, name: str, tmp_path: Path) -> None:
    answer = _send(_as(portal, "siti"), STOPS.encode(), name)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    (kept,) = (path for path in tmp_path.rglob("*.csv") if "uploads" in path.parts)
    assert kept.parent.parent == portal.node.settings.data / "uploads"


def test_only_those_who_may_hand_in(portal: Portal) -> None:
    assert portal.browser().get(PAGE).headers["location"].startswith("/signin")
    budi, siti = _as(portal, "budi"), _as(portal, "siti")
    assert budi.get(PAGE).status_code == 403
    assert siti.get("/upload/town/nothing").status_code == 404
    looked = _send(siti, STOPS.encode()).text
    stolen = {"id": _id(looked), "form": _token(looked)}
    assert budi.post(PAGE + "/confirm", stolen).status_code == 403
    assert siti.post(PAGE + "/confirm", stolen, Origin="https://evil.example").status_code == 403
    assert siti.post(PAGE + "/confirm", stolen | {"form": "x"}).status_code == 403
    assert _stored(portal) == 0


def test_a_file_that_fails_as_a_whole_changes_nothing(portal: Portal) -> None:
    siti = _as(portal, "siti")
    looked = _send(siti, STOPS.encode()).text
    siti.post(PAGE + "/confirm", {"id": _id(looked), "form": _token(looked)})
    worse = _send(siti, b"kode;nama\nA1;x\n")
    assert 'role="alert"' in worse.text or "note bad" in worse.text
    assert "Take in" not in words_of(worse.text)
    assert _stored(portal) == 1


def _token(page: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found
    return found.group(1)
