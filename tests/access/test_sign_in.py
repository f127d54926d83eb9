"""Accounts, sessions, keys, attempts and forms, on a real store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mahakam.access import accounts, forms, keys, passwords, sessions, throttle
from mahakam.access.accounts import AccountError
from mahakam.access.identify import OPEN, check_open, demo_principal, is_local, principal_of
from mahakam.access.policy import Principal
from mahakam.access.secrets import signing_secret
from mahakam.config import ConfigError, Settings
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore, Store
from support import hashing

PASSWORD = "correct horse battery"


@dataclass
class Node:
    settings: Settings
    store: Store


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    store = open_store("", tmp_path)
    yield Node(Settings(data=tmp_path), store)
    store.close()


@pytest.fixture
def store(node: Node) -> EntityStore:
    return node.store.tenant()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def _cookie(store: EntityStore, value: str) -> dict[str, str]:
    return {"cookie": f'other="a;b; mahakam-language=id; {sessions.cookie_name(store)}={value}; last=1'}


# accounts


def test_the_password_is_checked_and_never_kept(store: EntityStore, tmp_path: Path) -> None:
    accounts.add_account(store, " Siti ", PASSWORD, ["officer"], ["samarinda"])
    found = accounts.verify(store, "SITI", PASSWORD)
    assert found is not None
    assert found.principal() == Principal("siti", ("officer",), ("samarinda",))
    assert accounts.verify(store, "siti", PASSWORD + "x") is None
    assert accounts.verify(store, "nobody", PASSWORD) is None
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(PASSWORD.encode() in path.read_bytes() for path in files)
    assert "$argon2id$" in found.password


def test_a_password_is_hashed_as_rfc_9106_asks() -> None:
    """The second recommended option of section 4: 64 MiB, three passes, four lanes. Other tests hash with less."""
    digest = hashing.real().hash(PASSWORD)
    assert digest.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    ("name", "password", "roles", "places", "says"),
    [
        ("siti", "short", ["admin"], [], "at least 10"),
        ("siti", "x" * 257, ["admin"], [], "at most 256"),
        ("siti", "1234567890", ["admin"], [], "known from a breach"),
        ("siti", "QwertyUIOP", ["admin"], [], "known from a breach"),
        ("siti", "Mahakam2026", ["admin"], [], "everybody here knows"),
        ("sitirahmani", "sitirahmani1", ["admin"], [], "own name"),
        ("siti", PASSWORD, ["officer"], [], "--place"),
        ("siti", PASSWORD, ["mayor"], ["x"], "must be one of resident, officer"),
        ("siti", PASSWORD, [], ["x"], "must be one of"),
        ("../siti", PASSWORD, ["admin"], [], "cannot be an account's name"),
        ("<b>", PASSWORD, ["admin"], [], "cannot be an account's name"),
    ],
)
def test_a_bad_account_is_refused_with_the_reason(
    store: EntityStore, name: str, password: str, roles: list[str], places: list[str], says: str
) -> None:
    with pytest.raises(AccountError) as error:
        accounts.add_account(store, name, password, roles, places)
    assert says in str(error.value)
    assert accounts.accounts(store) == []


def test_an_account_is_made_once_and_an_admin_is_one_everywhere(store: EntityStore) -> None:
    assert accounts.add_account(store, "budi", PASSWORD, ["admin"]).places == ("*",)
    with pytest.raises(AccountError, match="already"):
        accounts.add_account(store, "Budi", PASSWORD, ["admin"])
    assert [account.name for account in accounts.accounts(store)] == ["budi"]


# sessions


def test_a_session_is_its_cookie_until_it_ends(node: Node, store: EntityStore, clock: list[float]) -> None:
    account = accounts.add_account(store, "siti", PASSWORD, ["officer"], ["samarinda"])
    value = sessions.begin_session(store, account)
    assert principal_of(_cookie(store, value), node) == account.principal()
    assert principal_of({}, node) is None
    assert value.partition(".")[0] not in str(store.records(sessions.KIND)), "the store holds no cookie"
    clock[0] += sessions.LASTS + 1
    assert principal_of(_cookie(store, value), node) is None
    sessions.begin_session(store, account)
    assert len(store.records(sessions.KIND)) == 1, "what is over is swept out"


def test_a_cookie_that_was_tampered_with_is_nobodys(node: Node, store: EntityStore) -> None:
    account = accounts.add_account(store, "siti", PASSWORD, ["admin"])
    value = sessions.begin_session(store, account)
    session, _, signature = value.partition(".")
    other = sessions.begin_session(store, account).partition(".")[0]
    for forged in (
        session,
        f"{session}.",
        f"{other}.{signature}",
        f"{session}.{'0' * 64}",
        f".{signature}",
        "é.é",
        "." * 9,
    ):
        assert principal_of(_cookie(store, forged), node) is None, forged


def test_signing_out_another_password_and_removal_end_a_session(node: Node, store: EntityStore) -> None:
    account = accounts.add_account(store, "siti", PASSWORD, ["admin"])
    first, second = (sessions.begin_session(store, account) for _ in range(2))
    sessions.end_session(store, _cookie(store, first)["cookie"])
    assert principal_of(_cookie(store, first), node) is None
    assert principal_of(_cookie(store, second), node) is not None
    accounts.set_password(store, "siti", PASSWORD + "!")
    assert principal_of(_cookie(store, second), node) is None
    third = sessions.begin_session(store, accounts.account(store, "siti") or account)
    assert principal_of(_cookie(store, third), node) is not None
    assert accounts.remove_account(store, "siti")
    assert not accounts.remove_account(store, "siti")
    assert principal_of(_cookie(store, third), node) is None


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(store: EntityStore) -> None:
    plain, safe = (sessions.session_cookie(store, "v", secure=secure) for secure in (False, True))
    for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in plain
    assert "Secure" not in plain
    assert safe.endswith("; Secure")
    assert safe.startswith("__Host-")
    assert "Max-Age=0" in sessions.session_cookie(store, "", secure=True)


def test_a_demo_session_needs_no_account(node: Node, store: EntityStore) -> None:
    value = sessions.begin_demo_session(store, demo_principal("steward"))
    assert principal_of(_cookie(store, value), node) == Principal("demo-steward", ("steward",), ("*",))
    with pytest.raises(KeyError):
        demo_principal("mayor")


# API keys


def test_a_key_is_shown_once_and_kept_as_a_hash(
    node: Node, store: EntityStore, tmp_path: Path, clock: list[float]
) -> None:
    secret, made = keys.add_key(store, "rain gauges", ["write"], ["samarinda"], days=2)
    bearer = {"authorization": f"Bearer {secret}"}
    assert principal_of(bearer, node) == Principal("rain gauges", ("writer",), ("samarinda",), "key")
    assert principal_of({"authorization": f"bearer  {secret} "}, node) is not None
    assert not any(secret.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for wrong in (
        f"Bearer {secret}x",
        f"Bearer {made.id}",
        f"Basic {secret}",
        secret,
        "Bearer",
        "Bearer mhk_" + "x" * 500,
    ):
        assert principal_of({"authorization": wrong}, node) is None, wrong
    clock[0] += 2 * 86400 + 1
    assert principal_of(bearer, node) is None
    assert [key.over for key in keys.keys(store)] == [True]


def test_a_revoked_key_stops_at_once(node: Node, store: EntityStore) -> None:
    secret, made = keys.add_key(store, "a")
    keys.add_key(store, "b")
    with pytest.raises(AccountError, match="no one key"):
        keys.revoke_key(store, made.id[:3])
    assert keys.revoke_key(store, made.id).name == "a"
    assert principal_of({"authorization": f"Bearer {secret}"}, node) is None
    with pytest.raises(AccountError):
        keys.revoke_key(store, made.id)
    assert [key.name for key in keys.keys(store)] == ["b"]


@pytest.mark.parametrize(
    ("name", "scopes", "places", "days", "says"),
    [
        ("", ["read"], ["*"], 1, "name"),
        ("a", ["all"], ["*"], 1, "read, write, work or monitor"),
        ("a", [], ["*"], 1, "read, write, work or monitor"),
        ("a", ["read"], [], 1, "--place"),
        ("a", ["read"], ["*"], 0, "lasts"),
        ("a", ["read"], ["*"], 99999, "lasts"),
    ],
)
def test_a_bad_key_is_refused(
    store: EntityStore, name: str, scopes: list[str], places: list[str], days: int, says: str
) -> None:
    with pytest.raises(AccountError) as error:
        keys.add_key(store, name, scopes, places, days)
    assert says in str(error.value)
    assert keys.keys(store) == []


# attempts


def test_five_wrong_passwords_make_an_address_wait_for_that_name(
    store: EntityStore, clock: list[float]
) -> None:
    for _ in range(4):
        throttle.count_failure(store, "siti", "10.0.0.1")
        clock[0] += 1
    assert throttle.seconds_to_wait(store, "siti", "10.0.0.1") == 0
    throttle.count_failure(store, "siti", "10.0.0.1")
    assert 0 < throttle.seconds_to_wait(store, "siti", "10.0.0.1") <= throttle.WINDOW
    assert throttle.seconds_to_wait(store, "siti", "10.0.0.2") == 0, "the officer herself is not locked out"
    assert throttle.seconds_to_wait(store, "budi", "10.0.0.1") == 0
    assert "siti" not in str(store.records(throttle.KIND))
    clock[0] += throttle.WINDOW + 1
    assert throttle.seconds_to_wait(store, "siti", "10.0.0.1") == 0
    throttle.count_failure(store, "x", "y")
    assert len(store.records(throttle.KIND)) == 3, "what is over is swept out"


def test_one_address_cannot_try_many_names_nor_many_addresses_one(
    store: EntityStore, clock: list[float]
) -> None:
    for number in range(throttle.LIMITS["address"]):
        throttle.count_failure(store, f"name{number}", "10.0.0.1")
    assert throttle.seconds_to_wait(store, "siti", "10.0.0.1") > 0
    for number in range(throttle.LIMITS["name"]):
        throttle.count_failure(store, "siti", f"10.1.0.{number}")
    assert throttle.seconds_to_wait(store, "siti", "10.2.0.1") > 0


def test_a_sign_in_that_works_forgets_the_slips(store: EntityStore) -> None:
    for _ in range(4):
        throttle.count_failure(store, "siti", "10.0.0.1")
    throttle.forget_failures(store, "siti", "10.0.0.1")
    throttle.count_failure(store, "siti", "10.0.0.1")
    assert throttle.seconds_to_wait(store, "siti", "10.0.0.1") == 0


# forms

HOST = {"host": "kota.example:8000"}
ORIGINS = {
    "own": ({"origin": "http://kota.example:8000", "sec-fetch-site": "same-origin"}, True),
    "own, old browser": ({"origin": "http://kota.example:8000"}, True),
    "no origin, own referer": ({"referer": "http://kota.example:8000/report"}, True),
    "a tool": ({}, True),
    "no-referrer policy": ({"origin": "null", "sec-fetch-site": "same-origin"}, True),
    "another site": ({"origin": "http://evil.example", "sec-fetch-site": "cross-site"}, False),
    "another site, old browser": ({"origin": "http://evil.example"}, False),
    "another port": ({"origin": "http://kota.example:9000", "sec-fetch-site": "same-site"}, False),
    "a sandbox": ({"origin": "null"}, False),
    "a sandbox, new browser": ({"origin": "null", "sec-fetch-site": "cross-site"}, False),
    "another referer": ({"referer": "http://evil.example/kota.example:8000"}, False),
    "a lookalike": ({"origin": "http://kota.example:8000.evil.example"}, False),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_a_form_is_taken_from_our_own_page_only(store: EntityStore, case: str) -> None:
    headers, taken = ORIGINS[case]
    token = forms.form_token(store, "session")
    assert forms.is_own_form(store, HOST | headers, token, "session") is taken


def test_a_form_holds_for_its_session_and_a_day(store: EntityStore, clock: list[float]) -> None:
    token = forms.form_token(store, "session")
    assert forms.is_own_form(store, HOST, token, "session")
    assert not forms.is_own_form(store, HOST, token, "another")
    assert not forms.is_own_form(store, HOST, token, "")
    clock[0] += forms.LASTS + 1
    assert not forms.is_own_form(store, HOST, token, "session")


def test_a_token_cannot_be_made_up(store: EntityStore) -> None:
    at, _, signature = forms.form_token(store).partition(".")
    later = f"{int(at, 16) + 5000:x}"
    for made_up in ("", ".", at, f"{later}.{signature}", f"{at}.", f"{at}.é", f"x.{signature}"):
        assert not forms.is_own_form(store, HOST, made_up), made_up


# who asks


def test_an_open_node_is_open_to_its_own_machine_only(node: Node, tmp_path: Path) -> None:
    open_node = Node(Settings(data=tmp_path, open=True), node.store)
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000", "localhost"):
        assert principal_of({"host": host}, open_node) == OPEN, host
    for host in ("evil.example", "127.0.0.1.evil.example:8000", "localhost.evil.example", "10.0.0.1:8000"):
        assert principal_of({"host": host}, open_node) is None, host
    check_open(open_node.settings)
    check_open(Settings(data=tmp_path, host="0.0.0.0"))
    with pytest.raises(ConfigError, match="--open"):
        check_open(Settings(data=tmp_path, host="0.0.0.0", open=True))


@pytest.mark.parametrize(
    ("client", "headers", "local"),
    [
        ("127.0.0.1", {"host": "localhost:8000"}, True),
        ("::1", {"host": "[::1]:8000"}, True),
        ("10.0.0.1", {"host": "localhost:8000"}, False),
        (None, {"host": "localhost:8000"}, False),
        ("127.0.0.1", {"host": "kota.example"}, False),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "10.0.0.1"}, False),
    ],
)
def test_behind_a_proxy_nobody_is_local(client: str | None, headers: dict[str, str], local: bool) -> None:
    assert is_local(client, headers) is local


def test_the_secret_is_made_once(store: EntityStore) -> None:
    assert signing_secret(store) == signing_secret(store)
    assert len(signing_secret(store)) > 40


def test_cookies_of_two_nodes_on_one_host_do_not_meet(tmp_path: Path) -> None:
    stores = [open_store("", tmp_path / name) for name in ("a", "b")]
    names = {sessions.cookie_name(store.tenant()) for store in stores}
    for store in stores:
        store.close()
    assert len(names) == 2


def test_every_way_in_is_cheap(node: Node, store: EntityStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 is for the sign-in alone: a request must not pay for it."""
    account = accounts.add_account(store, "siti", PASSWORD, ["admin"])
    value = sessions.begin_session(store, account)
    secret, _ = keys.add_key(store, "a")

    def never(*_: object) -> None:
        raise AssertionError("argon2 on the hot path")

    monkeypatch.setattr(accounts, "_hasher", never)
    for headers in (_cookie(store, value), {"authorization": f"Bearer {secret}"}):
        assert principal_of(headers, node) is not None


