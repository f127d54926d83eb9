"""The outline of a place as an SVG picture, drawn once per file and kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from markupsafe import Markup

from mahakam.config import ConfigError, Place
from mahakam.web import shapes
from mahakam.web.language import _, words

_MAX_BYTES = 50_000_000


def features(path: Path) -> list[dict[str, Any]]:
    """The features of a GeoJSON file (a bare geometry counts as one).

    Raises ConfigError for a file that cannot be read or is no GeoJSON.
    """
    try:
        stat = path.stat()
        if stat.st_size > _MAX_BYTES:
            raise ConfigError(path, f"is larger than {_MAX_BYTES // 1_000_000} MB; simplify the outline")
        return _features(path, stat.st_mtime_ns)
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error


@lru_cache(maxsize=32)
def _features(path: Path, _modified: int) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigError(path, f"is not valid JSON: {error}") from error
    match document:
        case {"type": "FeatureCollection", "features": list(found)}:
            return [f for f in found if isinstance(f, dict)]
        case {"type": "Feature"}:
            return [document]
        case {"type": str(), "coordinates": list()}:
            return [{"type": "Feature", "properties": {}, "geometry": document}]
    raise ConfigError(path, "must be GeoJSON: a FeatureCollection, a Feature or a geometry")


def boundary(place: Place) -> list[dict[str, Any]]:
    """The features whose area together is the place; none if it has no boundary file."""
    return features(place.boundary_file) if place.boundary_file else []


def box(place: Place) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) of the place, from its boundary, else around its centre."""
    found = shapes.bounds(feature.get("geometry") for feature in boundary(place))
    if found:
        return found
    centre = place.facts.get("centre")
    if isinstance(centre, list) and len(centre) == 2:
        return centre[0] - 0.15, centre[1] - 0.15, centre[0] + 0.15, centre[1] + 0.15
    return None


def map_of(place: Place, label: str, width: int, height: int) -> shapes.Drawing | None:
    """A drawing of the place to which pins are added; None if nobody knows where it is. The outline is drawn once."""
    path = place.boundary_file
    if path is None:
        around = box(place)
        return shapes.Drawing(label, shapes.frame(around, width, height, margin=8)) if around else None
    features(path)  # says what is wrong with the file
    drawn = _outline(path, path.stat().st_mtime_ns, width, height)
    return shapes.Drawing(label, drawn.frame, list(drawn.parts)) if drawn else None


@lru_cache(maxsize=64)
def _outline(path: Path, modified: int, width: int, height: int) -> shapes.Drawing | None:
    found = _features(path, modified)
    area = shapes.bounds(feature.get("geometry") for feature in found)
    if area is None:
        return None
    drawn = shapes.Drawing("", shapes.frame(area, width, height, margin=8))
    for feature in found:
        drawn.draw(feature.get("geometry"), "area", str((feature.get("properties") or {}).get("name", "")))
    return drawn


@lru_cache(maxsize=64)
def _picture_data(path: Path, _modified: int, width: int, height: int) -> str:
    found = features(path)
    area = shapes.bounds(feature.get("geometry") for feature in found)
    if area is None:
        return ""
    to = shapes.frame(area, width, height, margin=4)
    return "".join(
        f'<path class="area" d="{data}"/>'
        for data in (shapes.path(feature.get("geometry"), to, 0.4) for feature in found)
        if data
    )


def thumbnail(place: Place, width: int = 160, height: int = 120) -> Markup:
    """A small picture of the place's outline; empty without a boundary."""
    if place.boundary_file is None or not place.boundary_file.is_file():
        return Markup("")
    data = _picture_data(place.boundary_file, place.boundary_file.stat().st_mtime_ns, width, height)
    label = Markup.escape(_("Outline of %(place)s", place=words(place.name)))
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="thumb" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{data}</svg>'
    )
