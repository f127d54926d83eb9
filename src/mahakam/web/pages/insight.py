"""What people report, where, when and in which words; what the city promised and kept; and how other cities do."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.config import Place, scope_of
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Desk, Wanted
from mahakam.services.hotspots import FEWEST, LEVEL, Cell, hot_spots
from mahakam.services.insight import FEWEST_WORDS, MOST, Figures, Insight, look, population
from mahakam.services.personal import personal_codes
from mahakam.services.request import utc_text
from mahakam.services.suppression import hidden_counts
from mahakam.web import charts, shapes
from mahakam.web.gate import one_of
from mahakam.web.language import _, in_timezone, n_, number, period, weekday_names, words
from mahakam.web.outlines import boundary, box
from mahakam.web.pages.report import cities_of
from mahakam.web.render import render
from mahakam.web.request_desk import countable
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

PERIODS = {"30": 30, "90": 90, "365": 365, "all": 0}
"""Days back from now; 0 is everything."""
_FRESH = 300.0
_BLOCK = 3
"""Hours that one column of the week's table holds."""
_MOST_KEPT = 50
_kept: dict[tuple[Any, ...], tuple[float, Any]] = {}
_lock = threading.Lock()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is about; ``service`` "" is every kind."""

    place: Place
    service: str
    days: str


def routes(_site: Site) -> list[BaseRoute]:
    found: list[BaseRoute] = list(table_routes("/insight", show, services_table))
    for name, table in _TABLES.items():
        found += table_routes(f"/insight/{name}", None, table)
    return found


def show(request: Request) -> Response:
    site, asked = site_of(request), _asked(request)
    in_timezone(asked.place.timezone)
    found, cells = _insight(site, asked), _cells(site, asked)
    hot = [cell for cell in cells if cell.hot]
    fewest_shown = site.settings.fewest_shown
    return render(
        request,
        "insight.html",
        title=_("What people report in %(city)s", city=words(asked.place.name)),
        place=asked.place,
        section="services",
        asked=asked,
        periods=_period_names(),
        cities=cities_of(site),
        services=_services(site, asked.place),
        found=found,
        chart=_chart(found, found.hidden_months(fewest_shown)),
        whole_hidden=found.hides_whole(fewest_shown),
        small=bool(found.personal),
        fewest_shown=fewest_shown,
        week=_week(found),
        blocks=[f"{hour:02d}–{hour + _BLOCK:02d}" for hour in range(0, 24, _BLOCK)],
        drawing=_map(asked.place, cells),
        hot=len(hot),
        few=len(found.points) < FEWEST,
        fewest=FEWEST,
        fewest_words=FEWEST_WORDS,
        level=LEVEL,
        most=MOST,
        tables={name: table(request) for name, table in {"services": services_table, **_TABLES}.items()},
    )


def services_table(request: Request) -> Table:
    """One row a service."""
    site, asked = site_of(request), _asked(request)
    names, found = _services(site, asked.place), _insight(site, asked)
    hidden = found.hidden_services(site.settings.fewest_shown)
    rows = [
        (names.get(code, code), code, figures)
        for code, figures in found.services.items()
        if code not in hidden
    ]
    columns = [
        Column("service_name", _("About"), get=lambda row: row[0]),
        Column("service", get=lambda row: row[1], hidden=True),
        *_figures(lambda row: row[2]),
    ]
    return _table(request, _("What is reported"), columns, rows, "/insight", "services", "-reports")


def agencies_table(request: Request) -> Table:
    """One row an agency: what it owes and what it kept."""
    site = site_of(request)
    found = _insight(site, _asked(request))
    hidden = found.hidden_agencies(site.settings.fewest_shown)
    rows = [row for row in found.agencies.items() if row[0] not in hidden]
    columns = [
        Column("agency", _("Agency"), get=lambda row: row[0] or _("None")),
        *_figures(lambda row: row[1]),
    ]
    return _table(request, _("Promised and kept"), columns, rows, "/insight/agencies", "agencies", "-late")


def months_table(request: Request) -> Table:
    site = site_of(request)
    found = _insight(site, _asked(request))
    hidden = found.hidden_months(site.settings.fewest_shown)
    rows = [row for row in sorted(found.months.items()) if row[0] not in hidden]
    columns = [
        Column("month", _("Month"), get=lambda row: row[0], html=lambda row: period(row[0])),
        *_figures(lambda row: row[1]),
    ]
    return _table(request, _("Month by month"), columns, rows, "/insight/months", "months", "-month")


def hours_table(request: Request) -> Table:
    """One row a weekday and hour, in the city's time."""
    found, names = _insight(site_of(request), _asked(request)), weekday_names()
    rows = [(day, hour, found.hours[day, hour]) for day in range(7) for hour in range(24)]
    columns = [
        Column("weekday", _("Day"), "number", get=lambda row: row[0] + 1, html=lambda row: names[row[0]]),
        Column("hour", _("Hour"), "number", get=lambda row: row[1]),
        Column("reports", _("Reports"), "number", get=lambda row: row[2]),
    ]
    return _table(request, _("Day and hour"), columns, rows, "/insight/hours", "hours")


