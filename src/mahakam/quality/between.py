"""Rules between the columns of a row that nearly all rows follow: one is at most the other, a total is the sum of
others, one is the greatest or the least of others.

A rule is taken only on strong evidence: many rows follow it, few are against it, and rows put together blindly would
break it far more often.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mahakam.quality.dependencies import ROWS, evidence
from mahakam.quality.functions import Functions
from mahakam.quality.profile import ColumnProfile, Profile
from mahakam.quality.typing_sql import identifier, text_literal, typed

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray[Any, np.dtype[np.float64]]

_LEAST, _LEAST_SUMS = 50, 20
"""Rows that have all the values, from which on a rule is sought: of an order, of a sum."""
_AGAINST = 0.05
"""Up to this share of rows may be against a sum or a greatest; of an order, _AGAINST_ORDER."""
_AGAINST_ORDER = 0.02
_BLINDLY = 0.8
"""An order that rows put together blindly keep more often says nothing: the ranges lie apart."""
_EXPECTED = 20
"""So many rows put together blindly must be against an order, and a twentieth of them at most really are."""
_BY_CHANCE = 0.1
"""An equality that rows put together blindly keep more often says nothing: few small numbers."""
_DIFFERENT = 8
_COLUMNS = 40
_TOGETHER = 20
"""Among at most so many columns any two or three are tried as a sum; among more, only those that stand in a row."""
_LOOKED = 400
_SOME = 0.05
_DENSE = 2
"""Whole numbers that are all different and lie as close as this number to a row are running numbers."""
_TOUCHED = 0.005
"""Numbers that only tell of size (households, schools) are ordered too: of a true order some are equal, this share."""
_LOW = re.compile(
    r"(?i)(^|[_ .-])(min|minimum|low|lowest|start|from|begin|awal|mulai|dari|terendah|tn)($|[_ .-])"
)
_HIGH = re.compile(
    r"(?i)(^|[_ .-])(max|maximum|high|highest|end|to|until|akhir|selesai|sampai|tertinggi|tx)($|[_ .-])"
)
_MOST_ORDERS = 3
_MOMENTS = ("date", "timestamp")
_NUMBERS = ("integer", "number")


@dataclass(frozen=True, slots=True)
class Between:
    """``field`` is at most (``order``), or is the ``sum``, the ``greatest`` or the ``least`` of ``others``.

    ``tolerance``: how far a sum may be off, as its figures are rounded. ``following`` and ``against``: rows that have
    all the values (of a greatest or least: two of them) and follow the rule, or do not; of the first 20,000.
    """

    rule: str
    field: str
    others: tuple[str, ...]
    following: int
    against: int
    tolerance: float = 0.0


def between(connection: Any, relation: str, seen: Profile, key: Sequence[str] = ()) -> list[Between]:
    """The rules between the columns of a table or view of VARCHAR columns, the surest first."""
    columns = [c for c in seen.columns if _may_count(c, key)]
    numbers = [c for c in columns if c.kind.logical in _NUMBERS][:_COLUMNS]
    moments = [c for c in columns if c.kind.logical in _MOMENTS][:_COLUMNS]
    if max(len(numbers), len(moments)) < 2 or seen.rows < _LEAST_SUMS:
        return []
    values = _values(connection, relation, [*numbers, *moments], seen.markers)
    figures = {c.name: values[c.name] for c in numbers}
    found = [*_sums(figures), *_extremes(figures)]
    said = {(part, one.field) for one in found if one.rule in ("sum", "greatest") for part in one.others}
    said |= {(one.field, part) for one in found if one.rule == "least" for part in one.others}
    for kind in ("date", "timestamp", "number"):
        alike = {c.name: values[c.name] for c in columns if c.name in values and _kind(c) == kind}
        orders = _orders(alike, touched=kind == "number")
        found += [one for one in orders if (one.field, one.others[0]) not in said]
    return found


def rules(found: Sequence[Between], named: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rules as ODCS has them, with what speaks for each and against it; warnings, as they are guesses."""
    made = []
    for one in found:
        field, *others = (f'"{named[name]}"' for name in (one.field, *one.others))
        if one.rule == "order":
            text, name = f"{field} <= {others[0]}", f"{named[one.field]}-at-most-{named[one.others[0]]}"
        elif one.rule == "sum":
            total = " + ".join(others)
            text = f"{field} = {total}"
            if one.tolerance:
                text = f"abs({field} - ({total})) <= {one.tolerance:g}"
            name = f"{named[one.field]}-is-the-sum"
        else:
            text = f"{field} = {one.rule}({', '.join(others)})"
            name = f"{named[one.field]}-is-the-{one.rule}"
        made.append({
            "type": "custom", "engine": "mahakam", "name": name, "implementation": text, "severity": "warning",
            "dimension": "consistency", "customProperties": evidence(one.following, one.against),
        })  # fmt: skip
    return made


