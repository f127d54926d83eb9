"""The second step of a sign-in: a code of six digits from a telephone (TOTP, RFC 6238), or a recovery code.

A code is good for its half minute and for the one before and after it, and once: the number of its half minute is kept,
and no code of that one or of an earlier one is taken again. Recovery codes have 138 bits and are kept as SHA-256, which
needs no salt from 112 bits on.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from mahakam.access import throttle
from mahakam.access.accounts import KIND as ACCOUNT
from mahakam.access.accounts import SECOND_STEP as KIND
from mahakam.access.accounts import Account, account
from mahakam.access.policy import PEOPLE
from mahakam.access.secrets import signing_secret
from mahakam.config import ConfigError, Settings
from mahakam.store.protocol import EntityStore, Transaction

Purpose = Literal["code", "set up"]
PERIOD = 30
"""Seconds of a code (RFC 6238, 5.2: recommended)."""
AROUND = 1
"""Periods before and after the present one whose codes are taken, for clocks that differ and for slow fingers."""
CODES = 10
TURNS, WINDOW = 10, 15 * 60
"""Codes that may be tried for an account in so many seconds: of a million, three are right at a time."""
LASTS = 10 * 60
"""Seconds between the password and the code."""
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 signs of which none looks like another."""


@dataclass(frozen=True, slots=True)
class SecondStep:
    """Of an account. ``since``: when it was set up, ISO 8601 UTC. ``left``: recovery codes that are not used."""

    since: str
    left: int


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a code. ``wait``: seconds until the next may be tried, if this one was not looked at."""

    right: bool
    recovery: bool = False
    wait: int = 0


def second_step(store: EntityStore, name: str) -> SecondStep | None:
    """The account's second step; None if a password is enough."""
    kept = store.record(KIND, name)
    return SecondStep(kept["since"], len(kept["codes"])) if kept and kept["secret"] else None


def required(settings: Settings, roles: Iterable[str]) -> bool:
    """Whether somebody with these roles must have a second step. Raises ConfigError for a role that there is not."""
    asked = {role.strip() for role in settings.second_step.split(",")} - {""}
    unknown = asked - {*PEOPLE}
    if unknown:
        from pathlib import Path

        raise ConfigError(
            Path("MAHAKAM_SECOND_STEP"),
            f"{min(unknown)!r} is no role of an account; they are {', '.join(PEOPLE)}",
        )
    return not asked.isdisjoint(roles)


def offer(store: EntityStore, name: str) -> str:
    """A new secret (Base32) for the account's telephone; it is asked for once :func:`confirm` has seen a code of it."""
    import pyotp

    secret = pyotp.random_base32()

    def work(transaction: Transaction) -> None:
        kept = transaction.record(KIND, name) or _EMPTY
        transaction.save_record(KIND, name, kept | {"offered": secret})
        transaction.audit("second-step.offer", f"account/{name}")

    store.write(work)
    return secret


def offered(store: EntityStore, name: str) -> str:
    """The secret that waits to be confirmed; "" if none does."""
    return str((store.record(KIND, name) or _EMPTY)["offered"])


def address(secret: str, name: str, node: str) -> str:
    """What the QR code says (``otpauth://totp/…``)."""
    import pyotp

    return pyotp.TOTP(secret, interval=PERIOD).provisioning_uri(name=name, issuer_name=node)


def confirm(store: EntityStore, name: str, code: str) -> tuple[Tried, list[str]]:
    """The telephone has the secret that was offered: the second step is set up, and the account's sessions end.

    Returns the recovery codes, to be shown this once; none if the code is wrong.
    """
    wait = _turn(store, name)
    if wait:
        return Tried(right=False, wait=wait), []
    codes = _new_codes()

    def work(transaction: Transaction) -> bool:
        kept = transaction.record(KIND, name)
        owner = transaction.record(ACCOUNT, name)
        period = _period_of(kept["offered"], code) if kept and kept["offered"] else None
        if owner is None or period is None:
            return False
        fresh = {"secret": (kept or _EMPTY)["offered"], "offered": "", "last": period, "since": _now()}
        transaction.save_record(KIND, name, fresh | {"codes": list(map(_digest, codes))})
        transaction.save_record(ACCOUNT, name, owner | {"version": int(owner["version"]) + 1})
        transaction.audit("second-step.confirm", f"account/{name}")
        return True

    right = store.write(work)
    return Tried(right), codes if right else []


