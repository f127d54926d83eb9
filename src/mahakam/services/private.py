"""What belongs to a request but is not public: the resident's contact and the officers' notes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mahakam.services import consent
from mahakam.services.purposes import CONTACT
from mahakam.services.request import Note, Private
from mahakam.store.protocol import EntityStore, Transaction

KIND = "request-private"
ASSIGNED = "request-assigned"
_MOST_NOTES = 500


def read(store: EntityStore, number: str) -> Private:
    kept = store.record(KIND, number) or {}
    notes = tuple(
        Note(note["at"], note["author"], note["text"], note.get("act", "")) for note in kept.get("notes", ())
    )
    return Private(
        str(kept.get("contact", "")),
        notes,
        kept.get("person", {}),
        str(kept.get("assignee", "")),
        frozenset(kept.get("done", ())),
    )


def set_contact(
    store: EntityStore, number: str, contact: str, person: Mapping[str, str] | None = None
) -> None:
    """Keep (or with "" and nothing forget) how the resident may be reached, and who they said they are."""
    store.write(lambda transaction: put_contact(transaction, number, contact, person))


def put_contact(
    transaction: Transaction, number: str, contact: str, person: Mapping[str, str] | None = None
) -> None:
    """:func:`set_contact` in a transaction that does more. Raises Withdrawn for a contact whose use was forbidden."""
    if contact:
        consent.require(transaction, number, CONTACT)
    kept: dict[str, Any] = transaction.record(KIND, number) or {}
    kept["contact"] = contact
    kept["person"] = dict(person or {})
    transaction.save_record(KIND, number, kept if any(kept.values()) else None)


def drop_contact(transaction: Transaction, number: str) -> None:
    """Forget how the resident may be reached; who they said they are stays."""
    kept: dict[str, Any] = transaction.record(KIND, number) or {}
    put_contact(transaction, number, "", kept.get("person", {}))


def add_note(store: EntityStore, number: str, author: str, text: str) -> None:
    """Add a note below the others; two officers at once lose none."""

    def work(transaction: Transaction) -> None:
        kept: dict[str, Any] = transaction.record(KIND, number) or {}
        transaction.save_record(KIND, number, noted(kept, author, text))

    store.write(work)


def noted(kept: Mapping[str, Any], author: str, text: str, act: str = "") -> dict[str, Any]:
    """What is kept of a request with one note more."""
    note = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "author": author, "text": text}
    notes = [*kept.get("notes", ()), note | ({"act": act} if act else {})]
    return {**kept, "notes": notes[-_MOST_NOTES:]}


def assign(store: EntityStore, number: str, seen: str, person: str, author: str) -> bool:
    """Give a request to a person ("": nobody); False, and nothing is changed, if it is not ``seen``'s any more."""

    def work(transaction: Transaction) -> bool:
        kept: dict[str, Any] = transaction.record(KIND, number) or {}
        before = str(kept.get("assignee", ""))
        if before != seen:
            return False
        if before != person:
            if before:
                transaction.save_record(f"{ASSIGNED} {before}", number, None)
            if person:
                transaction.save_record(f"{ASSIGNED} {person}", number, {})
            transaction.save_record(
                KIND, number, noted(kept, author, person, "assigned") | {"assignee": person}
            )
        return True

    return store.write(work)


def assigned_to(store: EntityStore, person: str) -> list[str]:
    """The numbers of the requests that a person was given, settled ones too."""
    return store.record_keys(f"{ASSIGNED} {person}", 5000)


def tick(store: EntityStore, number: str, points: Mapping[int, bool]) -> None:
    """Tick points of the checklist, or untick them; the others stay as they are, whoever ticked them meanwhile."""

    def work(transaction: Transaction) -> None:
        kept: dict[str, Any] = transaction.record(KIND, number) or {}
        transaction.save_record(KIND, number, ticked(kept, points))

    store.write(work)


def ticked(kept: Mapping[str, Any], points: Mapping[int, bool]) -> dict[str, Any]:
    """What is kept of a request with these points ticked or unticked."""
    done = set(kept.get("done", ()))
    done |= {point for point, yes in points.items() if yes}
    done -= {point for point, yes in points.items() if not yes}
    return {**kept, "done": sorted(done)}
