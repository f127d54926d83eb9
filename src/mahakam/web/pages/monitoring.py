"""Monitoring and evaluation of the network: its register counted, beside what the published report states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.network.reconcile import Line, Move, Tally, explanation, lines, tallies
from mahakam.network.records import City, Country, Project
from mahakam.network.stated import Report, reports_of
from mahakam.network.views import network as network_of
from mahakam.web import documents
from mahakam.web.language import N_, _, date, in_timezone, n_, number, percent, words
from mahakam.web.pages.network import AREAS, STATUS
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/report"
_WHAT = {
    "projects": N_("Projects"),
    "status": N_("Projects by status"),
    "focus_area": N_("Projects by focus area"),
    "focus_area_share": N_("Share of a focus area"),
}


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(f"{PATH}/check", None, check_table),
        *table_routes(f"{PATH}/areas", None, areas_table),
        *table_routes(f"{PATH}/countries", None, partial(tally_table, by_city=False)),
        *table_routes(f"{PATH}/cities", None, partial(tally_table, by_city=True)),
        Route(f"{PATH}.pdf", as_pdf),
        Route(f"{PATH}.xlsx", as_xlsx),
        *table_routes(PATH, show, partial(tally_table, by_city=True)),
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """What the report is made of; ``report`` is the published one it is compared with, if there is one."""

    place: Place
    projects: tuple[Project, ...]
    countries: tuple[Country, ...]
    cities: tuple[City, ...]
    report: Report | None

    @property
    def completed(self) -> int:
        return sum(one.status == "completed" for one in self.projects)

    @property
    def as_of(self) -> str:
        return max((one.as_of for one in self.projects if one.as_of), default="")


def found_for(request: Request) -> Found:
    """Read once a request. Raises HTTPException 404 where this node knows no network."""
    if not hasattr(request.state, "monitoring"):
        site = site_of(request)
        network = network_of(site.broker)
        if network is None:
            raise HTTPException(404, _("This node knows no network of cities."))
        in_timezone(network.place.timezone)
        reports = reports_of(network.place)
        asked = request.query_params.get("report", "")
        report = next((one for one in reports if asked in ("", one.key)), None)
        request.state.monitoring = Found(
            network.place, network.projects, network.countries, network.cities, report
        )
    found: Found = request.state.monitoring
    return found


def show(request: Request) -> Response:
    found = found_for(request)
    return render(
        request,
        "network-report.html",
        title=_("Monitoring and evaluation"),
        section="network",
        found=found,
        name=words(found.place.name),
        facts=_facts(found),
        sentences=_sentences(found),
        agrees=all(one.agrees for one in _lines(found)),
        check=check_table(request) if found.report else None,
        areas=areas_table(request),
        by_country=tally_table(request, by_city=False),
        by_city=tally_table(request, by_city=True),
    )


def as_pdf(request: Request) -> Response:
    found = found_for(request)
    return documents.pdf(
        _("Monitoring and evaluation"), words(found.place.name), _document(request, found), _footer(found)
    )


def as_xlsx(request: Request) -> Response:
    found = found_for(request)
    return documents.xlsx(_("Monitoring and evaluation"), _document(request, found))


def _document(request: Request, found: Found) -> list[documents.Section]:
    """The parts of the PDF and the workbook: the page's own sentences and tables, all rows of each."""
    summary = [f"{name}: {value}" for value, name in _facts(found)]
    parts = [documents.Section(_("In short"), summary)]
    if found.report is not None:
        parts.append(documents.Section(_("Register and report"), _sentences(found), check_table(request)))
    return [
        *parts,
        documents.Section(_("By focus area"), (), areas_table(request)),
        documents.Section(_("By country"), (), tally_table(request, by_city=False)),
        documents.Section(_("By city"), (), tally_table(request, by_city=True)),
        documents.Section(_("Projects"), (), projects_table(request)),
    ]


def _footer(found: Found) -> str:
    as_of = _("as of %(when)s", when=date(found.as_of)) if found.as_of else ""
    return " · ".join(part for part in ("Mahakam", words(found.place.name), as_of) if part)


def _facts(found: Found) -> list[tuple[str, str]]:
    share = found.completed / len(found.projects) if found.projects else None
    return [
        (number(len(found.countries)), _("countries")),
        (number(len(found.cities)), _("member cities")),
        (number(len(found.projects)), _("projects")),
        (f"{number(found.completed)} ({percent(share)})", _("completed")),
    ]


def _lines(found: Found) -> tuple[Line, ...]:
    return lines(found.report, found.projects) if found.report else ()


def _sentences(found: Found) -> list[str]:
    """What the comparison comes to, in words."""
    if found.report is None:
        return []
    wrong = [one for one in _lines(found) if not one.agrees]
    if not wrong:
        return [_("Every figure that the report states agrees with its register.")]
    said = [
        n_(
            "%(n)s of the figures that the report states does not agree with its own register.",
            "%(n)s of the figures that the report states do not agree with its own register.",
            len(wrong),
        )
    ]
    move = explanation(found.report, found.projects)
    if move is not None:
        said.append(_moved(move))
    return said


def _moved(move: Move) -> str:
    return n_(
        "%(n)s project that stands under %(here)s in the register, counted under %(there)s, would explain it.",
        "%(n)s projects that stand under %(here)s in the register, counted under %(there)s, would explain it.",
        move.projects,
        here=_area(move.one),
        there=_area(move.other),
    )


def _area(name: str) -> str:
    return _(AREAS[name]) if name in AREAS else name


def _status(name: str) -> str:
    return _(STATUS[name][0]) if name in STATUS else name


def _name(line: Line) -> str:
    return _status(line.name) if line.what == "status" else _area(line.name)


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
        list(_lines(found_for(request))),
        path=f"{PATH}/check",
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
        Column("focus_area", _("Focus area"), html=lambda row: _area(row["focus_area"])),
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
        path=f"{PATH}/areas",
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
        path=f"{PATH}/{name}",
        key=f"{name[:2]}-",
        anchor=name,
    )


def _key(area: str) -> str:
    return area.casefold().replace(" & ", "_").replace(" ", "_").replace("-", "_")


def projects_table(request: Request) -> Table:
    """The register itself, for the files."""
    columns = [
        Column("country", _("Country")),
        Column("city", _("City")),
        Column("name", _("Project")),
        Column("focus_area", _("Focus area"), html=lambda one: _area(one.focus_area)),
        Column(
            "status",
            _("Status"),
            html=lambda one: _(STATUS[one.status][0]) if one.status in STATUS else one.status,
        ),
    ]
    return Table(request, _("Projects"), columns, list(found_for(request).projects))
