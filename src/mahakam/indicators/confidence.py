"""How far a value can be trusted: a word, by a rule that anyone can recompute (docs/indicators.md)."""

from __future__ import annotations

from typing import Literal

Confidence = Literal["good", "fair", "poor"]
Doubt = Literal["completenessUnknown", "incomplete", "flagged", "old"]
ORDER: tuple[Confidence, ...] = ("poor", "fair", "good")

GOOD_COMPLETENESS, GOOD_FLAGGED = 0.95, 0.05
FAIR_COMPLETENESS, FAIR_FLAGGED = 0.75, 0.20


def confidence(completeness: float | None, flagged: float) -> Confidence:
    """From the share of the period with data (None: nobody said what a full one has) and the share of
    inputs with warnings.

    good: completeness at least 0.95 and at most 0.05 flagged. fair: at least 0.75, or unknown, and at most
    0.20 flagged. poor: all else.
    """
    if completeness is not None and completeness >= GOOD_COMPLETENESS and flagged <= GOOD_FLAGGED:
        return "good"
    if (completeness is None or completeness >= FAIR_COMPLETENESS) and flagged <= FAIR_FLAGGED:
        return "fair"
    return "poor"


def doubts(completeness: float | None, flagged: float, *, old: bool = False) -> tuple[Doubt, ...]:
    """Why a value is not good: each thing that keeps it from that, the first the most telling."""
    found: list[Doubt] = []
    if completeness is None:
        found.append("completenessUnknown")
    elif completeness < GOOD_COMPLETENESS:
        found.append("incomplete")
    if flagged > GOOD_FLAGGED:
        found.append("flagged")
    if old:
        found.append("old")
    return tuple(found)


def when_read(stored: Confidence, age: int | None, fresh: int | None) -> Confidence:
    """One step lower once the newest value is older than ``fresh`` days (age in days since its period
    ended).
    """
    if age is None or fresh is None or age <= fresh:
        return stored
    return ORDER[max(0, ORDER.index(stored) - 1)]
