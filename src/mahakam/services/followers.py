"""Who gets mail about a request: the resident who left an address, and whoever asked for it and confirmed.

Addresses are private records beside the request, never part of it; nobody can ask whether one is there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.access.secrets import signing_secret
from mahakam.services import consent
from mahakam.services.purposes import UPDATES
from mahakam.store.protocol import EntityStore, Transaction

KIND = "request-followers"
Also = Callable[[Transaction, "Follower"], object]
MOST = 500
"""People who may follow one request by mail."""


@dataclass(frozen=True, slots=True)
class Follower:
    """``token`` proves that somebody reads the mail of this address; ``owner``: the resident who reported."""

    email: str
    language: str
    token: str
    owner: bool
    confirmed: bool


def _token(secret: str, number: str, email: str) -> str:
    """What only the mail to this address about this request says; kept, so that it outlives the secret."""
    text = f"follow:{number}:{email.strip().casefold()}".encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def add(
    store: EntityStore, number: str, email: str, language: str, *, owner: bool = False, told: int = 0
) -> Follower | None:
    """Take an address down: the owner's at once, another's to be confirmed. None when there are too many.

    An address that is there already stays as it is. ``told``: the steps that are no news to the first follower.
    """
    secret = signing_secret(store)
    return store.write(
        lambda transaction: put(transaction, secret, number, email, language, owner=owner, told=told)
    )


def put(
    transaction: Transaction,
    secret: str,
    number: str,
    email: str,
    language: str,
    *,
    owner: bool = False,
    told: int = 0,
) -> Follower | None:
    """:func:`add` in a transaction that does more; ``secret``: the node's, read before. Raises Withdrawn for an
    owner's address to which news were forbidden."""
    if owner:
        consent.require(transaction, number, UPDATES)
    kept = _kept(transaction.record(KIND, number) or {"told": told})
    token = _there(kept, email) or _token(secret, number, email)
    if token not in kept["followers"]:
        if len(kept["followers"]) >= MOST:
            return None
        kept["followers"][token] = {
            "email": email.strip(),
            "language": language,
            "owner": owner,
            "confirmed": owner,
        }
        transaction.save_record(KIND, number, kept)
    return _follower(token, kept["followers"][token])


def _there(kept: Mapping[str, Any], email: str) -> str:
    """The token of an address that follows already, whichever secret made it; "" for one that does not."""
    wanted = email.strip().casefold()
    same = (token for token, raw in kept["followers"].items() if raw["email"].strip().casefold() == wanted)
    return next(same, "")


def find(store: EntityStore, number: str, token: str) -> Follower | None:
    """The follower with this token."""
    raw = _kept(store.record(KIND, number))["followers"].get(token)
    return _follower(token, raw) if raw else None


def of(store: EntityStore, number: str) -> list[Follower]:
    """Whoever gets mail about a request, or would once they confirm."""
    return listed(store, number)


def listed(records: consent.Records, number: str) -> list[Follower]:
    """:func:`of`, in a transaction too."""
    kept = _kept(records.record(KIND, number))
    return [_follower(token, raw) for token, raw in kept["followers"].items()]


def confirm(
    store: EntityStore, number: str, token: str, also: Also = lambda _transaction, _follower: None
) -> bool:
    """The address is read by who asked. False if there is no such follower; ``also`` is done with it."""
    return _change(store, number, token, {"confirmed": True}, also)


def stop(
    store: EntityStore, number: str, token: str, also: Also = lambda _transaction, _follower: None
) -> bool:
    """No more mail, and the address is forgotten. False if there is no such follower; ``also`` is done with it."""
    return _change(store, number, token, None, also)


def move(transaction: Transaction, secret: str, number: str, one: Follower, email: str) -> str:
    """The news of a follower go to another address of theirs from now on; its token. Links of the old one end."""
    kept = _kept(transaction.record(KIND, number))
    raw = kept["followers"].pop(one.token)
    token = _there(kept, email) or _token(secret, number, email)
    kept["followers"].setdefault(token, raw | {"email": email})
    transaction.save_record(KIND, number, kept)
    return token


def drop_owner(transaction: Transaction, number: str) -> list[str]:
    """Forget the addresses of whoever sent the request; which they were."""
    kept = _kept(transaction.record(KIND, number))
    gone = {token: raw for token, raw in kept["followers"].items() if raw["owner"]}
    if gone:
        left = {token: raw for token, raw in kept["followers"].items() if token not in gone}
        transaction.save_record(KIND, number, kept | {"followers": left} if left else None)
    return [raw["email"] for raw in gone.values()]


def take_along(store: EntityStore, number: str, other: str, told: int) -> None:
    """Whoever follows a request follows another one as well, from its step ``told`` on."""
    for raw in _kept(store.record(KIND, number))["followers"].values():
        if raw["confirmed"]:
            one = add(store, other, raw["email"], raw["language"], owner=raw["owner"], told=told)
            if one is not None:
                confirm(store, other, one.token)


def told(transaction: Transaction, number: str) -> tuple[int, list[Follower]]:
    """How many steps of the request were mailed, and to whom news go."""
    kept = _kept(transaction.record(KIND, number))
    people = [_follower(token, raw) for token, raw in kept["followers"].items() if raw["confirmed"]]
    may = [one for one in people if consent.may(transaction, number, UPDATES, "" if one.owner else one.token)]
    return int(kept["told"]), may


def tell(transaction: Transaction, number: str, steps: int) -> None:
    """So many steps are mailed now."""
    kept = _kept(transaction.record(KIND, number))
    transaction.save_record(KIND, number, kept | {"told": steps})


def _kept(record: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"told": 0, "followers": {}} | dict(record or {})


def _follower(token: str, raw: Mapping[str, Any]) -> Follower:
    return Follower(raw["email"], raw["language"], token, raw["owner"], raw["confirmed"])


def _change(
    store: EntityStore, number: str, token: str, changes: Mapping[str, Any] | None, also: Also
) -> bool:
    def work(transaction: Transaction) -> bool:
        kept = _kept(transaction.record(KIND, number))
        if token not in kept["followers"]:
            return False
        also(transaction, _follower(token, kept["followers"][token]))
        if changes is None:
            del kept["followers"][token]
        else:
            kept["followers"][token] |= changes
        transaction.save_record(KIND, number, kept if kept["followers"] else None)
        return True

    return store.write(work)
