"""Spans by OpenTelemetry, sent in batches from a thread of their own (OTLP over HTTP, protobuf).

What cannot be sent is given up: a receiver that is gone holds up nobody, and at most 2,048 spans wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import mahakam
from mahakam.tracing import HEADER, Facts, Kind

T = TypeVar("T")
W = TypeVar("W")
SECONDS = 3
"""How long the receiver is waited for, and the last spans of a process that ends."""
EVERY = 1_000
"""Milliseconds between two batches."""
_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
}
_W3C = TraceContextTextMapPropagator()


class Exporting:
    """The tracer of a process."""

    def __init__(self, url: str, key: str, share: float) -> None:
        facts = {"service.name": "mahakam", "service.version": mahakam.__version__}
        self._provider = TracerProvider(
            resource=Resource.create(facts),
            sampler=ParentBased(TraceIdRatioBased(share)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(
                    endpoint=url, timeout=SECONDS, headers={"authorization": f"Bearer {key}"} if key else {}
                ),
                schedule_delay_millis=EVERY,
            )
        )
        self._tracer = self._provider.get_tracer("mahakam", mahakam.__version__)

    @contextmanager
    def span(self, name: str, facts: Facts, kind: Kind, parent: str) -> Iterator[_Noted]:
        before = _W3C.extract({HEADER: parent}) if parent else None
        made = self._tracer.start_span(name, before, _KINDS[kind], dict(facts))
        token = context.attach(trace.set_span_in_context(made))
        noted = _Noted(made)
        try:
            yield noted
        except BaseException as error:
            noted.failed(type(error).__name__)
            raise
        finally:
            context.detach(token)
            made.end()

    def within(self) -> bool:
        return trace.get_current_span().get_span_context().is_valid

    def carried(self) -> str:
        found: dict[str, str] = {}
        _W3C.inject(found)
        return found.get(HEADER, "")

    def handed_over(
        self, name: str, work: Callable[[W], T], done: Callable[[Callable[[Any], object]], object]
    ) -> Callable[[W], T]:
        made = self._tracer.start_span(name)
        within = trace.set_span_in_context(made)

        def ended(future: Any) -> None:
            error = None if future.cancelled() else future.exception()
            if error is not None:
                _Noted(made).failed(type(error).__name__)
            made.end()

        def run(given: W) -> T:
            token = context.attach(within)
            try:
                return work(given)
            finally:
                context.detach(token)

        done(ended)
        return run

    def end(self) -> None:
        """OpenTelemetry itself would wait half a minute for a receiver that is gone."""
        last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(SECONDS + 1)


class _Noted:
    def __init__(self, made: trace.Span) -> None:
        self._span = made

    def note(self, facts: Facts) -> None:
        self._span.set_attributes(dict(facts))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def failed(self, why: str) -> None:
        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", why)
