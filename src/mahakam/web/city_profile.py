"""The profile of a city or a province on two pages (typst): the page's own facts, map, indicators and action plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from mahakam.config import Place
from mahakam.feeds.known import Dataset
from mahakam.indicators.projection import Projection
from mahakam.network.plan_status import ProjectStanding
from mahakam.web.foreign import unmarked
from mahakam.web.indicator_views import Card, interval, shown, when
from mahakam.web.language import _, date, measured, n_, percent, period, reader, words
from mahakam.web.network_office import spoken
from mahakam.web.plan_words import STATES, money, reason
from mahakam.web.typeset import typeset

CARDS, ROWS, PERIODS, PROJECTS = 6, 24, 6, 4
"""Indicators with their picture on the first page; rows of each of the second page's tables, the periods of an
indicator there, and projects of the plan."""
_CHART_WIDTH = 300
_STYLE = (
    ".bar-mark{fill:#6ba5a9}.bar-mark.latest{fill:#0b5f5a}.bar-mark.muted{fill:#b3bfc1}"
    ".gap{fill:none;stroke:#a9b5b4;stroke-dasharray:2 2}.base{stroke:#c7d2cf}"
    ".break{stroke:#6c7a79;stroke-dasharray:4 3}.tick{font-size:11px;fill:#4c5a59}"
    ".area{fill:#e2efed;stroke:#aebfbc;stroke-width:.9}"
    ".line{fill:none;stroke:#2c94a3;stroke-width:3}.line.tone-1{stroke:#c87a1a}.line.tone-2{stroke:#1d2a2a}"
    ".point{fill:#0b5f5a;stroke:#fff}.point.tone-1{fill:#c87a1a}.point.tone-2{fill:#1d2a2a}"
)
"""The pages' colours: what is drawn for the page is drawn the same way on paper."""


def profile(
    place: Place,
    kind: str,
    facts: Sequence[Mapping[str, Any]],
    picture: Markup,
    cards: Sequence[Card],
    datasets: Sequence[Dataset],
    projects: Sequence[ProjectStanding],
    address: str,
    made: str,
    projections: Mapping[str, Projection] | None = None,
) -> bytes:
    """The PDF. ``address`` is the page's own, ``made`` today as an ISO date."""
    data = {
        "lang": reader().language,
        "title": words(place.name),
        "kind": kind,
        "lede": _("What the city knows, and how well it knows it."),
        "facts": [[_fact(one), _fact_name(one)] for one in facts],
        "map": _svg(picture),
        "doing": _("Indicators"),
        "cards": [_card(one) for one in cards[:CARDS]],
        "figures_title": _("Indicators, period by period"),
        "head": [_("Indicator"), _("Unit"), _("Values"), _("Confidence")],
        "rows": [_row(one, (projections or {}).get(one.series.definition.id)) for one in cards[:ROWS]],
        "more": _more(len(cards) - ROWS, address),
        "data_title": _("What the data is worth"),
        "data_head": [_("Dataset"), _("Agency"), _("Score"), _("Updated")],
        "datasets": [_dataset(one) for one in datasets[:ROWS]],
        "plan_title": _("Action plan"),
        "plan_head": [_("Project"), _("Stands"), _("Milestones reached"), _("Budget"), _("Why")],
        "plan": [_project(one) for one in projects[:PROJECTS]],
        "sources_title": _("Where from?"),
        "sources": [_source(one) for one in facts if one["source"]],
        "address": address,
        "footer": _("Made on %(when)s from what the node held then.", when=date(made)),
    }
    return typeset("profile.typ", data)


def _fact(one: Mapping[str, Any]) -> str:
    value = one["value"]
    if isinstance(value, int) and one["unit"] is None and 1900 <= value < 2100:
        return str(value)
    decimals = 1 if one["unit"] and isinstance(value, float) else None
    return measured(value, one["unit"], decimals) if isinstance(value, int | float) else str(value)


def _fact_name(one: Mapping[str, Any]) -> str:
    return f"{one['name']}, {date(one['as_of'], 'y')}" if one["as_of"] else str(one["name"])


def _source(one: Mapping[str, Any]) -> str:
    return f"{one['name']}: {one['source']}" + (f" ({date(one['as_of'])})" if one["as_of"] else "")


def _card(one: Card) -> dict[str, str]:
    return {
        "name": one.name,
        "value": one.value,
        "unit": ", ".join(part for part in (one.unit, one.when) if part),
        "chart": _svg(one.chart),
        "said": one.sentence,
        "source": _worth(one),
    }


def _row(one: Card, projection: Projection | None = None) -> list[str]:
    values = one.series.available[-PERIODS:]
    decimals = one.series.definition.decimals
    told = " · ".join(
        f"{when(each)}: {shown(each, decimals)}" if when(each) else shown(each, decimals) for each in values
    )
    if projection and projection.points:
        last = projection.points[-1]
        told += f" · {period(last.period.label)}: {interval(last, decimals)}"
    return [one.name, one.unit, told, one.confidence]


def _dataset(one: Dataset) -> list[str]:
    score = percent(one.score) if one.score is not None else _("not yet")
    return [words(one.title), one.owner, score, date(one.updated[:10], "medium") if one.updated else ""]


def _worth(one: Card) -> str:
    confidence = f"{_('Confidence')}: {one.confidence}" if one.confidence else ""
    return " · ".join(part for part in (one.source, confidence, one.elsewhere) if part)


def _project(one: ProjectStanding) -> list[str]:
    project = one.project
    return [
        f"{project.key} {spoken(project.title)}",
        _(STATES[one.state][0]),
        _("%(n)s of %(all)s", n=one.reached, all=one.milestones),
        money(project.budget, project.currency),
        " ".join(reason(each, one) for each in one.reasons),
    ]


def _more(left: int, address: str) -> str:
    if left <= 0:
        return ""
    return n_(
        "%(n)s more indicator: %(address)s", "%(n)s more indicators: %(address)s", left, address=address
    )


def _svg(picture: Markup) -> str:
    """A drawing of the page as a file of its own: with its name space, a size and its colours; "" for none."""
    found = re.match(r"<svg\b[^>]*>", picture)
    if found is None:
        return ""
    head, body = str(found.group()), unmarked(str(picture)[found.end() :])
    if "viewBox" not in head:
        head = head.replace('width="100%"', f'width="{_CHART_WIDTH}"')
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{head}<style>{_STYLE}</style>{body}"
