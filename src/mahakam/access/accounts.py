"""Accounts of people: name, password (Argon2id), roles and the places where the roles hold."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mahakam.access.passwords import LONGEST, SENTENCES, fault_of
from mahakam.access.policy import EVERYWHERE, PEOPLE, Principal
from mahakam.store.protocol import EntityStore, Transaction

if TYPE_CHECKING:
    from argon2 import PasswordHasher

KIND = "account"
SECOND_STEP = "second-step"
"""Records of accounts' second steps (``access.second_step``), which go with them."""
IDENTITY = "identity"
"""Records of who is which account for a provider (``access.provider``), which go with it."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")
_HASHING = threading.BoundedSemaphore(2)
"""Argon2 takes 64 MiB and a core for each check: a crowd at the door must wait, not fell the node."""


class AccountError(ValueError):
    """What is wrong with an account or a password, and what would be right, in a sentence."""


@dataclass(frozen=True, slots=True)
class Account:
    """``version`` counts password changes: a session of an older version is over.

    ``password`` is "" of an account that signs in through a provider alone. ``agencies``: ``place/code``.
    """

    name: str
    roles: tuple[str, ...]
    places: tuple[str, ...]
    password: str
    created: str
    version: int = 1
    agencies: tuple[str, ...] = ()

    def principal(self) -> Principal:
        return Principal(self.name, self.roles, self.places, agencies=self.agencies)


def normal_name(name: str) -> str:
    """The one spelling of an account's name: names differ by more than case and blanks."""
    return name.strip().casefold()


def add_account(
    store: EntityStore,
    name: str,
    password: str,
    roles: Iterable[str],
    places: Iterable[str] = (),
    agencies: Iterable[str] = (),
    words: Iterable[str] = (),
) -> Account:
    """Make an account.

    An admin without places is admin everywhere; every other role needs its places. ``words``: those of the node, of
    which no password is made (``access.passwords``). Raises AccountError.
    """
    agencies = checked_agencies(agencies)
    name = normal_name(name)
    account = _checked(name, tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(places)))
    _check_password(name, password, words)
    account = replace(account, agencies=agencies, password=_hash(password))

    def work(transaction: Transaction) -> None:
        if transaction.record(KIND, account.name):
            raise AccountError(f"there is an account {account.name!r} already; choose another name")
        transaction.save_record(KIND, account.name, as_record(account))

    store.write(work)
    return account


def set_password(store: EntityStore, name: str, password: str, words: Iterable[str] = ()) -> None:
    """Give an account another password and end its sessions. Raises AccountError."""
    name = normal_name(name)
    _check_password(name, password, words)
    digest = _hash(password)

    def work(transaction: Transaction) -> None:
        kept = transaction.record(KIND, name)
        if kept is None:
            raise AccountError(f"there is no account {name!r}")
        transaction.save_record(KIND, name, kept | {"password": digest, "version": int(kept["version"]) + 1})

    store.write(work)


def remove_account(store: EntityStore, name: str) -> bool:
    """True if there was one. Its sessions are over at once."""
    name = normal_name(name)

    def work(transaction: Transaction) -> bool:
        there = transaction.record(KIND, name) is not None
        transaction.save_record(KIND, name, None)
        if transaction.record(SECOND_STEP, name) is not None:
            transaction.save_record(SECOND_STEP, name, None)
        for key, record in transaction.records(IDENTITY).items():
            if record["account"] == name:
                transaction.save_record(IDENTITY, key, None)
        return there

    return store.write(work)


def account(store: EntityStore, name: str) -> Account | None:
    kept = store.record(KIND, normal_name(name))
    return from_record(kept) if kept else None


def accounts(store: EntityStore) -> list[Account]:
    """All accounts, by name."""
    return [from_record(record) for _, record in sorted(store.records(KIND).items())]


def verify(store: EntityStore, name: str, password: str) -> Account | None:
    """The account, if the password is its own. Takes equally long for a name that does not exist.

    0.1 to 0.2 s of CPU: run it in a thread, never on the event loop.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    found = account(store, name)
    fits = len(password) <= LONGEST
    digest = (found.password if found and fits else "") or _nobody()
    with _HASHING:
        try:
            _hasher().verify(digest, password if fits else "")
        except (VerificationError, InvalidHashError):
            return None
    return found if found and found.password else None


def is_name(name: str) -> bool:
    """Whether an account can be called so."""
    return _NAME.fullmatch(name) is not None


def _checked(name: str, roles: tuple[str, ...], places: tuple[str, ...]) -> Account:
    if not _NAME.fullmatch(name):
        raise AccountError(
            f"{name!r} cannot be an account's name; use 2 to 64 small letters, digits or "
            ". _ @ + -, e.g. siti.rahma"
        )
    unknown = [role for role in roles if role not in PEOPLE]
    if unknown or not roles:
        raise AccountError(
            f"the role {', '.join(unknown) or 'is missing; it'} must be one of {', '.join(PEOPLE)}"
        )
    if not places:
        if "admin" not in roles:
            raise AccountError(
                f"say where {name} is {' and '.join(roles)}: --place samarinda (or '*' for everywhere)"
            )
        places = (EVERYWHERE,)
    return Account(name, roles, places, "", _now())


def _check_password(name: str, password: str, words: Iterable[str]) -> None:
    if fault := fault_of(password, name, words):
        raise AccountError(SENTENCES[fault])


def _hash(password: str) -> str:
    with _HASHING:
        return _hasher().hash(password)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash("the password of nobody")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def as_record(value: Account) -> dict[str, Any]:
    """Without agencies where there are none: a version of this program that knows none reads it too."""
    record = asdict(value)
    return record if value.agencies else {name: part for name, part in record.items() if name != "agencies"}


def from_record(record: Mapping[str, Any]) -> Account:
    """The account that :func:`as_record` wrote."""
    return Account(
        **{**record, **{name: tuple(record.get(name, ())) for name in ("roles", "places", "agencies")}}
    )


def checked_agencies(agencies: Iterable[str]) -> tuple[str, ...]:
    """Raises AccountError for what is not ``place/code``."""
    found = tuple(dict.fromkeys(agencies))
    for agency in found:
        place, _, code = agency.partition("/")
        if not place or not code or "/" in code:
            raise AccountError(
                f"an agency is written with its place, e.g. samarinda/public-works, not {agency!r}"
            )
    return found
