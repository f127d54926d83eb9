"""Index scales that regulations give by breakpoints: each a YAML file here, each used in formulas as a function.

``ispu('pm25', value)`` is the index of a concentration, by straight lines between the breakpoints and rounded to a
whole number. Beyond the last breakpoint, and below zero, there is none (NULL): nothing is extrapolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

import yaml


@dataclass(frozen=True, slots=True)
class Scale:
    """``index`` and each of ``scales``: the values at the same breakpoints, rising. ``source``: the regulation."""

    name: str
    source: str
    index: tuple[float, ...]
    scales: dict[str, tuple[float, ...]]

    def sql(self, parameter: str, value: str) -> str:
        """The index of an SQL expression. Raises KeyError for a parameter that the scale has not."""
        bounds = self.scales[parameter]
        lines = [
            f"WHEN {value} <= {_literal(upper)} THEN round({_literal(low)} + ({value} - {_literal(lower)})"
            f" * {_literal(high - low)} / {_literal(upper - lower)})"
            for lower, upper, low, high in zip(bounds, bounds[1:], self.index, self.index[1:], strict=False)
        ]
        return f"CASE WHEN {value} < {_literal(bounds[0])} THEN NULL {' '.join(lines)} ELSE NULL END"


def scales() -> dict[str, Scale]:
    """Function name → scale."""
    return _read()


@cache
def _read() -> dict[str, Scale]:
    found = {}
    for file in resources.files(__package__).iterdir():
        if file.name.endswith(".yaml"):
            name = file.name.removesuffix(".yaml")
            data = yaml.safe_load(file.read_text("utf-8"))
            found[name] = Scale(
                name,
                data["source"],
                _rising(data["index"]),
                {parameter: _rising(bounds) for parameter, bounds in data["scales"].items()},
            )
    return found


def _rising(values: Sequence[float]) -> tuple[float, ...]:
    assert all(one < other for one, other in pairwise(values)), values
    return tuple(map(float, values))


def _literal(value: float) -> str:
    """A double: a decimal number of SQL would round where the breakpoints are not binary."""
    return f"CAST({value!r} AS DOUBLE)"
