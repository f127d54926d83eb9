"""What is wrong with something that a person wrote: which field, which rule, which values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """``code`` names the rule; the web room says it in the reader's language, filled from ``values``."""

    field: str
    code: str
    values: Mapping[str, str | int]


class Refused(ValueError):
    """Nothing was kept: every fault at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.code}" for one in faults))
        self.faults = tuple(faults)


class Changed(Exception):
    """Somebody else wrote meanwhile; nothing was kept."""


def refuse(field: str, code: str, **values: str | int) -> Refused:
    """One fault, to be raised."""
    return Refused([Fault(field, code, values)])
