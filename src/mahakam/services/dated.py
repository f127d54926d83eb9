"""Requests by date: ordered lists by place, state and service, so that a page of what lies long ago, or of a state that
few of the newest are in, costs what a page costs.

The broker keeps them with every write (``broker.lists``). A request stands in those of its own scope, which is that of
a place; a list of a larger place is read from those of the places in it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from mahakam.services.states import STATES
from mahakam.store.protocol import EntityStore

_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CHUNK = 1000


def entries(scope: str, value: Mapping[str, Any], id: str) -> dict[str, str]:
    """List → key of a request: the second of its report (UTC), a blank, its id."""
    asked = _second(str(value.get("requestedDatetime") or ""))
    if not asked or not scope:
        return {}
    state, service = str(value.get("status") or ""), str(value.get("serviceCode") or "")
    key = f"{asked} {id}"
    return dict.fromkeys((_kind(scope), _kind(scope, state), _kind(scope, state, service)), key)


def kinds_of(scopes: Sequence[str], states: Sequence[str], services: Sequence[str]) -> list[str]:
    """The lists in which the requests of places stand, each in one; no states, no services: of all."""
    if not states and not services:
        return [_kind(scope) for scope in scopes]
    return [
        _kind(scope, state, service)
        for scope in scopes
        for state in dict.fromkeys(states or STATES)
        for service in dict.fromkeys(services or ("",))
    ]


def count(store: EntityStore, kinds: Sequence[str], since: str = "", until: str = "") -> int:
    """How many requests stand in the lists, reported from one second to another ("": without a bound)."""
    return sum(store.count_records(kind, after=since, before=_beyond(until)) for kind in kinds)


def newest(
    store: EntityStore, kinds: Sequence[str], limit: int, offset: int = 0, since: str = "", until: str = ""
) -> list[str]:
    """Entity ids from the lists, the newest report first; bounds as of :func:`count`."""
    before = _beyond(until)
    if len(kinds) == 1:
        keys = store.record_keys(kinds[0], limit, offset, after=since, before=before, descending=True)
    else:
        each = [_down(store, kind, since, before) for kind in kinds]
        keys = list(islice(merge(*each, reverse=True), offset, offset + limit))
    return [key.partition(" ")[2] for key in keys]


def _down(store: EntityStore, kind: str, after: str, before: str) -> Iterator[str]:
    while keys := store.record_keys(kind, _CHUNK, after=after, before=before, descending=True):
        yield from keys
        if len(keys) < _CHUNK:
            return
        before = keys[-1]


def _beyond(until: str) -> str:
    """What comes after the keys of a second, and before those of the next one."""
    return f"{until}!" if until else ""


def _second(text: str) -> str:
    if _SECOND.fullmatch(text):
        return text
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return ""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _kind(scope: str, *by: str) -> str:
    return " ".join(("dated", scope, *filter(None, by)))
