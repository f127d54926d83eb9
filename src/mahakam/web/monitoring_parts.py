"""Parts of the monitoring and evaluation report: whom it is about, its register counted, beside what was printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.config import Place
from mahakam.network.reconcile import Line, Tally, lines, tallies
from mahakam.network.records import City, Country, Project
from mahakam.network.stated import Report, reports_of
from mahakam.network.views import network as network_of
from mahakam.web import plan_tables
from mahakam.web.language import N_, _, in_timezone, number, percent
from mahakam.web.pages.network import STATUS
from mahakam.web.plan_desk import CityRow, plan_desk
from mahakam.web.plan_words import AREAS, area
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table

PATH = "/network/report"
_WHAT = {
    "projects": N_("Projects"),
    "status": N_("Projects by status"),
    "focus_area": N_("Projects by focus area"),
    "focus_area_share": N_("Share of a focus area"),
}


def report_address(*, country: str = "", city: str = "") -> str:
    """Of a country or a city by its code; of the network for neither."""
    return f"{PATH}/cities/{city}" if city else f"{PATH}/countries/{country}" if country else PATH


@dataclass(frozen=True, slots=True)
class Found:
    """What a report is made of. ``report`` is the published one it is compared with, if there is one; ``about`` is the
    name of the country or city that it is about, "" for the network; ``plans`` are the cities' action plans."""

    place: Place
    projects: tuple[Project, ...]
    countries: tuple[Country, ...]
    cities: tuple[City, ...]
    report: Report | None
    plans: tuple[CityRow, ...]
    year: int
    path: str = PATH
    about: str = ""
    one_city: bool = False

    @property
    def completed(self) -> int:
        return sum(one.status == "completed" for one in self.projects)

    @property
    def as_of(self) -> str:
        return max((one.as_of for one in self.projects if one.as_of), default="")

    @property
    def written(self) -> tuple[CityRow, ...]:
        return tuple(one for one in self.plans if one.written)


def found_for(request: Request) -> Found:
    """Read once a request, for the country or city of the address. Raises HTTPException 404 for one that there is not,
    and where this node knows no network."""
    if not hasattr(request.state, "monitoring"):
        site = site_of(request)
        network = network_of(site.broker)
        if network is None:
            raise HTTPException(404, _("This node knows no network of cities."))
        in_timezone(network.place.timezone)
        reports = reports_of(network.place)
        asked = request.query_params.get("report", "")
        report = next((one for one in reports if asked in ("", one.key)), None)
        desk = plan_desk(request)
        whole = Found(
            network.place,
            network.projects,
            network.countries,
            network.cities,
            report,
            desk.listed,
            desk.year,
        )
        request.state.monitoring = _about(request, whole)
    found: Found = request.state.monitoring
    return found


def _about(request: Request, whole: Found) -> Found:
    """Cut down to the country or the city of the address."""
    if code := request.path_params.get("city"):
        row = plan_desk(request).row(code)
        return replace(
            whole,
            projects=tuple(one for one in whole.projects if one.city_code == code),
            countries=tuple(one for one in whole.countries if one.code == row.seat.country_code),
            cities=tuple(one for one in whole.cities if one.code == code),
            report=None,
            plans=(row,),
            path=report_address(city=code),
            about=row.seat.name,
            one_city=True,
        )
    if code := request.path_params.get("country"):
        country = next((one for one in whole.countries if one.code == code), None)
        if country is None:
            raise HTTPException(404, _("The network has no country %(code)s.", code=repr(code[:80])))
        return replace(
            whole,
            projects=tuple(one for one in whole.projects if one.country == country.name),
            countries=(country,),
            cities=tuple(one for one in whole.cities if one.country == country.name),
            report=None,
            plans=tuple(one for one in whole.plans if one.seat.country_code == code),
            path=report_address(country=code),
            about=country.alias or country.name,
        )
    return whole


def stated_lines(found: Found) -> tuple[Line, ...]:
    """Each figure that the published report states; none where the report is about a part of the network."""
    return lines(found.report, found.projects) if found.report else ()


def _status(name: str) -> str:
    return _(STATUS[name][0]) if name in STATUS else name


def _name(line: Line) -> str:
    return _status(line.name) if line.what == "status" else area(line.name)


def check_table(request: Request) -> Table:
    """Each figure that the report states, beside the register's own."""
    columns = [
        Column("what", _("Figure"), html=lambda one: _(_WHAT[one.what])),
        Column("name", _("Of"), html=_name),
        Column("stated", _("Report"), "number", html=lambda one: _figure(one, one.stated)),
        Column("counted", _("Register"), "number", html=lambda one: _figure(one, one.counted, 1)),
        Column("projects", _("Projects"), "number"),
        Column("agrees", _("Agrees"), get=lambda one: one.agrees, html=_verdict),
    ]
    return Table(
        request,
        _("Register and report"),
        columns,
        list(stated_lines(found_for(request))),
        path=f"{found_for(request).path}/check",
        key="k-",
        anchor="check",
        mark=lambda one: "" if one.agrees else "bad",
    )


