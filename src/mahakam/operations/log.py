"""The log of a node: a line of text or of JSON, with the id of the request that it belongs to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from mahakam import tracing

Format = Literal["text", "json"]
FORMATS: tuple[Format, ...] = ("text", "json")
LEVELS: Mapping[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
request: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered; "" outside of one."""
access = logging.getLogger("mahakam.access")
"""A line a request, at the level ``info``: room, method, first part of the path, status, milliseconds."""


def set_up(kind: str, level: str) -> None:
    """Write the log of this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if kind == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("mahakam").setLevel(LEVELS[level])


class _Text(logging.Formatter):
    """A line; only a traceback of ours has more of them."""

    def format(self, record: logging.LogRecord) -> str:
        known = request.get()
        text = f"{_time(record)} {record.levelname} {record.name}: {_one_line(record.getMessage())}"
        text += f" [{known}]" if known else ""
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _one_line(text: str) -> str:
    """What somebody sent makes no line of its own, and moves no cursor."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _Json(logging.Formatter):
    """``time`` (ISO 8601 UTC), ``level``, ``logger``, ``message``; ``request``, ``trace`` and ``exception`` where there
    are."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if known := request.get():
            line["request"] = known
        if trace := tracing.trace():
            line["trace"] = trace
        facts = getattr(record, "facts", None)
        if isinstance(facts, Mapping):
            line |= facts
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
