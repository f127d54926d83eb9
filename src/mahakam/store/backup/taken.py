"""When the last backup of a store was taken, which the store itself remembers."""

from __future__ import annotations

from datetime import UTC, datetime

from mahakam.store.protocol import EntityStore

_KIND, _KEY = "backup-taken", "last"


def note_taken(store: EntityStore, at: datetime) -> None:
    store.write(lambda transaction: transaction.save_record(_KIND, _KEY, {"at": at.isoformat()}))


def last_taken(store: EntityStore) -> datetime | None:
    """Also of a store that was restored: when the last backup before that was finished."""
    record = store.record(_KIND, _KEY)
    return None if record is None else datetime.fromisoformat(record["at"]).astimezone(UTC)
