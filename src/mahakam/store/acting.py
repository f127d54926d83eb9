"""Who acts, and by which request: what a store puts into the audit entry of what is written on their behalf."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from mahakam.store.protocol import Transaction

T = TypeVar("T")
_REQUEST = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def request_id(asked: str | None) -> str:
    """The id of a request: the one it came with (``X-Request-ID``), if that is one, else one of ours."""
    return asked if asked and _REQUEST.fullmatch(asked) else os.urandom(8).hex()


def asked_id(scope: Mapping[str, Any]) -> str:
    """The id that a request came with, whatever it is; "" for none."""
    found = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return bytes(found).decode("latin-1")


class Acting:
    """Somebody's request, or a command. ``kind``: person, key, open, stranger, command.

    ``who``: the principal with its rights (``access.policy``); None: a stranger. ``strict``: it writes what the policy
    names, and nothing else (``access.writing``). ``by_right``: what is done is a person's right (:func:`by_right`).
    ``scope`` is the ASGI scope of a request, which knows its route by the time when something is written: the
    route's template, never the path, which may hold what opens a page.
    """

    __slots__ = ("_asked", "_request", "_route", "by_right", "kind", "principal", "scope", "strict", "who")

    def __init__(
        self, principal: str = "", kind: str = "stranger", *, asked: str | None = None, route: str = "",
        scope: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """``asked``: the request's id as its sender has it (``X-Request-ID``)."""
        self.principal = principal
        self.kind = kind
        self.who: Any = None
        self.strict = False
        self.by_right = False
        self.scope = scope
        self._asked = asked
        self._request = ""
        self._route = route

    @property
    def request(self) -> str:
        """The request's id: its sender's, if that is one, else one of ours."""
        if not self._request:
            asked = self._asked
            if asked is None and self.scope is not None:
                asked = asked_id(self.scope)
            self._request = request_id(asked)
        return self._request

    @property
    def route(self) -> str:
        """Method and route, e.g. ``POST /queue/{number}``; or the command."""
        if self.scope is None or self._route:
            return self._route
        route = getattr(self.scope.get("route"), "path", "")
        return f"{self.scope['method']} {route}".strip()

    @route.setter
    def route(self, route: str) -> None:
        self._route = route


_current: ContextVar[Acting | None] = ContextVar("acting", default=None)


def acting() -> Acting | None:
    """Who acts in this task or thread; None: the node itself."""
    return _current.get()


def act(who: Acting | None) -> None:
    """From here on, in this task and in the threads it hands work to, this one acts (None: the node itself)."""
    _current.set(who)


@contextmanager
def by_right() -> Iterator[None]:
    """What is written inside is a person's right by law, which no line of ``rights.yaml`` takes away: a consent is
    taken back, a person erased. Who did it stands in the trail as ever; whether they may is the caller's to know."""
    who = _current.get()
    before = who.by_right if who is not None else False
    if who is not None:
        who.by_right = True
    try:
        yield
    finally:
        if who is not None:
            who.by_right = before


def on_behalf(work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """The work, whose transaction knows who had it done, on whatever thread it is run."""
    who = _current.get()
    if who is None:
        return work

    def run(transaction: Transaction) -> T:
        transaction.by(who)
        return work(transaction)

    return run
