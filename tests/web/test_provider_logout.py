"""Somebody signs out at the provider: their session here ends, by a token that holds and was never taken before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from mahakam.access.accounts import account, add_account
from mahakam.access.provider.logout import EVENT
from mahakam.access.sessions import begin_session, open_sessions
from support.node import RunningNode
from support.openid import CLIENT, SECRET, Liar, OpenIdProvider, signin_yaml
from support.portal import Browser, Portal, two_cities

PATH = "/signin/signed-out"


def is_in(browser: httpx.Client, node: str) -> bool:
    return "Sign out" in browser.get(f"{node}/signin?lang=en").text


def test_who_signs_out_there_is_out_here_in_that_browser_alone(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    node = RunningNode(tmp_path / "data", config=(places,), environment={"MAHAKAM_SIGNIN_SECRET": SECRET})
    provider = OpenIdProvider(node.url)
    (places / "signin.yaml").write_text(signin_yaml(provider.issuer))
    with provider, node, httpx.Client() as desk, httpx.Client() as phone:
        for browser in (desk, phone):
            there = browser.get(f"{node.url}/signin/provider").headers["location"]
            browser.get(provider.passed(browser, there, "sub-ani"))
            assert is_in(browser, node.url)
        provider.sign_out(desk)
        assert not is_in(desk, node.url), provider.log()
        assert is_in(phone, node.url)


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as provider:
        yield provider


@pytest.fixture
def portal(tmp_path: Path, liar: Liar) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "signin.yaml").write_text(signin_yaml(liar.issuer))
    with Portal(tmp_path / "data", places, signin_secret=SECRET) as made:
        yield made


def signed_in(portal: Portal, liar: Liar, sid: str) -> Browser:
    browser = portal.browser()
    url = browser.get(f"/signin/provider?{urlencode({'next': ''})}").headers["location"]
    query = httpx.URL(url).params
    liar.claims = liar.honest(query["nonce"]) | ({"sid": sid} if sid else {})
    done = browser.get(f"/signin/callback?{urlencode({'code': 'a', 'state': query['state']})}")
    assert done.status_code == 303, done.text
    assert "Sign out" in browser.get("/signin?lang=en").text
    return browser


def claims(liar: Liar, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "iss": liar.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": f"token-{time.time_ns()}",
        "sub": "sub-ani", "sid": "one", "events": {EVENT: {}},
    }  # fmt: skip
    said |= more
    return {name: value for name, value in said.items() if value is not None}


def token(liar: Liar, said: dict[str, Any], header: dict[str, Any] | None = None, key: Any = None) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"} | (header or {}), said, key or liar.key, ["RS256"])


def told(portal: Portal, raw: str) -> httpx.Response:
    """As the provider does it: without cookies, from nobody's page."""
    transport = httpx.ASGITransport(portal.application, client=("10.1.2.3", 4000))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.post(PATH, data={"logout_token": raw})

    import asyncio

    return asyncio.run(ask())


def test_a_token_is_taken_once(portal: Portal, liar: Liar) -> None:
    browser, other = signed_in(portal, liar, "one"), signed_in(portal, liar, "two")
    raw = token(liar, claims(liar), {"typ": "logout+jwt"})
    done = told(portal, raw)
    assert (done.status_code, done.headers["cache-control"]) == (200, "no-store")
    assert "Sign out" not in browser.get("/signin?lang=en").text
    assert "Sign out" in other.get("/signin?lang=en").text
    again = told(portal, raw)
    assert again.status_code == 400
    assert "taken before" in again.json()["error_description"]


def test_a_subject_alone_ends_all_that_is_theirs(portal: Portal, liar: Liar) -> None:
    browsers = [signed_in(portal, liar, sid) for sid in ("one", "two", "")]
    store = portal.node.store.tenant()
    add_account(store, "siti", "correct horse battery", ["officer"], ["town"])
    siti = account(store, "siti")
    assert siti is not None
    begin_session(store, siti)
    assert told(portal, token(liar, claims(liar, sid=None))).status_code == 200
    assert not any("Sign out" in one.get("/signin?lang=en").text for one in browsers)
    assert len(open_sessions(store, "siti")) == 1


def test_a_session_that_is_of_no_known_one_there_ends_with_any(portal: Portal, liar: Liar) -> None:
    """It began after a second step, or the provider did not say which it was."""
    unknown = signed_in(portal, liar, "")
    assert told(portal, token(liar, claims(liar, sid="another"))).status_code == 200
    assert "Sign out" not in unknown.get("/signin?lang=en").text


WRONG: dict[str, Callable[[Liar], str]] = {
    "another issuer": lambda liar: token(liar, claims(liar, iss="https://else.example")),
    "another client": lambda liar: token(liar, claims(liar, aud="else")),
    "no event": lambda liar: token(liar, claims(liar, events=None)),
    "another event": lambda liar: token(liar, claims(liar, events={"https://else.example": {}})),
    "an ID token": lambda liar: token(liar, claims(liar, nonce="n")),
    "nobody": lambda liar: token(liar, claims(liar, sub=None, sid=None)),
    "no jti": lambda liar: token(liar, claims(liar, jti=None)),
    "no time": lambda liar: token(liar, claims(liar, iat=None)),
    "too old": lambda liar: token(liar, claims(liar, iat=int(time.time()) - 700, exp=int(time.time()) + 900)),
    "over": lambda liar: token(liar, claims(liar, iat=int(time.time()) - 300, exp=int(time.time()) - 120)),
    "not made yet": lambda liar: token(liar, claims(liar, iat=int(time.time()) + 300)),
    "another type": lambda liar: token(liar, claims(liar), {"typ": "at+jwt"}),
    "another's key": lambda liar: token(liar, claims(liar), key=RSAKey.generate_key(2048, {"kid": "one"})),
    "an unknown key": lambda liar: token(liar, claims(liar), {"kid": "else"}),
    "a text": lambda _liar: "no token",
    "nothing": lambda _liar: "",
    "too long": lambda liar: token(liar, claims(liar, more="x" * 20_000)),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_hold_ends_nothing(portal: Portal, liar: Liar, what: str) -> None:
    browser = signed_in(portal, liar, "one")
    answer = told(portal, WRONG[what](liar))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "invalid_request"
    assert answer.headers["cache-control"] == "no-store"
    assert "Sign out" in browser.get("/signin?lang=en").text


def test_a_node_without_a_provider_takes_none(tmp_path: Path, liar: Liar) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as alone:
        assert told(alone, token(liar, claims(liar))).status_code == 404
