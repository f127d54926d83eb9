"""A dataset of the list of data: its releases, what the node knows of it, the steps, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Changed, Refused
from mahakam.feeds.year import desk
from mahakam.feeds.year import item as steps
from mahakam.feeds.year.calendar import Due, releases
from mahakam.feeds.year.examination import Point, declared, facts, points, whole
from mahakam.feeds.year.item import Item
from mahakam.web import gate
from mahakam.web.datasets import rule_words
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import _
from mahakam.web.render import render
from mahakam.web.year_desk import PATH, Year, item_asked, year_asked
from mahakam.web.year_words import (
    ACCESS,
    EVENTS,
    FIELDS,
    FREQUENCIES,
    HOLDERS,
    PARTS,
    PRINCIPLES,
    author_words,
    item_chip,
    late_words,
    point_words,
    state_chip,
)  # fmt: skip

if TYPE_CHECKING:
    from mahakam.web.site import Site

Step = Callable[[Item], Item]
TYPED = ("words", "findings", "link", "withdraw")
ACTIONS = {
    "submit": "plan.propose", "list": "plan.examine", "approve": "plan.examine", "return": "plan.examine",
    "publish": "plan.examine", "recall": "plan.examine", "withdraw": "plan.examine", "confirm": "plan.supervise",
    "refer": "plan.supervise",
}  # fmt: skip
"""Step → what one must be allowed to do for it."""


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{place}/{year}/data/{key}"
    return [
        Route(one, show, methods=["GET"]),
        Route(one + "/step", gate.posted(_step), methods=["POST"]),
    ]


def show(request: Request) -> Response:
    found = year_asked(request)
    return page(found, item_asked(found), request.query_params.get("release", ""))


def page(
    found: Year,
    one: Item,
    period: str = "",
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    dues = releases(one, found.allowed) if one.state == "listed" else []
    chosen = _chosen(dues, period)
    entry, _known = found.known(one.plan.feed)
    looked = _points(found, one, chosen.period if chosen else "") if found.inside else []
    answer = render(
        found.request,
        "year-one.html",
        status,
        title=found.name(one),
        place=found.place,
        section="data",
        token=gate.token(found.request),
        desk=found,
        one=one,
        chip=item_chip(one),
        dues=dues,
        chosen=chosen,
        state_chip=state_chip,
        late_words=late_words,
        holders=HOLDERS,
        frequency=_(FREQUENCIES[one.plan.frequency]),
        access=_(ACCESS[one.plan.access]),
        entry=entry,
        points=[(_(PRINCIPLES[point.principle]), *point_words(point), point.ok) for point in looked],
        whole=whole(looked),
        statistics=declared(one.plan.statistics, entry),
        parts_names=PARTS,
        field_names=FIELDS,
        rule_words=rule_words,
        events=EVENTS,
        author_words=author_words,
        may={do: found.may(action) for do, action in ACTIONS.items()},
        may_amend=may_amend(found, one),
        typed=dict.fromkeys(TYPED, "") | (typed or {}),
        errors=Errors(errors or {}),
        crumbs=found.crumbs((one.key, "")),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _points(found: Year, one: Item, period: str) -> list[Point]:
    entry, known = found.known(one.plan.feed)
    return points(one.plan, entry, known, found.file_names, steps.submission_before(one, period))


def _chosen(dues: list[Due], period: str) -> Due | None:
    """The release that is asked for, else the first that is not published, else the last."""
    named = next((one for one in dues if one.period == period), None)
    return named or next((one for one in dues if one.state != "published"), dues[-1] if dues else None)


def may_amend(found: Year, one: Item) -> bool:
    """A proposal is its producers' to amend; what is on the list the walidata's, so that nobody moves their own day."""
    return found.may("plan.examine" if one.state == "listed" else "plan.propose") and one.state != "withdrawn"


def _step(request: Request, form: FormData) -> Response:
    found = year_asked(request)
    one, do = item_asked(found), gate.text(form, "do")
    if do not in ACTIONS:
        raise HTTPException(400, _("Choose what to do."))
    by = found.author(ACTIONS[do])
    period = gate.text(form, "release")
    typed = {name: gate.text(form, name)[:20_000].replace("\r\n", "\n") for name in TYPED}
    field = "withdraw" if do in ("withdraw", "list") else "words"
    if not gate.is_ours(request, form):
        return page(found, one, period, typed, {field: gate.stale()}, 403)
    work = _work(found, one, do, period, typed, number(gate.text(form, "seen")), by)
    try:
        desk.change(found.site.store, found.place.id, found.year, one.key, work)
    except Refused as refused:
        return page(found, one, period, typed, said(refused.faults), 422)
    except Changed:
        return page(found, item_asked(found), period, typed, {field: changed()}, 409)
    return RedirectResponse(found.address(one, period), 303)


def _work(
    found: Year, one: Item, do: str, period: str, typed: dict[str, str], seen: int, by: steps.Author
) -> Step:
    text, link, at = typed["words"], typed["link"].strip(), now()
    findings = tuple(line.strip() for line in typed["findings"].split("\n") if line.strip())
    if do == "submit":
        due = next((due for due in releases(one, found.allowed) if due.period == period), None)
        if due is None:
            raise HTTPException(400, _("Choose a release of the calendar."))
        day, seen_of_feed = due.due.isoformat(), facts(found.known(one.plan.feed)[1])
        return lambda item: steps.submit(item, period, day, text, link, seen_of_feed, by, at)
    if do == "approve":
        in_order = whole(_points(found, one, period))
        return lambda item: steps.approve(item, period, in_order, text, seen, by, at)
    work: dict[str, Step] = {
        "list": lambda item: steps.enlist(item, seen, by, at),
        "withdraw": lambda item: steps.withdraw(item, typed["withdraw"], by, at),
        "return": lambda item: steps.send_back(item, period, findings, text, seen, by, at),
        "confirm": lambda item: steps.confirm(item, period, text, seen, by, at),
        "refer": lambda item: steps.refer(item, period, findings, text, seen, by, at),
        "publish": lambda item: steps.publish(item, period, seen, by, at),
        "recall": lambda item: steps.recall(item, period, text, seen, by, at),
    }
    return work[do]
