"""The catalogue for people: search and filters over every dataset, and what is to be known before using one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.feeds.catalogue.entry import Column as Variable
from mahakam.feeds.catalogue.entry import Entry, entries, entry
from mahakam.feeds.catalogue.licences import known
from mahakam.feeds.catalogue.search import FACETS, counted, licence_name, search
from mahakam.feeds.dataset_rows import versions_of
from mahakam.feeds.datasets import dataset_id
from mahakam.services.catalogue import cities_with_services
from mahakam.web.datasets import score
from mahakam.web.entities import spoken
from mahakam.web.indicator_views import theme_name
from mahakam.web.language import N_, _, in_timezone, unit, words
from mahakam.web.privacy import sight_of
from mahakam.web.render import render
from mahakam.web.scoring import score_bar
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes
from mahakam.web.year_words import FIELDS, PARTS

if TYPE_CHECKING:
    from mahakam.web.site import Site

FILES = ("csv", "json", "parquet", "xlsx")
_LONGEST = 200
_KINDS = {
    "string": N_("text"), "integer": N_("whole number"), "number": N_("number"), "boolean": N_("yes or no"),
    "date": N_("date"), "time": N_("time of day"), "timestamp": N_("moment"), "object": N_("shape or record"),
    "array": N_("list"),
}  # fmt: skip


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/catalogue", catalogue, catalogue_table),
        Route("/catalogue/{place}/{feed}", dataset),
    ]


def catalogue(request: Request) -> Response:
    site = site_of(request)
    everything = list(entries(site.store, site.places, sight_of(request)))
    wanted = _wanted(request)
    choices = []
    for facet, title in (
        ("place", _("Place")),
        ("theme", _("Theme")),
        ("agency", _("Agency")),
        ("licence", _("Licence")),
    ):
        others = {name: value for name, value in wanted.items() if name != facet}
        values = counted(search(everything, wanted=others), facet)
        options = [(value, _facet_words(site, facet, value), n) for value, n in values.items()]
        choices.append((facet, title, options, wanted.get(facet, "")))
    return render(
        request,
        "catalogue.html",
        title=_("Data catalogue"),
        section="data",
        table=catalogue_table(request),
        choices=choices,
        query=_query(request),
        filtered=bool(wanted or _query(request)),
        requests=list(cities_with_services(site.places)),
    )


def catalogue_table(request: Request) -> Table:
    """What was searched for, the likeliest first."""
    site = site_of(request)
    found = search(entries(site.store, site.places, sight_of(request)), _query(request), _wanted(request))
    columns = [
        Column("title", _("Dataset"), get=lambda e: words(e.feed.title), link=lambda e: e.path),
        Column("place", _("Place"), get=lambda e: words(e.place.name)),
        Column("agency", _("Agency"), get=lambda e: e.producer, phone=False),
        Column("theme", _("Theme"), get=lambda e: theme_name(e.feed.theme), phone=False),
        Column("licence", _("Licence"), get=lambda e: licence_name(e.feed.licence), phone=False),
        Column("rows", _("Rows"), "number", get=lambda e: e.rows),
        Column("updated", _("Updated"), "date", get=lambda e: e.modified),
        Column("score", _("Score"), get=lambda e: e.known.score, html=lambda e: score_bar(e.known.score)),
        Column("id", get=lambda e: e.name, hidden=True),
        Column("address", get=lambda e: str(request.base_url).rstrip("/") + e.path, hidden=True),
        Column("origin", get=lambda e: e.feed.origin, hidden=True),
        Column("table", get=lambda e: e.table, hidden=True),
    ]
    return Table(
        request,
        _("Data catalogue"),
        columns,
        found,
        path="/catalogue",
        anchor="datasets",
        nothing=_("No dataset is about that. Try fewer words, or another filter."),
    )


def _query(request: Request) -> str:
    return request.query_params.get("q", "").strip()[:_LONGEST]


def _wanted(request: Request) -> dict[str, str]:
    return {name: value for name in FACETS if (value := request.query_params.get(name, "")[:_LONGEST])}


def _facet_words(site: Site, facet: str, value: str) -> str:
    if facet == "place":
        return str(words(site.places[value].name))
    return theme_name(value) if facet == "theme" else value


def dataset(request: Request) -> Response:
    site = site_of(request)
    place, feed = request.path_params["place"], request.path_params["feed"]
    one = entry(site.store, site.places, sight_of(request), place, feed)
    if one is None:
        raise HTTPException(404, _("The catalogue has no dataset %(name)s.", name=f"{place}/{feed}"[:200]))
    in_timezone(one.place.timezone)
    document = site.broker.get(dataset_id(one.place.id, one.feed.name))
    licence = known(one.feed.licence)
    return render(
        request,
        "catalogue-dataset.html",
        title=words(one.feed.title),
        place=one.place,
        section="data",
        one=one,
        files=FILES if one.rows is not None else (),
        licence=licence,
        theme=theme_name(one.feed.theme),
        badge=f"/badges/{one.place.id}/{one.feed.name}.svg",
        here=str(request.base_url).rstrip("/"),
        score=score_bar(score(one.known.run, one.known.held)),
        variables=_variables(request, one),
        parts_names=PARTS,
        field_names=FIELDS,
        versions=versions_of(document) if document else [],
        description=words(one.description),
        steward=str(one.place.facts.get("data_steward") or ""),
        crumbs=[(_("Data catalogue"), "/catalogue"), (words(one.feed.title), "")],
    )


def _variables(request: Request, one: Entry) -> Table:
    """The data standard of each variable: concept, definition, classification, measure and unit."""
    columns = [
        Column("name", _("Column"), "code"),
        Column("title", _("Concept"), get=lambda v: v.title or spoken(v.name)),
        Column("description", _("Definition")),
        Column("codes", _("Classification"), get=_classification),
        Column("kind", _("Measure"), get=lambda v: _(_KINDS.get(v.kind, v.kind))),
        Column("unit", _("Unit"), get=lambda v: unit(v.unit) if v.unit else ""),
    ]
    return Table(
        request, _("Columns"), columns, one.columns, per_page=200, anchor="columns", downloadable=False
    )


def _classification(variable: Variable) -> Any:
    if variable.codes:
        return variable.codes
    shown = ", ".join(variable.values[:12])
    return shown + (" …" if len(variable.values) > 12 else "")
