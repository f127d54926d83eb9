"""A node behind a proxy knows who asks, and believes nobody else who says that they are one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mahakam.access import accounts, throttle
from mahakam.app import open_node
from mahakam.config import ConfigError, Settings
from mahakam.proxies import Proxies
from support.portal import Browser, Portal, hidden, two_cities

PROXY, STRANGER = "127.0.0.1", "198.51.100.9"


@pytest.mark.parametrize(
    ("peer", "told", "client"),
    [
        (PROXY, "203.0.113.7", "203.0.113.7"),
        (PROXY, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (PROXY, "6.6.6.6, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        (PROXY, "203.0.113.7:4711", "203.0.113.7"),
        (PROXY, "[2001:db8::7]:4711", "2001:db8::7"),
        (PROXY, "::ffff:203.0.113.7", "203.0.113.7"),
        (PROXY, "unknown", PROXY),
        (PROXY, "203.0.113.7, <b>", PROXY),
        (PROXY, "", PROXY),
        (PROXY, "10.1.2.3", "10.1.2.3"),
        ("::ffff:127.0.0.1", "203.0.113.7", "203.0.113.7"),
        (STRANGER, "203.0.113.7", STRANGER),
        ("", "203.0.113.7", ""),
    ],
)
def test_the_last_that_is_no_proxy_is_who_asks(peer: str, told: str, client: str) -> None:
    scope = {"client": (peer, 1), "scheme": "http", "headers": [(b"x-forwarded-for", told.encode())]}
    Proxies("127.0.0.1, 10.0.0.0/8").unmask(scope)
    assert scope["client"][0] == client  # type: ignore[index]


def test_several_lines_are_one() -> None:
    told = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"203.0.113.7")]
    scope = {"client": (PROXY, 1), "scheme": "http", "headers": told}
    Proxies().unmask(scope)
    assert scope["client"] == ("203.0.113.7", 0)


@pytest.mark.parametrize(("peer", "scheme"), [(PROXY, "https"), (STRANGER, "http")])
def test_a_proxy_alone_says_that_it_was_asked_by_https(peer: str, scheme: str) -> None:
    scope = {"client": (peer, 1), "scheme": "http", "headers": [(b"x-forwarded-proto", b"https")]}
    Proxies().unmask(scope)
    assert scope["scheme"] == scheme
    assert (scope["headers"] != []) == (peer == PROXY)


def test_what_is_no_address_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"MAHAKAM_PROXIES.*nginx"):
        open_node(Settings(data=tmp_path, proxies="nginx"))


def _sign_in(browser: Browser, told: str, password: str) -> int:
    form = hidden(browser.get("/signin").text) | {"name": "siti", "password": password}
    return browser.post("/signin", form, **{"X-Forwarded-For": told}).status_code


def test_whoever_guesses_holds_up_nobody_else_behind_the_same_proxy(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as portal:
        accounts.add_account(
            portal.node.store.tenant(), "siti", "correct horse battery", ["officer"], ["town"]
        )
        for _ in range(throttle.LIMITS["both"]):
            assert _sign_in(portal.browser(PROXY), "203.0.113.7", "wrong wrong wrong") == 401
        assert _sign_in(portal.browser(PROXY), "203.0.113.7", "correct horse battery") == 429
        assert _sign_in(portal.browser(PROXY), "203.0.113.8", "correct horse battery") == 303


def test_who_is_no_proxy_has_one_address_whatever_they_say(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as portal:
        accounts.add_account(
            portal.node.store.tenant(), "siti", "correct horse battery", ["officer"], ["town"]
        )
        for last in range(throttle.LIMITS["both"]):
            assert _sign_in(portal.browser(STRANGER), f"203.0.113.{last}", "wrong wrong wrong") == 401
        assert _sign_in(portal.browser(STRANGER), "203.0.113.99", "correct horse battery") == 429


def test_of_several_schemes_the_proxys_own_is_the_last() -> None:
    """A proxy that adds a line leaves that of who asks before it."""
    lines = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-proto", b"http")]
    scope = {"client": (PROXY, 1), "scheme": "http", "headers": lines}
    Proxies().unmask(scope)
    assert scope["scheme"] == "http"
