"""The picture of a place at the head of its page: outline, river and roads as one SVG, kept until data
change."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mahakam.config import Place
from mahakam.web import shapes
from mahakam.web.entities import geometry, layers_of, title
from mahakam.web.language import _, reader, words
from mahakam.web.outlines import boundary, box

if TYPE_CHECKING:
    from mahakam.web.site import Site

_MOST = 2000
_DOTS, _FEW = 800, 160
_SECONDS = 60.0
_kept: dict[tuple[Any, ...], tuple[float, int, Markup]] = {}
_lock = Lock()


def picture(
    site: Site, place: Place, width: int = 620, height: int = 560, style: str = "map-picture"
) -> Markup:
    """The place as in a drawing: areas from its boundary, lines and points from its layers. Empty
    without any."""
    key = (id(site.node), place.id, reader().language, width, height, style)
    newest = next((run.id for run in site.store.runs(limit=1)), 0)
    with _lock:
        kept = _kept.get(key)
    if kept and kept[1] == newest and time.monotonic() - kept[0] < _SECONDS:
        return kept[2]
    drawn = _draw(_for_everybody(site), place, width, height, style)
    with _lock:
        if len(_kept) > 200:
            _kept.clear()
        _kept[key] = (time.monotonic(), newest, drawn)
    return drawn


def small_picture(site: Site, place: Place) -> Markup:
    """A small picture from the place's layers, for one that has no outline."""
    return picture(site, place, 200, 130, "thumb")


def _for_everybody(site: Site) -> Site:
    """One picture is kept for all visitors: it is drawn of what everybody sees."""
    sight = site.node.rights.open
    return site.seen(sight) if sight.names else site


def _draw(site: Site, place: Place, width: int, height: int, style: str) -> Markup:
    layers = layers_of(place, site.places)
    drawn = [
        (layer, [(title(d), geometry(d)) for d in site.store.documents(layer.selection, _MOST)])
        for layer in layers
        if layer.shown and (layer.style != "area" or not boundary(place))
    ]
    area = box(place) if boundary(place) else None
    if area is None:
        area = shapes.bounds(shape for _layer, found in drawn for _name, shape in found)
    if area is None:
        area = box(place)
    if area is None or not (boundary(place) or any(found for _layer, found in drawn)):
        return Markup("")
    small = width < 300
    to = shapes.frame(area, width, height, margin=4 if small else 10)
    picture = shapes.Drawing(_("Map of %(place)s", place=words(place.name)), to)
    for feature in boundary(place):
        name = str((feature.get("properties") or {}).get("name", ""))
        picture.draw(feature.get("geometry"), "area", "" if small else name, tolerance=0.4)
    for layer, found in drawn:
        visible = list(_visible(found, area))
        if layer.style == "point":
            visible = visible[:: max(1, len(visible) // (_FEW if small else _DOTS))]
        for name, shape in visible:
            if layer.style == "point":
                for position in list(shapes.positions(shape))[:1]:
                    picture.dot(
                        position,
                        f"point tone-{layer.tone}",
                        1.4 if small else 3,
                        "" if small else name,
                    )
            else:
                picture.draw(shape, f"{layer.style} tone-{layer.tone}", "" if small else name, tolerance=0.5)
    return picture.svg(style)


def _visible(
    found: Iterable[tuple[str, dict[str, Any] | None]], area: tuple[float, float, float, float]
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Those whose extent touches the frame: a river may be longer than the city."""
    west, south, east, north = area
    for name, shape in found:
        extent = shapes.bounds([shape])
        if (
            shape
            and extent
            and extent[0] <= east
            and extent[2] >= west
            and extent[1] <= north
            and extent[3] >= south
        ):
            yield name, shape
