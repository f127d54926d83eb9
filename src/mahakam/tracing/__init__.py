"""Traces: what one write or one run of a feed led to, from where it came in to the last notification of it.

Off, every call of this module is one comparison, and OpenTelemetry is not even imported. What a span says is chosen
where it is made, and is never a value, an id of an entity, a name of a person, a path or a header: of an error its
class alone. The trace travels as W3C Trace Context says (``traceparent``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
W = TypeVar("W")
Kind = Literal["internal", "server", "client", "producer"]
Facts = Mapping[str, str | int]
HEADER = "traceparent"
_NO_FACTS: Facts = MappingProxyType({})


class Span(Protocol):
    """A step of a trace that is under way."""

    def note(self, facts: Facts) -> None: ...

    def rename(self, name: str) -> None: ...

    def failed(self, why: str) -> None:
        """``why``: the class of an error, or a status."""


class Tracer(Protocol):
    """What a span is made with; there is one in a process that traces, see :mod:`mahakam.tracing.exporting`."""

    def span(self, name: str, facts: Facts, kind: Kind, parent: str) -> AbstractContextManager[Span]: ...

    def within(self) -> bool: ...

    def carried(self) -> str: ...

    def handed_over(self, name: str, work: Callable[[W], T], done: _Done) -> Callable[[W], T]: ...

    def end(self) -> None: ...


_Done = Callable[[Callable[[Any], object]], object]


class _NoSpan:
    def note(self, facts: Facts) -> None: ...

    def rename(self, name: str) -> None: ...

    def failed(self, why: str) -> None: ...


_NOWHERE: AbstractContextManager[Span] = nullcontext(_NoSpan())
_tracer: Tracer | None = None


def on() -> bool:
    """Whether this process traces."""
    return _tracer is not None


def begun(
    name: str, facts: Facts = _NO_FACTS, *, kind: Kind = "internal", parent: str = ""
) -> AbstractContextManager[Span]:
    """A span that begins a trace, or goes on with that of ``parent`` (a ``traceparent``) or the one under way."""
    return _NOWHERE if _tracer is None else _tracer.span(name, facts, kind, parent)


def span(name: str, facts: Facts = _NO_FACTS, *, kind: Kind = "internal") -> AbstractContextManager[Span]:
    """A span of the trace under way; nothing where none is."""
    return _NOWHERE if _tracer is None or not _tracer.within() else _tracer.span(name, facts, kind, "")


def continued(
    parent: str, name: str, facts: Facts = _NO_FACTS, *, kind: Kind
) -> AbstractContextManager[Span]:
    """A span of the trace that ``parent`` is of; nothing if it is ""."""
    return _NOWHERE if _tracer is None or not parent else _tracer.span(name, facts, kind, parent)


def carried() -> str:
    """The ``traceparent`` of the span under way; "" where there is none."""
    return "" if _tracer is None else _tracer.carried()


def trace() -> str:
    """The id of the trace under way, 32 hexadecimal digits; "" where there is none."""
    return carried()[3:35]


def handed_over(
    name: str, work: Callable[[W], T], future: Future[Any] | asyncio.Future[Any]
) -> Callable[[W], T]:
    """Work for another thread, or for later: run within a span that lasts until the future has its result."""
    if _tracer is None or not _tracer.within():
        return work
    return _tracer.handed_over(name, work, future.add_done_callback)


def problem_of(url: str, share: str) -> str:
    """Why traces cannot be sent to a URL, or not in that share; "" if they can."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return f"{url[:200]!r} is no URL"
    if parts.username or parts.password:
        return "the URL holds a user or a password; the bearer token goes into MAHAKAM_TRACES_KEY"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{url[:200]!r}: the address of an OTLP receiver was expected, e.g. http://127.0.0.1:4318/v1/traces"
    try:
        known = 0.0 <= float(share) <= 1.0
    except ValueError:
        known = False
    return "" if known else f"MAHAKAM_TRACES_SHARE is {share[:50]!r}; a number from 0 to 1 was expected"


def begin(url: str, key: str, share: str) -> None:
    """From here on this process sends its traces to ``url`` (OTLP over HTTP); "" for none.

    ``key``: bearer token of the receiver. ``share``: how many of the traces that begin here are kept, 0 to 1; one that
    came with a ``traceparent`` is kept if that says so.
    """
    global _tracer
    if url and _tracer is None:
        from mahakam.tracing.exporting import Exporting

        _tracer = Exporting(url, key, float(share))


def end() -> None:
    """Send what waits to be sent, for a few seconds at most, and trace no more."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.end()


@contextmanager
def kept(url: str, key: str, share: str) -> Iterator[None]:
    """:func:`begin`, and :func:`end` at the end."""
    begin(url, key, share)
    try:
        yield
    finally:
        end()
