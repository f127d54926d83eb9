"""A held row beside the rows that stand next to it in the file, in a table and on a map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError, Place
from mahakam.feeds.definition import Feed
from mahakam.feeds.repairing import cells_now
from mahakam.store.model import Held
from mahakam.web.datasets import feed_of
from mahakam.web.entities import geometry
from mahakam.web.language import _
from mahakam.web.maps import map_settings

if TYPE_CHECKING:
    from mahakam.web.site import Site

REACH = 3
"""Rows before and after."""
_MARGIN = 0.01
"""Degrees around the points of the map."""
_COLOURS = {"stored": "#2f7d4f", "held": "#9a6700", "here": "#b3372f"}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row near a held one, itself among them. ``state``: here, held or stored; ``at``: its geometry, if it has one;
    ``id`` is its number in the quarantine, ``entity`` what it was stored as."""

    row: int
    line: int
    state: str
    cells: Mapping[str, str | None]
    at: dict[str, Any] | None
    id: int = 0
    entity: str = ""

    @property
    def key(self) -> str:
        return f"row-{self.row}"

    @property
    def name(self) -> str:
        states = {"here": _("this row"), "held": _("held"), "stored": _("went in")}
        return _("Row %(row)s: %(state)s", row=self.line, state=states[self.state])


def neighbours(site: Site, place: Place, held: Held) -> list[Neighbour]:
    """The row and its neighbours in the order of the file, each once."""
    try:
        feed: Feed | None = feed_of(place, held.feed)
    except ConfigError:
        feed = None
    where = (held.place, held.feed, held.file, held.sheet, held.row, REACH)
    found: dict[int, Neighbour] = {}
    for line in site.store.lineage_near(*where):
        document = site.store.document(line.entity)
        at = geometry(document) if document else None
        found[line.row] = Neighbour(line.row, line.line, "stored", line.raw, at, entity=line.entity)
    for one in [*site.store.held_near(*where), held]:
        cells = cells_now(one)
        state = "here" if one.id == held.id else "held"
        found[one.row] = Neighbour(one.row, one.line, state, cells, _point(feed, cells), id=one.id)
    return [found[row] for row in sorted(found)]


def features(site: Site, place: Place, held: Held, what: str) -> dict[str, Any]:
    """The points of one state as a GeoJSON FeatureCollection."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": one.key,
                "properties": {"id": one.key, "name": one.name},
                "geometry": one.at,
            }
            for one in neighbours(site, place, held)
            if one.at is not None and one.state == what
        ],
    }


def row_map(site: Site, place: Place, held: Held, base: str) -> dict[str, Any] | None:
    """What the browser's map needs to show the row among its neighbours; None where the row has no point."""
    near = neighbours(site, place, held)
    points = [one.at["coordinates"] for one in near if one.at and one.at["type"] == "Point"]
    if not any(one.at and one.state == "here" for one in near):
        return None
    settings = map_settings(site, place)
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    settings["bounds"] = [
        max(west - _MARGIN, -180),
        max(south - _MARGIN, -85),
        min(east + _MARGIN, 180),
        min(north + _MARGIN, 85),
    ]
    settings["layers"] = [
        {
            "id": what,
            "name": what,
            "style": "point",
            "colour": colour,
            "shown": True,
            "data": f"{base}/near.geojson?what={what}",
        }
        for what, colour in _COLOURS.items()
    ]
    settings["popup"] = f"{base}/popup?id="
    return settings


def _point(feed: Feed | None, cells: Mapping[str, str | None]) -> dict[str, Any] | None:
    """Where a row's columns of longitude and latitude say that it lies, on the earth or nowhere."""
    for one in feed.fields if feed else ():
        if one.longitude is None or one.latitude is None:
            continue
        try:
            x, y = (
                float((cells.get(name) or "").strip().replace(",", "."))
                for name in (one.longitude, one.latitude)
            )
        except ValueError:
            return None
        if one.crs.upper() not in ("EPSG:4326", "OGC:CRS84"):
            x, y = _degrees(one.crs, x, y)
        if not (math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90):
            return None
        return {"type": "Point", "coordinates": [x, y]}
    return None


def _degrees(crs: str, x: float, y: float) -> tuple[float, float]:
    from pyproj import Transformer

    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return float(longitude), float(latitude)
