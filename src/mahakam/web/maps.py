"""Maps of a place: what the browser's map needs to know, and the layers as GeoJSON within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

from mahakam.config import Place
from mahakam.web import shapes
from mahakam.web.bundle import asset
from mahakam.web.entities import Layer, geometry, layers_of, title
from mahakam.web.language import _
from mahakam.web.outlines import boundary, box

if TYPE_CHECKING:
    from mahakam.web.site import Site

MOST_FEATURES = 20_000
MOST_BYTES = 16_000_000


def map_settings(site: Site, place: Place) -> dict[str, Any]:
    """What ``map.js`` reads from the element's data: bounds, layers with colours, words in the reader's
    language."""
    extent = box(place)
    if not boundary(place):
        extent = _extent(site, place) or extent
    layers = [
        {
            "id": f"layer-{layer.number}",
            "name": layer.name,
            "style": layer.style,
            "colour": layer.colour,
            "shown": layer.shown,
            "data": f"/cities/{place.id}/layers/{layer.number}.geojson",
        }
        for layer in layers_of(place, site.places)
    ]
    return {
        "worker": asset("maplibre-worker.js"),
        "bounds": list(extent) if extent else [-180, -60, 180, 70],
        "boundary": f"/cities/{place.id}/boundary.geojson" if boundary(place) else "",
        "layers": layers,
        "popup": "/trace/popup?id=",
        "words": {
            "in": _("Zoom in"),
            "out": _("Zoom out"),
            "close": _("Close"),
            "map": _("Map"),
            "ctrl": _("Hold Ctrl and scroll to zoom"),
            "command": _("Hold ⌘ and scroll to zoom"),
            "fingers": _("Use two fingers to move the map"),
            "failed": _("The map could not be loaded. The table has the same places."),
        },
    }


def _extent(site: Site, place: Place) -> tuple[float, float, float, float] | None:
    """Where the layers lie, from a bounded look at them."""
    found = (
        geometry(document)
        for layer in layers_of(place, site.places)
        for document in site.store.documents(layer.selection, 1000)
    )
    return shapes.bounds(found)


def layer_features(site: Site, layer: Layer) -> Iterator[bytes]:
    """The layer as a GeoJSON FeatureCollection, at most MOST_FEATURES features and MOST_BYTES bytes.

    Properties are ``id`` and ``name`` only: the popup asks for the rest. ``truncated`` says that there
    are more.
    """
    yield b'{"type":"FeatureCollection","features":['
    size = count = 0
    truncated = False
    for document in site.store.scan(layer.selection):
        shape = geometry(document)
        if shape is None:
            continue
        feature = {
            "type": "Feature",
            "geometry": rounded(shape),
            "properties": {"id": document["id"], "name": title(document)},
        }
        line = orjson.dumps(feature)
        if count >= MOST_FEATURES or size + len(line) > MOST_BYTES:
            truncated = True
            break
        yield (b",\n" if count else b"\n") + line
        size += len(line)
        count += 1
    yield b"\n]" + (b',"truncated":true' if truncated else b"") + b"}\n"


def rounded(shape: dict[str, Any], digits: int = 5) -> dict[str, Any]:
    """The geometry with coordinates of about a metre: what a screen can show."""
    if shape.get("type") == "GeometryCollection":
        return {**shape, "geometries": [rounded(part, digits) for part in shape.get("geometries", [])]}
    return {"type": shape["type"], "coordinates": _rounded(shape.get("coordinates"), digits)}


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_rounded(part, digits) for part in value]
    return round(value, digits) if isinstance(value, float) else value
