"""The map of a place at full height, with its layers and their places as a list; the layers as GeoJSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mahakam.web.entities import Layer, geometry, layers_of, title
from mahakam.web.language import _, in_timezone, words
from mahakam.web.maps import layer_features, map_settings, rounded
from mahakam.web.outlines import boundary
from mahakam.web.pictures import picture
from mahakam.web.render import render
from mahakam.web.shapes import bounds
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.web.site import Site

LISTED = 60
_GEOJSON = "application/geo+json"


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/cities/{id}/map", full_map),
        Route("/cities/{id}/boundary.geojson", boundary_features),
        Route("/cities/{id}/layers/{number:int}.geojson", layer),
    ]


def full_map(request: Request) -> Response:
    site = site_of(request)
    place = site.place(request.path_params["id"])
    in_timezone(place.timezone)
    layers = layers_of(place, site.places)
    listed = []
    for one in layers:
        documents = site.store.documents(one.selection, LISTED)
        items = [
            {"id": d["id"], "name": title(d), "at": _centre(d)}
            for d in sorted(documents, key=lambda d: title(d))
        ]
        listed.append((one, site.store.count(one.selection), items))
    return render(
        request,
        "map.html",
        title=_("Map of %(place)s", place=words(place.name)),
        place=place,
        picture=picture(site, place),
        map=map_settings(site, place),
        layers=listed,
    )


def _centre(document: dict[str, object]) -> list[float] | None:
    box = bounds([geometry(document)])
    return [round((box[0] + box[2]) / 2, 5), round((box[1] + box[3]) / 2, 5)] if box else None


def boundary_features(request: Request) -> Response:
    """The place's outline, coordinates to about a metre."""
    place = site_of(request).place(request.path_params["id"])
    features = [
        {
            "type": "Feature",
            "properties": feature.get("properties") or {},
            "geometry": rounded(feature["geometry"]),
        }
        for feature in boundary(place)
        if feature.get("geometry")
    ]
    if not features:
        raise HTTPException(404, _("%(place)s has no outline", place=words(place.name)))
    body = orjson.dumps({"type": "FeatureCollection", "features": features})
    return Response(body, media_type=_GEOJSON, headers={"Cache-Control": "no-cache"})


def layer(request: Request) -> Response:
    """One layer as GeoJSON, within bounds (``truncated`` says that there is more)."""
    site = site_of(request)
    place = site.place(request.path_params["id"])
    found = {one.number: one for one in layers_of(place, site.places)}
    one: Layer | None = found.get(request.path_params["number"])
    if one is None:
        raise HTTPException(404, _("%(place)s has no such layer", place=words(place.name)))
    return StreamingResponse(
        layer_features(site, one), media_type=_GEOJSON, headers={"Cache-Control": "no-cache"}
    )
