"""A change of what is kept as a record: one transaction over what is there now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from mahakam.store.protocol import EntityStore, Transaction

Struct = TypeVar("Struct", bound=msgspec.Struct)


def change_record(
    store: EntityStore,
    kind: str,
    key: str,
    type: type[Struct],
    step: Callable[[Struct], Struct],
    tell: Callable[[Transaction, Struct], None] | None = None,
) -> Struct:
    """Take a step with what is kept under a key; ``tell`` owes the letters about it, in the same transaction.

    Raises KeyError for a record that there is not, and what the step raises: then nothing is changed.
    """

    def work(transaction: Transaction) -> Struct:
        kept = transaction.record(kind, key)
        if kept is None:
            raise KeyError(key)
        changed = step(msgspec.convert(kept, type))
        transaction.save_record(kind, key, msgspec.to_builtins(changed))
        if tell:
            tell(transaction, changed)
        return changed

    return store.write(work)
