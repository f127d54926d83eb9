"""An agency hands in a newer file: it is looked at first, and taken in when the officer says so."""

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

from mahakam.config import Place
from mahakam.feeds import quarantine
from mahakam.feeds.parts import Parts
from mahakam.store.protocol import Transaction
from mahakam.web import gate
from mahakam.web.datasets import dataset, rule_words
from mahakam.web.held_grid import run_words
from mahakam.web.language import _, in_timezone, words
from mahakam.web.preview import preview
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.waiting import ID, keep, safe_name

LARGEST = 200 * 2**20
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".geojson", ".json", ".gz", ".zip")
KIND = "upload"
_WAITS = 24 * 3600
"""Seconds that a file waits to be taken in."""


def routes(_site: Site) -> list[BaseRoute]:
    feed = "/upload/{place}/{feed}"
    return [
        Route(feed, show, methods=["GET"]),
        Route(feed, look, methods=["POST"]),
        Route(feed + "/confirm", confirm, methods=["POST"]),
    ]


def show(request: Request) -> Response:
    place, feed = _place_and_feed(request)
    return _page(request, place, feed)


async def look(request: Request) -> Response:
    """Take the file to where it waits, and say what would become of it."""
    place, feed = await run_in_threadpool(_place_and_feed, request)
    form = await gate.read_form(request, LARGEST + 2**20, files=1)
    return await run_in_threadpool(_look, request, place, feed, form)


async def confirm(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_confirm, request, form)


def _look(request: Request, place: Place, feed: str, form: FormData) -> Response:
    if not gate.is_ours(request, form):
        return _page(
            request,
            place,
            feed,
            _("The page had lain open for a long time. Please choose the file again."),
            403,
        )
    sent = gate.upload(form, "file")
    if sent is None:
        return _page(request, place, feed, _("Choose a file first."), 422)
    name = safe_name(sent.filename or "")
    if not name.lower().endswith(ENDINGS):
        kinds = ", ".join(ENDINGS)
        text = _(
            "%(name)s is of a kind that cannot be read here. Send one of: %(kinds)s", name=name, kinds=kinds
        )
        return _page(request, place, feed, text, 422)
    if not sent.size:
        return _page(request, place, feed, _("%(name)s is empty.", name=name), 422)
    site = site_of(request)
    id, path = keep(site.settings.data / "uploads", sent, name, _WAITS)
    found = preview(Parts.of(site.node), place, feed, path)
    if found.problem:
        shutil.rmtree(path.parent, ignore_errors=True)
        return _page(request, place, feed, found.problem, 422)
    principal = gate.require(request, "feed.upload", place)
    record = {"place": place.id, "feed": feed, "name": name, "by": principal.name, "at": time.time()}
    site.store.write(lambda transaction: transaction.save_record(KIND, id, record))
    return _page(request, place, feed, found=found, id=id, name=name)


def _confirm(request: Request, form: FormData) -> Response:
    from mahakam.feeds.run import run_feed

    place, feed = _place_and_feed(request)
    principal = gate.require(request, "feed.upload", place)
    if not gate.is_ours(request, form):
        return _page(
            request,
            place,
            feed,
            _("The page had lain open for a long time. Please choose the file again."),
            403,
        )
    site, id = site_of(request), gate.text(form, "id")
    try:
        quarantine.only_one(Parts.of(site.node), place.id, feed)
    except quarantine.Busy:
        text = _("A run of this dataset is under way. Please hand the file in when it has ended.")
        return _page(request, place, feed, text, 409)

    def claim(transaction: Transaction) -> dict[str, Any] | None:
        """Whoever comes first takes it: a double tap runs once."""
        found = transaction.record(KIND, id)
        if found and (found["place"], found["feed"]) == (place.id, feed):
            transaction.save_record(KIND, id, None)
            return found
        return None

    record = site.store.write(claim) if ID.fullmatch(id) else None
    path = _folder(site, id) / record["name"] if record else None
    if path is None or not path.is_file():
        text = _("This file was taken in already, or has waited for more than a day. Please choose it again.")
        return _page(request, place, feed, text, 409)
    run = run_feed(Parts.of(site.node), place.id, feed, author=principal.name, file=path)
    shutil.rmtree(path.parent, ignore_errors=True)
    if run.state == "failed":
        text = _(
            "The file could not be taken in; what was stored before is as it was. %(why)s",
            why=run_words(site, place, run),
        )
        return _page(request, place, feed, text, 422)
    return RedirectResponse(f"/upload/{place.id}/{feed}?run={run.id}", 303)


def _page(
    request: Request,
    place: Place,
    feed: str,
    error: str = "",
    status: int = 200,
    found: Any = None,
    id: str = "",
    name: str = "",
) -> Response:
    site = site_of(request)
    in_timezone(place.timezone)
    known = dataset(site.store, place, feed)
    asked = request.query_params.get("run", "")
    run = site.store.run(int(asked)) if asked.isdecimal() and len(asked) < 18 else None
    answer = render(
        request,
        "upload.html",
        status,
        title=_("A newer file for %(dataset)s", dataset=words(known.title)),
        place=place,
        section="data",
        known=known,
        feed=feed,
        error=error,
        found=found,
        id=id,
        name=name,
        run_words=lambda run: run_words(site, place, run),
        run=run if run and (run.place, run.feed) == (place.id, feed) else None,
        token=gate.token(request),
        endings=",".join(ENDINGS),
        largest=LARGEST // 2**20,
        rule_words=rule_words,
        may_correct=gate.may(request, "quarantine.read", place),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _folder(site: Site, id: str) -> Path:
    return site.settings.data / "uploads" / id


def _place_and_feed(request: Request) -> tuple[Place, str]:
    place = site_of(request).place(request.path_params["place"])
    gate.require(request, "feed.upload", place)
    feed = request.path_params["feed"]
    if feed not in place.files("feeds"):
        raise HTTPException(404, _("%(place)s has no dataset %(name)s", place=words(place.name), name=feed))
    return place, feed
