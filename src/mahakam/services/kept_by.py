"""The requests that somebody with an account keeps in a list of their own; a request does not tell whose it is."""

from __future__ import annotations

from mahakam.access.accounts import account
from mahakam.store.protocol import EntityStore, Transaction

KIND = "request-account"
_MOST = 1000


def keep(store: EntityStore, number: str, name: str) -> None:
    """Put a request into the list of an account."""
    of = _list(store, name)

    def work(transaction: Transaction) -> None:
        transaction.save_record(KIND, number, {"list": of})
        transaction.save_record(of, number, {})

    store.write(work)


def kept_by(store: EntityStore, name: str) -> list[str]:
    """The numbers in the list of an account, at most a thousand."""
    return store.record_keys(_list(store, name), _MOST)


def forget(transaction: Transaction, number: str) -> None:
    """Take a request out of the list that it is in."""
    kept = transaction.record(KIND, number)
    if kept:
        transaction.save_record(str(kept["list"]), number, None)
        transaction.save_record(KIND, number, None)


def _list(store: EntityStore, name: str) -> str:
    """Who gets the name of an account that is gone does not get its list."""
    found = account(store, name)
    return f"account-requests {name} {found.created if found else ''}"