def _figure(line: Line, value: float, decimals: int = 0) -> str:
    if line.what != "focus_area_share":
        return number(value)
    return percent(value / 100, decimals)


def _verdict(line: Line) -> Markup:
    word, kind = (_("agrees"), "ok") if line.agrees else (_("differs"), "bad")
    return Markup('<span class="chip {}">{}</span>').format(kind, word)


def areas_table(request: Request) -> Table:
    found = found_for(request)
    names = [*AREAS, *sorted({one.focus_area for one in found.projects} - set(AREAS))]
    rows = []
    for name in names:
        of_area = [one for one in found.projects if one.focus_area == name]
        rows.append(
            {
                "focus_area": name,
                "projects": len(of_area),
                "share": len(of_area) / len(found.projects) if found.projects else None,
                "completed": sum(one.status == "completed" for one in of_area),
                "cities": len({(one.country, one.city) for one in of_area}),
            }
        )
    columns = [
        Column("focus_area", _("Focus area"), html=lambda row: area(row["focus_area"])),
        Column("projects", _("Projects"), "number"),
        Column("share", _("Share"), "share", decimals=1),
        Column("completed", _("Completed"), "number"),
        Column("cities", _("Cities"), "number"),
    ]
    return Table(
        request,
        _("By focus area"),
        columns,
        sorted(rows, key=lambda row: -row["projects"]),
        path=f"{found.path}/areas",
        key="a-",
        anchor="areas",
    )


def tally_table(request: Request, *, by_city: bool) -> Table:
    """Projects of each country or city: by focus area, and how many are completed."""

    def of(area: str) -> Any:
        return lambda one: one.by_area.get(area, 0)

    place = [Column("country", _("Country"))]
    if by_city:
        place.append(Column("city", _("City")))
    columns: list[Column] = [
        *place,
        Column("projects", _("Projects"), "number"),
        *(Column(_key(area), _(name), "number", get=of(area)) for area, name in AREAS.items()),
        Column("completed", _("Completed"), "number"),
    ]
    found = found_for(request)
    members = (
        [(one.country, one.name) for one in found.cities]
        if by_city
        else [(one.name, "") for one in found.countries]
    )
    rows: list[Tally] = tallies(found.projects, by_city=by_city, also=members)
    name = "cities" if by_city else "countries"
    return Table(
        request,
        _("By city") if by_city else _("By country"),
        columns,
        rows,
        path=f"{found.path}/{name}",
        key=f"{name[:2]}-",
        anchor=name,
    )


def _key(area: str) -> str:
    return area.casefold().replace(" & ", "_").replace(" ", "_").replace("-", "_")


def projects_table(request: Request) -> Table:
    """The register itself."""
    found = found_for(request)
    columns = [
        Column("country", _("Country")),
        Column("city", _("City")),
        Column("name", _("Project")),
        Column("focus_area", _("Focus area"), html=lambda one: area(one.focus_area)),
        Column(
            "status",
            _("Status"),
            html=lambda one: _(STATUS[one.status][0]) if one.status in STATUS else one.status,
        ),
    ]
    return Table(
        request,
        _("Projects"),
        columns,
        list(found.projects),
        path=f"{found.path}/projects",
        key="p-",
        anchor="projects",
    )


def plan_table(request: Request, name: str) -> Table:
    """A table of the action plans: cities, projects, milestones, outcomes, or the progress of the year."""
    found = found_for(request)
    path, named = f"{found.path}/plan-{name}", not found.one_city
    match name:
        case "cities":
            return plan_tables.cities(request, found.plans, path)
        case "projects":
            return plan_tables.projects(request, found.written, path, named=named)
        case "milestones":
            return plan_tables.milestones(request, found.written, path, named=named)
        case "outcomes":
            return plan_tables.outcomes(request, found.written, path, named=named)
        case _:
            return plan_tables.progress(request, found.written, path, named=named, year=found.year)


TABLES: dict[str, Callable[[Request], Table]] = {
    "check": check_table,
    "areas": areas_table,
    "countries": partial(tally_table, by_city=False),
    "cities": partial(tally_table, by_city=True),
    "projects": projects_table,
    **{
        f"plan-{name}": partial(plan_table, name=name)
        for name in ("cities", "projects", "milestones", "outcomes", "progress")
    },
}
"""Last part of the address → the table there."""
