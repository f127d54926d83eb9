"""Keeps the copies of subscriptions at sources as they should be, whatever came, went or failed (clause 5.8.1-5.8.5).

Nothing is done with the request that changes a subscription: what should be and what was sent are compared, so that
a source that was down, or a node that was killed, is made good by the next look.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

import orjson

from mahakam.broker.federation.client import Client, SourceError
from mahakam.broker.federation.copies import COPY, NOTIFY_PATH, Copy, copies_of, source_in
from mahakam.broker.federation.headers import JSON, source_headers
from mahakam.broker.federation.registration import Registration
from mahakam.broker.federation.registrations import Registrations
from mahakam.broker.notification import context_header
from mahakam.broker.subscriptions import Subscriptions
from mahakam.ngsild.context import CORE
from mahakam.ngsild.core import NULL
from mahakam.ngsild.subscription import Subscription
from mahakam.store.errors import StoreError
from mahakam.store.protocol import Transaction

_log = logging.getLogger(__name__)
LOOK = 0.5
"""Seconds between looks for what has changed."""
WHOLE = 30.0
"""Seconds between looks at everything: what expires tells nobody."""
FIRST, MOST = 1.0, 600.0
"""Seconds after which what failed is tried again: doubling from the first to the most."""
AT_ONCE = 8
_LOOP = 508
_Kind = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class _Task:
    """One request to a source. ``copy``: what it should have; None where it should have nothing.

    ``had``: the members that it was sent before.
    """

    kind: _Kind
    id: str
    source: Registration
    copy: Copy | None = None
    had: frozenset[str] = frozenset()


class Spreading:
    """The copies of one tenant's subscriptions. To be run in one process only, the one that leads.

    ``address``: scheme and host by which sources reach this node; ``alias``: its name in Via headers.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        registrations: Registrations,
        *,
        address: str,
        alias: Callable[[], str],
        private_addresses: bool = False,
    ) -> None:
        self._subscriptions = subscriptions
        self._registrations = registrations
        self._store = subscriptions.store
        self._endpoint = address + NOTIFY_PATH
        if subscriptions.tenant:
            self._endpoint += f"/{subscriptions.tenant}"
        self._alias = alias
        self._client = Client(private_addresses=private_addresses)
        self._known: tuple[Any, ...] = ()
        self._looked = float("-inf")
        self._wanted: dict[str, tuple[Subscription, list[Copy]]] = {}
        self._failures: dict[str, tuple[int, float]] = {}

    async def run(self) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                _log.error("copies of subscriptions wait: %s", error)
            except Exception:
                _log.exception("copies of subscriptions: this look ended early; the next one goes on")
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Put right what is not as it should be, as far as the sources answer."""
        tasks = await asyncio.to_thread(self._tasks)
        at_once = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._try(task, at_once) for task in tasks))

    def _tasks(self) -> list[_Task]:
        index = self._registrations.index()
        known = self._subscriptions.known(), self._subscriptions.version, index
        at = time.monotonic()
        changed = not self._known or any(
            one is not other for one, other in zip(known, self._known, strict=True)
        )
        waiting = any(until <= at for _, until in self._failures.values())
        if not changed and not waiting and at - self._looked < WHOLE:
            return []
        if not self._known or self._known[2] is not index:
            self._wanted.clear()
        self._known, self._looked = known, at
        tasks = self._compared(self._should_be(), self._store.records(COPY))
        due = [task for task in tasks if self._failures.get(task.id, (0, 0.0))[1] <= at]
        left = {task.id for task in tasks}
        self._failures = {id: tries for id, tries in self._failures.items() if id in left}
        return due

    def _should_be(self) -> dict[tuple[str, str], Copy]:
        """The copies by subscription and registration."""
        index = self._registrations.index()
        found: dict[tuple[str, str], Copy] = {}
        wanted: dict[str, tuple[Subscription, list[Copy]]] = {}
        for subscription in list(self._subscriptions.known()) if index else ():
            if subscription.about != "entities":
                continue
            old = self._wanted.get(subscription.id)
            copies = (
                old[1]
                if old is not None and old[0] is subscription and not subscription.expires
                else copies_of(subscription, index, self._store, self._alias())
            )
            wanted[subscription.id] = subscription, copies
            found |= {(subscription.id, copy.source.id): copy for copy in copies}
        self._wanted = wanted
        return found

    def _compared(
        self, wanted: Mapping[tuple[str, str], Copy], there: Mapping[str, dict[str, Any]]
    ) -> list[_Task]:
        tasks: list[_Task] = []
        kept: set[tuple[str, str]] = set()
        for id, record in there.items():
            key = record["subscription"], source_in(record).id
            copy = wanted.get(key)
            if copy is None or key in kept:
                tasks.append(_Task("delete", id, source_in(record)))
                continue
            kept.add(key)
            if record["digest"] == _digest(copy, self._endpoint):
                continue
            moved = record["source"]["endpoint"] != copy.source.payload["endpoint"]
            if moved:
                tasks.append(_Task("delete", id, source_in(record)))
                kept.discard(key)
            else:
                kind: _Kind = "update" if record["digest"] else "create"
                tasks.append(_Task(kind, id, copy.source, copy, frozenset(record["members"])))
        for key in wanted.keys() - kept:
            copy = wanted[key]
            tasks.append(_Task("create", f"urn:ngsi-ld:Subscription:{uuid4()}", copy.source, copy))
        return tasks

    async def _try(self, task: _Task, at_once: asyncio.Semaphore) -> None:
        async with at_once:
            try:
                if task.copy is None:
                    await self._delete(task)
                else:
                    await self._put(task, task.copy)
                self._failures.pop(task.id, None)
            except SourceError as error:
                failures = self._failures.get(task.id, (0, 0.0))[0] + 1
                wait = min(FIRST * 2.0 ** min(failures - 1, 30), MOST)
                self._failures[task.id] = failures, time.monotonic() + wait
                _log.warning("the copy %s at %s: %s", task.id, task.source.id, error.reason)

    async def _put(self, task: _Task, copy: Copy) -> None:
        record = {
            "subscription": copy.subscription,
            "source": copy.source.payload,
            "way": copy.way,
            "members": sorted(copy.payload),
            "digest": "",
        }
        if task.kind == "create":
            # Known before it is sent: what a killed node has sent is found again, and not left behind.
            await self._save(task.id, record)
        payload = _payload(copy, self._endpoint)
        whole = {"id": task.id, **payload}
        path = f"/subscriptions/{quote(task.id, safe=':')}"
        if task.kind == "update" and "updateSubscription" in copy.source.operations:
            changes = {**dict.fromkeys(task.had - payload.keys(), NULL), **payload}
            status = await self._send(copy, "PATCH", path, changes)
            if status == 404:
                status = await self._send(copy, "POST", "/subscriptions", whole)
        else:
            if task.kind == "update":
                await self._send(copy, "DELETE", path, None)
            status = await self._send(copy, "POST", "/subscriptions", whole)
            if status == 409:  # it was sent, and this node was cut off before it knew
                status = await self._send(copy, "PATCH", path, payload)
        if not 200 <= status < 300 and status != _LOOP:  # its answer to a loop will be the same tomorrow
            raise SourceError(299, f"it answered {status}")
        await self._save(task.id, {**record, "digest": _digest(copy, self._endpoint)})

    async def _delete(self, task: _Task) -> None:
        if "deleteSubscription" in task.source.operations:
            copy = Copy("", task.source, {}, CORE, "as is")
            path = f"/subscriptions/{quote(task.id, safe=':')}"
            status = await self._send(copy, "DELETE", path, None)
            if not 200 <= status < 300 and status != 404:
                raise SourceError(299, f"it answered {status}")
        await self._save(task.id, None)

    async def _send(self, copy: Copy, method: str, path: str, body: Any) -> int:
        headers = source_headers(
            copy.source, via=copy.via, alias=self._alias(), link=context_header(copy.context)
        )
        headers["Content-Type"] = JSON
        if body is None:
            del headers["Content-Type"]
        data = b"" if body is None else orjson.dumps(body)
        return (await self._client.send(copy.source, method, path, headers, data)).status

    async def _save(self, id: str, record: dict[str, Any] | None) -> None:
        def work(transaction: Transaction) -> None:
            transaction.save_record(COPY, id, record)

        await asyncio.wrap_future(self._store.submit(work))


def _payload(copy: Copy, endpoint: str) -> dict[str, Any]:
    """What is sent: everything but the id."""
    notification = {**copy.payload["notification"], "endpoint": {"uri": endpoint, "accept": JSON}}
    return {**copy.payload, "notification": notification}


def _digest(copy: Copy, endpoint: str) -> str:
    sent = [_payload(copy, endpoint), context_header(copy.context), copy.source.payload["endpoint"], copy.way]
    return sha256(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)).hexdigest()
