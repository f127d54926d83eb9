"""Subscriptions: kept, matched with every write, and what they are owed put into the outbox with the change."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, cast

import orjson

from mahakam.broker.changes import Changes, changes_of
from mahakam.broker.clock import now, waits
from mahakam.broker.linked import followed, has_links
from mahakam.broker.matching import Index
from mahakam.broker.notification import Datum, body, of_change, of_state
from mahakam.broker.shared import Share
from mahakam.broker.sight import Sight, Sighted, shown
from mahakam.broker.tally import Tally, forget
from mahakam.ngsild.entity import Document
from mahakam.ngsild.problem import Problem, not_found
from mahakam.ngsild.subscription import About, Subscription
from mahakam.store.model import Owed
from mahakam.store.protocol import EntityStore, Transaction

KIND = "subscription"
TURN = "subscription-turn"
"""Records ``{"next": seconds since 1970}`` of when a throttled or periodic subscription may be told again."""
ORIGIN = "subscription-origin"
"""Records ``{"via": …}`` of the way on which a subscription came that another node has passed on."""
_VERSION = "subscription-version"


Then = Callable[[Subscription, Transaction], None]
Get = Callable[[str], Document | None]
Shares = Callable[["Records", str], "Share | None"]
"""What is shared with a hub, as a store or a transaction on it has it; None: nothing."""


class Records(Protocol):
    """A store, or a transaction on it."""

    def record(self, kind: str, key: str) -> dict[str, Any] | None: ...

    def records(self, kind: str) -> dict[str, dict[str, Any]]: ...


def late(id: str) -> str:
    """The kind of the records that name the entities of which a throttled subscription has not heard yet."""
    return f"subscription-late {id}"


class Subscriptions:
    """The subscriptions of one tenant, read once and again when any of them has changed."""

    def __init__(
        self,
        store: EntityStore,
        tenant: str = "",
        told: Sight | None = None,
        shares: Shares | None = None,
    ) -> None:
        """``told``: what notifications may tell; None: all. ``shares``: what those for a hub tell."""
        self._shares = shares
        self.store = store if told is None else cast(EntityStore, Sighted(store, told))
        self._told = told
        self.tenant = tenant
        self._others: int | None = None
        self._version: str | None = None
        self._records: dict[str, dict[str, Any]] = {}
        self._index = Index()
        self.tally = Tally(self.store)
        self.sending: set[str] = set()
        self._outside: Subscriptions | None = None
        self._lock = threading.Lock()

    # Keeping them

    def create(self, subscription: Subscription, then: Then | None = None) -> None:
        """``then`` is done in the same transaction. Raises Problem AlreadyExists."""

        def work(transaction: Transaction) -> None:
            if transaction.record(KIND, subscription.id) is not None:
                raise Problem("AlreadyExists", "Already exists", f"there is a subscription {subscription.id}")
            self._save(transaction, subscription)
            if then is not None:
                then(subscription, transaction)

        self._write(work)

    def change(
        self, id: str, change: Callable[[Subscription], Subscription], then: Then | None = None
    ) -> None:
        """``then`` is done in the same transaction. Raises Problem ResourceNotFound, or what ``change`` raises."""

        def work(transaction: Transaction) -> None:
            after = change(Subscription.from_record(_required(transaction, id)))
            self._save(transaction, after)
            if then is not None:
                then(after, transaction)

        self._write(work)

    def delete(self, id: str) -> None:
        """The subscription, and all that it is still owed. Raises Problem ResourceNotFound."""

        def work(transaction: Transaction) -> None:
            _required(transaction, id)
            for kind in (KIND, TURN, ORIGIN):
                transaction.save_record(kind, id, None)
            forget(transaction, id)
            for entity in transaction.records(late(id)):
                transaction.save_record(late(id), entity, None)
            transaction.forgive(id)
            self._current(transaction).discard(id)
            self._records.pop(id, None)
            self._renew(transaction)

        self._write(work)

    def get(self, id: str, about: About = "entities") -> Subscription | None:
        record = self.store.record(KIND, id)
        found = Subscription.from_record(record) if record else None
        return found if found is not None and found.about == about else None

    def all(self, about: About = "entities") -> list[Subscription]:
        """All of them, by id."""
        every = (Subscription.from_record(record) for record in self.store.records(KIND).values())
        return [one for one in every if one.about == about]

    def status(self, id: str) -> Mapping[str, Any]:
        """``timesSent``, ``timesFailed``, ``lastNotification``, ``lastSuccess``, ``lastFailure`` if known."""
        return self.tally.of(id)

    def statuses(self) -> Mapping[str, Mapping[str, Any]]:
        """The same of all of them."""
        return self.tally.all()

    def under_way(self, id: str) -> bool:
        """Whether a receiver's answer is waited for just now, by this process."""
        return id in self.sending

    def dead_letters(self, id: str = "", limit: int = 100, offset: int = 0) -> list[Owed]:
        """Notifications given up on, of one subscription or of all."""
        return self.store.dead_letters(id, limit, offset)

    def replay(self, numbers: Iterable[int]) -> int:
        """Put dead letters back into the outbox; how many there were of them."""
        wanted = tuple(numbers)
        return self.store.write(lambda transaction: sum(map(transaction.revive, wanted)))

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget dead letters."""
        wanted = tuple(numbers)
        self.store.write(lambda transaction: transaction.settle(*wanted))

    # What they are owed

    def pass_on(self, transaction: Transaction, subscription: Subscription, data: Sequence[Datum]) -> None:
        """Owe what a context source has told: it keeps to the pauses of throttling itself."""
        at = now()
        if data and subscription.status(at) == "active":
            transaction.owe(subscription.id, data[0].document["id"], body(subscription, data, at))

    def any(self, transaction: Transaction) -> bool:
        """Whether there is a subscription at all."""
        return bool(len(self._current(transaction)))

    def notice(self, transaction: Transaction, before: Document | None, after: Document | None) -> None:
        """Put what subscriptions are owed for this change into the outbox of the same transaction."""
        index = self._current(transaction)
        if not len(index):
            return
        if self._shares is not None:
            for subscription in index.for_hubs():
                self._notice_hub(transaction, subscription, self._shares, before, after)
        get: Get = transaction.get
        if self._told is not None and self._told.names:
            told = _masked(before, self._told), _masked(after, self._told)
            if told == (None, None):
                return  # nobody is told that there is such an entity
            if before and after and told != (before, after) and _timeless(told[0]) == _timeless(told[1]):
                return  # nothing has changed but what is not told
            before, after = told
            get = partial(_get, transaction, self._told)
        changes = changes_of(before, after)
        at = ""
        for subscription in index.candidates(changes):
            if not concerns(subscription, changes, get):
                continue
            at = at or now()
            if subscription.status(at) == "active":
                self._owe(transaction, subscription, changes, at, get)

    def _notice_hub(
        self,
        transaction: Transaction,
        subscription: Subscription,
        shares: Shares,
        before: Document | None,
        after: Document | None,
    ) -> None:
        """The same for a hub: of what is shared with it in this very transaction."""
        if not _of_types(subscription, before) and not _of_types(subscription, after):
            return
        share = shares(transaction, subscription.hub)
        at = now()
        if share is None or subscription.status(at) != "active":
            return
        old = None if before is None or not _of_types(subscription, before) else share.masked(before)
        new = None if after is None or not _of_types(subscription, after) else share.masked(after)
        if (old is None and new is None) or _timeless(old) == _timeless(new):
            return
        if new is not None:  # the whole of it, so that nothing of an attribute that went needs to be told
            data = of_state(subscription, [new], transaction.get)
        else:
            data = of_change(subscription, changes_of(old, None), at, transaction.get)
        entity = (new or old or {})["id"]
        transaction.owe(subscription.id, entity, body(subscription, data, at, share.version))

    def as_told(self, subscription: Subscription, body: bytes) -> bytes | None:
        """A body that is owed, without what is shared with a hub no longer; None if nothing is left of it."""
        if not subscription.hub:
            return body
        share = self._shares(self.store, subscription.hub) if self._shares is not None else None
        if share is None:
            return None
        told = orjson.loads(body)
        if told.get("share") == share.version:
            return body
        told["data"] = [one for one in map(share.masked, told["data"]) if one is not None]
        return orjson.dumps({**told, "share": share.version}) if told["data"] else None

    def owe_hub(self, transaction: Transaction, subscription: Subscription, id: str) -> None:
        """Owe a hub an entity as it is now, and as it is shared."""
        share = self._shares(transaction, subscription.hub) if self._shares is not None else None
        if share is None:
            return
        document, at = transaction.get(id), now()
        seen = share.masked(document) if document is not None and _of_types(subscription, document) else None
        if seen is not None:
            data = of_state(subscription, [seen], transaction.get)
            transaction.owe(subscription.id, id, body(subscription, data, at, share.version))

    def of_registrations(self, transaction: Transaction) -> list[Subscription]:
        """Those that are to be told of registrations of context sources."""
        return self._current(transaction).of_registrations()

    def known(self) -> Index:
        """All subscriptions as they are in the store now, for whoever asks outside a transaction."""
        with self._lock:
            if self._outside is None:
                self._outside = Subscriptions(self.store, self.tenant)
            self._outside._refresh(self.store)
            return self._outside._index

    @property
    def version(self) -> str | None:
        """Another text than before if anything has changed since, as :meth:`known` has found it."""
        return self._outside._version if self._outside is not None else None

    def _owe(
        self, transaction: Transaction, subscription: Subscription, changes: Changes, at: str, get: Get
    ) -> None:
        entity = changes.entity["id"]
        data = of_change(subscription, changes, at, get)
        if subscription.throttling:
            turn = transaction.record(TURN, subscription.id) or {"next": 0.0}
            if waits(turn["next"], subscription.throttling) > 0:
                gone = data[0].shown if changes.after is None else None
                transaction.save_record(late(subscription.id), entity, {"gone": gone})
                return
            transaction.save_record(TURN, subscription.id, {"next": time.time() + subscription.throttling})
        transaction.owe(subscription.id, entity, body(subscription, data, at))

    def _current(self, transaction: Transaction) -> Index:
        others = transaction.others()
        if others != self._others:
            self._refresh(transaction)
            self._others = others
        return self._index

    def _refresh(self, source: Records) -> None:
        """Take over what has changed since the last look."""
        version = (source.record(_VERSION, "") or {"is": ""})["is"]
        if version == self._version:
            return
        records = source.records(KIND)
        for id in self._records.keys() - records.keys():
            self._index.discard(id)
        for id, record in records.items():
            if self._records.get(id) != record:
                self._index.put(Subscription.from_record(record))
        self._records = records
        self._version = version

    def _save(self, transaction: Transaction, subscription: Subscription) -> None:
        record = subscription.as_record()
        transaction.save_record(KIND, subscription.id, record)
        turn = {"next": time.time() + subscription.interval} if subscription.interval else None
        transaction.save_record(TURN, subscription.id, turn)
        self._current(transaction).put(subscription)
        self._records[subscription.id] = record
        self._renew(transaction)

    def _renew(self, transaction: Transaction) -> None:
        """Tell everybody else that there is something new; what this process knows is new already."""
        self._version = uuid.uuid4().hex
        transaction.save_record(_VERSION, "", {"is": self._version})

    def _write(self, work: Callable[[Transaction], None]) -> None:
        try:
            self.store.write(work)
        finally:
            self._others = None  # if the work was undone, what it told the index is put right


def concerns(subscription: Subscription, changes: Changes, get: Callable[[str], Document | None]) -> bool:
    """Whether a subscription is to be told of a change (clause 5.8.6)."""
    if subscription.interval or not changes.trigger(subscription):
        return False
    condition = subscription.condition
    if condition is not None and has_links(condition):
        condition = followed(condition, changes.entity, get)
    return subscription.selects(changes.entity, condition)


def subscription_types(subscription: Subscription) -> list[str]:
    """The entity types that a subscription for a hub names."""
    return [
        one for part in subscription.selectors if part.types for wanted in part.types.any_of for one in wanted
    ]


def _of_types(subscription: Subscription, document: Document | None) -> bool:
    if document is None:
        return False
    types = document["type"]
    wanted = subscription_types(subscription)
    return types in wanted if isinstance(types, str) else not set(wanted).isdisjoint(types)


def _masked(document: Document | None, told: Sight) -> Document | None:
    return None if document is None else shown(document, told)


def _get(transaction: Transaction, told: Sight, id: str) -> Document | None:
    return _masked(transaction.get(id), told)


def _timeless(document: Document | None) -> Document:
    return {name: part for name, part in (document or {}).items() if name != "modifiedAt"}


def _required(transaction: Transaction, id: str) -> dict[str, Any]:
    record = transaction.record(KIND, id)
    if record is None:
        raise not_found(f"no subscription {id}")
    return record