def words_table(request: Request) -> Table:
    found = _insight(site_of(request), _asked(request))
    total = max(found.whole.reports, 1)
    columns = [
        Column("word", _("Word"), get=lambda row: row[0]),
        Column("reports", _("Reports"), "number", get=lambda row: row[1]),
        Column("share", _("Share"), "share", get=lambda row: round(row[1] / total, 4)),
    ]
    return _table(request, _("Words"), columns, found.words, "/insight/words", "words", "-reports")


def spots_table(request: Request) -> Table:
    """One row a cell with reports; ``hot`` where chance alone rarely does this."""
    cells = _cells(site_of(request), _asked(request))
    columns = [
        Column("cell", _("Hexagon"), "code", get=lambda cell: cell.id),
        Column("reports", _("Reports"), "number", get=lambda cell: cell.count),
        Column("expected", _("By chance"), "number", get=lambda cell: round(cell.expected, 1)),
        Column("chance", _("Probability"), "number", get=lambda cell: round(cell.chance, 3)),
        Column(
            "hot", _("Hot spot"), get=lambda cell: cell.hot, html=lambda c: _("Yes") if c.hot else _("No")
        ),
        Column("latitude", _("Latitude"), "number", get=lambda cell: cell.centre[1], decimals=4),
        Column("longitude", _("Longitude"), "number", get=lambda cell: cell.centre[0], decimals=4),
        Column("ratio", get=lambda cell: round(cell.ratio, 3), hidden=True),
    ]
    return _table(request, _("Where"), columns, cells, "/insight/spots", "spots")


def cities_table(request: Request) -> Table:
    """The same figures for every city of the node."""
    site, asked = site_of(request), _asked(request)
    insights = {city.id: _insight(site, Asked(city, asked.service, asked.days)) for city in cities_of(site)}
    guarded = {id: one.whole.reports for id, one in insights.items() if one.guarded}
    hidden = hidden_counts(guarded, site.settings.fewest_shown)
    rows = [(city, insights[city.id].whole) for city in cities_of(site) if city.id not in hidden]

    def per_thousand(row: tuple[Place, Figures]) -> float | None:
        people = population(row[0])
        return round(1000 * row[1].reports / people, 2) if people else None

    columns = [
        Column("city", get=lambda row: row[0].id, hidden=True),
        Column("city_name", _("City"), get=lambda row: words(row[0].name)),
        Column("per_thousand", _("Per 1,000 people"), "number", get=per_thousand),
        *_figures(lambda row: row[1]),
    ]
    return _table(
        request, _("Beside the other cities"), columns, rows, "/insight/cities", "cities", "city_name"
    )


_TABLES: dict[str, Callable[[Request], Table]] = {
    "agencies": agencies_table,
    "months": months_table,
    "hours": hours_table,
    "words": words_table,
    "spots": spots_table,
    "cities": cities_table,
}


def _figures(of: Callable[[Any], Figures]) -> list[Column]:
    return [
        Column("reports", _("Reports"), "number", get=lambda row: of(row).reports),
        Column("open", _("Open"), "number", get=lambda row: of(row).open),
        Column("late", _("Late"), "number", get=lambda row: of(row).late),
        Column("median_days", _("Median days"), "number", get=lambda row: of(row).median_days),
        Column("promised", get=lambda row: of(row).promised, hidden=True),
        Column("kept", get=lambda row: of(row).kept, hidden=True),
        Column("kept_share", _("Promise kept"), "share", get=lambda row: _rounded(of(row).kept_share)),
        Column("reopened_share", _("Reopened"), "share", get=lambda row: _rounded(of(row).reopened_share)),
    ]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _table(
    request: Request, caption: str, columns: list[Column], rows: Any, path: str, name: str, sort: str = ""
) -> Table:
    return Table(
        request,
        caption,
        columns,
        rows,
        path,
        sort=sort,
        per_page=20,
        nothing=_("Nothing was reported in this time."),
        anchor=f"table-{name}",
        key=f"{name}-",
    )


