"""The geometry of GeoParquet 1.1 (https://geoparquet.org): which column holds it, and its WKB as GeoJSON."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.model import SourceError, SourceInfo

_numbers = itertools.count(1)
_WORLD = ("OGC:CRS84", "EPSG:4326")


@dataclass(frozen=True, slots=True)
class Geometry:
    """``crs``: the system of its coordinates as pyproj reads it; "" for longitude and latitude."""

    column: str
    crs: str


def geometry_of(found: Local) -> Geometry | None:
    """The main geometry of a Parquet file; None for a file without one.

    Raises SourceError for one that is encoded in another way than WKB.
    """
    import pyarrow.parquet as pq

    try:
        facts = pq.read_metadata(found.path).metadata or {}
        about = json.loads(facts[b"geo"])
        column = str(about["primary_column"])
        said = about["columns"][column]
    except (KeyError, TypeError, ValueError, OSError):
        return None
    if said.get("encoding") != "WKB":
        raise SourceError(
            found.name, f"keeps its geometry as {said.get('encoding')!r}; write it with the encoding WKB"
        )
    crs = said.get("crs")
    return Geometry(column, json.dumps(crs) if isinstance(crs, dict) else "")


def register(connection: Any, found: Local, geometry: Geometry, info: SourceInfo) -> str:
    """Make a function known that gives the GeoJSON of a WKB, NULL for none; its name.

    A geometry that cannot be read stays text that is none, for the contract to hold. Raises SourceError for a
    coordinate system that is not known.
    """
    transform = _transform(found, geometry, info)

    def shapes(values: Any) -> Any:
        import pyarrow as pa
        import shapely

        read = shapely.from_wkb(values.to_pylist(), on_invalid="ignore")
        if transform is not None:
            read = shapely.transform(read, transform, interleaved=False)
        texts = [
            (None if raw is None else "unreadable WKB") if shape is None else _text(shape)
            for raw, shape in zip(values.to_pylist(), read, strict=True)
        ]
        return pa.array(texts, pa.string())

    name = f"mahakam_wkb_{next(_numbers)}"
    connection.create_function(name, shapes, ["BLOB"], "VARCHAR", type="arrow", null_handling="special")
    return name


def _text(shape: Any) -> str:
    import shapely

    return json.dumps(shapely.geometry.mapping(shapely.force_2d(shape)), separators=(",", ":"))


def _transform(found: Local, geometry: Geometry, info: SourceInfo) -> Any:
    if not geometry.crs or not found.degrees:
        return None
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    try:
        crs = CRS.from_user_input(geometry.crs)
    except CRSError as error:
        raise SourceError(found.name, "names a coordinate system that is not known") from error
    if any(crs.equals(CRS.from_user_input(one), ignore_axis_order=True) for one in _WORLD):
        return None
    info.notes.append(f"brought from the coordinate system {crs.name[:80]} to longitude and latitude")
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform


__all__ = ["Geometry", "geometry_of", "register"]
