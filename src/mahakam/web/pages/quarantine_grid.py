"""The workbench over held rows: narrowed, edited in a grid, as a workbook and back, handed to the agency by a link."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.feeds import held_sheet, repair_links
from mahakam.feeds.parts import Parts
from mahakam.feeds.repairing import Repaired, take_back
from mahakam.feeds.sources.model import SourceError
from mahakam.web import disclosed, gate
from mahakam.web.datasets import dataset, feed_of, rule_words
from mahakam.web.documents import XLSX
from mahakam.web.findings import rules_held
from mahakam.web.held_grid import (
    BYTES,
    FIELDS,
    ROWS,
    HeldRows,
    clashing,
    columns_pointed_at,
    grid,
    outcome_words,
    reasons_of,
    returned,
    said,
)
from mahakam.web.language import _, in_timezone, words
from mahakam.web.pages.quarantine import address, place_and_feed, said_words
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Table

LARGEST_SHEET = 50 * 2**20
_RUNS = 20


def routes(_site: Site) -> list[BaseRoute]:
    feed = "/quarantine/{place}/{feed}"
    return [
        Route(feed + "/grid", show, methods=["GET"]),
        Route(feed + "/grid", save, methods=["POST"]),
        Route(feed + "/rows.xlsx", workbook, methods=["GET"]),
        Route(feed + "/sheet", sheet, methods=["POST"]),
        Route(feed + "/links", gate.posted(make_link), methods=["POST"]),
        Route(feed + "/links/{id}/revoke", gate.posted(revoke_link), methods=["POST"]),
    ]


@dataclass(frozen=True)
class Narrowed:
    """Which rows were asked for: a finding (rule and field), a run, an agency."""

    rule: str = ""
    field: str = ""
    run: int = 0
    agency: str = ""

    @classmethod
    def of(cls, request: Request) -> Narrowed:
        query = request.query_params
        rule, field = query.get("rule", "")[:100], query.get("field", "")[:100]
        if "reason" in query:  # of the filter's list: rule and field in one
            rule, _bar, field = query["reason"][:200].partition("|")
        run = query.get("run", "")
        number = int(run) if run.isdecimal() and len(run) < 18 else 0
        return cls(rule, field if rule else "", number, query.get("agency", "")[:300])

    @property
    def query(self) -> str:
        given = {"rule": self.rule, "field": self.field, "run": self.run or "", "agency": self.agency}
        text = urlencode({name: value for name, value in given.items() if value})
        return f"?{text}" if text else ""

    def rows(self, site: Site, place: Place, feed: str) -> HeldRows:
        column = feed_of(place, feed).agency
        cell = (column, self.agency) if column and self.agency else None
        return HeldRows(site.store, place.id, feed, self.rule, self.field, self.run, cell)


def show(request: Request) -> Response:
    place, feed = place_and_feed(request, "quarantine.read")
    return _page(request, place, feed)


async def save(request: Request) -> Response:
    form = await gate.read_form(request, BYTES, fields=FIELDS)
    return await run_in_threadpool(_save, request, form)


def _save(request: Request, form: FormData) -> Response:
    place, feed = place_and_feed(request, "quarantine.correct")
    principal = gate.require(request, "quarantine.correct", place)
    typed = {name: value for name, value in form.items() if name.startswith("c-") and isinstance(value, str)}
    if not gate.is_ours(request, form):
        return _page(request, place, feed, typed=typed, error=gate.stale(), status=422)
    site = site_of(request)
    done = take_back(
        Parts.of(site.node),
        place.id,
        feed,
        returned(site.store, form),
        principal.name,
        gate.text(form, "reason").strip()[:500],
        then_replay=gate.text(form, "do") == "replay" and "take" not in form,
    )
    if any(one.clashes for one in done.results):
        return _page(request, place, feed, done=done, typed=typed, status=409)
    query = {"said": _code(done)} | ({"page": page} if (page := request.query_params.get("page", "")) else {})
    narrowed = Narrowed.of(request).query
    joined = f"{narrowed}&{urlencode(query)}" if narrowed else f"?{urlencode(query)}"
    return RedirectResponse(f"{address(place, feed)}/grid{joined}#grid", 303)


def _code(done: Repaired) -> str:
    """What the address of the next page says of what was done."""
    if done.busy:
        return "busy"
    if done.run is not None:
        return f"run-{done.run.id}"
    return "saved" if any(one.changed for one in done.results) else "nothing"


def workbook(request: Request) -> Response:
    """The narrowed rows as a workbook to correct and send back."""
    place, feed = place_and_feed(request, "quarantine.read")
    return workbook_of(request, place, feed, Narrowed.of(request).rows(site_of(request), place, feed))


def workbook_of(
    request: Request,
    place: Place,
    feed: str,
    rows: HeldRows,
    masked: frozenset[str] = frozenset(),
    locked: frozenset[str] = frozenset(),
) -> Response:
    """A workbook of held rows, streamed from a file of its own that goes when it has been sent."""
    site = site_of(request)
    columns = held_sheet.columns_of(rows.window(1000, 0))
    if not masked:
        disclosed.of_rows(request, place, feed, as_workbook=True)
    with tempfile.TemporaryDirectory(prefix="mahakam-held-") as folder:
        path = Path(folder) / "rows.xlsx"
        held_sheet.write(
            path,
            site.store,
            rows.scan(),
            columns,
            headings=(_("Row"), _("Why it is held")),
            reasons=reasons_of,
            wrong=lambda held: columns_pointed_at(place, feed, held),
            note=_(
                "Correct the marked cells and send the file back as it is: keep all columns and the first row."
            ),
            masked=masked,
            locked=locked,
        )
        size, file = path.stat().st_size, path.open("rb")  # what is open stays when its folder goes
    headers = {
        "Cache-Control": "no-store",
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{place.id}-{feed}-held.xlsx"',
    }
    return StreamingResponse(_pieces(file), media_type=XLSX, headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 16):
            yield piece


async def sheet(request: Request) -> Response:
    form = await gate.read_form(request, LARGEST_SHEET + 2**16, files=1)
    return await run_in_threadpool(_sheet, request, form)


def _sheet(request: Request, form: FormData) -> Response:
    place, feed = place_and_feed(request, "quarantine.correct")
    principal = gate.require(request, "quarantine.correct", place)
    gate.require_ours(request, form)
    try:
        done = sheet_back(request, place, feed, form, principal.name)
    except SourceError as error:
        return _page(request, place, feed, error=str(error), status=422)
    return _page(request, place, feed, done=done, by_sheet=True)


def sheet_back(
    request: Request, place: Place, feed: str, form: FormData, author: str, **more: object
) -> Repaired:
    """Take back the workbook of a form. Raises SourceError for none, and for one that is not ours."""
    sent = gate.upload(form, "file")
    if sent is None or not sent.size:
        raise SourceError(_("The file"), _("is missing or empty: choose the workbook that you corrected"))
    site = site_of(request)
    with tempfile.TemporaryDirectory(prefix="mahakam-sheet-") as folder:
        path = Path(folder) / "sent.xlsx"
        with path.open("wb") as out:
            while chunk := sent.file.read(1 << 20):
                out.write(chunk)
        rows = held_sheet.read(path, (sent.filename or "")[-120:], site.store, place.id, feed)
        return take_back(Parts.of(site.node), place.id, feed, rows, author, **more)  # type: ignore[arg-type]


def make_link(request: Request, form: FormData) -> Response:
    place, feed = place_and_feed(request, "quarantine.correct")
    principal = gate.require(request, "quarantine.correct", place)
    gate.require_ours(request, form)
    found = feed_of(place, feed)
    agency = gate.text(form, "agency")[:300] if found.agency else ""
    days = gate.text(form, "days")
    try:
        link = repair_links.make(
            site_of(request).store,
            found,
            agency,
            agency or found.owner or words(found.title),
            principal.name,
            int(days) if days.isdecimal() and len(days) < 5 else repair_links.DAYS,
        )
    except ValueError:
        text = _("Choose the agency, and at most %(n)s days.", n=repair_links.LONGEST)
        return _page(request, place, feed, error=text, status=422)
    return RedirectResponse(f"{address(place, feed)}/grid?made={link.id}#links", 303)


def revoke_link(request: Request, form: FormData) -> Response:
    place, feed = place_and_feed(request, "quarantine.correct")
    principal = gate.require(request, "quarantine.correct", place)
    gate.require_ours(request, form)
    store, id = site_of(request).store, request.path_params["id"]
    if any(link.id == id for link in repair_links.links(store, place.id, feed)):
        repair_links.revoke(store, id, principal.name)
    return RedirectResponse(f"{address(place, feed)}/grid#links", 303)


def _page(
    request: Request,
    place: Place,
    feed: str,
    *,
    done: Repaired | None = None,
    typed: Mapping[str, str] | None = None,
    error: str = "",
    status: int = 200,
    by_sheet: bool = False,
) -> Response:
    site, store = site_of(request), site_of(request).store
    in_timezone(place.timezone)
    disclosed.of_rows(request, place, feed)
    narrowed, found = Narrowed.of(request), feed_of(place, feed)
    base = address(place, feed)
    source = narrowed.rows(site, place, feed)
    pages = Table(request, _("Held rows"), [], source, f"{base}/grid", per_page=ROWS, downloadable=False)
    kept, clashes = clashing(done)
    shown = pages.rows if by_sheet else kept or pages.rows
    may_correct = gate.may(request, "quarantine.correct", place)
    answer = render(
        request,
        "quarantine-grid.html",
        status,
        title=_("Held rows of %(dataset)s", dataset=words(found.title)),
        place=place,
        section="data",
        feed=feed,
        known=dataset(store, place, feed),
        base=base,
        narrowed=narrowed,
        pages=pages,
        made=grid(site, place, feed, shown, typed=typed, clashes=clashes),
        findings=[
            (f"{rule}|{field}", rule_words(rule, field), n)
            for rule, field, n in rules_held(store, place.id, feed)
        ],
        runs=[(store.run(id), n) for id, n in store.held_runs(place.id, feed)[:_RUNS]],
        agencies=store.held_values(place.id, feed, found.agency) if found.agency else [],
        agency_column=found.agency,
        owner=found.owner,
        links=[
            (link, _link_address(request, site, link)) for link in repair_links.links(store, place.id, feed)
        ],
        new_link=request.query_params.get("made", ""),
        days=repair_links.DAYS,
        longest=repair_links.LONGEST,
        done=done,
        by_sheet=by_sheet,
        outcome_words=outcome_words,
        reasons_of=reasons_of,
        said=said(site, place, done) if done else said_words(request),
        error=error,
        token=gate.token(request),
        may_correct=may_correct,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _link_address(request: Request, site: Site, link: repair_links.Link) -> str:
    return f"{str(request.base_url).rstrip('/')}/repair/{repair_links.token(site.store, link)}"
