"""Prometheus metrics: requests by room, counted as they are answered; the node's state, read when it is asked for.

With several workers each writes its counters into a file of the folder that ``PROMETHEUS_MULTIPROC_DIR`` names, and
whichever is asked adds them up (prometheus_client's multiprocess mode).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

import mahakam
from mahakam.operations.counting import FOLDER
from mahakam.operations.node import Node
from mahakam.operations.state import State, state_of
from mahakam.store.errors import StoreError

MEDIA_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_own = CollectorRegistry()
_REQUESTS = Counter(
    "mahakam_http_requests", "Requests answered, by room, method and status", ("room", "method", "status"),
    registry=_own,
)  # fmt: skip
_SECONDS = Histogram(
    "mahakam_http_request_duration_seconds", "Seconds from a request to the end of its answer, by room; "
    "an entity or page that is sent as it is stored is counted and not timed", ("room",), buckets=_BUCKETS,
    registry=_own,
)  # fmt: skip
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Room:
    """The counters of one room of the application (``ngsi-ld``, ``open311``, ``catalogue``, ``ckan``, ``pages``).

    ``parts``: how many parts of a path may be noted; what follows may be a secret link.
    """

    def __init__(self, name: str, parts: int = 1) -> None:
        self.name = name
        self.parts = parts
        self._seconds = _SECONDS.labels(name)
        self._counters: dict[tuple[str, int], Counter] = {}
        self.stored = _REQUESTS.labels(name, "GET", "200")
        """Of answers that are sent as they are stored."""

    def answered(self, method: str, status: int, began: float) -> float:
        """Count a request that began at a ``perf_counter``; the seconds it took."""
        key = method if method in METHODS else "other", status
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = _REQUESTS.labels(self.name, key[0], str(status))
        counter.inc()
        seconds = perf_counter() - began
        self._seconds.observe(seconds)
        return seconds


class _OfState(Collector):
    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state
        yield InfoMetricFamily(
            "mahakam", "The node",
            value={"version": mahakam.__version__, "store": state.store, "schema": str(state.schema)},
        )  # fmt: skip
        yield GaugeMetricFamily("mahakam_store_bytes", "Bytes of the default tenant's store", state.bytes)
        yield GaugeMetricFamily("mahakam_entities", "Entities of the default tenant", state.entities)
        yield _by("mahakam_entities_of_type", "Entities by type", ("type",), _types(state))
        queues = state.queues.items()
        yield _by("mahakam_queue_waiting", "What waits to be sent", ("queue",),
                  [((name,), one.waiting) for name, one in queues])  # fmt: skip
        yield _by("mahakam_queue_dead", "What was given up", ("queue",),
                  [((name,), one.dead) for name, one in queues])  # fmt: skip
        feeds = [((one.place, one.feed), one) for one in state.feeds]
        names = ("place", "feed")
        yield _by("mahakam_feed_held_rows", "Rows in quarantine", names, [(k, one.held) for k, one in feeds])
        yield _by("mahakam_feed_failing", "1: its file cannot be used, or its last run did not end well", names,
                  [(k, int(one.failing)) for k, one in feeds])  # fmt: skip
        yield _by("mahakam_feed_overdue_seconds", "Seconds since it should have run", names,
                  [(k, one.overdue) for k, one in feeds])  # fmt: skip
        yield _by("mahakam_feed_last_run_timestamp_seconds", "When its last run ended", names,
                  [(k, _seconds(one.ended)) for k, one in feeds if one.ended])  # fmt: skip


def exposition(node: Node) -> bytes:
    """The metrics of all workers in the text format of Prometheus; without the state if the store cannot be read,
    which ``mahakam_store_up`` says."""
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Own())
        ProcessCollector(registry=registry)
    up = 1
    try:
        registry.register(_OfState(state_of(node)))
    except StoreError:
        up = 0
    registry.register(_Up(up))
    return generate_latest(registry)


class _Own(Collector):
    def collect(self) -> Iterator[Metric]:
        return iter(_own.collect())


class _Up(Collector):
    def __init__(self, up: int) -> None:
        self._up = up

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("mahakam_store_up", "1: the store can be read", self._up)


def _types(state: State) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), number) for name, number in state.types.items()]


def _by(name: str, text: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family


def _seconds(iso: str) -> float:
    at = datetime.fromisoformat(iso)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
