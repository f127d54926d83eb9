"""Maps of GIS programs (Shapefile, GeoPackage, KML, GML, GPX, FlatGeobuf): properties and ``_geometry``, in WGS 84."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import folders, records
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import Pins, SourceError, SourceInfo, Table

if TYPE_CHECKING:
    import duckdb

_WORLD = ("EPSG:4326", "OGC:CRS84")
_KML_DEFAULTS: dict[str, tuple[int, ...]] = {
    "tessellate": (-1,), "extrude": (0,), "visibility": (-1,),
    **dict.fromkeys(("id", "description", "timestamp", "begin", "end", "altitudeMode", "drawOrder", "icon"), ()),
}  # fmt: skip
MAX_FEATURES = 5_000_000


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """One layer as a table; ``sheet`` pins which, else it is the first with features, and of KML all folders.

    ``_line`` counts features from 1.

    A geometry in another coordinate system is brought to longitude and latitude, and a note says from which.
    Raises SourceError for a damaged file, an unknown layer, a layer without a coordinate system that needs one.
    """
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    with found.path.open("rb") as file:
        path = _inside(found) if file.read(2) == b"PK" else str(found.path)
    is_kml = found.name.lower().endswith((".kml", ".kmz"))
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        holding = [name for name in layers if _holds(path, name)] if len(layers) > 1 else layers
        if is_kml and pins.sheet is None and len(holding) > 1:
            return _all_folders(found, connection, path, layers, holding)
        layer, notes = _choose(found, layers, holding or layers, pins.sheet)
        about, _, shapes, columns = _layer(path, layer, pins.encoding)
    except (DataSourceError, DataLayerError, ValueError, RuntimeError) as error:
        said = str(error).replace(str(found.path), found.name).splitlines()[0]
        raise SourceError(found.name, f"cannot be read as a map ({said}); export it again") from error
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        "vector",
        entry=found.entry,
        encoding=str(about.get("encoding") or ""),
        sheet=layer,
        notes=notes,
    )
    geometries = _in_degrees(found, shapes, str(about.get("crs") or ""), info)
    names = [str(name) for name in about["fields"]]
    if is_kml:
        names, columns = _said(names, columns)
    if pins.encoding is None and info.encoding == "ISO-8859-1":
        columns = _as_utf8(columns, info)
    return records.table(found, connection, info, _records(names, columns, geometries), geometry=True)


def _layer(path: str, layer: str, encoding: str | None = None) -> Any:
    import pyogrio

    return pyogrio.raw.read(
        path, layer=layer, encoding=encoding, force_2d=True, datetime_as_string=True,
        max_features=MAX_FEATURES,
    )  # fmt: skip


def _holds(path: str, layer: str) -> bool:
    """Whether a layer has any feature."""
    import pyogrio

    return int(pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"]) > 0


def _all_folders(
    found: Local, connection: duckdb.DuckDBPyConnection, path: str, layers: list[str], holding: list[str]
) -> Table:
    """The placemarks of all folders, one after the other: a folder is a group of them, not a table of its own."""
    info = SourceInfo(found.name, found.sha256, found.bytes, "vector", entry=found.entry)
    named = folders.paths(found.path)
    said = dict(zip(layers, named if len(named) == len(layers) else layers, strict=True))
    rows: list[records.Record] = []
    for layer in holding:
        about, _, shapes, columns = _layer(path, layer)
        geometries = _in_degrees(found, shapes, str(about.get("crs") or ""), info)
        names, columns = _said([str(name) for name in about["fields"]], columns)
        column = next(n for n in ("folder", "folder of the file") if n not in names)
        for _, members, shape in _records(names, columns, geometries):
            rows.append((len(rows) + 1, {**members, column: said[layer]}, shape))
    listed = ", ".join(f"{layer!r}" for layer in holding[:12])
    info.notes.append(f"has {len(holding)} folders: read all of them; pin sheet for one ({listed})")
    return records.table(found, connection, info, rows, geometry=True)


def _inside(found: Local) -> str:
    """The folder of a .zip that its shapefiles are in. Raises SourceError for a damaged one, or several folders."""
    try:
        with zipfile.ZipFile(found.path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise SourceError(
            found.name, f"is a damaged .zip ({error}); ask its owner for the file again"
        ) from error
    folders = {
        str(name.parent)
        for name in names
        if name.suffix.lower() == ".shp" and "__MACOSX" not in name.parts and not name.name.startswith("._")
    }
    if len(folders) > 1:
        listed = ", ".join(sorted(folders))
        raise SourceError(
            found.name, f"holds shapefiles in several folders ({listed}); make each a .zip of its own"
        )
    folder = next(iter(folders), ".")
    return f"/vsizip/{{{found.path}}}" + ("" if folder == "." else f"/{folder}")


def _choose(found: Local, layers: list[str], holding: list[str], pinned: str | None) -> tuple[str, list[str]]:
    if not layers:
        raise SourceError(found.name, "has no layer")
    if pinned is not None:
        if pinned not in layers:
            raise SourceError(found.name, f"has no layer {pinned!r}; it has {', '.join(map(repr, layers))}")
        return pinned, []
    if len(layers) == 1:
        return layers[0], []
    listed = ", ".join(layers)
    return holding[0], [f"has {len(layers)} layers: read {holding[0]!r}; pin sheet for another ({listed})"]


def _in_degrees(found: Local, shapes: Any, crs: str, info: SourceInfo) -> list[Any]:
    """The geometries as GeoJSON, None for none."""
    import shapely

    if shapes is None:
        return []
    geometries = shapely.from_wkb(shapes)
    if found.degrees and crs and crs not in _WORLD:
        from pyproj import Transformer
        from pyproj.exceptions import CRSError

        try:
            transform: Any = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
        except CRSError as error:
            raise SourceError(found.name, f"names the unknown coordinate system {crs[:80]}") from error
        geometries = shapely.transform(geometries, transform, interleaved=False)
        info.notes.append(f"brought from the coordinate system {crs[:80]} to longitude and latitude")
    elif found.degrees and not crs:
        info.notes.append("names no coordinate system: its coordinates are taken as longitude and latitude")
    return [None if shape is None else shapely.geometry.mapping(shape) for shape in geometries]


def _said(names: list[str], columns: Any) -> tuple[list[str], list[Any]]:
    """Without the columns that a reader of KML adds for what no placemark says: how it is drawn, and when."""
    pairs = [
        (name, column)
        for name, column in zip(names, columns, strict=True)
        if name not in _KML_DEFAULTS
        or any(_plain(value) not in (None, "", *_KML_DEFAULTS[name]) for value in column.tolist())
    ]
    return [name for name, _ in pairs], [column for _, column in pairs]


def _as_utf8(columns: Any, info: SourceInfo) -> Any:
    """Texts of a shapefile that names no encoding (its .cpg was left out): UTF-8 if every one of them is."""
    texts = {v for column in columns if column.dtype == object for v in column if isinstance(v, str)}
    beyond = [text for text in texts if not text.isascii()]
    try:
        known = {text: text.encode("latin-1").decode("utf-8") for text in beyond}
    except UnicodeError:
        return columns
    if known:
        info.encoding = "UTF-8"
        info.notes.append("names no encoding: its letters are read as UTF-8")
    return [_replaced(column, known) if known and column.dtype == object else column for column in columns]


def _replaced(column: Any, known: dict[str, str]) -> Any:
    column = column.copy()
    for row, value in enumerate(column):
        if isinstance(value, str):
            column[row] = known.get(value, value)
    return column


def _records(names: list[str], columns: Any, geometries: list[Any]) -> Iterator[records.Record]:
    lists = [column.tolist() for column in columns]
    total = len(lists[0]) if lists else len(geometries)
    for row in range(total):
        members = {name: _plain(values[row]) for name, values in zip(names, lists, strict=True)}
        yield row + 1, members, geometries[row] if geometries else None


def _plain(value: Any) -> Any:
    """A float that is no number stands for an empty cell of a column of numbers."""
    if isinstance(value, float):
        if value != value:
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, bytes):
        return value.hex()
    return value


FORMAT = Format(
    read,
    "Shapefile (in a .zip), GeoPackage, KML",
    ("an SQLite database", "an XML document", "zip", "a FlatGeobuf file"),
    (".gpkg", ".kml", ".gml", ".gpx", ".fgb"),
    archive=(".shp",),
)
