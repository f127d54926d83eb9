"""Subscriptions: who wants to hear of which changes; what is owed goes into the outbox with the change."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from mahakam.broker.clock import now
from mahakam.broker.kept import selection_from_json, to_json
from mahakam.ngsild import represent
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.ngsild.match import matches
from mahakam.ngsild.problem import Problem, not_found
from mahakam.ngsild.represent import Form
from mahakam.ngsild.selection import Selection
from mahakam.store.model import Owed
from mahakam.store.protocol import EntityStore, Transaction

KIND = "subscription"
STATUS = "subscription-status"
TRIGGERS = frozenset(
    (
        "entityCreated",
        "entityUpdated",
        "entityDeleted",
        "attributeCreated",
        "attributeUpdated",
        "attributeDeleted",
    )
)
DEFAULT_TRIGGERS = ("attributeCreated", "attributeUpdated")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Names are canonical. ``payload`` is what its author sent, for answering; ``selections``: any of them.

    ``watched`` is empty for every attribute, ``attributes`` for all of them in the notification;
    ``headers`` are sent with each notification; ``expires`` is ISO 8601 UTC or "".
    """

    id: str
    payload: dict[str, Any]
    selections: tuple[Selection, ...]
    uri: str
    watched: frozenset[str] = frozenset()
    attributes: tuple[str, ...] = ()
    form: Form = "normalized"
    sys_attrs: bool = False
    accept: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    triggers: tuple[str, ...] = DEFAULT_TRIGGERS
    active: bool = True
    expires: str = ""
    lang: str = ""
    author: str = ""
    context: Context = field(default=CORE, compare=False)

    def as_record(self) -> dict[str, Any]:
        return {
            "payload": self.payload,
            "selections": [to_json(selection) for selection in self.selections],
            "uri": self.uri,
            "watched": sorted(self.watched),
            "attributes": self.attributes,
            "form": self.form,
            "sys_attrs": self.sys_attrs,
            "accept": self.accept,
            "headers": self.headers,
            "triggers": self.triggers,
            "active": self.active,
            "expires": self.expires,
            "lang": self.lang,
            "author": self.author,
            "context": None if self.context.is_core else [self.context.source, dict(self.context.terms)],
        }

    @classmethod
    def from_record(cls, id: str, record: dict[str, Any]) -> Subscription:
        known = dict(record)
        known["selections"] = tuple(map(selection_from_json, record["selections"]))
        known["watched"] = frozenset(record["watched"])
        known["headers"] = tuple((name, value) for name, value in record["headers"])
        for name in ("attributes", "triggers"):
            known[name] = tuple(record[name])
        known["context"] = Context(*record["context"]) if record["context"] else CORE
        return cls(id=id, **known)


