"""Rows that are probably one thing entered twice: names nearly alike, places near each other."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from rapidfuzz import fuzz, process

from mahakam.quality.rule import Across

_DEGREE = 111_320.0
"""Metres to a degree of latitude (and of longitude at the equator)."""
_SLICE = 500
_Row = tuple[int, str, Any, Any, Any]


def similar_rows(
    connection: Any, table: str, value: str, by: Sequence[str], near: Sequence[str], check: Across
) -> dict[int, str]:
    """Row → which other row has nearly the same name, of rows that ``by`` puts together.

    With a place only rows within the rule's metres are compared; without one, only names that begin with the same
    letters, so that the cost stays linear in a long file.
    """
    place = ", ".join(near) if near else "NULL, NULL"
    keys = f"[{', '.join(f'CAST({name} AS VARCHAR)' for name in by)}]" if by else "NULL"
    known = " AND ".join(f"{name} IS NOT NULL" for name in (value, *by, *near))
    sql = f"SELECT _row, {value}, {place}, {keys} FROM {table} WHERE {known} ORDER BY _row"  # noqa: S608 - our own names
    blocks: dict[Any, list[_Row]] = defaultdict(list)
    metres = check.setting("metres")
    for row, name, x, y, group in connection.execute(sql).fetchall():
        key = tuple(group or ())
        words = " ".join(sorted(name.casefold().split()))
        where = _cell(x, y, metres) if near else words[:2]
        blocks[key, where].append((row, words, x, y, key))
    likeness = check.setting("likeness")
    found: dict[int, str] = {}
    for one, other in _near(blocks, metres, likeness) if near else _alike(blocks, likeness):
        found.setdefault(one, f"a name of its own; row {other} has nearly the same")
        found.setdefault(other, f"a name of its own; row {one} has nearly the same")
    return found


def _alike(blocks: dict[Any, list[_Row]], likeness: float) -> Iterator[tuple[int, int]]:
    import numpy as np

    for rows in blocks.values():
        names = [row[1] for row in rows]
        for first in range(0, len(names) if len(names) > 1 else 0, _SLICE):
            scores = process.cdist(
                names[first : first + _SLICE], names, scorer=fuzz.ratio, score_cutoff=likeness, dtype=np.uint8
            )
            for at, beside in zip(*np.nonzero(scores), strict=True):
                if first + at < beside:
                    yield rows[first + at][0], rows[beside][0]


def _near(blocks: dict[Any, list[_Row]], metres: float, likeness: float) -> Iterator[tuple[int, int]]:
    for (key, (column, line)), rows in blocks.items():
        around = [blocks.get((key, (column + x, line + y)), []) for x, y in ((1, -1), (1, 0), (1, 1), (0, 1))]
        for index, one in enumerate(rows):
            for other in itertools.chain(rows[index + 1 :], *around):
                if _metres(one, other) <= metres and fuzz.ratio(one[1], other[1], score_cutoff=likeness):
                    yield one[0], other[0]


def _cell(x: float, y: float, metres: float) -> tuple[int, int]:
    """A square wider than ``metres`` up to 75 degrees of latitude: near rows are in it or beside it."""
    side = max(metres, 1.0) / _DEGREE
    return math.floor(x / (4 * side)), math.floor(y / side)


def _metres(one: _Row, other: _Row) -> float:
    east = (one[2] - other[2]) * math.cos(math.radians((one[3] + other[3]) / 2))
    return math.hypot(east, one[3] - other[3]) * _DEGREE
