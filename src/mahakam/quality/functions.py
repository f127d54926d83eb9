"""Python functions on whole columns that the columns' SQL calls, through Arrow.

Geometry and JSON are read by the same Python code as live records are: both compilations answer alike.
pyarrow is imported when a contract needs one of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from mahakam.quality import lexical
from mahakam.quality.geometry import Area, Districts
from mahakam.quality.inside import Shape, follows
from mahakam.quality.lexical import INVALID, Kind

_numbers = itertools.count(1)


class Functions:
    """The functions of one compilation; :meth:`register` makes them known to a DuckDB connection."""

    def __init__(self, area: Area | None) -> None:
        self.area = area
        self._names: dict[Any, str] = {}
        self._python: dict[str, tuple[Callable[..., Any], list[str], str]] = {}

    def checked_json(self, text: str, kind: Kind) -> str:
        """JSON text of an object, array or geometry as it is; NULL for text that is none."""
        read = lexical.text_reader(kind)

        def check(texts: Any) -> Any:
            return [t if t is not None and read(t) is not INVALID else None for t in texts.to_pylist()]

        return self._call(("json", kind), check, ["VARCHAR"], "VARCHAR", text)

    def size(self, text: str, kind: Kind) -> str:
        """Number of items of an array, members of an object."""
        read = lexical.text_reader(kind)

        def check(texts: Any) -> Any:
            return [None if t is None else len(read(t)) for t in texts.to_pylist()]

        return self._call(("size", kind), check, ["VARCHAR"], "BIGINT", text)

    def shaped(self, text: str, kind: Kind, shape: Shape) -> str:
        """Whether what stands inside an array or an object is of the shape."""
        read = lexical.text_reader(kind)

        def check(texts: Any) -> Any:
            return [None if t is None else follows(read(t), shape) for t in texts.to_pylist()]

        return self._call(("shape", kind, shape), check, ["VARCHAR"], "BOOLEAN", text)

    def inside(self, *arguments: str) -> str:
        """Whether a geometry (valid GeoJSON text) or a point (longitude, latitude) is inside the area."""
        if self.area is None:
            return "CAST(NULL AS BOOLEAN)"
        area = self.area
        if len(arguments) == 2:

            def points(longitudes: Any, latitudes: Any) -> Any:
                both = zip(longitudes.to_pylist(), latitudes.to_pylist(), strict=True)
                known = [index for index, (x, y) in enumerate(both) if x is not None and y is not None]
                found: list[bool | None] = [None] * len(longitudes)
                x, y = longitudes.to_numpy(zero_copy_only=False), latitudes.to_numpy(zero_copy_only=False)
                for index, inside in zip(known, area.has_points(x[known], y[known]), strict=True):
                    found[index] = inside
                return found

            return self._call("points", points, ["DOUBLE", "DOUBLE"], "BOOLEAN", *arguments)
        read = lexical.text_reader(Kind("object", geometry=True))

        def geometries(texts: Any) -> Any:
            return [None if t is None else area.has_geometry(read(t)) for t in texts.to_pylist()]

        return self._call("geometries", geometries, ["VARCHAR"], "BOOLEAN", *arguments)

    def in_district(self, districts: Districts, code: str, longitude: str, latitude: str) -> str:
        """Whether the district of a code covers a point; NULL for an unknown code."""

        def points(codes: Any, longitudes: Any, latitudes: Any) -> Any:
            return districts.has_points(codes.to_pylist(), longitudes.to_pylist(), latitudes.to_pylist())

        types = ["VARCHAR", "DOUBLE", "DOUBLE"]
        return self._call(("district", id(districts)), points, types, "BOOLEAN", code, longitude, latitude)

    def _call(
        self, key: Any, function: Callable[..., Any], types: list[str], result: str, *arguments: str
    ) -> str:
        if key not in self._names:
            name = f"mahakam_{next(_numbers)}"
            self._names[key] = name
            self._python[name] = (_arrow(function, len(types), result), types, result)
        return f"{self._names[key]}({', '.join(arguments)})"

    def register(self, connection: Any) -> None:
        """Make the functions known to the connection."""
        for name, (function, types, result) in self._python.items():
            connection.create_function(name, function, types, result, type="arrow", null_handling="special")

    def forget(self, connection: Any) -> None:
        """Take the functions from the connection."""
        for name in self._python:
            connection.remove_function(name)


def _arrow(function: Callable[..., Any], arity: int, result: str) -> Callable[..., Any]:
    """A function on Arrow arrays; DuckDB counts its parameters, and may hand over chunks."""
    import pyarrow as pa

    type_ = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}[result]

    def whole(column: Any) -> Any:
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    if arity == 1:
        return lambda column: pa.array(function(whole(column)), type_)
    if arity == 3:
        return lambda a, b, c: pa.array(function(whole(a), whole(b), whole(c)), type_)
    return lambda first, second: pa.array(function(whole(first), whole(second)), type_)
