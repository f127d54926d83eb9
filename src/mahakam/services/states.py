"""The statuses of a request that everybody knows, whatever workflow its service has.

A workflow's own states each stand for one of these: queues, clocks, figures, Open311 and other systems read the status.
"""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["received", "inProgress", "waiting", "answered", "closed", "rejected", "reopened"]

STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("received", "inProgress", "waiting", "reopened")
"""States in which it is not settled yet. In ``waiting`` it is the resident's turn and the clock stands still; in the
others it is the agency's."""


def open311_status(state: str) -> Literal["open", "closed"]:
    """The status of GeoReport v2, which knows two."""
    return "open" if state in OPEN else "closed"