def test_words_of_the_place_are_no_password(store: EntityStore) -> None:
    with pytest.raises(AccountError, match="everybody here knows"):
        accounts.add_account(store, "siti", "Samarinda2026", ["admin"], words={"samarinda"})
    accounts.add_account(store, "siti", "Samarinda2026", ["admin"])
    with pytest.raises(AccountError, match="everybody here knows"):
        accounts.set_password(store, "siti", "samarinda 75!", {"samarinda"})
    accounts.set_password(store, "siti", "samarinda in the rain", {"samarinda"})


def test_of_a_long_password_every_character_counts(store: EntityStore) -> None:
    longest = "a sentence " * 23 + "end"
    assert len(longest) == passwords.LONGEST
    accounts.add_account(store, "siti", longest, ["admin"])
    assert accounts.verify(store, "siti", longest) is not None
    assert accounts.verify(store, "siti", longest + "x") is None


def test_the_list_of_known_passwords_is_in_order_and_long_enough() -> None:
    content = passwords.KNOWN.read_bytes()
    digests = [content[at : at + 8] for at in range(0, len(content), 8)]
    assert digests == sorted(set(digests))
    assert len(digests) >= 3000
    for word in ("1234567890", "qwertyuiop", "PASSWORD123"):
        assert passwords.fault_of(word) == "known"


