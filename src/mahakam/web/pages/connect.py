"""A file of a new kind becomes a dataset: sent, looked at, adjusted, tried, published. Nothing needs a program."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError, Place
from mahakam.feeds.connecting.documents import contract_document, feed_document
from mahakam.feeds.connecting.draft import TYPES, Draft, asked_across, rules, take_model, wrong
from mahakam.feeds.connecting.look import look
from mahakam.feeds.connecting.publish import as_yaml, built, publish, taken
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources import formats
from mahakam.quality import note_words
from mahakam.store.protocol import Transaction
from mahakam.web import draft_words, gate
from mahakam.web.datasets import rule_words
from mahakam.web.language import _, in_timezone, words
from mahakam.web.preview import preview_of
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.waiting import ID, keep, safe_name

KIND = "draft"
LARGEST = 200 * 2**20
PINS = ("sheet", "table", "header", "entry", "delimiter", "encoding")
MOST_COLUMNS, MOST_FIELDS = 300, 6000
_WAITS = 7 * 24 * 3600
"""Seconds that a draft and its file are kept."""


def routes(_site: Site) -> list[BaseRoute]:
    one = "/connect/{place}/{id}"
    return [
        Route("/connect/{place}", show, methods=["GET"]),
        Route("/connect/{place}", send, methods=["POST"]),
        Route(one, show_draft, methods=["GET"]),
        Route(one, save_draft, methods=["POST"]),
        Route(one + "/try", show_try, methods=["GET"]),
        Route(one + "/publish", publish_draft, methods=["POST"]),
    ]


# 1. The file


def show(request: Request) -> Response:
    return _first_page(request, _place(request))


async def send(request: Request) -> Response:
    place = await run_in_threadpool(_place, request)
    form = await gate.read_form(request, LARGEST + 2**20, files=1)
    return await run_in_threadpool(_send, request, place, form)


def _send(request: Request, place: Place, form: FormData) -> Response:
    principal = gate.require(request, "feed.connect", place)
    if not gate.is_ours(request, form):
        text = _("The page had lain open for a long time. Please choose the file again.")
        return _first_page(request, place, text, 403)
    sent = gate.upload(form, "file")
    if sent is None:
        return _first_page(request, place, _("Choose a file first."), 422)
    name = safe_name(sent.filename or "")
    if not sent.size:
        return _first_page(request, place, _("%(name)s is empty.", name=name), 422)
    if not name.lower().endswith(endings()):
        text = _(
            "%(name)s is of a kind that cannot be read here. Send one of: %(kinds)s",
            name=name,
            kinds=", ".join(endings()),
        )
        return _first_page(request, place, text, 422)
    site = site_of(request)
    id, path = keep(_room(site), sent, name, _WAITS)
    draft = look(path, place.id, principal.name)
    if draft.problem and not _can_be_pinned(draft.problem):
        shutil.rmtree(path.parent, ignore_errors=True)
        return _first_page(request, place, draft.problem, 422)

    def work(transaction: Transaction) -> None:
        for old, record in transaction.records(KIND).items():
            if record["at"] < time.time() - _WAITS:
                transaction.save_record(KIND, old, None)
        transaction.save_record(KIND, id, draft.as_json())

    site.store.write(work)
    return RedirectResponse(f"/connect/{place.id}/{id}", 303)


def _can_be_pinned(problem: str) -> bool:
    """Whether the officer can say how the file is to be read: which file of an archive, sheet or header."""
    return any(f"{pin}:" in problem or f" {pin}" in problem for pin in PINS)


def _first_page(request: Request, place: Place, error: str = "", status: int = 200) -> Response:
    principal = gate.require(request, "feed.connect", place)
    in_timezone(place.timezone)
    drafts = [
        (id, record)
        for id, record in site_of(request).store.records(KIND).items()
        if record["place"] == place.id
        and record["author"] == principal.name
        and record["at"] > time.time() - _WAITS
    ]
    answer = render(
        request,
        "connect.html",
        status,
        title=_("Connect a new dataset"),
        place=place,
        section="data",
        error=error,
        token=gate.token(request),
        drafts=sorted(drafts, key=lambda draft: -draft[1]["at"]),
        endings=",".join(endings()),
        largest=LARGEST // 2**20,
        step=1,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def endings() -> tuple[str, ...]:
    """Endings of files that can be sent, packed ones too."""
    return (*sorted({end for form in formats.every().values() for end in form.endings}), ".gz", ".zip")


# 2. What was seen, and what becomes of it


def show_draft(request: Request) -> Response:
    place, id, draft = _draft(request)
    return _draft_page(request, place, id, draft)


async def save_draft(request: Request) -> Response:
    form = await gate.read_form(request, 2**20, fields=MOST_FIELDS)
    return await run_in_threadpool(_save_draft, request, form)


def _save_draft(request: Request, form: FormData) -> Response:
    """Keep what was chosen, whatever is wrong with it; then to where the pressed button leads."""
    place, id, draft = _draft(request)
    site, do = site_of(request), gate.text(form, "do")
    if not gate.is_ours(request, form):
        _take(draft, form)
        text = _(
            "The page had lain open for a long time. Your choices are still here: please send them once more."
        )
        return _draft_page(request, place, id, draft, [(text, "")], 403)
    if do == "read":
        pins = {pin: gate.text(form, pin).strip()[:200] for pin in PINS}
        draft = look(_file(site, id, draft), place.id, draft.author, pins)
    else:
        _take(draft, form)
        if do.startswith("model:"):
            chosen = {"", *(str(model["model"]) for model in draft.models)}
            take_model(draft, gate.one_of(do[6:], chosen))
    draft.at = time.time()
    site.store.write(lambda transaction: transaction.save_record(KIND, id, draft.as_json()))
    if do != "try":
        part = "#model" if do.startswith("model:") else ""
        return RedirectResponse(f"/connect/{place.id}/{id}{part}", 303)
    if errors := _wrong(place, draft):
        return _draft_page(request, place, id, draft, errors, 422)
    return RedirectResponse(f"/connect/{place.id}/{id}/try", 303)


def _take(draft: Draft, form: FormData) -> None:
    """What the form says, into the draft."""
    draft.title = gate.text(form, "title").strip()[:200]
    draft.slug = gate.text(form, "slug").strip()[:60]
    draft.entity = gate.text(form, "entity").strip()[:60]
    draft.owner = gate.text(form, "owner").strip()[:200]
    draft.location = bool(draft.point) and bool(gate.text(form, "location"))
    draft.totals_out = bool(gate.text(form, "totals"))
    draft.across_off = [n for n, _rule in asked_across(draft) if not gate.text(form, f"across-{n}")]
    for number, column in enumerate(draft.columns):
        if f"field-{number}" not in form:
            continue
        column.field = gate.text(form, f"field-{number}").strip()[:100]
        column.type = gate.one_of(gate.text(form, f"type-{number}"), TYPES, column.type)
        for choice in ("use", "required", "key", "personal"):
            setattr(column, choice, bool(gate.text(form, f"{choice}-{number}")))
        column.off = [key for key in rules(column) if not gate.text(form, f"rule-{number}-{key}")]


def _wrong(place: Place, draft: Draft) -> list[tuple[str, str]]:
    """(what is wrong, the id of the form's field that it is about)."""
    at = {"title": "title", "slug": "slug", "taken": "slug", "entity": "entity"}
    return [
        (
            draft_words.wrong_words(one),
            f"field-{one.column}" if one.column >= 0 else at.get(one.what, "field-0"),
        )
        for one in wrong(draft, taken(place, draft))
    ]


def _draft_page(
    request: Request,
    place: Place,
    id: str,
    draft: Draft,
    errors: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> Response:
    return _step(
        request,
        "connect-draft.html",
        place,
        id,
        draft,
        2,
        status,
        errors=errors or [],
        wrong_fields={field for _text, field in errors or []},
        most=MOST_COLUMNS,
        type_choices=draft_words.type_choices,
        rule_choices=draft_words.rule_choices,
        across_choices=draft_words.across_choices(draft),
        personal=draft_words.PERSONAL,
        pins=PINS,
    )


# 3. Tried


def show_try(request: Request) -> Response:
    place, id, draft = _draft(request)
    if _wrong(place, draft) or draft.problem:
        return RedirectResponse(f"/connect/{place.id}/{id}", 303)
    return _try_page(request, place, id, draft)


def _try_page(
    request: Request, place: Place, id: str, draft: Draft, error: str = "", status: int = 200
) -> Response:
    site = site_of(request)
    found = preview_of(Parts.of(site.node), place, lambda: built(draft, place), _file(site, id, draft))
    return _step(
        request,
        "connect-try.html",
        place,
        id,
        draft,
        3,
        status,
        found=found,
        error=error or found.problem,
        rule_words=rule_words,
        contract=as_yaml(contract_document(draft)),
        feed=as_yaml(feed_document(draft)),
    )


# 4. Published


async def publish_draft(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_publish, request, form)


def _publish(request: Request, form: FormData) -> Response:
    place, id, draft = _draft(request)
    site = site_of(request)
    principal = gate.require(request, "feed.connect", place)
    if not gate.is_ours(request, form):
        text = _("The page had lain open for a long time. Please press the button once more.")
        return _try_page(request, place, id, draft, text, 403)
    if _wrong(place, draft):
        return RedirectResponse(f"/connect/{place.id}/{id}", 303)

    def claim(transaction: Transaction) -> bool:
        """Whoever comes first publishes: a double tap does so once."""
        known = transaction.record(KIND, id) is not None
        transaction.save_record(KIND, id, None)
        return known

    if not site.store.write(claim):
        return RedirectResponse(f"/quality/{place.id}/{draft.slug}", 303)
    file = _file(site, id, draft)
    try:
        run = publish(Parts.of(site.node), place, draft, file, principal.name)
    except ConfigError as error:
        site.store.write(lambda transaction: transaction.save_record(KIND, id, draft.as_json()))
        return _try_page(request, place, id, draft, str(error), 422)
    shutil.rmtree(file.parent, ignore_errors=True)
    return RedirectResponse(f"/upload/{place.id}/{draft.slug}?run={run.id}", 303)


# How


def _step(
    request: Request, template: str, place: Place, id: str, draft: Draft, step: int, status: int, **more: Any
) -> Response:
    in_timezone(place.timezone)
    answer = render(
        request,
        template,
        status,
        title=_("Connect %(file)s", file=draft.file),
        place=place,
        section="data",
        draft=draft,
        note_words=note_words.said,
        base=f"/connect/{place.id}/{id}",
        token=gate.token(request),
        step=step,
        **more,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _place(request: Request) -> Place:
    place = site_of(request).place(request.path_params["place"])
    gate.require(request, "feed.connect", place)
    return place


def _draft(request: Request) -> tuple[Place, str, Draft]:
    """The draft asked for, if it is the visitor's own; nobody else's words are shown to them."""
    place = _place(request)
    principal = gate.require(request, "feed.connect", place)
    id = request.path_params["id"]
    site = site_of(request)
    record = site.store.record(KIND, id) if ID.fullmatch(id) else None
    if (
        record is None
        or (record["place"], record["author"]) != (place.id, principal.name)
        or not (_room(site) / id / record["file"]).is_file()
    ):
        raise HTTPException(
            404,
            _(
                "There is no such draft of yours in %(place)s; it was published, or had waited for a week.",
                place=words(place.name),
            ),
        )
    return place, id, Draft.of(record)


def _room(site: Site) -> Path:
    return site.settings.data / "drafts"


def _file(site: Site, id: str, draft: Draft) -> Path:
    return _room(site) / id / draft.file
