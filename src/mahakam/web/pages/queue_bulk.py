"""One act for many requests of the queue; each row has its own result, and what somebody changed meanwhile is left."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.ngsild.problem import Problem
from mahakam.services import private
from mahakam.services.desk import Changed
from mahakam.services.handover import Handover
from mahakam.services.numbers import normal_number
from mahakam.services.request import Refused
from mahakam.web import gate
from mahakam.web.language import _
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import sentences
from mahakam.web.site import Site, site_of
from mahakam.web.workbench import asked, hands

MOST = 100


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row: ``problem`` is "" if it was done."""

    number: str
    problem: str


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/queue/bulk", act, methods=["POST"])]


async def act(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_act, request, form)


def _act(request: Request, form: FormData) -> Response:
    wanted = asked(request)
    gate.require_ours(request, form)
    picked = [value for value in form.getlist("pick") if isinstance(value, str)][:MOST]
    do, text = gate.text(form, "do")[:100], gate.text(form, "text")
    results = [_done(request, one, do, text) for one in dict.fromkeys(picked)]
    return render(
        request,
        "queue-bulk.html",
        title=_("What was done"),
        place=wanted.place,
        section="services",
        asked=wanted,
        results=results,
        text=text,
        done=sum(not one.problem for one in results),
    )


def _done(request: Request, picked: str, do: str, text: str) -> Result:
    """Do it to one request, ``NUMBER:REVISION`` as it was seen."""
    site = site_of(request)
    given, _colon, seen = picked.partition(":")
    number = normal_number(given)
    desk = desk_of(site)
    found = desk.request(number) if number else None
    place = site.places.get(found.place) if found else None
    if found is None or place is None or not gate.may(request, "request.work", place):
        return Result(given[:40], _("There is no report with this number"))
    author = gate.require(request, "request.work", place).name
    revision = int(seen) if seen.isdecimal() and len(seen) < 9 else -1
    act, _colon, to = do.partition(":")
    try:
        if act == "state":
            desk.step(found.number, revision, to, text, "", author, hands(request, place))
        elif act == "team":
            Handover(desk, site.broker, site.places).transfer(found.number, revision, to, text, author)
        elif act == "mine":
            before = desk.private(found.number).assignee
            if not private.assign(site.store, found.number, before, author, author):
                return Result(found.number, _changed())
        else:
            return Result(found.number, _("Choose what to do."))
    except Changed:
        return Result(found.number, _changed())
    except Refused as refused:
        return Result(found.number, " ".join(sentences(refused.faults, site.places).values()))
    except Problem as problem:
        return Result(found.number, f"{problem.title}. {problem.detail}")
    return Result(found.number, "")


def _changed() -> str:
    return _("Somebody changed it meanwhile: open it and look.")
