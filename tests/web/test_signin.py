"""Signing in and out through the pages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from mahakam.access import accounts, throttle
from support.portal import Browser, Portal, hidden, two_cities, words_of

PASSWORD = "correct horse battery"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        accounts.add_account(made.node.store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
        yield made


def _sign_in(browser: Browser, name: str = "siti", password: str = PASSWORD, next: str = "") -> int:
    page = f"/signin?next={next}&lang=en" if next else "/signin?lang=en"
    return browser.fill(page, {"name": name, "password": password}, action="/signin").status_code


def test_sign_in_work_and_sign_out(portal: Portal) -> None:
    siti = portal.browser()
    led = siti.get("/queue?city=town&lang=en")
    assert (led.status_code, led.headers["location"]) == (
        303,
        "/signin?next=%2Fqueue%3Fcity%3Dtown%26lang%3Den",
    )
    page = siti.get(led.headers["location"])
    answer = siti.post("/signin", hidden(page.text) | {"name": "Siti", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?city=town&lang=en")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert siti.get("/queue?city=town").status_code == 200
    assert "siti" in words_of(siti.get("/signin").text)
    kept = dict(siti.cookies)
    assert siti.fill("/signin", {}, action="/signout").headers["location"] == "/signin"
    assert siti.get("/queue").status_code == 303
    siti.cookies.update(kept)
    assert siti.get("/queue").status_code == 303, "the session is over, not only forgotten by the browser"


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "/\r\nSet-Cookie: x=1",
    ],
)
def test_sign_in_leads_nowhere_else(portal: Portal, next: str) -> None:
    browser = portal.browser()
    page = browser.get("/signin?next=" + quote(next))
    answer = browser.post("/signin", hidden(page.text) | {"name": "siti", "password": PASSWORD, "next": next})
    assert answer.headers["location"] == "/signin"


def test_what_is_wrong_is_said_without_saying_which(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    browser = portal.browser()
    caplog.set_level(logging.DEBUG)
    answers = [
        browser.fill("/signin?lang=en", {"name": name, "password": "Secret-guess-1"}, action="/signin")
        for name in ("siti", "nobody", "<b>x</b>")
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert {"Name or password is not right." in words_of(answer.text) for answer in answers} == {True}
    assert 'value="siti"' in answers[0].text, "the name is kept"
    assert "<b>x</b>" not in answers[2].text
    assert all("Secret-guess-1" not in answer.text for answer in answers)
    assert "Secret-guess-1" not in caplog.text


def test_too_many_attempts_wait_even_with_the_right_password(portal: Portal) -> None:
    browser = portal.browser("10.0.0.1")
    for _ in range(throttle.LIMITS["both"]):
        assert _sign_in(browser, password="wrong wrong wrong") == 401
    answer = browser.fill("/signin?lang=en", {"name": "siti", "password": PASSWORD}, action="/signin")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= throttle.WINDOW
    assert "Too many attempts" in words_of(answer.text)
    assert _sign_in(portal.browser("10.0.0.2")) == 303


def test_a_form_from_elsewhere_signs_nobody_in(portal: Portal) -> None:
    browser = portal.browser()
    fields = hidden(browser.get("/signin").text) | {"name": "siti", "password": PASSWORD}
    assert browser.post("/signin", fields, Origin="https://evil.example").status_code == 403
    assert browser.post("/signin", fields | {"form": ""}).status_code == 403
    assert browser.get("/queue").status_code == 303


def test_a_role_holds_in_its_place_only(portal: Portal) -> None:
    siti = portal.browser()
    _sign_in(siti)
    assert siti.get("/queue?city=town").status_code == 200
    assert siti.get("/queue?city=bay").status_code == 403
    assert siti.get("/queue.csv?city=bay").status_code == 403
    assert portal.browser().get("/queue.csv").status_code == 401


def test_a_node_without_an_account_says_how_to_make_one(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as fresh:
        page = fresh.browser().get("/signin?lang=en").text
        assert "mahakam user add NAME --role admin" in words_of(page)
        accounts.add_account(fresh.node.store.tenant(), "budi", PASSWORD, ["admin"])
        assert "mahakam user add" not in words_of(fresh.browser().get("/signin?lang=en").text)


@pytest.mark.parametrize("role", ["resident", "officer", "steward", "supervisor", "admin"])
def test_the_demo_offers_each_role_on_its_own_machine(tmp_path: Path, role: str) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places"), demo=True) as demo:
        here = demo.browser()
        assert f'value="{role}"' in here.get("/signin").text
        assert (
            here.fill("/signin?next=/queue", {"role": role}, action="/signin/demo").headers["location"]
            == "/queue"
        )
        assert here.get("/queue").status_code == (200 if role in ("officer", "admin") else 403)
        for there in (demo.browser("10.0.0.1"), demo.browser("127.0.0.1", "kota.example")):
            page = there.get("/signin")
            assert 'name="role"' not in page.text
            assert there.post("/signin/demo", hidden(page.text) | {"role": role}).status_code == 403


def test_without_the_demo_there_are_no_such_roles(portal: Portal) -> None:
    browser = portal.browser()
    assert browser.fill("/signin", {"role": "admin"}, action="/signin/demo").status_code == 403


def test_an_open_node_lets_its_own_machine_do_everything(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places"), open=True) as opened:
        assert opened.browser().get("/queue").status_code == 200
        assert opened.browser(host="evil.example").get("/queue").status_code == 303
