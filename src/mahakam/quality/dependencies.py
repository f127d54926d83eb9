"""Functional dependencies of a table: which column's value nearly always decides another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

ROWS = 20_000
"""Rows that dependencies are sought in; a table of more is looked at in part."""
_AGREEMENT = 0.8
_GROUPS = 5
_COVERED = 0.3
_MIXED = 0.05
_MOST_WRONG = 0.12
_KEPT = 3
_NEAR = 0.02
"""How much worse than a field's best dependency another may be: a weaker one is its echo, with exceptions."""


_NONE = (0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Dependency:
    """``by`` decides ``field``. ``agreement``: of two rows with the same ``by``, how much more often than two rows
    taken blindly they have the same ``field`` (1: always). ``following`` and ``against``: rows with the value that is
    usual for their ``by``, and those with another.
    """

    by: str
    field: str
    agreement: float
    following: int = 0
    against: int = 0


def evidence(following: int, against: int) -> list[dict[str, Any]]:
    """What speaks for an inferred rule, as custom properties of it (ODCS): the share of rows that follow it, and how
    many do and do not."""
    share = following / max(1, following + against)
    return [
        {"property": "confidence", "value": round(share, 4)},
        {"property": "following", "value": following},
        {"property": "against", "value": against},
    ]


def dependencies(columns: Mapping[str, Sequence[Any]]) -> list[Dependency]:
    """The dependencies between columns of values (None: missing), at most three for a field, the surest first.

    Two rows agree by chance too: what counts is agreement beyond chance, in many groups of rows, with few
    rows that disagree, and those not in groups that are truly of several values.
    """
    import numpy as np

    every = ((name, _codes(values)) for name, values in columns.items())
    coded = {name: codes for name, codes in every if codes is not None}
    found: dict[str, list[Dependency]] = {}
    for by, left in coded.items():
        order = _Groups(left)
        if order.several < _GROUPS or order.covered < _COVERED:
            continue
        for field, right in coded.items():
            if field != by and int(np.max(right, initial=-1)) > 0:
                agreement, following, against = order.agreement(right)
                if agreement >= _AGREEMENT:
                    one = Dependency(by, field, agreement, following, against)
                    found.setdefault(field, []).append(one)
    kept = []
    for some in found.values():
        best = max(one.agreement for one in some)
        near = (one for one in some if one.agreement >= best - _NEAR)
        kept += sorted(near, key=lambda d: (-round(d.agreement, 3), d.by))[:_KEPT]
    return kept


def _codes(values: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """Values as whole numbers, -1 where missing; None for a column without two values or where each is its own."""
    import numpy as np

    numbers: dict[Any, int] = {}
    codes = np.fromiter(
        (-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values),
        dtype=np.int64,
        count=len(values),
    )
    return codes if 1 < len(numbers) < 0.9 * len(values) else None


class _Groups:
    """The rows by the value of one column, those without it left out."""

    def __init__(self, codes: np.ndarray[Any, Any]) -> None:
        import numpy as np

        self.codes = codes
        self.sizes = np.bincount(codes[codes >= 0])
        self.several = int(np.count_nonzero(self.sizes >= 2))
        self.covered = float(self.sizes[self.sizes >= 2].sum()) / max(1, len(codes))

    def agreement(self, right: np.ndarray[Any, Any]) -> tuple[float, int, int]:
        """Agreement beyond chance, 0 where too little speaks for a dependency; rows for it, and against it."""
        import numpy as np

        present = (self.codes >= 0) & (right >= 0)
        left, right = self.codes[present], right[present]
        if not len(left):
            return _NONE
        width = int(right.max()) + 1
        pairs, numbers = np.unique(left * width + right, return_counts=True)
        group = pairs // width
        sizes = np.bincount(group, weights=numbers)
        largest = np.zeros(len(sizes))
        np.maximum.at(largest, group, numbers)
        same = np.bincount(group, weights=numbers * (numbers - 1.0))
        counted = sizes >= 2
        if int(counted.sum()) < _GROUPS or sizes[counted].sum() < _COVERED * len(self.codes):
            return _NONE
        against = int((sizes - largest)[counted].sum())
        wrong = against / sizes[counted].sum()
        large = sizes >= 4
        mixed = large & (largest < 0.67 * sizes)
        if wrong > _MOST_WRONG or (large.any() and mixed.sum() > max(1, _MIXED * large.sum())):
            return _NONE
        within = (sizes[counted] * same[counted] / (sizes[counted] * (sizes[counted] - 1))).sum()
        within /= sizes[counted].sum()
        every = np.bincount(right).astype(float)
        total = len(right)
        chance = (every * (every - 1)).sum() / max(1.0, total * (total - 1.0))
        beyond = float((within - chance) / (1 - chance)) if chance < 1 else 0.0
        return beyond, int(sizes[counted].sum()) - against, against
