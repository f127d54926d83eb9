"""Delivers what the outbox owes: at least once, in order per entity, with retries, then dead letters."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from mahakam.broker.clock import now
from mahakam.broker.endpoint import EndpointError, deliver
from mahakam.broker.subscriptions import STATUS, Subscription, Subscriptions
from mahakam.store.errors import StoreError
from mahakam.store.model import Owed
from mahakam.store.protocol import EntityStore, Transaction

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a receiver is waited for: ``tries``, seconds between them doubling from ``first`` to ``most``.

    ``pause``: seconds after which the outbox is looked at without being told, for what other processes owe.
    """

    tries: int = 12
    first: float = 1.0
    most: float = 600.0
    pause: float = 1.0

    def after(self, tries: int) -> float:
        """Seconds to wait after this many failed tries; a little random, so that many do not come at once."""
        return min(self.first * 2.0 ** (tries - 1), self.most) * random.uniform(0.9, 1.1)  # noqa: S311


class Notifier:
    """One thread that looks after the outbox of one tenant, and a few that wait for receivers."""

    def __init__(
        self,
        store: EntityStore,
        subscriptions: Subscriptions,
        *,
        private_addresses: bool = False,
        patience: Patience = Patience(),
        threads: int = 8,
        at_once: int = 4,
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._private = private_addresses
        self._patience = patience
        self._at_once = at_once
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="notify")
        self._threads = threads
        self._under_way: set[tuple[str, str]] = set()
        self._finished: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        self._store.when_owed(self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        """End without waiting for what is owed; what was under way is owed still and comes again."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                started = self._start_due()
            except StoreError as error:
                _log.error("the outbox cannot be read: %s", error)
                started = 0
            if started:
                continue
            self._wake.wait(self._patience.pause)
            self._wake.clear()

    def _start_due(self) -> int:
        """Hand notifications whose turn it is to the waiting threads; how many."""
        # What finished stays under way until here, before the outbox is read anew: a row read earlier
        # may have been delivered meanwhile, and would be sent twice.
        while not self._finished.empty():
            self._under_way.discard(self._finished.get())
        room = self._threads - len(self._under_way)
        busy = Counter(subscription for subscription, _ in self._under_way)
        if room <= 0:
            return 0
        started = 0
        full = [subscription for subscription, number in busy.items() if number >= self._at_once]
        for owed in self._store.owed(time.time(), limit=200, without=full):
            key = (owed.subscription, owed.entity)
            if key in self._under_way or busy[owed.subscription] >= self._at_once:
                continue
            self._under_way.add(key)
            busy[owed.subscription] += 1
            self._pool.submit(self._deliver, owed)
            started += 1
            if started == room:
                break
        return started

    def _deliver(self, owed: Owed) -> None:
        try:
            subscription = self._subscriptions.get(owed.subscription)
            if subscription is None:
                self._store.write(lambda transaction: transaction.settle(owed.number))
            else:
                self._attempt(owed, subscription)
        except StoreError as error:
            _log.error("notification %s of %s: %s", owed.number, owed.subscription, error)
            self._ended.wait(self._patience.pause)
        finally:
            self._finished.put((owed.subscription, owed.entity))
            self._wake.set()

    def _attempt(self, owed: Owed, subscription: Subscription) -> None:
        try:
            deliver(
                subscription.uri,
                owed.body,
                {"content-type": subscription.accept, **dict(subscription.headers)},
                private_addresses=self._private,
            )
        except EndpointError as failure:
            error = str(failure)
        else:
            error = ""
        self._store.write(self._outcome(owed, error))

    def _outcome(self, owed: Owed, error: str) -> Callable[[Transaction], None]:
        at = now()
        tries = owed.tries + 1

        def work(transaction: Transaction) -> None:
            if not error:
                transaction.settle(owed.number)
            elif tries >= self._patience.tries:
                transaction.bury(owed.number, error)
            else:
                transaction.postpone(owed.number, time.time() + self._patience.after(tries), error)
            status = transaction.record(STATUS, owed.subscription) or {}
            status["timesSent"] = status.get("timesSent", 0) + 1
            status["lastNotification"] = at
            if error:
                status["timesFailed"] = status.get("timesFailed", 0) + 1
                status["lastFailure"] = at
                status["lastError"] = error
            else:
                status["lastSuccess"] = at
            transaction.save_record(STATUS, owed.subscription, status)

        return work
