"""What a person agreed to, and whether they still do (Law 27/2022 art. 20 to 24, 40): kept beside the request.

What is kept names nobody: of an address there is a keyed hash, by which whoever shows it again is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from mahakam.access.secrets import hashed, marking_secret
from mahakam.services.purposes import CONSENT, Purpose
from mahakam.store.protocol import EntityStore, Transaction

KIND = "request-consent"
WITHDRAW = "consent.withdraw"
_PAGE = 1000


class Withdrawn(ValueError):
    """Processing whose basis is a consent that was taken back: names the request and the purpose."""

    def __init__(self, number: str, purpose: str) -> None:
        super().__init__(f"{number}: the consent to {purpose} was withdrawn")
        self.purpose = purpose


class NotByConsent(ValueError):
    """What cannot be withdrawn, for it is not done by consent: says on which basis it is."""

    def __init__(self, purpose: str, basis: str) -> None:
        super().__init__(f"{purpose} is processed on another basis than consent: {basis}")
        self.basis = basis


@dataclass(frozen=True, slots=True)
class Given:
    """``of`` tells apart several who agreed to the same beside one request (a follower's token, a browser's hash), ""
    is whoever sent it. Moments are ISO 8601 UTC; ``how``: form, open311, mail, page, command …; ``withdrawn`` "": it
    holds. ``text``: the words that they were shown, in ``language``.
    """

    purpose: str
    basis: str
    version: str
    language: str
    text: str
    at: str
    how: str
    of: str = ""
    who: str = ""
    withdrawn: str = ""
    withdrawn_how: str = ""

    @property
    def holds(self) -> bool:
        return not self.withdrawn


class Records(Protocol):
    """A store, or a transaction."""

    def record(self, kind: str, key: str, /) -> dict[str, Any] | None: ...


def hash_of(store: EntityStore, known_as: str) -> str:
    """What is kept of an address or number (``access.known_as``)."""
    return hashed(marking_secret(store), "consent", known_as) if known_as else ""


def give(
    transaction: Transaction,
    number: str,
    purpose: Purpose,
    at: str,
    how: str,
    language: str,
    of: str = "",
    who: str = "",
) -> None:
    """Somebody agrees, or agrees again; ``who``: :func:`hash_of` their address."""
    kept = dict(transaction.record(KIND, number) or {})
    text = purpose.text.get(language) or next(iter(purpose.text.values()))
    given = Given(purpose.code, purpose.basis, purpose.version, language, text, at, how, of, who)
    kept[_key(purpose.code, of)] = {name: getattr(given, name) for name in Given.__slots__}
    transaction.save_record(KIND, number, kept)


def given(records: Records, number: str) -> list[Given]:
    """What was agreed to beside a request, the oldest first; what was withdrawn too."""
    kept = records.record(KIND, number) or {}
    return sorted((Given(**one) for one in kept.values()), key=lambda one: (one.at, one.purpose, one.of))


def may(records: Records, number: str, purpose: str, of: str = "") -> bool:
    """Whether what was given for a purpose may be used: not if its basis is a consent that was withdrawn."""
    kept = (records.record(KIND, number) or {}).get(_key(purpose, of))
    return kept is None or kept["basis"] != CONSENT or not kept["withdrawn"]


def require(records: Records, number: str, purpose: str, of: str = "") -> None:
    """Raises Withdrawn unless it :func:`may` be used."""
    if not may(records, number, purpose, of):
        raise Withdrawn(number, purpose)


def take_back(transaction: Transaction, number: str, purpose: str, at: str, how: str, of: str = "") -> bool:
    """Note that a consent was withdrawn; False if there is none that holds. Raises NotByConsent.

    What follows from it is the caller's (``services.withdrawal``).
    """
    kept = dict(transaction.record(KIND, number) or {})
    key = _key(purpose, of)
    if key not in kept or kept[key]["withdrawn"]:
        return False
    one = Given(**kept[key])
    if one.basis != CONSENT:
        raise NotByConsent(purpose, one.basis)
    kept[key] = asdict(replace(one, withdrawn=at, withdrawn_how=how))
    transaction.save_record(KIND, number, kept)
    transaction.audit(WITHDRAW, f"{KIND}/{number}", {"purpose": purpose, "how": how})
    return True


def end(transaction: Transaction, number: str, purpose: str, at: str, how: str, of: str = "") -> None:
    """Somebody wants it no more, on whatever basis it is done: a consent is noted as withdrawn."""
    with suppress(NotByConsent):
        take_back(transaction, number, purpose, at, how, of)


def take_along(store: EntityStore, number: str, other: str) -> None:
    """What whoever sent a request agreed to holds for another one that is made of it."""

    def work(transaction: Transaction) -> None:
        kept = transaction.record(KIND, number) or {}
        own = {key: one for key, one in kept.items() if not one["of"]}
        if own and transaction.record(KIND, other) is None:
            transaction.save_record(KIND, other, own)

    store.write(work)


def numbers_of(store: EntityStore, who: str) -> list[str]:
    """The requests beside which somebody agreed to something, by :func:`hash_of` their address."""
    found, after = list[str](), ""
    while numbers := store.record_keys(KIND, _PAGE, after=after):
        after = numbers[-1]
        found += [number for number in numbers if any(one.who == who for one in given(store, number))]
    return found


def move(transaction: Transaction, number: str, who: Mapping[str, str], of: Mapping[str, str]) -> None:
    """Whose address was put right is known by the new one: old → new :func:`hash_of`, old → new token."""
    kept: Mapping[str, dict[str, Any]] = transaction.record(KIND, number) or {}
    moved = {}
    for one in kept.values():
        right = one | {"who": who.get(one["who"], one["who"]), "of": of.get(one["of"], one["of"])}
        moved[_key(right["purpose"], right["of"])] = right
    if moved != kept:
        transaction.save_record(KIND, number, moved)


def forget(transaction: Transaction, number: str) -> None:
    """Whose they are is known no more; followers' and devices' go. That and when it was agreed stays, as proof."""
    kept: Mapping[str, dict[str, Any]] = transaction.record(KIND, number) or {}
    if kept:
        own = {key: one | {"who": ""} for key, one in kept.items() if not one["of"]}
        transaction.save_record(KIND, number, own or None)


def _key(purpose: str, of: str) -> str:
    return f"{purpose}:{of}" if of else purpose
