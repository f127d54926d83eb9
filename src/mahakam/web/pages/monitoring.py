"""Monitoring and evaluation of the network, a country or a city: its register counted, its action plans judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.network.reconcile import Move, explanation
from mahakam.web import documents, plan_tables
from mahakam.web.documents import Section
from mahakam.web.language import _, date, n_, number, percent, words
from mahakam.web.monitoring_parts import (
    PATH,
    TABLES,
    Found,
    found_for,
    plan_table,
    report_address,
    stated_lines,
)
from mahakam.web.network_office import spoken
from mahakam.web.plan_words import area, sub_area
from mahakam.web.render import render
from mahakam.web.tables import table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    found: list[BaseRoute] = []
    parts = (f"{PATH}/countries/{{country}}", f"{PATH}/cities/{{city}}")
    for base in (*parts, PATH):
        for name, table in TABLES.items():
            found += table_routes(f"{base}/{name}", None, table)
        found += [Route(f"{base}.pdf", as_pdf), Route(f"{base}.xlsx", as_xlsx)]
    found += [Route(base, show) for base in parts]
    return [*found, *table_routes(PATH, show, TABLES["cities"])]


def show(request: Request) -> Response:
    found = found_for(request)
    return render(
        request,
        "network-report.html",
        title=_title(found),
        section="network",
        found=found,
        name=words(found.place.name),
        path=found.path,
        facts=_facts(found),
        sections=[one for one in _sections(request, found) if found.about or one.title != _("Projects")],
        crumbs=_crumbs(found),
        countries=[(report_address(country=one.code), one.alias or one.name) for one in found.countries],
        cities=[(report_address(city=one.seat.code), one.seat.name) for one in found.plans],
    )


def as_pdf(request: Request) -> Response:
    found = found_for(request)
    return documents.pdf(_title(found), words(found.place.name), _document(request, found), _footer(found))


def as_xlsx(request: Request) -> Response:
    found = found_for(request)
    return documents.xlsx(_title(found), _document(request, found))


def _title(found: Found) -> str:
    if found.about:
        return _("Monitoring and evaluation: %(about)s", about=found.about)
    return _("Monitoring and evaluation")


def _crumbs(found: Found) -> list[tuple[str, str]]:
    start = [(_("Network"), "/network")]
    if not found.about:
        return start
    start.append((_("Monitoring and evaluation"), PATH))
    if found.one_city and found.countries:
        country = found.countries[0]
        start.append((country.alias or country.name, report_address(country=country.code)))
    return [*start, (found.about, "")]


def _document(request: Request, found: Found) -> list[Section]:
    """The parts of the PDF and the workbook: the page's own sentences and tables, all rows of each."""
    summary = [f"{name}: {value}" for value, name in _facts(found)]
    return [Section(_("In short"), summary), *_sections(request, found)]


def _sections(request: Request, found: Found) -> list[Section]:
    """What the page and the files are made of, in order."""
    parts = []
    if found.report is not None:
        parts.append(Section(_("Register and report"), _sentences(found), TABLES["check"](request)))
    if found.projects:
        parts.append(Section(_("By focus area"), (), TABLES["areas"](request)))
    if not found.about:
        parts.append(Section(_("By country"), (), TABLES["countries"](request)))
    if not found.one_city:
        parts.append(Section(_("By city"), (), TABLES["cities"](request)))
    if found.projects:
        parts.append(Section(_("Projects"), (), TABLES["projects"](request)))
    return parts + _plan_sections(request, found)


def _plan_sections(request: Request, found: Found) -> list[Section]:
    parts = []
    if found.one_city:
        parts.append(Section(_("The plan"), _frame(found)))
    else:
        parts.append(Section(_("Action plans"), _examples(found), plan_table(request, "cities")))
    if not found.written:
        return parts
    parts.append(Section(_("Projects of the plans"), (), plan_table(request, "projects")))
    parts.append(Section(_("Outcome indicators"), (), plan_table(request, "outcomes")))
    progress = plan_table(request, "progress")
    nothing = () if progress.total else (_("Nothing was reported for %(year)s yet.", year=found.year),)
    parts.append(
        Section(
            _("Progress reported for %(year)s", year=found.year),
            nothing,
            progress if progress.total else None,
        )
    )
    if found.one_city:
        parts.append(Section(_("Milestones"), (), plan_table(request, "milestones")))
    return parts


def _examples(found: Found) -> list[str]:
    """A plan that was made up is said to be."""
    made_up = [one.seat.name for one in found.written if one.plan.text.frame.example]
    if not made_up:
        return []
    return [_("An example, made up to show the form: %(cities)s.", cities=", ".join(made_up))]


def _frame(found: Found) -> list[str]:
    """Vision, focus areas and targets of the one city, in sentences."""
    row = found.plans[0]
    if not row.written:
        return [_("%(city)s has no action plan yet.", city=row.seat.name)]
    frame = row.plan.text.frame
    said = _examples(found)
    if spoken(frame.vision):
        said.append(_("Vision: %(text)s", text=spoken(frame.vision)))
    said += [
        _("Focus area: %(text)s", text=", ".join([area(one.area), *map(sub_area, one.sub_areas)]))
        for one in frame.focus
    ]
    said += [
        _("Target: %(text)s (until %(when)s)", text=spoken(one.text), when=date(one.due))
        for one in frame.targets
    ]
    return said


def _footer(found: Found) -> str:
    as_of = _("as of %(when)s", when=date(found.as_of)) if found.as_of else ""
    return " · ".join(part for part in ("Mahakam", words(found.place.name), found.about, as_of) if part)


def _facts(found: Found) -> list[tuple[str, str]]:
    facts = []
    if not found.about:
        facts.append((number(len(found.countries)), _("countries")))
    if not found.one_city:
        facts.append((number(len(found.cities)), _("member cities")))
    if found.projects or not found.one_city:
        share = found.completed / len(found.projects) if found.projects else None
        facts += [
            (number(len(found.projects)), _("projects")),
            (f"{number(found.completed)} ({percent(share)})", _("completed")),
        ]
    return facts + plan_tables.totals(found.plans, found.year, named=not found.one_city)


def _sentences(found: Found) -> list[str]:
    """What the comparison comes to, in words."""
    if found.report is None:
        return []
    wrong = [one for one in stated_lines(found) if not one.agrees]
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
        here=area(move.one),
        there=area(move.other),
    )