def test_a_session_that_nobody_uses_ends(node: Node, store: EntityStore, clock: list[float]) -> None:
    account = accounts.add_account(store, "siti", PASSWORD, ["admin"])
    used, idle = (_cookie(store, sessions.begin_session(store, account)) for _ in range(2))
    for _ in range(5):
        clock[0] += sessions.IDLE - 60
        assert principal_of(used, node) is not None
        sessions.keep_alive(store, used["cookie"])
    assert principal_of(idle, node) is None
    sessions.keep_alive(store, idle["cookie"])
    assert principal_of(idle, node) is None, "what is over cannot be kept alive"
    clock[0] += sessions.LASTS - 5 * (sessions.IDLE - 60)
    assert principal_of(used, node) is None, "twelve hours are the most"


def test_sessions_are_seen_and_ended(node: Node, store: EntityStore, clock: list[float]) -> None:
    account = accounts.add_account(store, "siti", PASSWORD, ["admin"])
    other = accounts.add_account(store, "budi", PASSWORD, ["admin"])
    first = _cookie(store, sessions.begin_session(store, account, agent="Firefox/1"))
    clock[0] += 10
    second = _cookie(store, sessions.begin_session(store, account))
    third = _cookie(store, sessions.begin_session(store, other))
    newest, oldest = sessions.open_sessions(store, "siti")
    assert (oldest.agent, newest.began - oldest.began) == ("Firefox/1", 10)
    assert (
        sessions.end_sessions(store, "siti", [oldest.key, sessions.open_sessions(store, "budi")[0].key]) == 1
    )
    assert [principal_of(one, node) is None for one in (first, second, third)] == [True, False, False]
    assert sessions.end_sessions(store) == 2
    assert [principal_of(one, node) for one in (second, third)] == [None, None]


def test_over_https_a_cookie_of_the_plain_name_is_no_session(node: Node, store: EntityStore) -> None:
    """Another host of the domain can put a cookie under the plain name, never under the one of https."""
    account = accounts.add_account(store, "siti", PASSWORD, ["admin"])
    name, value = (
        sessions.session_cookie(store, sessions.begin_session(store, account), secure=True)
        .partition(";")[0]
        .split("=")
    )
    assert principal_of({"cookie": f"{name}={value}"}, node) is not None
    assert principal_of({"cookie": f"{name.removeprefix(sessions.HOST)}={value}"}, node) is None
