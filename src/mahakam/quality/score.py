"""The quality score of a run: for each dimension the share of rows without a finding, and their mean.

``score(d) = 1 - rows with a finding of a rule of dimension d / rows``, for the dimensions that the contract
has rules for; ``overall = mean of score(d)``. A file without rows has no score. Rules on the file as a whole
do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Shares from 0 to 1; ``overall`` is None without rows or rules."""

    overall: float | None
    dimensions: Mapping[str, float]

    def as_dict(self) -> dict[str, object]:
        """Plain JSON, rounded to four decimals, never up to 1."""
        shares = {name: _down(share) for name, share in self.dimensions.items()}
        return {"overall": None if self.overall is None else _down(self.overall), "dimensions": shares}


def score(rows: int, failing: Mapping[str, int]) -> Score:
    """The score of ``rows`` rows, of which ``failing[dimension]`` have a finding of that dimension (0 counts
    too)."""
    if not rows or not failing:
        return Score(None, {})
    shares = {name: 1 - number / rows for name, number in sorted(failing.items())}
    return Score(sum(shares.values()) / len(shares), shares)


def _down(share: float) -> float:
    return int(share * 10_000 + 1e-9) / 10_000
