"""What was forgotten, by number alone, so that a backup from before does not bring it back (Law 27/2022 art. 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.services import contact_data, followers, personal, withdrawal
from mahakam.services.dossier import KIND as DOCUMENTS
from mahakam.services.dossier import documents_of, doom, sweep
from mahakam.services.photo import delete_photo
from mahakam.services.request import entity_id, from_document, utc_now
from mahakam.store.protocol import EntityStore, Transaction

KIND = "person-forgotten"
ACTION = "forget.again"


def note(store: EntityStore, sent: Collection[str], followed: Mapping[str, Collection[str]]) -> None:
    """``sent``: requests whose sender was forgotten; ``followed``: number → tokens of followers who were."""
    at = utc_now()

    def work(transaction: Transaction) -> None:
        for number in {*sent, *followed}:
            kept = transaction.record(KIND, number) or {"sent": "", "tokens": {}}
            tokens = kept["tokens"] | dict.fromkeys(followed.get(number, ()), at)
            transaction.save_record(
                KIND, number, {"sent": at if number in sent else kept["sent"], "tokens": tokens}
            )

    if sent or followed:
        store.write(work)


def again(broker: Broker, data: Path, records: Mapping[str, Mapping[str, Any]]) -> int:
    """Forget in a store that a backup was put into what ``records`` of a later one name (:data:`KIND`), and it does not
    know as forgotten yet; in how many requests."""
    store, done = broker.store, 0
    for number, record in records.items():
        known = store.record(KIND, number) or {"sent": "", "tokens": {}}
        for token in set(record["tokens"]) - set(known["tokens"]):
            followers.stop(store, number, token)
        if record["sent"] and record["sent"] != known["sent"]:
            _forget(broker, data, number)
        if record != known:
            store.write(lambda transaction, n=number, r=record: _noted(transaction, n, r))  # type: ignore[misc]
            done += 1
    sweep(store, data, dt.datetime.now(dt.UTC))
    return done


def end_matter(store: EntityStore, data: Path, number: str) -> bool:
    """Forget what a request keeps from the public, with its photos; False if all of it is public."""
    matter = personal.matter_of(store, number)
    if matter is None:
        return False
    for name in matter.photos:
        delete_photo(data, name)
    personal.forget(store, number)
    return True


def _forget(broker: Broker, data: Path, number: str) -> None:
    store = broker.store
    document = broker.get(entity_id(number))
    if not end_matter(store, data, number) and document is not None and from_document(document, "").photos:
        withdrawal.take_off_photos(broker, data, number)

    def work(transaction: Transaction) -> None:
        for one in documents_of(transaction, number).values():
            doom(transaction, one.file, dt.datetime.now(dt.UTC))
        transaction.save_record(DOCUMENTS, number, None)
        contact_data.forget(transaction, number)

    store.write(work)


def _noted(transaction: Transaction, number: str, record: Mapping[str, Any]) -> None:
    transaction.save_record(KIND, number, dict(record))
    transaction.audit(ACTION, entity_id(number))