def _may_count(column: ColumnProfile, key: Sequence[str]) -> bool:
    """No running number or part of the key: those are compared with nothing."""
    if column.name in key or column.distinct < 3 or column.rows - column.missing < _LEAST_SUMS:
        return False
    if column.kind.logical in _MOMENTS:
        return True
    if column.kind.logical not in _NUMBERS or column.low is None:
        return False
    counted_up = column.kind.logical == "integer" and column.high - column.low <= _DENSE * column.rows
    return not (column.unique and counted_up)


def _kind(column: ColumnProfile) -> str:
    return "number" if column.kind.logical in _NUMBERS else column.kind.logical


def _values(
    connection: Any, relation: str, columns: Sequence[ColumnProfile], markers: Sequence[str]
) -> dict[str, Values]:
    """Numbers, and moments in seconds; NaN where there is none."""
    import numpy as np

    functions = Functions(None)
    functions.register(connection)
    missing = ", ".join(text_literal(marker) for marker in ["", *markers])
    asked = []
    for number, column in enumerate(columns):
        text = identifier(column.name)
        value = typed(text, column.kind, functions)
        value = f"CAST({value} AS DOUBLE)" if column.kind.logical in _NUMBERS else f"epoch({value})"
        asked.append(f"CASE WHEN {text} NOT IN ({missing}) THEN {value} END AS c{number}")
    try:
        sql = f"SELECT {', '.join(asked)} FROM {identifier(relation)} ORDER BY _row LIMIT {ROWS}"  # noqa: S608 - quoted
        read = connection.execute(sql).fetchnumpy()
    finally:
        functions.forget(connection)
    return {
        column.name: np.ma.filled(np.ma.asarray(read[f"c{number}"], dtype=np.float64), np.nan)
        for number, column in enumerate(columns)
    }


def _orders(columns: Mapping[str, Values], *, touched: bool) -> Iterator[Between]:
    """Pairs of which one is at most the other; without those that follow from two others.

    ``touched``: some must be equal, or the names say which is the lower.
    """
    held = {
        (one.field, one.others[0]): one
        for a, b in itertools.permutations(columns, 2)
        if (one := _order(a, b, columns[a], columns[b], touched)) is not None
    }
    direct = [
        one
        for (a, b), one in held.items()
        if not any((a, c) in held and (c, b) in held for c in columns if c not in (a, b))
    ]
    direct.sort(key=lambda one: one.against / one.following)
    counted: dict[str, int] = {}
    for one in direct:
        counted[one.field] = counted.get(one.field, 0) + 1
        if counted[one.field] <= _MOST_ORDERS:
            yield one


def _order(a: str, b: str, left: Values, right: Values, touched: bool) -> Between | None:
    import numpy as np

    both = np.isfinite(left) & np.isfinite(right)
    rows = int(both.sum())
    if rows < _LEAST:
        return None
    left, right = left[both], right[both]
    against = int((left > right).sum())
    below = int((left < right).sum())
    if against > _AGAINST_ORDER * rows or below < _SOME * rows:
        return None
    equal = rows - against - below
    if touched and equal < max(3, _TOUCHED * rows) and not (_LOW.search(a) and _HIGH.search(b)):
        return None
    blindly = float(np.searchsorted(np.sort(left), right, side="right").mean()) / rows
    expected = (1 - blindly) * rows
    if blindly > _BLINDLY or expected < _EXPECTED or against > _AGAINST * expected:
        return None
    return Between("order", a, (b,), rows - against, against)


def _sums(columns: Mapping[str, Values]) -> Iterator[Between]:
    """For each column the sum of others that most rows follow: the one with the fewest rows against it."""
    import numpy as np

    tried = sorted(_together(list(columns)), key=lambda parts: (len(parts), parts))
    if not tried:
        return
    # most are no sum at all: a look at some rows says so
    looked = {name: values[:_LOOKED] for name, values in columns.items()}
    added = np.vstack([np.sum([looked[part] for part in parts], axis=0) for parts in tried])
    summed = np.isfinite(added)
    for total, whole in looked.items():
        tolerance = _rounding(whole, list(looked.values())) * len(columns)
        near = (np.abs(added - whole) <= tolerance).sum(axis=1)
        likely = np.flatnonzero((near > 0) & (near >= 0.8 * (summed & np.isfinite(whole)).sum(axis=1)))
        found = (_sum(total, tried[at], columns) for at in likely if total not in tried[at])
        held = [one for one in found if one is not None]
        if held:
            yield min(held, key=lambda one: (one.against, -one.following, len(one.others)))


