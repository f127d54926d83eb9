"""Functions beyond Ibis' own that column expressions call: DuckDB built-ins, and Python functions on whole
columns.

Geometry and JSON are read by the same Python code as live records are, a column at a time through Arrow, so
that both compilations answer alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

from mahakam.quality import lexical
from mahakam.quality.geometry import Area
from mahakam.quality.lexical import INVALID, Kind

_numbers = itertools.count(1)


def _builtin(name: str, arguments: tuple[Any, ...], result: Any) -> Callable[..., Any]:
    def function(*_: Any) -> Any: ...

    function.__name__ = f"builtin_{name}_{len(arguments)}"
    signature = (tuple(arguments), result)
    called: Callable[..., Any] = ibis.udf.scalar.builtin(
        _with_arity(function, len(arguments)), name=name, signature=signature
    )
    return called


def _with_arity(function: Callable[..., Any], arity: int) -> Callable[..., Any]:
    """Ibis asks a function for as many parameters as its signature has."""
    import inspect

    parameters = [inspect.Parameter(f"a{i}", inspect.Parameter.POSITIONAL_OR_KEYWORD) for i in range(arity)]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function


_isfinite = _builtin("isfinite", (dt.float64,), dt.boolean)
_timezone = _builtin("timezone", (dt.string, dt.Timestamp("UTC")), dt.timestamp)
_localized = _builtin("timezone", (dt.string, dt.timestamp), dt.Timestamp("UTC"))
_try_strptime = _builtin("try_strptime", (dt.string, dt.string), dt.timestamp)
_floor = _builtin("floor", (dt.float64,), dt.float64)
_ceil = _builtin("ceil", (dt.float64,), dt.float64)
_date_diff = _builtin("date_diff", (dt.string, dt.date, dt.date), dt.int64)
_epoch_us = _builtin("epoch_us", (dt.timestamp,), dt.int64)
_translate = _builtin("translate", (dt.string, dt.string, dt.string), dt.string)
_trim = _builtin("trim", (dt.string, dt.string), dt.string)
_fmod = _builtin("fmod", (dt.float64, dt.float64), dt.float64)
_json_array_length = _builtin("json_array_length", (dt.string,), dt.int64)


class Functions:
    """The functions of one compilation; :meth:`register` makes the Python ones known to a DuckDB
    connection."""

    isfinite = staticmethod(_isfinite)
    timezone = staticmethod(_timezone)
    localized = staticmethod(_localized)
    try_strptime = staticmethod(_try_strptime)
    floor = staticmethod(_floor)
    ceil = staticmethod(_ceil)
    date_diff = staticmethod(_date_diff)
    epoch_us = staticmethod(_epoch_us)
    translate = staticmethod(_translate)
    trim = staticmethod(_trim)

    def __init__(self, area: Area | None) -> None:
        self.area = area
        self._made: dict[Any, Callable[..., Any]] = {}
        self._python: dict[str, tuple[Callable[..., Any], list[str], str]] = {}

    def checked_json(self, text: Any, kind: Kind) -> Any:
        """JSON text of an object, array or geometry as it is; NULL for text that is none."""
        read = lexical.text_reader(kind)

        def check(texts: Any) -> Any:
            return pa.array(
                [t if t is not None and read(t) is not INVALID else None for t in texts.to_pylist()],
                pa.string(),
            )

        return self._call(("json", kind), check, (dt.string,), dt.string, text)

    def size(self, text: Any, kind: Kind) -> Any:
        """Number of items of an array, members of an object."""
        read = lexical.text_reader(kind)

        def check(texts: Any) -> Any:
            return pa.array([None if t is None else len(read(t)) for t in texts.to_pylist()], pa.int64())

        return self._call(("size", kind), check, (dt.string,), dt.int64, text)

    def inside(self, *arguments: Any) -> Any:
        """Whether a geometry (valid GeoJSON text) or a point (longitude, latitude) is inside the area;
        unknown without one."""
        if self.area is None:
            return ibis.null("boolean")
        area = self.area
        if len(arguments) == 2:

            def points(longitudes: Any, latitudes: Any) -> Any:
                both = zip(longitudes.to_pylist(), latitudes.to_pylist(), strict=True)
                known = [index for index, (x, y) in enumerate(both) if x is not None and y is not None]
                found: list[bool | None] = [None] * len(longitudes)
                x, y = longitudes.to_numpy(zero_copy_only=False), latitudes.to_numpy(zero_copy_only=False)
                for index, inside in zip(known, area.has_points(x[known], y[known]), strict=True):
                    found[index] = inside
                return pa.array(found, pa.bool_())

            return self._call("points", points, (dt.float64, dt.float64), dt.boolean, *arguments)
        read = lexical.text_reader(Kind("object", geometry=True))

        def geometries(texts: Any) -> Any:
            return pa.array(
                [None if t is None else area.has_geometry(read(t)) for t in texts.to_pylist()], pa.bool_()
            )

        return self._call("geometries", geometries, (dt.string,), dt.boolean, *arguments)

    def _call(
        self, key: Any, function: Callable[..., Any], types: tuple[Any, ...], result: Any, *arguments: Any
    ) -> Any:
        if key not in self._made:
            name = f"mahakam_{next(_numbers)}"
            self._made[key] = _builtin(name, types, result)
            self._python[name] = (_one_array(function, len(types)), [_SQL[t] for t in types], _SQL[result])
        return self._made[key](*arguments)

    def register(self, connection: Any) -> None:
        """Make the Python functions known to the connection."""
        for name, (function, types, result) in self._python.items():
            connection.create_function(name, function, types, result, type="arrow", null_handling="special")

    def forget(self, connection: Any) -> None:
        """Take the Python functions from the connection."""
        for name in self._python:
            connection.remove_function(name)


_SQL = {dt.string: "VARCHAR", dt.float64: "DOUBLE", dt.boolean: "BOOLEAN", dt.int64: "BIGINT"}


def _one_array(function: Callable[..., Any], arity: int) -> Callable[..., Any]:
    """DuckDB may hand over chunked arrays; it counts the parameters of what it is given."""
    if arity == 1:
        return lambda column: function(_whole(column))
    return lambda first, second: function(_whole(first), _whole(second))


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
