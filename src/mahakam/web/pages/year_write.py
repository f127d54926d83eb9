"""Proposing a dataset for a year's list of data, and amending its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import LANGUAGES, ConfigError
from mahakam.faults import Changed, Refused
from mahakam.feeds.known import feed_of
from mahakam.feeds.standard import ACTIVITY, NEEDED, STANDARD
from mahakam.feeds.year import desk
from mahakam.feeds.year.desk import TooMany
from mahakam.feeds.year.item import Item, amend
from mahakam.web import gate, year_form
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import _, words
from mahakam.web.languages import own_names
from mahakam.web.pages.year_one import may_amend
from mahakam.web.render import render
from mahakam.web.year_desk import PATH, Year, item_asked, year_asked
from mahakam.web.year_words import ACCESS, FIELDS, FREQUENCIES, PARTS

if TYPE_CHECKING:
    from mahakam.web.site import Site

LONG = ("definition", "background", "purpose", "sampling", "quality", "interpretation", "formula", "question")
"""Fields in which people write sentences."""


def routes(_site: Site) -> list[BaseRoute]:
    new, one = PATH + "/{place}/{year}/new", PATH + "/{place}/{year}/data/{key}/edit"
    return [
        Route(new, show_new, methods=["GET"]),
        Route(new, new_posted, methods=["POST"]),
        Route(one, show_edit, methods=["GET"]),
        Route(one, edit_posted, methods=["POST"]),
    ]


def show_new(request: Request) -> Response:
    found = year_asked(request)
    gate.require(request, "plan.propose", found.place)
    return _form(found, None, year_form.empty())


def show_edit(request: Request) -> Response:
    found = year_asked(request)
    one = _amendable(found)
    return _form(found, one, year_form.filled(one.plan) | {"seen": str(one.revision)})


async def new_posted(request: Request) -> Response:
    form = await gate.read_form(request, year_form.LARGEST, fields=year_form.FIELDS)
    return await run_in_threadpool(_new, request, form)


async def edit_posted(request: Request) -> Response:
    form = await gate.read_form(request, year_form.LARGEST, fields=year_form.FIELDS)
    return await run_in_threadpool(_edit, request, form)


def _new(request: Request, form: FormData) -> Response:
    found = year_asked(request)
    by = found.author("plan.propose")
    typed, answer = _typed(found, None, form)
    if answer:
        return answer
    try:
        made = desk.add(
            found.site.store, found.place.id, found.year, year_form.plan_of(found, typed), by, now()
        )
    except Refused as refused:
        return _form(found, None, typed, said(refused.faults), 422)
    except TooMany:
        return _form(
            found, None, typed, {"form": _("The list is full: %(n)s datasets.", n=desk.MOST_ITEMS)}, 422
        )
    return RedirectResponse(found.address(made), 303)


def _edit(request: Request, form: FormData) -> Response:
    found = year_asked(request)
    one = _amendable(found)
    by = found.author("plan.examine" if one.state == "listed" else "plan.propose")
    typed, answer = _typed(found, one, form)
    if answer:
        return answer
    plan, seen = year_form.plan_of(found, typed), number(typed["seen"])
    try:
        desk.change(
            found.site.store, found.place.id, found.year, one.key,
            lambda item: amend(item, plan, typed["reason"], seen, by, now()),
        )  # fmt: skip
    except Refused as refused:
        return _form(found, one, typed, said(refused.faults), 422)
    except Changed:
        latest = item_asked(found)
        return _form(found, latest, typed | {"seen": str(latest.revision)}, {"form": changed()}, 409)
    return RedirectResponse(found.address(one), 303)


def _typed(found: Year, one: Item | None, form: FormData) -> tuple[dict[str, str], Response | None]:
    """What was typed; and the form again, if it lay open too long or another row was asked for."""
    typed = year_form.typed_of(form)
    if not gate.is_ours(found.request, form):
        return typed, _form(found, one, typed, {"form": gate.stale()}, 403)
    if more := gate.text(form, "more"):
        return typed, _form(found, one, typed, more=more)
    return year_form.closed_up(typed), None


def _amendable(found: Year) -> Item:
    one = item_asked(found)
    gate.require(found.request, "plan.propose", found.place)
    if not may_amend(found, one):
        raise HTTPException(403, _("What is on the list is amended by the data steward."))
    return one


def _form(
    found: Year,
    one: Item | None,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
    more: str = "",
) -> Response:
    title = (
        _("Amend %(number)s", number=one.key) if one else _("Propose a dataset for %(year)s", year=found.year)
    )
    producers = {item.plan.producer for item in desk.items(found.site.store, found.place.id, found.year)}
    answer = render(
        found.request,
        "year-form.html",
        status,
        place=found.place,
        section="data",
        title=title,
        token=gate.token(found.request),
        desk=found,
        one=one,
        typed=typed,
        errors=Errors(errors or {}),
        language_names=own_names(LANGUAGES),
        producers=sorted(producers),
        feeds=_feeds(found),
        frequencies=[(value, _(word)) for value, word in FREQUENCIES.items()],
        accesses=[(value, _(word)) for value, word in ACCESS.items()],
        standard=STANDARD,
        activity=ACTIVITY,
        long=LONG,
        several=[
            (part, fields, year_form.rows(typed, part, more == part))
            for part, fields in year_form.ROWS.items()
        ],
        needed=NEEDED,
        field_names=FIELDS,
        parts_names=PARTS,
        activity_open=any(
            typed[f"activity-{name}"] or f"activity-{name}" in (errors or {}) for name in ACTIVITY
        ),
        crumbs=found.crumbs((title, "")),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _feeds(found: Year) -> list[tuple[str, str]]:
    named = []
    for name in found.place.files("feeds"):
        try:
            named.append((name, f"{words(feed_of(found.place, name).title)} ({name})"))
        except ConfigError:  # it is told of on the page of quality
            named.append((name, name))
    return named