def _asked(request: Request) -> Asked:
    site, query = site_of(request), request.query_params
    cities = cities_of(site)
    place = site.place(query.get("city") or query.get("place") or (cities[0].id if cities else ""))
    return Asked(place, query.get("service", "")[:80], one_of(query.get("days", ""), PERIODS, "365"))


def _insight(site: Site, asked: Asked) -> Insight:
    def count() -> Insight:
        now = dt.datetime.now(dt.UTC)
        days = PERIODS[asked.days]
        since = utc_text(now - dt.timedelta(days=days)) if days else ""
        wanted = Wanted(scope_of(asked.place, site.places), since=since)
        personal = personal_codes(catalogue(asked.place, site.places))
        desk = Desk(site.node.broker, site.places, site.settings.data)
        requests = (countable(site, asked.place, one) for one in desk.scan(wanted))
        return look(requests, asked.place.timezone, now, asked.service, personal)

    return _fresh((id(site.node), "insight", asked.place.id, asked.service, asked.days), count)


def _cells(site: Site, asked: Asked) -> list[Cell]:
    def find() -> list[Cell]:
        found = _insight(site, asked)
        return hot_spots(found.points, found.usual if asked.service else ())

    return _fresh((id(site.node), "cells", asked.place.id, asked.service, asked.days), find)


def _fresh(key: tuple[Any, ...], make: Callable[[], T]) -> T:
    """What was counted within the last five minutes, else counted anew."""
    with _lock:
        kept = _kept.get(key)
    if kept and time.monotonic() - kept[0] < _FRESH:
        found: T = kept[1]
        return found
    value = make()
    with _lock:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = (time.monotonic(), value)
    return value


def _chart(found: Insight, hidden: frozenset[str]) -> Markup:
    months = [month for month in sorted(found.months) if month not in hidden][-36:]
    ticks = charts.ticks(months, 8)
    data = [
        charts.Bar(
            f"{period(month)}: " + n_("%(n)s report", "%(n)s reports", found.months[month].reports),
            float(found.months[month].reports),
            tick,
            latest=month == months[-1],
        )
        for month, tick in zip(months, ticks, strict=True)
    ]
    highest = [bar.value for bar in data if bar.value is not None]
    steps = [number(step) for step in charts.scale(highest)[2]] if highest else []
    return charts.bars(
        data, _("Reports month by month; the table below has the numbers"), 220, True, steps=steps
    )


def _week(found: Insight) -> list[tuple[str, list[tuple[int, int]]]]:
    """Weekday → for each block of hours the reports, and how dark its cell is (0 to 4)."""
    blocks = [
        [sum(found.hours[day, hour + more] for more in range(_BLOCK)) for hour in range(0, 24, _BLOCK)]
        for day in range(7)
    ]
    most = max(max(row) for row in blocks)
    return [
        (name, [(count, -(-4 * count // most) if most else 0) for count in row])
        for name, row in zip(weekday_names(), blocks, strict=True)
    ]


def _map(place: Place, cells: list[Cell]) -> Markup:
    area = box(place)
    if area is None:
        return Markup("")
    picture = shapes.Drawing(
        _("Map of the reports; the table below has every hexagon"), shapes.frame(area, 620, 520, margin=8)
    )
    for feature in boundary(place):
        picture.draw(feature.get("geometry"), "area", tolerance=0.4)
    most = max((cell.count for cell in cells), default=1)
    for cell in reversed(cells):
        ring = [list(corner) for corner in (*cell.ring, cell.ring[0])]
        shade = min(4, -(-4 * cell.count // most))
        title = n_("%(n)s report", "%(n)s reports", cell.count)
        style = f"hex shade-{shade}" + (" hot" if cell.hot else "")
        picture.draw({"type": "Polygon", "coordinates": [ring]}, style, title, tolerance=0.0)
    return picture.svg("map-picture insight-map")


def _period_names() -> dict[str, str]:
    return {
        "30": _("The last 30 days"),
        "90": _("The last 90 days"),
        "365": _("The last 12 months"),
        "all": _("All the time"),
    }


def _services(site: Site, place: Place) -> dict[str, str]:
    return {code: words(service.name) for code, service in catalogue(place, site.places).items()}
