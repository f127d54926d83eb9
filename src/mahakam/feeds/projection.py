"""Projected coordinates as longitude and latitude: pyproj inside DuckDB, whole columns at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mahakam.feeds.transforms import geometry_function, point_function

if TYPE_CHECKING:
    import duckdb


class UnknownProjection(Exception):
    """A coordinate reference system that pyproj does not know."""


def install(connection: duckdb.DuckDBPyConnection, crs: str) -> None:
    """Define the functions of :mod:`mahakam.feeds.transforms` for one coordinate reference system.

    Coordinates are rounded to 7 decimals (1 cm). Raises UnknownProjection.

    pyproj keeps a context for each thread in thread-local storage, which Python clears after every call
    that comes from a thread of DuckDB's: the process then dies. So it works in a thread of its own.
    """
    from concurrent.futures import ThreadPoolExecutor

    from duckdb.func import PythonUDFType
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise UnknownProjection(f"crs {crs!r} is not known; write an EPSG code, as EPSG:3414") from error

    worker = ThreadPoolExecutor(1, "pyproj")

    def point(x: Any, y: Any) -> Any:  # DuckDB evaluates these annotations
        import pyarrow as pa

        longitudes, latitudes = worker.submit(transformer.transform, x.to_pylist(), y.to_pylist()).result()
        made = [_point(a, b) for a, b in zip(longitudes, latitudes, strict=True)]
        return pa.array(made, pa.string())

    def geometry(column: Any) -> Any:
        import pyarrow as pa

        made = worker.submit(lambda: [_geometry(transformer, text) for text in column.to_pylist()]).result()
        return pa.array(made, pa.string())

    functions: tuple[tuple[str, Callable[..., Any], list[Any]], ...] = (
        (point_function(crs), point, ["DOUBLE", "DOUBLE"]),
        (geometry_function(crs), geometry, ["VARCHAR"]),
    )
    for name, function, parameters in functions:
        connection.create_function(name, function, parameters, "VARCHAR", type=PythonUDFType.ARROW)


def _point(longitude: float, latitude: float) -> str | None:
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        return f"{longitude} {latitude}"
    return f'{{"type":"Point","coordinates":[{round(longitude, 7)},{round(latitude, 7)}]}}'


def _geometry(transformer: Any, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
        return json.dumps(_moved(transformer, value), separators=(",", ":"))
    except (ValueError, TypeError, KeyError):
        return text


def _moved(transformer: Any, value: dict[str, Any]) -> dict[str, Any]:
    if "geometries" in value:
        return {**value, "geometries": [_moved(transformer, part) for part in value["geometries"]]}
    return {**value, "coordinates": _positions(transformer, value["coordinates"])}


def _positions(transformer: Any, value: Any) -> Any:
    if value and isinstance(value[0], int | float):
        longitude, latitude = transformer.transform(value[0], value[1])
        return [round(longitude, 7), round(latitude, 7), *value[2:]]
    return [_positions(transformer, part) for part in value]