def try_code(store: EntityStore, name: str, code: str) -> Tried:
    """A code or a recovery code, which is used up. Each try takes one of the account's turns."""
    wait = _turn(store, name)
    if wait:
        return Tried(right=False, wait=wait)

    def work(transaction: Transaction) -> Tried:
        kept = transaction.record(KIND, name)
        if kept is None or not kept["secret"]:
            return Tried(right=False)
        period = _period_of(kept["secret"], code)
        if period is not None and period > kept["last"]:
            transaction.save_record(KIND, name, kept | {"last": period})
            transaction.audit("second-step.code", f"account/{name}")
            return Tried(right=True)
        digest = _digest(code)
        if digest in kept["codes"]:
            left = [one for one in kept["codes"] if one != digest]
            transaction.save_record(KIND, name, kept | {"codes": left})
            transaction.audit("second-step.recovery", f"account/{name}", {"left": len(left)})
            return Tried(right=True, recovery=True)
        return Tried(right=False)

    return store.write(work)


def renew_codes(store: EntityStore, name: str) -> list[str]:
    """Other recovery codes; those there were are void. none if the account has no second step."""
    codes = _new_codes()

    def work(transaction: Transaction) -> bool:
        kept = transaction.record(KIND, name)
        if kept is None or not kept["secret"]:
            return False
        transaction.save_record(KIND, name, kept | {"codes": list(map(_digest, codes))})
        transaction.audit("second-step.codes", f"account/{name}")
        return True

    return codes if store.write(work) else []


def remove(store: EntityStore, name: str) -> bool:
    """From now on the password is enough, and the account's sessions end; False if it was enough before."""

    def work(transaction: Transaction) -> bool:
        kept, owner = transaction.record(KIND, name), transaction.record(ACCOUNT, name)
        if kept is None:
            return False
        transaction.save_record(KIND, name, None)
        if owner is not None:
            transaction.save_record(ACCOUNT, name, owner | {"version": int(owner["version"]) + 1})
        transaction.audit("second-step.remove", f"account/{name}")
        return bool(kept["secret"])

    return store.write(work)


def passed_password(store: EntityStore, one: Account, to: Purpose) -> str:
    """What the page that follows carries: that this account's password was right, for some minutes."""
    until = f"{int(time.time()) + LASTS:x}"
    return f"{until}.{one.version}.{_signature(store, until, one, to)}.{one.name}"


def who_passed(store: EntityStore, token: str, to: Purpose) -> Account | None:
    """The account of a token of ours that still holds, and is for this; not after its password was changed."""
    until, _, rest = token.partition(".")
    version, _, rest = rest.partition(".")
    signature, _, name = rest.partition(".")
    one = account(store, name) if name else None
    if one is None or str(one.version) != version:
        return None
    if not hmac.compare_digest(signature.encode(), _signature(store, until, one, to).encode()):
        return None
    return one if int(until, 16) > time.time() else None


_EMPTY: dict[str, Any] = {"secret": "", "offered": "", "last": 0, "since": "", "codes": []}


def _period_of(secret: str, code: str) -> int | None:
    """The latest period around now whose code this is; None if it is none's."""
    import pyotp

    totp, typed = pyotp.TOTP(secret, interval=PERIOD), "".join(code.split())
    present = int(time.time()) // PERIOD
    found = [
        period
        for period in range(present - AROUND, present + AROUND + 1)
        if hmac.compare_digest(totp.generate_otp(period).encode(), typed.encode())
    ]
    return max(found, default=None)


def _turn(store: EntityStore, name: str) -> int:
    return throttle.take(store, "second-step", name, TURNS, WINDOW)


def _new_codes() -> list[str]:
    def part() -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(4))

    return ["-".join(part() for _ in range(7)) for _ in range(CODES)]


def _digest(code: str) -> str:
    """However it is typed: without blanks and hyphens, in any case."""
    return hashlib.sha256("".join(c for c in code.casefold() if c.isalnum()).encode()).hexdigest()


def _signature(store: EntityStore, until: str, one: Account, to: Purpose) -> str:
    message = f"second-step:{to}:{until}:{one.version}:{one.name}".encode()
    return hmac.new(signing_secret(store).encode(), message, hashlib.sha256).hexdigest()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
