"""Student's t: how wide an interval over few values must be."""

from __future__ import annotations

import math
from functools import lru_cache

LEVEL = 0.95
"""Of every interval that is shown."""


def central(t: float, df: int) -> float:
    """The probability that |T| ≤ t, for a whole number of degrees of freedom from 1: Abramowitz and Stegun 26.7.3 (odd)
    and 26.7.4 (even)."""
    angle = math.atan(t / math.sqrt(df))
    sine, cosine = math.sin(angle), math.cos(angle)
    if df == 1:
        return 2 * angle / math.pi
    odd = df % 2
    term = total = cosine if odd else 1.0
    for k in range(2 + odd, df - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


@lru_cache(maxsize=256)
def quantile(df: int, level: float = LEVEL) -> float:
    """The t within which T lies with the probability ``level``; 12.706 for one degree of freedom."""
    low, high = 0.0, 1.0
    while central(high, df) < level:
        high *= 2
    for _step in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if central(middle, df) < level else (low, middle)
    return high
