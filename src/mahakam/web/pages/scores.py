"""Scores as files (by agency, by day, by run) and as badges for other sites."""

from __future__ import annotations

from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place, Text
from mahakam.feeds.scores import Standing, rolled
from mahakam.web.badge import Badge
from mahakam.web.datasets import datasets
from mahakam.web.language import DEFAULT, _, date, in_timezone, reading, words
from mahakam.web.languages import languages
from mahakam.web.pages.quality import one_of, scores_of
from mahakam.web.scoring import agencies_table, days_table, figure, stands
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Table, table_routes

FRESH = 3600
"""Seconds that a badge may be kept by who shows it."""
_LONGEST_LABEL = 60


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/scores/days/{place}", None, place_days),
        *table_routes("/scores/days", None, all_days),
        *table_routes("/scores/{place}", None, place_agencies),
        *table_routes("/scores", None, all_agencies),
        *table_routes("/quality/{place}/{feed}/scores", None, scores_of),
        Route("/badges/{place}.svg", place_badge),
        Route("/badges/{place}/{feed}.svg", dataset_badge),
    ]


def place_agencies(request: Request) -> Table:
    place = _place(request)
    return agencies_table(request, datasets(site_of(request).store, place), place)


def all_agencies(request: Request) -> Table:
    site = site_of(request)
    found = [one for place in site.places.values() for one in datasets(site.store, place)]
    return agencies_table(request, found, None)


def place_days(request: Request) -> Table:
    return days_table(request, site_of(request), _place(request))


def all_days(request: Request) -> Table:
    return days_table(request, site_of(request), None)


def _place(request: Request) -> Place:
    place = site_of(request).place(request.path_params["place"])
    in_timezone(place.timezone)
    return place


def dataset_badge(request: Request) -> Response:
    one = one_of(request)
    return _badge(request, one.place, one.title, stands(site_of(request), one))


def place_badge(request: Request) -> Response:
    site, place = site_of(request), _place(request)
    return _badge(
        request, place, place.name, rolled(stands(site, one) for one in datasets(site.store, place))
    )


def _badge(request: Request, place: Place, title: Text | str, one: Standing) -> Response:
    """In the language of the address, not of the reader: what is kept by others is the same for all."""
    asked = request.query_params.get("language", "")
    with reading(asked if asked in languages() else DEFAULT, place.timezone):
        name = str(words(title))
        label = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
        value = _("not yet measured") if one.overall is None else figure(one.overall)
        badge = Badge(
            _("Data quality of %(name)s", name=label),
            value,
            date(one.at, "medium") if one.at else "",
            one.overall,
        )
    body = badge.svg().encode()
    tag = f'"{sha256(body).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={FRESH}", "Access-Control-Allow-Origin": "*"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="image/svg+xml", headers=headers)
