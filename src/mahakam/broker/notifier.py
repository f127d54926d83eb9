"""Delivers what the outbox owes: at least once, in order per entity, with retries, then dead letters (clause 5.8.6)."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mahakam import tracing
from mahakam.broker.clock import now, waits
from mahakam.broker.endpoint import EndpointError
from mahakam.broker.http_sender import HttpSender
from mahakam.broker.mqtt_sender import IDLE, MqttSender
from mahakam.broker.part import ALL, Hold, Part
from mahakam.broker.signing import secret_of
from mahakam.broker.subscriptions import KIND, Subscriptions
from mahakam.broker.tally import kind_of, save
from mahakam.broker.turns import take_turns
from mahakam.ngsild.subscription import Subscription
from mahakam.store.errors import StoreError
from mahakam.store.model import Owed
from mahakam.store.protocol import Transaction

if TYPE_CHECKING:
    from mahakam.broker.nats_sender import NatsSender

_log = logging.getLogger(__name__)
BATCH = 100
"""Most notifications of one subscription that are settled in one transaction."""
HUB_PAUSE = 60.0
"""Seconds after which a hub that was down is tried again, however long it has been."""
AT_ONCE = 4
"""Most notifications of one subscription under way at once; those of one entity follow each other."""
_BREATH = 0.002
"""Seconds between two looks at the outbox, however often they are called for."""

_Send = Callable[[bytes], Coroutine[Any, Any, None]]
"""Sends a body; raises EndpointError."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a receiver is waited for: ``tries``, seconds between them doubling from ``first`` to ``most``.

    ``refusals``: tries where the receiver answers that it does not want it (4xx). ``pause``: seconds after which
    the outbox is looked at without being told, for what other processes owe.
    """

    tries: int = 12
    refusals: int = 5
    first: float = 1.0
    most: float = 600.0
    pause: float = 1.0

    @property
    def longest(self) -> float:
        """The most that :meth:`after` gives."""
        return self.most * 1.1

    def after(self, tries: int) -> float:
        """Seconds to wait after this many failed tries; a little random, so that many do not come at once."""
        wait = self.first * 2.0 ** min(tries - 1, 30)
        return min(wait, self.most) * random.uniform(0.9, 1.1)  # noqa: S311


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A try: ``error`` is "" if it was delivered."""

    owed: Owed
    error: str = ""
    refused: bool = False


