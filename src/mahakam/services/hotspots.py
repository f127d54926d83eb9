"""Where more is reported than chance would put there: Kulldorff's scan statistic (1997) on a grid of H3 cells.

The windows are each cell alone and each cell with its six neighbours. What chance does is found by dealing the reports
out anew, many times, and looking at the highest likelihood ratio of each deal: so the 5 % are the risk that any spot at
all is named wrongly, however many cells there are. Chance puts a report where people report at all: into every such
cell alike, or, for one kind of report, in the proportion of all kinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import h3
import numpy as np
import numpy.typing as npt

from mahakam.services.area import Point

RESOLUTION = 8
"""Of H3: hexagons of about 0.74 km², 530 m a side."""
DEALS = 999
LEVEL = 0.05
FEWEST = 30
"""Reports below which no spot is looked for."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """A hexagon with ``count`` reports where ``expected`` would be chance's share.

    ``ratio``: the likelihood ratio (log) of its best window, itself or it with its neighbours; ``chance``: how often
    the best window of all reaches it by chance; ``ring``: its corners, longitude and latitude.
    """

    id: str
    centre: Point
    ring: tuple[Point, ...]
    count: int
    expected: float
    ratio: float
    chance: float

    @property
    def hot(self) -> bool:
        return self.chance <= LEVEL and self.count > self.expected


def hot_spots(
    points: Iterable[Point], usual: Iterable[Point] = (), resolution: int = RESOLUTION, seed: int = 1
) -> list[Cell]:
    """Every cell in which something was reported, the hottest first; [] for fewer than :data:`FEWEST` reports.

    ``usual``: reports of every kind, these among them, whose proportions chance follows; none: all cells alike.
    """
    counts = _counted(points, resolution)
    weights: Counter[str] = _counted(usual, resolution) or Counter(dict.fromkeys(counts, 1))
    if counts.total() < FEWEST:
        return []
    cells = sorted(weights.keys() | counts.keys())
    values = np.array([counts.get(cell, 0) for cell in cells], dtype=np.float64)
    shares = np.array([max(weights.get(cell, 0), 1) for cell in cells], dtype=np.float64)
    shares /= shares.sum()
    near = _neighbours(cells)
    ratios = best_ratios(values[None, :], shares, near)[0]
    deals = np.random.default_rng(seed).multinomial(int(values.sum()), shares, size=DEALS).astype(np.float64)
    highest = best_ratios(deals, shares, near).max(axis=1)
    chances = (1 + (highest[None, :] >= ratios[:, None]).sum(axis=1)) / (DEALS + 1)
    found = [
        Cell(
            id=cell,
            centre=_turned(h3.cell_to_latlng(cell)),
            ring=tuple(map(_turned, h3.cell_to_boundary(cell))),
            count=counts[cell],
            expected=float(values.sum() * shares[index]),
            ratio=float(ratios[index]),
            chance=float(chances[index]),
        )
        for index, cell in enumerate(cells)
        if cell in counts
    ]
    return sorted(found, key=lambda cell: (-cell.ratio, cell.id))


def best_ratios(values: Floats, shares: Floats, near: npt.NDArray[np.intp]) -> Floats:
    """The log likelihood ratio of each cell's best window, for several deals (deals × cells) at once.

    ``shares``: chance's share of each cell, 1 in all; ``near``: cells × at most 7, the indexes of a cell and its
    neighbours, filled up with the number of cells. A window with less than its share has 0.
    """
    together = np.zeros_like(values)
    expected = np.zeros_like(shares)
    padded = np.concatenate([values, np.zeros((len(values), 1))], axis=1)
    padded_shares = np.append(shares, 0.0)
    for column in near.T:
        together += padded[:, column]
        expected += padded_shares[column]
    total = values.sum(axis=1, keepdims=True)
    return np.maximum(_ratio(values, total * shares, total), _ratio(together, total * expected, total))


def _ratio(count: Floats, expected: Floats, total: Floats) -> Floats:
    rest, rest_expected = total - count, total - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(count > 0, count * np.log(count / expected), 0.0)
        outside = np.where(rest > 0, rest * np.log(rest / rest_expected), 0.0)
    ratio: Floats = np.where(count > expected, inside + outside, 0.0)
    return ratio


def _counted(points: Iterable[Point], resolution: int) -> Counter[str]:
    return Counter(h3.latlng_to_cell(latitude, longitude, resolution) for longitude, latitude in points)


def _neighbours(cells: Sequence[str]) -> npt.NDArray[np.intp]:
    at = {cell: index for index, cell in enumerate(cells)}
    near = np.full((len(cells), 7), len(cells), dtype=np.intp)
    for row, cell in enumerate(cells):
        known = [at[other] for other in h3.grid_disk(cell, 1) if other in at]
        near[row, : len(known)] = known
    return near


def _turned(position: Any) -> Point:
    """H3 writes latitude first."""
    return round(float(position[1]), 6), round(float(position[0]), 6)
