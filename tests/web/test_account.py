"""One's own account: the password is changed and sessions are ended by whoever shows the password again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from support.portal import Browser, Portal, hidden, two_cities, words_of

PASSWORD, BETTER = "correct horse battery", "a better sentence than that"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        accounts.add_account(made.node.store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
        yield made


def signed_in(portal: Portal, password: str = PASSWORD, agent: str = "") -> Browser:
    browser = portal.browser()
    page = browser.get("/signin")
    form = hidden(page.text) | {"name": "siti", "password": password}
    assert browser.post("/signin", form, **{"User-Agent": agent}).status_code == 303
    return browser


def is_in(browser: Browser) -> bool:
    return browser.get("/queue").status_code == 200


def test_one_changes_one_s_own_password_and_other_sessions_end(portal: Portal) -> None:
    siti, elsewhere = signed_in(portal), signed_in(portal)
    wrong = siti.fill("/account?lang=en", {"act": "password", "password": "not this one", "new": BETTER})
    assert wrong.status_code == 401
    assert is_in(elsewhere)
    changed = siti.fill("/account", {"act": "password", "password": PASSWORD, "new": BETTER})
    assert (changed.status_code, changed.headers["location"]) == (303, "/account")
    assert is_in(siti)
    assert not is_in(elsewhere)
    assert accounts.verify(portal.node.store.tenant(), "siti", BETTER) is not None


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("short", "too short"),
        ("x" * 257, "too long"),
        ("1234567890", "known from a breach"),
        ("Town Prov 1", "everybody here knows"),
        ("siti-siti-siti", "everybody here knows"),
    ],
)
def test_what_is_no_password_is_said(portal: Portal, new: str, says: str) -> None:
    answer = signed_in(portal).fill("/account?lang=en", {"act": "password", "password": PASSWORD, "new": new})
    assert answer.status_code == 422
    assert says in words_of(answer.text)
    assert accounts.verify(portal.node.store.tenant(), "siti", PASSWORD) is not None


def test_one_sees_and_ends_one_s_own_sessions(portal: Portal) -> None:
    siti = signed_in(portal)
    assert "Only here." in words_of(siti.get("/account?lang=en").text)
    phone = signed_in(portal, agent="Mozilla/5.0 (Android 14; Mobile) Firefox/130.0")
    desk = signed_in(portal, agent="<script>alert(1)</script> Windows NT 10.0 Chrome/130 Safari/537")
    page = siti.get("/account?lang=en").text
    assert "Firefox, Android" in words_of(page)
    assert "Chrome, Windows" in words_of(page)
    assert "<script>alert" not in page
    chosen = page[: page.index("Firefox, Android")].rpartition('name="session" value="')[2].partition('"')[0]
    assert siti.fill("/account", {"act": "end", "session": chosen, "password": "wrong"}).status_code == 401
    assert is_in(phone)
    assert siti.fill("/account", {"act": "end", "session": chosen, "password": PASSWORD}).status_code == 303
    assert [is_in(one) for one in (siti, phone, desk)] == [True, False, True]
    assert siti.fill("/account", {"act": "end-others", "password": PASSWORD}).status_code == 303
    assert [is_in(one) for one in (siti, desk)] == [True, False]


def test_one_signs_out_from_any_page(portal: Portal) -> None:
    assert 'action="/signout"' not in portal.browser().get("/").text
    siti = signed_in(portal)
    for path in ("/", "/queue", "/account", "/nope"):
        assert 'action="/signout"' in siti.get(path).text, path
    assert siti.fill("/about", {}, action="/signout").status_code == 303
    assert not is_in(siti)
