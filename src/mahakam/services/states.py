"""The states of a request and the ways between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

State = Literal["received", "inProgress", "waiting", "answered", "closed", "rejected", "reopened"]

WAYS: dict[State, tuple[State, ...]] = {
    "received": ("inProgress", "waiting", "answered", "rejected"),
    "inProgress": ("waiting", "answered", "rejected"),
    "waiting": ("inProgress", "answered", "rejected"),
    "answered": ("closed", "reopened"),
    "closed": ("reopened",),
    "rejected": ("reopened",),
    "reopened": ("inProgress", "waiting", "answered", "rejected"),
}
"""From each state, where it may go next. ``waiting``: for the resident, who was asked something. A request is
reopened once at most."""

STATES: tuple[State, ...] = tuple(WAYS)
OPEN: tuple[State, ...] = ("received", "inProgress", "waiting", "reopened")
"""States in which it is not settled yet."""
SPEAKS: tuple[State, ...] = ("waiting", "answered", "rejected", "reopened")
"""States that need a public text: a resident is told what was done, or why nothing is."""


def next_states(state: State, past: Sequence[str]) -> tuple[State, ...]:
    """Where a request may go; ``past`` are the states that it has been in."""
    return tuple(way for way in WAYS[state] if way != "reopened" or "reopened" not in past)


def open311_status(state: str) -> Literal["open", "closed"]:
    """The status of GeoReport v2, which knows two."""
    return "open" if state in OPEN else "closed"
