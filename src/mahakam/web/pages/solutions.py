"""Solutions of the cities: what each did, what it cost, what went wrong, and what came of it, measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.network.records import plain
from mahakam.solutions.parts_of import ROOMS
from mahakam.solutions.preview import cities_for
from mahakam.solutions.published import elsewhere
from mahakam.web import adoption_words, gate, question_words
from mahakam.web import solution_words as say
from mahakam.web.cooperation_desk import PATH as COOPERATION
from mahakam.web.cooperation_desk import may_ask_about
from mahakam.web.cooperation_words import about_address
from mahakam.web.indicator_views import THEMES, theme_name, trace_address
from mahakam.web.language import _, in_timezone, period, unit, words
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.solution_chart import chart
from mahakam.web.solution_desk import PATH, SolutionRow, may_adopt, solution_desk
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.solutions.evidence import Row
    from mahakam.web.site import Site

ONE = PATH + "/{place}/{name}"


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(PATH, show, solutions_table),
        *table_routes(ONE + "/evidence", None, evidence_table),
        *table_routes(ONE, show_one, evidence_table),
    ]


def show(request: Request) -> Response:
    found = solution_desk(request)
    cities = {row.place.id: words(row.place.name) for row in found.rows}
    themes = {row.solution.theme for row in found.rows if row.solution.theme}
    return render(
        request,
        "solutions.html",
        title=_("Solutions"),
        section="network",
        asked=_asked(request),
        cities=sorted(cities.items(), key=lambda one: one[1]),
        themes=[(one, theme_name(one)) for one in THEMES if one in themes],
        verdicts=[(key, _(word)) for key, (word, _kind) in say.VERDICTS.items()],
        table=solutions_table(request),
        empty=not found.rows,
        may_bring=any(
            one.kind == "city" and may_adopt(request, one) for one in site_of(request).places.values()
        ),
        problems=found.problems if gate.may(request, "data.write") else [],
        elsewhere=elsewhere(site_of(request).broker),
    )


def _asked(request: Request) -> dict[str, str]:
    return {
        key: request.query_params.get(key, "")[:100].strip() for key in ("city", "theme", "evidence", "q")
    }


def _wanted(request: Request) -> Sequence[SolutionRow]:
    asked = _asked(request)
    searched = [plain(word) for word in asked["q"].split() if plain(word)]

    def fits(row: SolutionRow) -> bool:
        one = row.solution
        texts = [*row.place.name.values(), *one.partners]
        for text in (one.name, one.problem, one.context, one.method, *one.went_wrong):
            texts += text.values()
        all_words = " ".join(map(plain, texts))
        return (
            asked["city"] in ("", row.place.id)
            and asked["theme"] in ("", one.theme)
            and asked["evidence"] in ("", row.found.verdict)
            and all(word in all_words for word in searched)
        )

    return [row for row in solution_desk(request).rows if fits(row)]


def solutions_table(request: Request) -> Table:
    """A row a solution."""

    def effect(name: str) -> Any:
        return lambda row: getattr(row.found.effect, name) if row.found.effect else None

    columns = [
        Column("name", _("Solution"), get=lambda row: words(row.solution.name), link=lambda row: row.address),
        Column("city", _("City"), get=lambda row: words(row.place.name), link=_city_address),
        Column("theme", _("Theme"), get=lambda row: row.solution.theme,
               html=lambda row: theme_name(row.solution.theme)),
        Column("started", _("Since"), "date", get=lambda row: row.solution.started),
        Column("indicator", _("Meant to move"), get=lambda row: row.solution.indicator, html=_indicator),
        Column("evidence", _("Evidence"), get=lambda row: row.found.verdict, html=lambda row: say.chip(row.found)),
        Column("effect", _("Difference"), get=effect("difference"), html=_effect),
        Column("adopted", _("Adopted by"), "number", get=_adopted(request)),
        Column("low", get=effect("low"), hidden=True),
        Column("high", get=effect("high"), hidden=True),
        Column("before_n", get=effect("before_n"), hidden=True),
        Column("after_n", get=effect("after_n"), hidden=True),
        Column("unit", get=lambda row: row.found.definition.unit if row.found.definition else "", hidden=True),
        Column("why", get=_why, hidden=True),
        Column("place", get=lambda row: row.place.id, hidden=True),
        Column("id", get=lambda row: row.solution.id, hidden=True),
        Column("version", get=lambda row: row.solution.version, hidden=True),
        Column("cost", get=lambda row: row.solution.cost.amount, hidden=True),
        Column("currency", get=lambda row: row.solution.cost.currency, hidden=True),
        Column("partners", get=lambda row: "; ".join(row.solution.partners), hidden=True),
        *(Column(room, get=_names(room), hidden=True) for room in ROOMS),
    ]  # fmt: skip
    nothing = _("No solution matches.")
    return Table(
        request, _("Solutions"), columns, _wanted(request), path=PATH, nothing=nothing, anchor="solutions"
    )


def _city_address(row: SolutionRow) -> str:
    return row.origin.node if row.origin else f"/cities/{row.place.id}"


def _adopted(request: Request) -> Callable[[SolutionRow], int | None]:
    """How many cities took it over; nothing for none."""
    counts = Counter(one.solution for one in solution_desk(request).adopted)
    return lambda row: counts[row.solution.key] or None


def _names(room: str) -> Callable[[SolutionRow], str]:
    return lambda row: "; ".join(getattr(row.solution.components, room))


def _indicator(row: SolutionRow) -> str:
    return words(row.found.definition.name) if row.found.definition else ""


def _effect(row: SolutionRow) -> Markup | str:
    if row.found.effect is None:
        return ""
    return Markup('<span class="nowrap">{}</span>').format(say.signed(row.found, row.found.effect.difference))


def _why(row: SolutionRow) -> str:
    return row.found.reason


def show_one(request: Request) -> Response:
    row = _row(request)
    in_timezone(row.place.timezone)
    definition = row.found.definition
    return render(
        request,
        "solution.html",
        title=words(row.solution.name),
        section="network",
        row=row,
        solution=row.solution,
        place=None,
        city=row.place,
        say=say,
        found=row.found,
        definition=definition,
        theme=theme_name(row.solution.theme) if row.solution.theme else "",
        cost=say.cost_words(row.solution.cost),
        components=_components(row),
        adopters=solution_desk(request).adopters(row.solution),
        adopting=adoption_words,
        solution_address=row.address,
        questions=question_words.about(request, "solution", row.solution.key),
        may_ask=may_ask_about(request, row.place.id),
        ask_address=COOPERATION
        + "/new?"
        + urlencode(
            {
                "with": row.place.id,
                "about": about_address("solution", row.solution.key),
            }
        ),
        may_take=row.origin is None and (row.solution.offered or may_adopt(request, row.place)),
        choices=[one for one in cities_for(row.solution, site_of(request).places) if may_adopt(request, one)],
        chart=chart(row.found),
        table=evidence_table(request) if row.found.rows else None,
        left_out=[(words(one.place.name), _(say.LEFT_OUT[why])) for one, why in row.found.left_out],
    )


def _row(request: Request) -> SolutionRow:
    return solution_desk(request).row(request.path_params["place"], request.path_params["name"])


def _components(row: SolutionRow) -> list[tuple[str, str, str]]:
    """(what it is, its name, the page that shows it)."""
    place = row.place.id
    kinds = {
        "contracts": _("Contract"),
        "feeds": _("Feed"),
        "indicators": _("Indicator"),
        "services": _("Service"),
    }
    if row.origin is not None:
        return [(kinds[room], name, "") for room, name in row.solution.components]
    pages = {"feeds": "/quality/{}/{}", "indicators": "/indicators/{}/{}", "services": "/services/{}/{}"}
    return [
        (kinds[room], name, pages[room].format(place, name) if room in pages else "")
        for room, name in row.solution.components
    ]


def evidence_table(request: Request) -> Table:
    """Every value that the evidence rests on, each with the way to its rows."""
    row = _row(request)
    found = row.found
    decimals = found.definition.decimals if found.definition else None
    suffix = unit(found.definition.unit) if found.definition else ""
    columns = [
        Column("period", _("Period"), get=lambda one: one.label, html=lambda one: _period(one)),
        Column(
            "side", _("Before or after"), get=lambda one: one.side, html=lambda one: _(say.SIDES[one.side])
        ),
        _column(row.place.id, words(row.place.name), lambda one: one.value, decimals),
        *(
            _column(other.place.id, words(other.place.name), lambda one, at=at: one.others[at], decimals)
            for at, other in enumerate(found.others)
        ),
    ]
    name = words(found.definition.name) if found.definition else ""
    caption = f"{name} ({suffix})" if suffix else name
    return Table(
        request,
        caption,
        columns,
        found.rows[::-1],
        path=f"{row.address}/evidence",
        anchor="evidence-table",
        per_page=60,
    )


def _period(one: Row) -> str:
    return _("all there is") if one.label == "all" else period(one.label)


def _column(name: str, title: str, value: Any, decimals: int | None) -> Column:
    def get(one: Row) -> float | None:
        found = value(one)
        return found.value if found is not None else None

    def html(one: Row) -> Markup | str:
        found = value(one)
        if found is None or found.value is None:
            return ""
        text = Column(name, kind="number", get=get, decimals=decimals).show(one)
        return Markup('<a href="{}">{}</a>').format(trace_address(found), text)

    return Column(name, title, "number", get=get, html=html)
