"""A consent taken back: noted, and what was done by it ends in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.broker.writes import Modify
from mahakam.ngsild import patch
from mahakam.ngsild.core import NULL
from mahakam.ngsild.entity import Document
from mahakam.services import consent, followers, outbox, personal, private, push
from mahakam.services.photo import delete_photo
from mahakam.services.purposes import CONSENT, CONTACT, PHOTOS, PUSH, UPDATES
from mahakam.services.request import entity_id, from_document
from mahakam.store.acting import by_right
from mahakam.store.protocol import Transaction

AUTHOR = "resident"


def withdraw(broker: Broker, data: Path, number: str, purpose: str, how: str, at: str) -> bool:
    """Whoever sent a request takes a consent back; False if there is none that holds. Raises NotByConsent.

    The address goes with the consent to be asked by it, news with it; news alone may end and the address stay.
    Photos are taken off the request, and deleted.
    """
    store = broker.store
    matter = personal.matter_of(store, number) if purpose == PHOTOS else None
    document = broker.get(entity_id(number)) if purpose == PHOTOS else None
    names = [*(matter.photos if matter else ()), *_photos(document)]

    def work(transaction: Transaction) -> bool:
        if not consent.take_back(transaction, number, purpose, at, how):
            return False
        if purpose == CONTACT:
            consent.take_back(transaction, number, UPDATES, at, how)
            private.drop_contact(transaction, number)
        if purpose in (CONTACT, UPDATES):
            for address in followers.drop_owner(transaction, number):
                outbox.drop(transaction, number, address)
        if purpose == PUSH:
            push.drop_owner(transaction, number)
        if purpose == PHOTOS and matter:
            personal.drop_photos(transaction, number)
        return True

    if purpose != PHOTOS or not _photos(document):
        done = store.write(work)
    else:
        done = False

        def also(transaction: Transaction) -> None:
            nonlocal done
            done = work(transaction)

        with by_right():
            broker.together([Modify(entity_id(number), _without_photos, ruled=True)], AUTHOR, also)
    if done:
        for name in names:
            delete_photo(data, name)
    return done


def take_off_photos(broker: Broker, data: Path, number: str) -> bool:
    """Take the photos that somebody sent off a public request, and delete them, as if they had taken their consent
    back; False, and they stay, where they are there on another basis."""
    own = [one for one in consent.given(broker.store, number) if one.purpose == PHOTOS and not one.of]
    if any(one.basis != CONSENT for one in own):
        return False
    names = _photos(broker.get(entity_id(number)))
    with by_right():
        broker.together([Modify(entity_id(number), _without_photos, ruled=True)], AUTHOR)
    for name in names:
        delete_photo(data, name)
    return True


def _photos(document: Mapping[str, Any] | None) -> list[str]:
    return list(from_document(document, "").photos) if document is not None else []


def _without_photos(document: Document, at: str) -> patch.Change:
    gone: dict[str, Any] = {name: NULL for name in ("photos", "mediaUrl") if name in document}
    return patch.merge(document, gone, at)