class Subscriptions:
    """The subscriptions of one tenant, read once and again when another process has written."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store
        self._seen: int | None = None
        self._all: tuple[Subscription, ...] = ()

    # Keeping them

    def create(self, subscription: Subscription) -> None:
        """Raises Problem AlreadyExists."""

        def work(transaction: Transaction) -> None:
            if transaction.record(KIND, subscription.id) is not None:
                raise Problem("AlreadyExists", "Already exists", f"there is a subscription {subscription.id}")
            transaction.save_record(KIND, subscription.id, subscription.as_record())

        self._write(work)

    def replace(self, subscription: Subscription) -> None:
        """Raises Problem ResourceNotFound."""

        def work(transaction: Transaction) -> None:
            self._required(transaction, subscription.id)
            transaction.save_record(KIND, subscription.id, subscription.as_record())

        self._write(work)

    def delete(self, id: str) -> None:
        """The subscription, and all that it is still owed. Raises Problem ResourceNotFound."""

        def work(transaction: Transaction) -> None:
            self._required(transaction, id)
            transaction.save_record(KIND, id, None)
            transaction.save_record(STATUS, id, None)
            transaction.forgive(id)

        self._write(work)

    def get(self, id: str) -> Subscription | None:
        record = self._store.record(KIND, id)
        return Subscription.from_record(id, record) if record else None

    def all(self) -> list[Subscription]:
        """All of them, by id."""
        return [Subscription.from_record(id, record) for id, record in self._store.records(KIND).items()]

    def status(self, id: str) -> dict[str, Any]:
        """``timesSent``, ``timesFailed``, ``lastNotification``, ``lastSuccess``, ``lastFailure`` if known."""
        return self._store.record(STATUS, id) or {}

    def dead_letters(self, id: str = "", limit: int = 100, offset: int = 0) -> list[Owed]:
        """Notifications given up on, of one subscription or of all."""
        return self._store.dead_letters(id, limit, offset)

    def replay(self, numbers: Iterable[int]) -> int:
        """Put dead letters back into the outbox; how many there were of them."""
        wanted = tuple(numbers)
        return self._store.write(lambda transaction: sum(map(transaction.revive, wanted)))

    # What they are owed

    def any(self, transaction: Transaction) -> bool:
        """Whether there is a subscription at all."""
        return bool(self._current(transaction))

    def notice(self, transaction: Transaction, before: Document | None, after: Document | None) -> None:
        """Put what subscriptions are owed for this change into the outbox of the same transaction."""
        for subscription in self._current(transaction):
            if subscription.active and _concerns(subscription, before, after):
                entity = after or before
                assert entity is not None
                if subscription.expires and subscription.expires <= now():
                    continue
                transaction.owe(subscription.id, entity["id"], notification(subscription, before, after))

    def _current(self, transaction: Transaction) -> tuple[Subscription, ...]:
        seen = transaction.others()
        if seen != self._seen:
            self._all = tuple(
                Subscription.from_record(id, record) for id, record in transaction.records(KIND).items()
            )
            self._seen = seen
        return self._all

    def _write(self, work: Callable[[Transaction], None]) -> None:
        self._store.write(work)
        self._seen = None

    @staticmethod
    def _required(transaction: Transaction, id: str) -> None:
        if transaction.record(KIND, id) is None:
            raise not_found(f"no subscription {id}")


def notification(subscription: Subscription, before: Document | None, after: Document | None) -> bytes:
    """The body of a notification (clause 5.3.1); its id stays the same however often it is tried."""
    if after is not None:
        data = represent.render(
            after,
            subscription.context,
            form=subscription.form,
            sys_attrs=subscription.sys_attrs,
            attrs=subscription.attributes,
            lang=subscription.lang,
        )
    else:
        assert before is not None
        data = {"id": before["id"], "type": before["type"], "deletedAt": now()}
    body = {
        "id": f"urn:ngsi-ld:Notification:{uuid.uuid4()}",
        "type": "Notification",
        "subscriptionId": subscription.id,
        "notifiedAt": now(),
        "data": [data],
    }
    if subscription.accept == "application/ld+json":
        body = {"@context": subscription.context.with_core(), **body}
    return orjson.dumps(body)


def _concerns(subscription: Subscription, before: Document | None, after: Document | None) -> bool:
    entity = after if after is not None else before
    if entity is None:
        return False
    happened = set()
    if before is None or after is None:
        happened.add("entityCreated" if before is None else "entityDeleted")
    else:
        happened.add("entityUpdated")
    watched = subscription.watched
    old, new = before or {}, after or {}
    touched = False
    for name in old.keys() | new.keys():
        if name in ENTITY_MEMBERS or (watched and name not in watched) or old.get(name) == new.get(name):
            continue
        touched = True
        kind = "Created" if name not in old else "Deleted" if name not in new else "Updated"
        happened.add(f"attribute{kind}")
    if (watched and not touched) or happened.isdisjoint(subscription.triggers):
        return False
    return any(matches(entity, selection) for selection in subscription.selections)
