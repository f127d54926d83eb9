"""Where candidacies are kept; the last consent makes the city a member in the same transaction."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mahakam.network.candidacy import Candidacy
from mahakam.network.plans import Seat
from mahakam.network.terms import KIND as TERM
from mahakam.network.terms import Term
from mahakam.store.protocol import EntityStore, Transaction

KIND = "network-candidacy"


def candidacies(store: EntityStore) -> dict[str, Candidacy]:
    """By the city's code."""
    return {key: msgspec.convert(kept, Candidacy) for key, kept in store.records(KIND).items()}


def change_candidacy(
    store: EntityStore, seat: Seat, step: Callable[[Candidacy], Candidacy], source: str
) -> Candidacy:
    """Take a step; a city that is admitted by it gets its term as a member, with ``source``. Raises what the step
    raises: then nothing is changed."""

    def work(transaction: Transaction) -> Candidacy:
        kept = transaction.record(KIND, seat.code)
        before = msgspec.convert(kept, Candidacy) if kept else Candidacy(key=seat.code)
        changed = step(before)
        transaction.save_record(KIND, seat.code, msgspec.to_builtins(changed))
        if changed.state == "admitted" and before.state != "admitted":
            last = changed.events[-1]
            term = Term(
                kind="member", seat=seat.code, name=seat.name, country=seat.country_code, since=changed.since,
                source=source, by=last.by, at=last.at,
            )  # fmt: skip
            transaction.save_record(TERM, term.key, msgspec.to_builtins(term))
        return changed

    return store.write(work)
