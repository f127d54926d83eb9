"""Who did which exercise: kept once the node has verified it, with what proves it."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from mahakam.learning.facts import Proof
from mahakam.store.protocol import EntityStore, Transaction

KIND = "learning-completion"


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """``at``: when it was verified (UTC, ISO 8601); ``name``: the person, as their office or account names them."""

    account: str
    name: str
    place: str
    path: str
    exercise: str
    at: str
    proof: Proof

    @property
    def key(self) -> str:
        return "/".join(quote(part, safe="") for part in (self.account, self.place, self.path, self.exercise))


def completions(store: EntityStore, path: str = "", place: str = "") -> list[Completion]:
    """The latest first."""
    found = [msgspec.convert(kept, Completion) for kept in store.records(KIND).values()]
    wanted = [one for one in found if path in ("", one.path) and place in ("", one.place)]
    return sorted(wanted, key=lambda one: (one.at, one.key), reverse=True)


def keep(store: EntityStore, made: Completion) -> Completion:
    """The first time counts: done again it stays as it was."""

    def work(transaction: Transaction) -> Completion:
        before = transaction.record(KIND, made.key)
        if before is not None:
            return msgspec.convert(before, Completion)
        transaction.save_record(KIND, made.key, msgspec.to_builtins(made))
        return made

    return store.write(work)
