"""Writing an action plan: from a file or as text, progress of a project, and the year's update on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Changed, Fault, Refused, refuse
from mahakam.form_data import LONGEST_FIELD
from mahakam.network import plan_file, plan_steps
from mahakam.network.plan import Plan, Progress, mark
from mahakam.network.plan_file import LARGEST, Ending
from mahakam.network.plan_rows import number as read_number
from mahakam.network.plans import change_plan
from mahakam.web import gate
from mahakam.web.faults import Errors, changed, fault_words, now, said
from mahakam.web.language import _
from mahakam.web.network_office import author, evidence_line, require, spoken
from mahakam.web.pages.plan_one import ONE, TYPED, of_city, page, row_of
from mahakam.web.plan_desk import PATH, CityRow, plan_desk, renewed

if TYPE_CHECKING:
    from mahakam.web.site import Site

Step = Callable[[Plan], Plan]
_LONGEST_TEXT = LONGEST_FIELD - 1024
_PROGRESS = ("project", "text", "spent", "challenges", "support", "next", "evidence")


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(ONE + "/file", file, methods=["GET"]),
        Route(ONE + "/file", file_posted, methods=["POST"]),
        Route(ONE + "/progress", progress, methods=["GET"]),
        Route(ONE + "/progress", gate.posted(_progress), methods=["POST"]),
        Route(ONE + "/update", gate.posted(_update), methods=["POST"]),
    ]


def _writable(request: Request) -> CityRow:
    """The city, if the visitor may write its plan; raises HTTPException as :func:`require` does."""
    row = row_of(request)
    require(request, "action_plan.write", row.seat.scope)
    return row


# The plan itself, whole.


def file(request: Request) -> Response:
    row = _writable(request)
    return _file_page(request, row, plan_file.written(row.plan, "yaml", evidence_line).decode())


async def file_posted(request: Request) -> Response:
    await run_in_threadpool(_writable, request)
    form = await gate.read_form(request, LARGEST + 2**20, files=1)
    return await run_in_threadpool(_file, request, form)


def _file(request: Request, form: FormData) -> Response:
    row, typed = _writable(request), gate.text(form, "yaml").replace("\r\n", "\n")
    seen = gate.text(form, "seen")
    if not gate.is_ours(request, form):
        return _file_page(request, row, typed, [Fault("form", "file", {})], 403, gate.stale())
    found, name = plan_desk(request), ""
    try:
        content, ending, name = _sent(form, typed)
        if name and ending == "yaml" and len(content) <= _LONGEST_TEXT:
            typed = content.decode("utf-8", "replace")
        found.taking(row.seat).take(found.site.broker, found.site.store, row.seat.code, content, ending, seen)
    except Refused as refused:
        return _file_page(request, row, typed, refused.faults, 422, name=name, seen=seen)
    except Changed:
        fresh = renewed(request).row(row.seat.code)
        return _file_page(request, fresh, typed, [], 409, changed(), name)
    return RedirectResponse(f"{PATH}/{row.seat.code}", 303)


def _sent(form: FormData, typed: str) -> tuple[bytes, Ending, str]:
    """Content, kind and name of what was sent: a file, or else the text. Raises Refused for neither."""
    sent = gate.upload(form, "file")
    if sent is None:
        if not typed.strip():
            raise refuse("file", "file")
        return typed.encode(), "yaml", ""
    name = (sent.filename or "").rpartition("/")[2][-120:]
    if (sent.size or 0) > LARGEST:
        raise refuse("file", "large", most=LARGEST // 2**20)
    ending = name.lower().rpartition(".")[2]
    content = sent.file.read()
    if ending == "xlsx":
        return content, "xlsx", name
    if ending in ("yaml", "yml"):
        return content, "yaml", name
    raise refuse("file", "ending", what=name)


def _file_page(
    request: Request,
    row: CityRow,
    typed: str,
    faults: tuple[Fault, ...] | list[Fault] = (),
    status: int = 200,
    problem: str = "",
    name: str = "",
    seen: str = "",
) -> Response:
    return of_city(
        request,
        "plan-file.html",
        status,
        row,
        title=_("The plan of %(city)s", city=row.seat.name),
        typed=typed if len(typed.encode()) <= _LONGEST_TEXT else "",
        problem=problem,
        name=name,
        faults=[] if problem else [(one.field, fault_words(one)) for one in faults],
        seen=seen or mark(row.plan.text),
        largest=LARGEST // 2**20,
    )


# Progress of a project.


def progress(request: Request) -> Response:
    row = _writable(request)
    return _progress_page(request, row, {"project": request.query_params.get("project", "")})


def _progress(request: Request, form: FormData) -> Response:
    row = _writable(request)
    found, code = plan_desk(request), row.seat.code
    typed = {name: gate.text(form, name).replace("\r\n", "\n") for name in _PROGRESS}
    project = row.plan.text.project(typed["project"])
    keys = [one.key for one in project.milestones] if project else []
    typed |= {f"done-{key}": gate.text(form, f"done-{key}").strip()[:20] for key in keys}
    if not gate.is_ours(request, form):
        return _progress_page(request, row, typed, {"form": gate.stale()}, 403)
    taking = found.taking(row.seat)
    evidence, faults = taking.cited(found.site.broker, typed["evidence"].splitlines(), "evidence")
    spent = None
    try:
        spent = read_number(typed["spent"])
    except ValueError:
        faults = [*faults, Fault("spent", "amount", {})]
    before = row.plan.done(typed["project"])
    done = {key: day for key in keys if (day := typed[f"done-{key}"]) != before.get(key, "")}
    report = Progress(
        at=taking.at,
        by=taking.by,
        year=found.year,
        project=typed["project"],
        done=done,
        spent=spent,
        text=typed["text"].strip(),
        challenges=typed["challenges"].strip(),
        support=typed["support"].strip(),
        next=typed["next"].strip(),
        evidence=evidence,
    )

    def step(plan: Plan) -> Plan:
        try:
            after = plan_steps.report(plan, report, taking.day)
        except Refused as refused:
            unreadable = {one.field for one in faults}
            raise Refused(
                [*faults, *(one for one in refused.faults if one.field not in unreadable)]
            ) from None
        if faults:
            raise Refused(faults)
        return after

    try:
        change_plan(found.site.store, code, step, taking.by, taking.at, "progress")
    except Refused as refused:
        return _progress_page(request, row, typed, said(refused.faults), 422)
    return RedirectResponse(f"{PATH}/{code}#progress", 303)


def _progress_page(
    request: Request,
    row: CityRow,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = plan_desk(request)
    chosen = gate.one_of(typed["project"], (one.key for one in row.plan.text.projects))
    if not chosen and len(row.plan.text.projects) == 1:
        chosen = row.plan.text.projects[0].key
    project = row.plan.text.project(chosen)
    before = row.plan.done(chosen)
    known = {f"done-{one.key}": before.get(one.key, "") for one in project.milestones} if project else {}
    return of_city(
        request,
        "plan-progress.html",
        status,
        row,
        title=_("Report progress of %(city)s", city=row.seat.name),
        year=found.year,
        project=project,
        projects=[(one.key, f"{one.key} {spoken(one.title)}") for one in row.plan.text.projects],
        spoken=spoken,
        last=row.plan.reported(chosen) if chosen else None,
        today=found.desk.day.isoformat(),
        typed=dict.fromkeys(_PROGRESS, "") | known | typed | {"project": chosen},
        errors=Errors(errors or {}),
    )


# The year's update.


def _update(request: Request, form: FormData) -> Response:
    """Send, give back or take in: ``do`` says which."""
    row, found, do = row_of(request), plan_desk(request), gate.text(form, "do")
    action = "action_plan.write" if do == "send" else "action_plan.collate"
    seat = row.seat.scope if do == "send" else ""
    require(request, action, seat)
    typed = {name: gate.text(form, name).replace("\r\n", "\n")[:20_000] for name in TYPED}
    if not gate.is_ours(request, form):
        return page(request, typed, {"update": gate.stale()}, 403)
    by, at, year = author(request, action, seat), now(), found.year
    step: Step
    match do:
        case "send":
            step = lambda plan: plan_steps.send(plan, year, typed["text"], by, at)  # noqa: E731
        case "return":
            step = lambda plan: plan_steps.give_back(plan, year, typed["reason"], by, at)  # noqa: E731
        case "collate":
            step = lambda plan: plan_steps.take_in(plan, year, by, at)  # noqa: E731
        case _:
            raise HTTPException(400, _("Choose what to do."))
    try:
        change_plan(found.site.store, row.seat.code, step, by, at, "update")
    except Refused as refused:
        return page(request, typed, said(refused.faults), 422)
    except Changed:
        renewed(request)
        return page(request, typed, {"update": changed()}, 409)
    return RedirectResponse(f"{PATH}/{row.seat.code}#update", 303)
