"""Answers that need no event loop, given on the thread where granian hands a request to Python.

Granian reads a request on a thread of its own and gives it to Python on a second, which wakes a third, the event
loop, to make a task of it. Where the answer is at hand, those changes of threads cost more than the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from typing import Any

AtOnce = Callable[[MutableMapping[str, Any]], tuple[list[tuple[bytes, bytes]], bytes] | None]
_log = logging.getLogger(__name__)
_PLACE = "_cbsched_aioschedule"
"""Makes granian's function of a request that has arrived; of granian 2.5 to 2.8."""


def answer_on_arrival(at_once: AtOnce) -> bool:
    """Have ``at_once`` asked for headers and body of a 200 before the event loop is given an HTTP request.

    Called before granian serves, in the process that does. False where granian is made otherwise: all then goes
    the way over the loop, with the same answers.
    """
    from granian import _futures

    schedule: Callable[..., Callable[[Any], None]] | None = getattr(_futures, _PLACE, None)
    if schedule is None:
        return False

    def answering(*parts: Any) -> Callable[[Any], None]:
        later = schedule(*parts)

        def arrived(watcher: Any) -> None:
            if not _answered(watcher, at_once):
                later(watcher)

        return arrived

    setattr(_futures, _PLACE, answering)
    return True


def _answered(watcher: Any, at_once: AtOnce) -> bool:
    """Whether ``at_once`` had an answer; ``watcher`` has the request's scope, and the protocol that sends."""
    scope = watcher.scope
    if scope["type"] != "http":
        return False
    try:
        found = at_once(scope)
    except Exception:
        _log.exception("a request could not be answered at once")  # its path may hold what opens a page
        return False
    if found is None:
        return False
    headers, body = found
    send = watcher.proto.send  # has sent when it returns: what it returns is for those who await it
    try:
        send({"type": "http.response.start", "status": 200, "headers": headers})
        send({"type": "http.response.body", "body": body})
    except Exception as error:
        watcher.err(error)
    return True
