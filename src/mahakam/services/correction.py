"""What a person gave is put right wherever it is kept: address, telephone number, name (Law 27/2022 art. 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mahakam.access.known_as import known_as, same
from mahakam.access.secrets import signing_secret
from mahakam.services import consent, followers, outbox, private
from mahakam.services.data_subject import Held, Within, everywhere, find
from mahakam.services.request import clean, contact_faults, entity_id
from mahakam.store.protocol import EntityStore, Transaction

NAMES = ("first_name", "last_name")
"""What of a name is kept beside a request (Open311)."""
LONGEST = 200
ACTION = "correct.person"


class Wrong(ValueError):
    """What cannot be put right so. ``rule``: nothing, kind, neither, name; the text says what would be right."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


def correct(
    store: EntityStore,
    who: str,
    to: str = "",
    names: Mapping[str, str] | None = None,
    within: Within = everywhere,
) -> Held:
    """Put ``to`` in the place of an address or number, and these :data:`NAMES` in the place of those that are kept.

    In the requests that a person sent or follows: contact, who they said they are, news, letters that wait, and the
    mark by which their consents are found. An address becomes an address, a number a number. Raises ValueError as
    :func:`~mahakam.access.known_as.known_as`, and :class:`Wrong` for what cannot take the other's place.
    """
    wanted, given = known_as(who), {key: clean(text)[:LONGEST] for key, text in (names or {}).items() if text}
    if not to and not given:
        raise Wrong("nothing", "say what is right: an address or number in the place of this one, or a name")
    if unknown := set(given) - set(NAMES):
        raise Wrong("name", f"{', '.join(sorted(unknown))}: of a name there are {' and '.join(NAMES)}")
    if to:
        _check(wanted, to.strip())
    held, hashes = find(store, who, within), (consent.hash_of(store, wanted), _hash(store, to))
    secret = signing_secret(store)
    for number in (*held.sent, *held.followed):
        own = number in held.sent

        def work(transaction: Transaction, number: str = number, own: bool = own) -> None:
            _beside(transaction, number, wanted, to.strip(), given if own else {})
            if to:
                moved = _follow(transaction, secret, number, wanted, to.strip())
                _agreed(transaction, number, hashes, moved)
            transaction.audit(ACTION, entity_id(number))

        store.write(work)
    return held


def _check(wanted: str, to: str) -> None:
    try:
        known = known_as(to)
    except ValueError as error:
        raise Wrong("neither", str(error)) from error
    if ("@" in known) != ("@" in wanted):
        raise Wrong("kind", "an e-mail address is put right by an address, a telephone number by a number")
    if "@" in known and contact_faults(to):
        raise Wrong("neither", f"{to!r} is neither an e-mail address nor a telephone number")


def _beside(transaction: Transaction, number: str, wanted: str, to: str, names: dict[str, str]) -> None:
    kept: dict[str, Any] = transaction.record(private.KIND, number) or {}
    person: dict[str, str] = dict(kept.get("person") or {})
    right = {key: to if to and same(str(value), wanted) else value for key, value in person.items()} | names
    contact = str(kept.get("contact") or "")
    changed = kept | {"person": right, "contact": to if to and same(contact, wanted) else contact}
    if right != person or changed["contact"] != contact:
        transaction.save_record(private.KIND, number, changed)


def _follow(transaction: Transaction, secret: str, number: str, wanted: str, to: str) -> dict[str, str]:
    """News go to the right address, letters that wait too; old token → new token."""
    moved: dict[str, str] = {}
    for one in followers.listed(transaction, number):
        if same(one.email, wanted):
            moved[one.token] = followers.move(transaction, secret, number, one, to)
            outbox.readdress(transaction, number, one.email, to, {one.token: moved[one.token]})
    return moved


def _agreed(transaction: Transaction, number: str, hashes: tuple[str, str], moved: Mapping[str, str]) -> None:
    old, new = hashes
    consent.move(transaction, number, {old: new}, moved)


def _hash(store: EntityStore, text: str) -> str:
    return consent.hash_of(store, known_as(text)) if text else ""
