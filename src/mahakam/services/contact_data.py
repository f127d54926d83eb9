"""Everything by which the people of a request can be reached, wherever it lies, and forgetting all of it at once."""

from __future__ import annotations

from collections.abc import Iterator

from mahakam.services import consent, followers, kept_by, outbox, private, push
from mahakam.store.protocol import EntityStore, Transaction

_PAGE = 1000


def holders(store: EntityStore) -> Iterator[str]:
    """The numbers of the requests with contact data; one may come more than once."""
    for kind in (private.KIND, followers.KIND, push.KIND, kept_by.KIND):
        after = ""
        while numbers := store.record_keys(kind, _PAGE, after=after):
            after = numbers[-1]
            yield from (number for number in numbers if kind != private.KIND or _known(store, number))


def forget(transaction: Transaction, number: str) -> None:
    """Forget the contact, name and account of who sent a request, who follows it, and the mails that nobody got.

    The officers' notes and ticks stay.
    """
    kept = transaction.record(private.KIND, number) or {}
    rest = {name: value for name, value in kept.items() if name not in ("contact", "person") and value}
    transaction.save_record(private.KIND, number, rest or None)
    for kind in (followers.KIND, push.KIND):
        transaction.save_record(kind, number, None)
    kept_by.forget(transaction, number)
    # A letter that could not be delivered waits for `mahakam mail replay`: it names the address as well.
    outbox.drop(transaction, number)
    consent.forget(transaction, number)
    for key, raw in transaction.records(push.OWED).items():
        if raw["number"] == number:
            transaction.save_record(push.OWED, key, None)


def _known(store: EntityStore, number: str) -> bool:
    kept = private.read(store, number)
    return bool(kept.contact or kept.person)