def _together(names: Sequence[str]) -> set[tuple[str, ...]]:
    """Columns that may be added up: those in a row, every second one of a row, and of few columns any two or three."""
    tried = {
        tuple(names[first : last + 1 : step])
        for step in (1, 2)
        for first in range(len(names))
        for last in range(first + step, len(names), step)
    }
    if len(names) <= _TOGETHER:
        tried.update(itertools.combinations(names, 2))
        tried.update(itertools.combinations(names, 3))
    return tried


def _sum(total: str, parts: tuple[str, ...], columns: Mapping[str, Values]) -> Between | None:
    import numpy as np

    whole, added = columns[total], sum(columns[part] for part in parts)
    assert not isinstance(added, int)
    tolerance = _rounding(whole, [columns[part] for part in parts])
    both = np.isfinite(whole) & np.isfinite(added)
    rows = int(both.sum())
    holds = both & (np.abs(whole - added) <= tolerance)
    following = int(holds.sum())
    if rows < _LEAST_SUMS or rows - following > _AGAINST * rows:
        return None
    counted = [holds & (columns[part] != 0) for part in parts]
    if any(int(one.sum()) < _SOME * following for one in counted):
        return None
    several = np.sum(counted, axis=0) >= 2
    if several.sum() < 0.3 * following or not _beyond_chance(whole[both], added[both], tolerance):
        return None
    return Between("sum", total, parts, following, rows - following, tolerance)


def _rounding(whole: Values, parts: Sequence[Values]) -> float:
    """How far a sum may be off when each figure is rounded to the decimals that it has; 0 for whole numbers."""
    import numpy as np

    decimals = max((_decimals(one[np.isfinite(one)][:200]) for one in (whole, *parts)), default=0)
    return 0.0 if decimals == 0 else float(f"{0.5 * 10.0**-decimals * (len(parts) + 1):.3g}")


def _decimals(values: Values) -> int:
    import numpy as np

    return next((n for n in range(6) if np.all(np.abs(values - np.round(values, n)) < 1e-9 * 10**-n)), 6)


def _extremes(columns: Mapping[str, Values]) -> Iterator[Between]:
    """Columns that are the greatest, or the least, of others."""
    for sign, rule in ((1.0, "greatest"), (-1.0, "least")):
        signed = {name: sign * values for name, values in columns.items()}
        for name in signed:
            if (one := _extreme(rule, name, signed)) is not None:
                yield one


def _extreme(rule: str, name: str, columns: Mapping[str, Values]) -> Between | None:
    import numpy as np

    top = columns[name]
    below = [other for other in columns if other != name and _mostly_below(columns[other], top)]
    if len(below) < 2:
        return None
    matrix = np.vstack([columns[other] for other in below])
    matrix = np.where(np.isfinite(matrix), matrix, -np.inf)
    reached = (matrix == top) & np.isfinite(top)
    # what is never the greatest alone, in some rows, has no part in it
    alone = reached & (reached.sum(axis=0) == 1)
    parts = [at for at in range(len(below)) if alone[at].sum() >= max(2, 0.002 * np.isfinite(top).sum())]
    if len(parts) < 2:
        return None
    greatest = matrix[parts].max(axis=0)
    both = np.isfinite(top) & ((matrix[parts] > -np.inf).sum(axis=0) >= 2)
    rows, against = int(both.sum()), int((both & (greatest != top)).sum())
    most_alone = max(int(reached[at].sum()) for at in parts)
    if rows < _LEAST or against > _AGAINST * rows or most_alone > 0.95 * rows:
        return None
    if not _beyond_chance(top[both], greatest[both], 0.0):
        return None
    return Between(rule, name, tuple(below[at] for at in parts), rows - against, against)


def _mostly_below(values: Values, top: Values) -> bool:
    import numpy as np

    both = np.isfinite(values) & np.isfinite(top)
    return bool(both.sum() >= _LEAST and (values[both] <= top[both]).mean() >= 1 - _AGAINST)


def _beyond_chance(left: Values, right: Values, tolerance: float) -> bool:
    """Whether rows put together blindly are seldom equal."""
    import numpy as np

    if len(np.unique(left)) < _DIFFERENT:
        return False
    ordered = np.sort(right)
    equal = np.searchsorted(ordered, left + tolerance, side="right") - np.searchsorted(
        ordered, left - tolerance
    )
    return float(equal.mean()) <= _BY_CHANCE * len(right)
