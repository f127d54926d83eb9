"""What belongs to a request but is not public: the resident's contact and the officers' notes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mahakam.services.request import Note, Private
from mahakam.store.protocol import EntityStore, Transaction

KIND = "request-private"
_MOST_NOTES = 500


def read(store: EntityStore, number: str) -> Private:
    kept = store.record(KIND, number) or {}
    notes = tuple(Note(note["at"], note["author"], note["text"]) for note in kept.get("notes", ()))
    return Private(str(kept.get("contact", "")), notes, kept.get("person", {}))


def set_contact(
    store: EntityStore, number: str, contact: str, person: Mapping[str, str] | None = None
) -> None:
    """Keep (or with "" and nothing forget) how the resident may be reached, and who they said they are."""

    def work(transaction: Transaction) -> None:
        kept: dict[str, Any] = transaction.record(KIND, number) or {}
        kept["contact"] = contact
        kept["person"] = dict(person or {})
        transaction.save_record(KIND, number, kept if any(kept.values()) else None)

    store.write(work)


def add_note(store: EntityStore, number: str, author: str, text: str) -> None:
    """Add a note below the others; two officers at once lose none."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def work(transaction: Transaction) -> None:
        kept: dict[str, Any] = transaction.record(KIND, number) or {}
        notes = [*kept.get("notes", ()), {"at": at, "author": author, "text": text}]
        transaction.save_record(KIND, number, kept | {"notes": notes[-_MOST_NOTES:]})

    store.write(work)
