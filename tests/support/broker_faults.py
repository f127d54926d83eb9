"""What the processes write that are killed."""

from __future__ import annotations

from typing import Any

from support.notify import entity


def named(number: int) -> dict[str, Any]:
    """Of ten entities one is a Sensor, which is what subscriptions in tests are about."""
    return entity(number, number, "Other" if number % 10 else "Sensor")