class _Lane:
    """The way to one subscription's receiver: open, or closed until a time (of ``time.monotonic``) after failures."""

    __slots__ = ("failures", "proven", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.until = 0.0
        self.proven = False


class Notifier:
    """One thread with an event loop that looks after the outbox of one tenant.

    Every subscription has a lane of its own, so that a receiver that is slow or gone holds up nobody else.
    """

    leads: bool
    """Whether this process owes what is due by the clock, and has the work ``beside``: one process does, for all."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        *,
        private_addresses: bool = False,
        patience: Patience = Patience(),
        beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
        part: Part = ALL,
        leads: bool = True,
    ) -> None:
        """``beside``: work that goes on in the same loop while this process leads, cancelled at its end. ``part``: what
        of the outbox it delivers.
        """
        self._beside = beside
        self._besides: asyncio.Task[None] | None = None
        self._part = part
        self.leads = leads
        self._store = subscriptions.store
        self._subscriptions = subscriptions
        self._private = private_addresses
        self._patience = patience
        self._nats: NatsSender | None = None
        self._lanes: dict[str, _Lane] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        self._store.when_owed(self._called)

    def stop(self) -> None:
        """End without waiting for what is owed; what was under way is owed still and comes again."""
        self._ended = True
        self._store.when_owed(None)
        self._called()
        if self._thread.is_alive():
            self._thread.join()

    def _called(self) -> None:
        """Wake the loop, from whatever thread."""
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None and not loop.is_closed():
            loop.call_soon_threadsafe(wake.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        options: dict[str, Any] = {
            "tenant": self._subscriptions.tenant, "private_addresses": self._private
        }  # fmt: skip
        self._http = HttpSender(**options)
        self._mqtt = MqttSender(**options)
        self._ready.set()
        try:
            while not self._ended:
                wait = await self._look()
                try:
                    await asyncio.wait_for(self._wake.wait(), wait)
                except TimeoutError:
                    await self._mqtt.close(idle=IDLE)
                    if self._nats is not None:
                        await self._nats.close(idle=IDLE)
                self._wake.clear()
                await asyncio.sleep(_BREATH)
        finally:
            under_way = [*self._busy.values(), *([self._besides] if self._besides is not None else ())]
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
            await self._http.close()
            await self._mqtt.close()
            if self._nats is not None:
                await self._nats.close()

    async def _look(self) -> float:
        """Start what can be started; seconds until there may be more."""
        wait = self._patience.pause
        self._keep_beside()
        try:
            if self.leads:
                wait = min(wait, max(0.02, await asyncio.to_thread(take_turns, self._subscriptions)))
            shares = self._part.shares()
            if shares is not None and not shares:
                return wait
            for id in await asyncio.to_thread(self._store.owing, shares):
                if id in self._busy:
                    continue
                lane = self._lanes.setdefault(id, _Lane())
                closed = lane.until - time.monotonic()
                if closed > 0:
                    wait = min(wait, closed)
                    continue
                task = asyncio.get_running_loop().create_task(self._serve(id, lane))
                self._busy[id] = task
                task.add_done_callback(partial(self._done, id))
        except StoreError as error:
            _log.error("the outbox cannot be read: %s", error)
        return wait

    def _keep_beside(self) -> None:
        if self.leads and self._besides is None and self._beside is not None:
            self._besides = asyncio.get_running_loop().create_task(self._beside())
        elif not self.leads and self._besides is not None:
            self._besides.cancel()
            self._besides = None

    def _done(self, id: str, _task: asyncio.Task[None]) -> None:
        self._busy.pop(id, None)
        if self._wake is not None:
            self._wake.set()

    async def _serve(self, id: str, lane: _Lane) -> None:
        """Deliver what a subscription is owed until nothing is left, or its receiver fails."""
        try:
            while not self._ended and await self._batch(id, lane):
                pass
        except StoreError as error:
            _log.error("notifications of %s: %s", id, error)
            lane.until = time.monotonic() + self._patience.pause

    async def _batch(self, id: str, lane: _Lane) -> bool:
        """Some notifications; whether to go on."""
        subscription = self._subscriptions.known().get(id)
        status = subscription.status(now()) if subscription is not None else "expired"
        if subscription is None or status == "expired":
            await self._write(lambda transaction: transaction.forgive(id))
            return False
        if status == "paused":
            lane.until = time.monotonic() + self._patience.pause
            return False
        with self._part.held() as hold:
            return await self._deliver(subscription, lane, hold)

    async def _deliver(self, subscription: Subscription, lane: _Lane, hold: Hold) -> bool:
        """Some notifications of these shares; whether to go on."""
        id = subscription.id
        rows = self._store.owed(id, BATCH if lane.proven else 1, hold.shares)
        longest = max(self._patience.longest, subscription.endpoint.cooldown)
        due = list(takewhile(lambda row: waits(row.due, longest) <= 0, rows))
        if not due:
            lane.until = time.monotonic() + waits(rows[0].due, longest) if rows else 0.0
            return False
        chains: dict[str, list[Owed]] = {}
        for row in due:
            chains.setdefault(row.entity, []).append(row)
        at_once, send = asyncio.Semaphore(AT_ONCE), self._sending(subscription)
        self._subscriptions.sending.add(id)
        try:
            results = await asyncio.gather(
                *(self._chain(subscription, one, at_once, send, hold) for one in chains.values())
            )
            outcomes = [outcome for result in results for outcome in result]
            if not outcomes:
                return False
            slot = self._part.slot
            before = dict(self._store.record(kind_of(slot), id) or {})
            self._subscriptions.tally.heard(id, slot, counted(before, outcomes, now()))
        finally:
            self._subscriptions.sending.discard(id)
        failed = any(outcome.error for outcome in outcomes)
        lane.proven = not failed
        lane.failures = lane.failures + 1 if failed else 0
        pause = max(self._patience.after(lane.failures), subscription.endpoint.cooldown) if failed else 0.0
        if subscription.hub:
            pause = min(pause, HUB_PAUSE)
        lane.until = time.monotonic() + pause
        try:
            await self._write(self._settled(subscription, slot, outcomes, time.time() + pause))
        finally:
            self._subscriptions.tally.heard(id, slot, None)
        return not failed

    def _sending(self, subscription: Subscription) -> _Send:
        """How a batch is sent. The secret is asked for once: the store may be a round trip away."""
        if subscription.endpoint.uri.startswith("mqtt"):
            return partial(self._mqtt.send, subscription)
        if subscription.endpoint.uri.startswith(("nats:", "tls:")):
            return partial(
                self._over_nats().send, subscription, secret=secret_of(self._store, subscription.id)
            )
        return partial(self._http.send, subscription, secret=secret_of(self._store, subscription.id))

    def _over_nats(self) -> NatsSender:
        """Loaded where it is needed: most nodes send nothing to NATS."""
        if self._nats is None:
            from mahakam.broker.nats_sender import NatsSender

            self._nats = NatsSender(tenant=self._subscriptions.tenant, private_addresses=self._private)
        return self._nats

    async def _chain(
        self,
        subscription: Subscription,
        rows: Sequence[Owed],
        at_once: asyncio.Semaphore,
        send: _Send,
        hold: Hold,
    ) -> list[_Outcome]:
        """The notifications about one entity, one after the other, up to one that fails or is another process's."""
        outcomes: list[_Outcome] = []
        async with at_once:
            for row in rows:
                if not hold.stands():
                    break
                try:
                    with tracing.continued(row.trace, "deliver", _told(subscription, row), kind="producer"):
                        told = self._subscriptions.as_told(subscription, row.body)
                        if told is not None:
                            await send(told)
                except EndpointError as error:
                    outcomes.append(_Outcome(row, str(error), error.refused))
                    break
                outcomes.append(_Outcome(row))
        return outcomes

    def _settled(
        self, subscription: Subscription, slot: int, outcomes: Sequence[_Outcome], again: float
    ) -> Callable[[Transaction], None]:
        at, id = now(), subscription.id
        patience = self._patience

        def work(transaction: Transaction) -> None:
            if transaction.record(KIND, id) is None:
                return  # it has ended meanwhile, and is owed nothing
            delivered: list[int] = []
            for outcome in outcomes:
                number, tries = outcome.owed.number, outcome.owed.tries + 1
                if not outcome.error:
                    delivered.append(number)
                elif tries >= (patience.refusals if outcome.refused else _tries(subscription, patience)):
                    transaction.bury(number, outcome.error)
                else:
                    transaction.postpone(number, again, outcome.error)
            transaction.settle(*delivered)
            status = transaction.record(kind_of(slot), id) or {}
            save(transaction, slot, id, counted(status, outcomes, at))

        return work

    async def _write(self, work: Callable[[Transaction], None]) -> None:
        await asyncio.wrap_future(self._store.submit(work))


def counted(status: dict[str, Any], outcomes: Sequence[_Outcome], at: str) -> dict[str, Any]:
    """Counters and times after some tries (clause 5.2.14.2)."""
    failed = [outcome for outcome in outcomes if outcome.error]
    found = {**status, "timesSent": status.get("timesSent", 0) + len(outcomes), "lastNotification": at}
    if failed:
        found |= {"timesFailed": status.get("timesFailed", 0) + len(failed), "lastFailure": at}
        found["lastError"] = failed[-1].error
    if len(failed) < len(outcomes):
        found["lastSuccess"] = at
    return found


def _tries(subscription: Subscription, patience: Patience) -> float:
    """A hub may be down for days, and is told when it is back."""
    return inf if subscription.hub else patience.tries


def _told(subscription: Subscription, row: Owed) -> dict[str, str | int]:
    """What a span says of a try. The host and no more: the path of a receiver may be what opens it."""
    if not row.trace:
        return {}
    where = urlsplit(subscription.endpoint.uri)
    facts: dict[str, str | int] = {"url.scheme": where.scheme, "server.address": where.hostname or ""}
    return facts | {"mahakam.tries": row.tries + 1}


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
