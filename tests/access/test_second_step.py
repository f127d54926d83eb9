"""The second step of a sign-in: one code once, recovery codes, turns, and what is kept of them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyotp
import pytest

from mahakam.access import accounts, second_step
from mahakam.access.second_step import confirm, offer, passed_password, required, try_code, who_passed
from mahakam.cli import run
from mahakam.config import ConfigError, Settings
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

PASSWORD = "correct horse battery"


class Clock:
    """A moment that tests move, at the beginning of a period."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 // 30 * 30

    def time(self) -> float:
        return float(self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("mahakam.access.second_step.time.time", made.time)
    return made


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path)
    accounts.add_account(opened.tenant(), "siti", PASSWORD, ["steward"], ["town"])
    yield opened.tenant()
    opened.close()


def code(secret: str, clock: Clock, periods: int = 0) -> str:
    return pyotp.TOTP(secret).at(clock.now + 30 * periods)


def set_up(store: EntityStore, clock: Clock) -> tuple[str, list[str]]:
    secret = offer(store, "siti")
    tried, codes = confirm(store, "siti", code(secret, clock))
    assert tried.right
    clock.now += 30
    return secret, codes


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B (SHA-1, of whose eight digits the last six are ours)."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, digits in (
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ):
        assert pyotp.TOTP(secret).generate_otp(at // 30) == digits


def test_it_holds_once_a_code_of_the_telephone_was_seen(store: EntityStore, clock: Clock) -> None:
    secret = offer(store, "siti")
    assert second_step.second_step(store, "siti") is None
    assert not confirm(store, "siti", "000000" if code(secret, clock) != "000000" else "111111")[0].right
    assert second_step.second_step(store, "siti") is None
    before = accounts.account(store, "siti")
    tried, codes = confirm(store, "siti", code(secret, clock))
    assert tried.right
    assert len(set(codes)) == 10
    after = accounts.account(store, "siti")
    assert before
    assert after
    assert after.version == before.version + 1, "sessions of before have ended"
    found = second_step.second_step(store, "siti")
    assert found
    assert found.left == 10
    kept = str(store.record("second-step", "siti"))
    assert not any(one in kept or one.replace("-", "") in kept for one in codes)


def test_a_code_is_good_once_and_for_a_short_time(store: EntityStore, clock: Clock) -> None:
    secret, _ = set_up(store, clock)
    now = code(secret, clock)
    assert try_code(store, "siti", f" {now[:3]} {now[3:]} ").right
    assert not try_code(store, "siti", now).right
    assert not try_code(store, "siti", code(secret, clock, -1)).right, "older than one that was used"
    assert try_code(store, "siti", code(secret, clock, 1)).right
    clock.now += 90
    assert not try_code(store, "siti", code(secret, clock, -2)).right
    assert not try_code(store, "siti", code(secret, clock, 2)).right
    assert try_code(store, "siti", code(secret, clock)).right


def test_of_several_at_once_one_gets_in(store: EntityStore, clock: Clock) -> None:
    secret, _ = set_up(store, clock)
    now, together = code(secret, clock), threading.Barrier(5)

    def go(_n: int) -> bool:
        together.wait(60)
        return try_code(store, "siti", now).right

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(go, range(5))) == 1


def test_a_recovery_code_is_good_once_however_it_is_typed(store: EntityStore, clock: Clock) -> None:
    _, codes = set_up(store, clock)
    tried = try_code(store, "siti", codes[3].replace("-", " ").upper())
    assert (tried.right, tried.recovery) == (True, True)
    assert not try_code(store, "siti", codes[3]).right
    found = second_step.second_step(store, "siti")
    assert found
    assert found.left == 9
    fresh = second_step.renew_codes(store, "siti")
    assert len(fresh) == 10
    assert not try_code(store, "siti", codes[4]).right
    assert try_code(store, "siti", fresh[0]).right


def test_whoever_guesses_must_wait(store: EntityStore, clock: Clock) -> None:
    secret, codes = set_up(store, clock)
    wrong = next(
        f"{n:06}" for n in range(9) if f"{n:06}" not in {code(secret, clock, at) for at in (-1, 0, 1)}
    )
    tries = [try_code(store, "siti", wrong) for _ in range(12)]
    assert not any(one.right for one in tries)
    assert tries[-1].wait > 0
    assert not try_code(store, "siti", code(secret, clock)).right
    assert not try_code(store, "siti", codes[0]).right
    clock.now += 15 * 60 + 1
    assert try_code(store, "siti", code(secret, clock)).right


def test_the_password_counts_for_some_minutes_and_for_its_own_purpose(
    store: EntityStore, clock: Clock
) -> None:
    own = accounts.account(store, "siti")
    assert own
    token = passed_password(store, own, "code")
    assert who_passed(store, token, "code") == own
    assert who_passed(store, token, "set up") is None
    for other in (token[:-1], token + "x", token.replace("siti", "budi"), "", "a.b.c.d", "." * 9):
        assert who_passed(store, other, "code") is None
    clock.now += second_step.LASTS + 1
    assert who_passed(store, token, "code") is None
    token = passed_password(store, own, "code")
    accounts.set_password(store, "siti", "another sentence")
    assert who_passed(store, token, "code") is None


def test_it_goes_with_the_account(store: EntityStore, clock: Clock) -> None:
    set_up(store, clock)
    accounts.remove_account(store, "siti")
    accounts.add_account(store, "siti", PASSWORD, ["steward"], ["town"])
    assert second_step.second_step(store, "siti") is None
    assert not try_code(store, "siti", "000000").right


def test_roles_may_need_it() -> None:
    settings = Settings(data=Path("x"), second_step="admin, steward")
    assert required(settings, ["officer", "steward"])
    assert not required(settings, ["officer"])
    assert not required(Settings(data=Path("x")), ["admin"])
    with pytest.raises(ConfigError, match="MAHAKAM_SECOND_STEP"):
        required(Settings(data=Path("x"), second_step="boss"), ["admin"])


def test_an_administrator_takes_it_away(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = open_store("", tmp_path)
    accounts.add_account(opened.tenant(), "siti", PASSWORD, ["steward"], ["town"])
    secret, codes = set_up(opened.tenant(), clock)
    opened.close()
    place = ["--data", str(tmp_path)]
    assert run(["user", "second-step", "Siti", *place]) == 0
    assert "10 recovery codes are left" in capsys.readouterr().out
    assert run(["user", "second-step", "siti", "--reset", *place]) == 0
    assert run(["user", "second-step", "siti", *place]) == 0
    assert "the password alone" in capsys.readouterr().out
    assert run(["user", "second-step", "nobody", *place]) == 2
    opened = open_store("", tmp_path)
    entries = list(opened.tenant().audit_chain())
    said = str(entries)
    opened.close()
    assert [one.action for one in entries if one.object == "account/siti"][-3:] == [
        "second-step.offer", "second-step.confirm", "second-step.remove",
    ]  # fmt: skip
    assert not any(word in said for word in (secret, *codes, PASSWORD))


def test_a_recovery_code_has_enough_bits_for_a_plain_hash() -> None:
    """112 bits for a code that is kept without a salt (OWASP ASVS 5.0.0, 6.5.2), 128 for any secret (11.5.1)."""
    signs = second_step._ALPHABET
    for code in second_step._new_codes():
        letters = code.replace("-", "")
        assert set(letters) <= set(signs)
        assert len(letters) * math.log2(len(signs)) >= 128
