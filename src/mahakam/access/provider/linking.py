"""From what a provider says to an account here: the one that is theirs, one that is made, or none."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mahakam.access.accounts import IDENTITY, Account, as_record, from_record, is_name, normal_name
from mahakam.access.accounts import KIND as ACCOUNT
from mahakam.access.provider.configured import Provider
from mahakam.access.provider.refused import Refused
from mahakam.store.protocol import EntityStore, Transaction


def account_of(store: EntityStore, provider: Provider, claims: Mapping[str, Any]) -> Account:
    """The account of a subject of the provider, with the roles that its claims give it now.

    Known by issuer and subject, which a provider gives nobody else, never by a name. An account that was here before,
    and is linked, keeps the roles that it was given here. Raises Refused, and takes away what a person has lost.
    """
    key = identity_key(provider.issuer, str(claims["sub"]))
    line = provider.line_of(claims)

    def work(transaction: Transaction) -> Account | Refused:
        known = transaction.record(IDENTITY, key)
        kept = transaction.record(ACCOUNT, known["account"]) if known else None
        if known and kept is not None and not known["managed"]:
            return from_record(kept)
        if known and kept is not None:
            return _as_mapped(transaction, kept, line)
        name = _linkable(transaction, provider, claims)
        if name:
            transaction.save_record(IDENTITY, key, _identity(provider, claims, name, managed=False))
            transaction.audit("account.link", f"account/{name}", {"issuer": provider.issuer})
            return from_record(transaction.record(ACCOUNT, name) or {})
        return _made(transaction, key, line)

    def _made(transaction: Transaction, key: str, line: Any) -> Account | Refused:
        if line is None:
            return Refused("role", f"no line of roles holds for {_who(provider, claims)}")
        name = normal_name(str(claims.get(provider.account) or ""))
        if not is_name(name):
            return Refused(
                "claims", f"the claim {provider.account} is missing or cannot be a name: {name!r:.80}"
            )
        if transaction.record(ACCOUNT, name) is not None:
            return Refused("taken", f"the account {name} is another's")
        made = Account(name, line.roles, line.places, "", _now(), agencies=line.agencies)
        transaction.save_record(ACCOUNT, name, as_record(made))
        transaction.save_record(IDENTITY, key, _identity(provider, claims, name, managed=True))
        return made

    found = store.write(work)
    if isinstance(found, Refused):
        raise found
    return found


def is_linked(store: EntityStore, name: str) -> bool:
    """Whether a provider vouches for this account."""
    return any(record["account"] == name for record in store.records(IDENTITY).values())


def _as_mapped(transaction: Transaction, kept: dict[str, Any], line: Any) -> Account | Refused:
    before = from_record(kept)
    held = (line.roles, line.places, line.agencies) if line else ((), (), ())
    if (before.roles, before.places, before.agencies) != held:
        roles, places, agencies = held
        before = replace(before, roles=roles, places=places, agencies=agencies, version=before.version + 1)
        transaction.save_record(ACCOUNT, before.name, as_record(before))
    if line is None:
        return Refused("role", f"no line of roles holds any more for {before.name}")
    return before


def _linkable(transaction: Transaction, provider: Provider, claims: Mapping[str, Any]) -> str:
    """The account here whose name is the address that the provider has verified; "" if there is none to be linked.

    Not an administrator's: whoever can set an address at the provider would be one. Not one that is linked already.
    """
    if not provider.link or claims.get("email_verified") is not True:
        return ""
    name = normal_name(str(claims.get("email") or ""))
    kept = transaction.record(ACCOUNT, name) if "@" in name else None
    if kept is None or "admin" in kept["roles"] or not kept["password"]:
        return ""
    linked = any(record["account"] == name for record in transaction.records(IDENTITY).values())
    return "" if linked else name


def _identity(provider: Provider, claims: Mapping[str, Any], name: str, *, managed: bool) -> dict[str, Any]:
    """``managed``: its roles are the provider's to give and take."""
    return {
        "account": name, "issuer": provider.issuer, "subject": str(claims["sub"]), "managed": managed, "since": _now(),
    }  # fmt: skip


def _who(provider: Provider, claims: Mapping[str, Any]) -> str:
    return f"{str(claims.get(provider.account) or '')[:80]} (sub {str(claims['sub'])[:80]})".strip()


def identity_key(issuer: str, subject: str) -> str:
    """Under which it is kept whose account a subject's is."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
