"""The table behind a map layer or a number: every entity of a type in a place, filtered, paged,
downloadable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.ngsild.selection import Selection
from mahakam.store.protocol import Document, EntityStore
from mahakam.web import disclosed
from mahakam.web.entities import EntityRows, attribute, geometry, is_geometry, names, select, spoken, title
from mahakam.web.language import _, in_timezone, words
from mahakam.web.pages.trace import entity_address, shown
from mahakam.web.privacy import hidden
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

_LOOKED_AT = 200
_COLUMNS = 30
_SHOWN = 7


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/cities/{id}/data/{type}.geojson", as_geojson),
        *table_routes("/cities/{id}/data/{type}", data, entities_table),
    ]


def _asked(request: Request) -> tuple[Place, str, Selection]:
    site = site_of(request)
    place = site.place(request.path_params["id"])
    type = request.path_params["type"]
    query = request.query_params
    below = place.kind != "city" and query.get("below") == "1"
    chosen = select(place, site.places, type, query.get("q", ""), query.get("name", "").strip(), below)
    return place, type, chosen


def data(request: Request) -> Response:
    site = site_of(request)
    place, type, _chosen = _asked(request)
    in_timezone(place.timezone)
    if not site.store.documents(select(place, site.places, type, below=True), 1):
        raise HTTPException(
            404, _("%(place)s has no data of the kind %(type)s", place=words(place.name), type=type)
        )
    table = entities_table(request)
    return render(
        request,
        "data.html",
        title=spoken(type),
        place=place,
        section="",
        table=table,
        q=request.query_params.get("q", ""),
        name=request.query_params.get("name", ""),
        has_name=any(column.name == "name" for column in table.columns),
    )


def entities_table(request: Request) -> Table:
    """The entities, with the attributes that the first of them have as columns."""
    site = site_of(request)
    place, type, chosen = _asked(request)
    concealed = hidden(request, site, place, type)
    first = site.store.documents(chosen, _LOOKED_AT)
    found: dict[str, int] = {}
    for document in first:
        for name in names(document):
            value = attribute(document, name)
            if name not in concealed and not is_geometry(value):
                found[name] = found.get(name, 0) + 1
    attributes = sorted(found, key=lambda name: name != "name")[:_COLUMNS]
    columns = [Column("id", get=lambda d: d["id"], hidden=True)]
    if "name" not in attributes:
        columns.append(Column("title", _("Name"), get=title, html=_linked))
    for position, name in enumerate(attributes):
        numeric = all(
            isinstance(value, int | float) for d in first if (value := attribute(d, name)) is not None
        ) and not _is_year(first, name)
        columns.append(
            Column(
                name,
                spoken(name),
                "number" if numeric else "text",
                get=_value(name),
                html=_linked if name == "name" else _cell(name, site.store),
                hidden=position >= _SHOWN,
            )
        )
    disclosed.of_table(request, site, place, type, concealed)
    return Table(
        request,
        f"{spoken(type)}, {words(place.name)}",
        columns,
        EntityRows(site.store, chosen),
        path=f"/cities/{place.id}/data/{type}",
        endings=("csv", "json", "geojson"),
    )


def _value(name: str) -> Any:
    return lambda document: attribute(document, name)


def _cell(name: str, store: EntityStore) -> Any:
    return lambda document: shown(attribute(document, name), store=store)


def _is_year(documents: list[Document], name: str) -> bool:
    values = [value for d in documents if (value := attribute(d, name)) is not None]
    return bool(values) and all(isinstance(value, int) and 1900 <= value < 2100 for value in values)


def _linked(document: Document) -> Markup:
    return Markup('<a href="{}">{}</a>').format(entity_address(document["id"]), title(document))


def as_geojson(request: Request) -> Response:
    """The same entities as GeoJSON: their geometry, and every public attribute as a property."""
    site = site_of(request)
    place, type, chosen = _asked(request)
    concealed = hidden(request, site, place, type)
    disclosed.of_table(request, site, place, type, concealed)

    def lines() -> Iterator[bytes]:
        yield b'{"type":"FeatureCollection","features":['
        start = b"\n"
        for document in site.store.scan(chosen):
            properties = {
                name: value
                for name in names(document)
                if name not in concealed and not is_geometry(value := attribute(document, name))
            }
            feature = {
                "type": "Feature",
                "id": document["id"],
                "geometry": geometry(document),
                "properties": properties,
            }
            yield start + orjson.dumps(feature, default=str)
            start = b",\n"
        yield b"\n]}\n"

    return StreamingResponse(
        lines(), media_type="application/geo+json", headers={"Cache-Control": "no-cache"}
    )
