"""Where an agency repairs its own held rows by a signed link, without an account: in the grid, or by workbook."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.access import throttle
from mahakam.config import Place
from mahakam.feeds import repair_links
from mahakam.feeds.parts import Parts
from mahakam.feeds.repair_links import Link
from mahakam.feeds.repairing import Repaired, take_back
from mahakam.feeds.sources.model import SourceError
from mahakam.web import disclosed, gate
from mahakam.web.datasets import feed_of
from mahakam.web.held_grid import (
    BYTES,
    FIELDS,
    ROWS,
    HeldRows,
    clashing,
    grid,
    outcome_words,
    personal_columns,
    reasons_of,
    returned,
    said,
)
from mahakam.web.language import _, in_timezone, n_, words
from mahakam.web.pages.quarantine_grid import LARGEST_SHEET, sheet_back, workbook_of
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Table

WINDOW = 15 * 60
LIMITS = {"repair-look": 300, "repair-write": 40, "repair-guess": 20}
"""What an address may do in a window: look at pages, send rows back, and try links that are none."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/repair/{token}", show, methods=["GET"]),
        Route("/repair/{token}", save, methods=["POST"]),
        Route("/repair/{token}/rows.xlsx", workbook, methods=["GET"]),
        Route("/repair/{token}/sheet", sheet, methods=["POST"]),
    ]


def show(request: Request) -> Response:
    link, place = _opened(request, "repair-look")
    return _page(request, link, place)


async def save(request: Request) -> Response:
    form = await gate.read_form(request, BYTES, fields=FIELDS)
    return await run_in_threadpool(_save, request, form)


def workbook(request: Request) -> Response:
    link, place = _opened(request, "repair-write")
    rows, masked = _rows(request, link, place), _masked(request, place, link)
    own = frozenset({feed_of(place, link.feed).agency})
    return _private(workbook_of(request, place, link.feed, rows, masked, own))


async def sheet(request: Request) -> Response:
    await run_in_threadpool(_opened, request, "repair-look")  # before 50 MB are read
    form = await gate.read_form(request, LARGEST_SHEET + 2**16, files=1)
    return await run_in_threadpool(_sheet, request, form)


def _save(request: Request, form: FormData) -> Response:
    link, place = _opened(request, "repair-write")
    typed = {name: value for name, value in form.items() if name.startswith("c-") and isinstance(value, str)}
    if not gate.is_ours(request, form):
        return _page(request, link, place, typed=typed, error=gate.stale(), status=422)
    site, feed = site_of(request), feed_of(place, link.feed)
    done = take_back(
        Parts.of(site.node),
        place.id,
        link.feed,
        returned(site.store, form, {feed.agency}),
        link.author,
        _("By the link that %(who)s made", who=link.by),
        allowed=repair_links.owns(feed, link.agency),
        locked={feed.agency},
        then_replay="take" not in form,
    )
    repair_links.used(site.store, link.id)
    clashed = any(one.clashes for one in done.results)
    return _page(
        request, link, place, done=done, typed=typed if clashed else None, status=409 if clashed else 200
    )


def _sheet(request: Request, form: FormData) -> Response:
    link, place = _opened(request, "repair-write")
    if not gate.is_ours(request, form):
        return _page(request, link, place, error=gate.stale(), status=422)
    feed = feed_of(place, link.feed)
    try:
        done = sheet_back(
            request,
            place,
            link.feed,
            form,
            link.author,
            reason=_("By the link that %(who)s made", who=link.by),
            allowed=repair_links.owns(feed, link.agency),
            locked={feed.agency},
        )
    except SourceError as error:
        return _page(request, link, place, error=str(error), status=422)
    repair_links.used(site_of(request).store, link.id)
    return _page(request, link, place, done=done, by_sheet=True)


def _page(
    request: Request,
    link: Link,
    place: Place,
    *,
    done: Repaired | None = None,
    typed: Mapping[str, str] | None = None,
    error: str = "",
    status: int = 200,
    by_sheet: bool = False,
) -> Response:
    site, feed = site_of(request), feed_of(place, link.feed)
    in_timezone(place.timezone)
    base = f"/repair/{request.path_params['token']}"
    pages = Table(
        request, _("Held rows"), [], _rows(request, link, place), base, per_page=ROWS, downloadable=False
    )
    kept, clashes = clashing(done)
    disclosed.of_rows(request, place, link.feed, link=link.author)
    answer = render(
        request,
        "repair.html",
        status,
        title=_("Rows to correct: %(dataset)s", dataset=words(feed.title)),
        place=place,
        section="data",
        link=link,
        base=base,
        pages=pages,
        made=grid(
            site,
            place,
            link.feed,
            pages.rows if by_sheet else kept or pages.rows,
            locked={feed.agency},
            masked=_masked(request, place, link),
            typed=typed,
            clashes=clashes,
        ),
        done=done,
        by_sheet=by_sheet,
        outcome_words=outcome_words,
        reasons_of=reasons_of,
        said=said(site, place, done) if done else "",
        error=error,
        token=gate.token(request),
    )
    return _private(answer)


def _opened(request: Request, what: str) -> tuple[Link, Place]:
    """The link of the address. Raises HTTPException 404 (none of ours), 410 (run out, revoked) or 429."""
    site = site_of(request)
    _within(request, site, what)
    link = repair_links.opened(site.store, request.path_params["token"])
    if link is None:
        _within(request, site, "repair-guess")
        raise HTTPException(
            404, _("This link is not whole. Copy all of it from the message that you were sent.")
        )
    if not link.is_good:
        raise HTTPException(
            410, _("This link has run out or was taken back. Ask %(who)s for a new one.", who=link.by)
        )
    place = site.place(link.place)
    if link.feed not in place.files("feeds"):
        raise HTTPException(410, _("This dataset is no longer kept here."))
    return link, place


def _within(request: Request, site: Site, what: str) -> None:
    address = request.client.host if request.client else ""
    seconds = 0 if site.settings.open else throttle.take(site.store, what, address, LIMITS[what], WINDOW)
    if seconds:
        minutes = n_("wait %(n)s minute", "wait %(n)s minutes", -(-seconds // 60))
        raise HTTPException(
            429,
            _("Much came from your network: %(minutes)s, then try again.", minutes=minutes),
            {"Retry-After": str(seconds)},
        )


def _rows(request: Request, link: Link, place: Place) -> HeldRows:
    column = feed_of(place, link.feed).agency
    return HeldRows(
        site_of(request).store, place.id, link.feed, cell=(column, link.agency) if column else None
    )


def _masked(request: Request, place: Place, link: Link) -> frozenset[str]:
    return personal_columns(site_of(request), place, link.feed)


def _private(answer: Response) -> Response:
    """The address is the key: it goes into no cache, no search engine and no other site's log."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
