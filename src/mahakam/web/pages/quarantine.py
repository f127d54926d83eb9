"""Held rows: the findings with their cure, the rows with what stood in the file, and the way back in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.feeds import quarantine
from mahakam.feeds.parts import Parts
from mahakam.quality import wording
from mahakam.quality.repair import words as repair_words
from mahakam.store.model import Held
from mahakam.store.protocol import EntityStore
from mahakam.web import gate
from mahakam.web.datasets import dataset, datasets, rule_words
from mahakam.web.findings import Findings, findings_of
from mahakam.web.language import _, in_timezone, n_, reader, words
from mahakam.web.proposals import Proposal
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

ROWS = 25
LONGEST_VALUE = 2000


def routes(_site: Site) -> list[BaseRoute]:
    feed = "/quarantine/{place}/{feed}"
    return [
        *table_routes("/quarantine", show, feeds_table),
        *table_routes(feed, show_feed, rows_table),
        Route(feed + "/accept", accept, methods=["POST"]),
        Route(feed + "/replay", replay, methods=["POST"]),
        Route(feed + "/{id:int}", show_row, methods=["GET"]),
        Route(feed + "/{id:int}", save_row, methods=["POST"]),
    ]


# All feeds


def show(request: Request) -> Response:
    gate.require(request, "quarantine.read")
    return render(
        request, "quarantine.html", title=_("Held rows"), section="data", table=feeds_table(request)
    )


def feeds_table(request: Request) -> Table:
    """Every feed with held rows in the places that the visitor looks after."""
    gate.require(request, "quarantine.read")
    site = site_of(request)
    found = []
    for place in gate.chosen(request, "quarantine.read"):
        for one in datasets(site.store, place):
            if one.held:
                worst = next(iter(site.store.held_rules(place.id, one.name)), None)
                found.append((one, worst))
    columns = [
        Column("place", _("Place"), get=lambda r: words(r[0].place.name)),
        Column("feed", get=lambda r: r[0].name, hidden=True),
        Column(
            "title",
            _("Dataset"),
            get=lambda r: words(r[0].title),
            link=lambda r: address(r[0].place, r[0].name),
        ),
        Column("held", _("Rows held"), "number", get=lambda r: r[0].held),
        Column("read", _("Rows read"), "number", get=lambda r: r[0].run.read if r[0].run else None),
        Column("worst", _("Most frequent finding"), get=lambda r: _finding(r[1])),
        Column("owner", _("Agency"), get=lambda r: r[0].owner),
        Column("updated", _("Last run"), "time", get=lambda r: r[0].updated),
    ]
    return Table(
        request, _("Held rows"), columns, found, "/quarantine", sort="-held", nothing=_("No row is held.")
    )


# One feed


def show_feed(request: Request) -> Response:
    place, feed = _place_and_feed(request, "quarantine.read")
    site = site_of(request)
    in_timezone(place.timezone)
    known = dataset(site.store, place, feed)
    rule, field = _narrowed(request)
    return render(
        request,
        "quarantine-feed.html",
        title=words(known.title),
        place=place,
        section="data",
        feed=feed,
        known=known,
        found=findings_of(site, place, feed),
        rule=rule,
        field=field,
        finding=_finding((rule, field, 0)) if rule else "",
        table=rows_table(request),
        corrections=site.store.corrections(place.id, feed),
        token=gate.token(request),
        said=_said(request),
        base=address(place, feed),
        evidence=evidence,
    )


def rows_table(request: Request) -> Table:
    """The held rows, one line a finding's row: as it stood, what is proposed, and why it is held."""
    place, feed = _place_and_feed(request, "quarantine.read")
    site = site_of(request)
    rule, field = _narrowed(request)
    found = findings_of(site, place, feed)
    base = address(place, feed)

    def reason(row: Held) -> Mapping[str, Any]:
        wanted = (
            one
            for one in row.reasons
            if not rule or (one.get("rule"), one.get("field") or "") == (rule, field)
        )
        return next(wanted, row.reasons[0] if row.reasons else {})

    columns = [
        Column("line", _("Row"), "number", get=lambda r: r.line, html=lambda r: _row_link(base, r)),
        Column("file", get=lambda r: r.file, hidden=True),
        Column("sheet", get=lambda r: r.sheet, hidden=True),
        Column(
            "field",
            _("Field"),
            get=lambda r: found.column(str(reason(r).get("field") or "")) or reason(r).get("field"),
        ),
        Column(
            "value",
            _("In the file"),
            get=lambda r: found.raw(r, reason(r)),
            html=lambda r: _raw(found.raw(r, reason(r)), "bad"),
        ),
        Column(
            "proposed",
            _("Proposed"),
            get=lambda r: found.proposed(r, reason(r)),
            html=lambda r: _raw(found.proposed(r, reason(r)), "ok", ""),
        ),
        Column("why", _("Why"), get=lambda r: _why(found, r, reason(r))),
        Column("state", get=lambda r: r.state, hidden=True),
        Column("raw", get=lambda r: r.raw, hidden=True),
        Column("reasons", get=lambda r: r.reasons, hidden=True),
        Column(
            "page",
            _("Edit"),
            get=lambda r: f"{base}/{r.id}",
            sortable=False,
            html=lambda r: Markup('<a href="{}">{}</a>').format(f"{base}/{r.id}", _("Edit")),
        ),
    ]
    source = HeldRows(site.store, place.id, feed, rule, field)
    return Table(request, _("Held rows"), columns, source, base, per_page=ROWS, nothing=_("No row is held."))


@dataclass(frozen=True)
class HeldRows:
    """The rows of a feed that are held, in the order of the file, as a table's rows."""

    store: EntityStore
    place: str
    feed: str
    rule: str = ""
    field: str = ""

    def count(self) -> int:
        if self.rule:
            found = self.store.held_rules(self.place, self.feed)
            return sum(rows for rule, field, rows in found if (rule, field) == (self.rule, self.field))
        return self.store.count_held(self.place, self.feed)

    def window(self, limit: int, offset: int) -> Sequence[Held]:
        if not self.rule:
            return self.store.held(self.place, self.feed, limit=limit, offset=offset)
        return list(itertools.islice(self.scan(), offset, offset + limit))

    def scan(self) -> Iterator[Held]:
        offset = 0
        while rows := self.store.held(self.place, self.feed, rule=self.rule, limit=1000, offset=offset):
            yield from (row for row in rows if not self.rule or self._has(row))
            offset += len(rows)

    def _has(self, row: Held) -> bool:
        wanted = (self.rule, self.field)
        return any((one.get("rule"), one.get("field") or "") == wanted for one in row.reasons)


async def accept(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_accept, request, form)


async def replay(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_replay, request, form)


def _accept(request: Request, form: FormData) -> Response:
    """Make correction rules of the chosen proposals (each may have been edited), then replay."""
    place, feed = _place_and_feed(request, "quarantine.correct")
    principal = gate.require(request, "quarantine.correct", place)
    gate.require_ours(request, form)
    parts = Parts.of(site_of(request).node)
    pairs = {}
    for key in form.getlist("take"):
        column, old, new = (gate.text(form, f"{name}-{key}") for name in ("column", "old", "new"))
        if column and old and new and new != old and max(len(old), len(new)) <= LONGEST_VALUE:
            pairs[column, old] = new
    if not pairs:
        return _back(place, feed, "nothing")
    quarantine.correct(parts, place.id, feed, pairs, principal.name, _("Accepted on the page of held rows"))
    return _run(parts, place, feed, principal.name)


def _replay(request: Request, form: FormData) -> Response:
    place, feed = _place_and_feed(request, "quarantine.correct")
    principal = gate.require(request, "quarantine.correct", place)
    gate.require_ours(request, form)
    return _run(Parts.of(site_of(request).node), place, feed, principal.name)


def _run(parts: Parts, place: Place, feed: str, author: str) -> Response:
    try:
        done = quarantine.replay(parts, place.id, feed, author)
    except quarantine.Busy:
        return _back(place, feed, "busy")
    return _back(place, feed, f"run-{done.id}")


# One row


def show_row(request: Request) -> Response:
    row, place, feed = _row(request, "quarantine.read")
    return _row_page(request, row, place, feed)


async def save_row(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_save_row, request, form)


def _save_row(request: Request, form: FormData) -> Response:
    row, place, feed = _row(request, "quarantine.correct")
    principal = gate.require(request, "quarantine.correct", place)
    typed = {name: gate.text(form, f"cell-{index}") for index, name in enumerate(row.raw)}
    reason = gate.text(form, "reason").strip()[:500]
    errors: dict[str, str] = {}
    if not gate.is_ours(request, form):
        errors["form"] = _(
            "The page had lain open for a long time. Your text is still here: please send it once more."
        )
    elif row.state not in quarantine.OPEN:
        errors["form"] = _("This row is held no longer: somebody else has dealt with it.")
    elif gate.text(form, "do") == "dismiss" and not reason:
        errors["reason"] = _("Say why the row is left out, so that the agency can understand it.")
    elif any(len(value) > LONGEST_VALUE for value in typed.values()):
        errors["form"] = _("A value is too long: at most %(n)s characters.", n=LONGEST_VALUE)
    if errors:
        return _row_page(request, row, place, feed, typed, reason, errors, 422)
    parts = Parts.of(site_of(request).node)
    if gate.text(form, "do") == "dismiss":
        quarantine.dismiss(parts, row.id, principal.name, reason)
        return _back(place, feed, "dismissed")
    now = {name: row.fixed.get(name, value) for name, value in row.raw.items()}
    changes = {name: value or None for name, value in typed.items() if (value or None) != (now[name] or None)}
    if changes:
        quarantine.fix(parts, row.id, changes, principal.name, reason)
    elif gate.text(form, "do") != "replay":
        return _row_page(request, row, place, feed, typed, reason, {"form": _("Nothing was changed.")}, 422)
    if gate.text(form, "do") == "save":
        return _back(place, feed, "saved")
    try:
        quarantine.replay(parts, place.id, feed, principal.name)
    except quarantine.Busy:
        return _back(place, feed, "busy")
    return RedirectResponse(f"{address(place, feed)}/{row.id}?said=replayed", 303)


def _row_page(
    request: Request,
    row: Held,
    place: Place,
    feed: str,
    typed: Mapping[str, str] | None = None,
    reason: str = "",
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    site = site_of(request)
    in_timezone(place.timezone)
    found = findings_of(site, place, feed)
    wrong: dict[str, list[str]] = {}
    others: list[str] = []
    for one in row.reasons:
        sentence = wording.sentence(one, reader().language)
        columns = found.columns(str(one.get("field") or ""))
        for column in columns:
            wrong.setdefault(column, []).append(sentence)
        if not columns:
            others.append(sentence)
    cells = [
        {
            "name": name,
            "index": index,
            "raw": value,
            "now": (typed or {}).get(name, row.fixed.get(name, value) or ""),
            "fixed": name in row.fixed and row.fixed[name] != value,
            "wrong": wrong.get(name, []),
            "proposed": found.proposal(name, value or ""),
        }
        for index, (name, value) in enumerate(row.raw.items())
    ]
    answer = render(
        request,
        "quarantine-row.html",
        status,
        title=_("Row %(row)s", row=row.line),
        place=place,
        section="data",
        row=row,
        feed=feed,
        known=dataset(site.store, place, feed),
        cells=sorted(cells, key=lambda cell: not cell["wrong"]),
        others=others,
        changes=site.store.changes(row.id),
        reason=reason,
        errors={"form": "", "reason": ""} | dict(errors or {}),
        token=gate.token(request),
        base=address(place, feed),
        said=_said(request),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


# How


def address(place: Place, feed: str) -> str:
    return f"/quarantine/{place.id}/{feed}"


def _place_and_feed(request: Request, action: str) -> tuple[Place, str]:
    place = site_of(request).place(request.path_params["place"])
    gate.require(request, action, place)
    feed = request.path_params["feed"]
    if feed not in place.files("feeds"):
        raise HTTPException(404, _("%(place)s has no dataset %(name)s", place=words(place.name), name=feed))
    return place, feed


def _row(request: Request, action: str) -> tuple[Held, Place, str]:
    place, feed = _place_and_feed(request, action)
    row = site_of(request).store.held_row(request.path_params["id"])
    if row is None or (row.place, row.feed) != (place.id, feed):
        raise HTTPException(404, _("There is no such row"))
    return row, place, feed


def _narrowed(request: Request) -> tuple[str, str]:
    query = request.query_params
    return query.get("rule", "")[:100], query.get("field", "")[:100] if query.get("rule") else ""


def _back(place: Place, feed: str, said: str) -> Response:
    return RedirectResponse(f"{address(place, feed)}?said={said}", 303)


def _said(request: Request) -> str:
    """What the last action did, in words."""
    said = request.query_params.get("said", "")
    if said.startswith("run-") and said[4:].isdecimal() and len(said) < 24:
        run = site_of(request).store.run(int(said[4:]))
        if run is None:
            return ""
        if run.state == "failed":
            return _("The run could not be finished: %(why)s", why=run.message)
        stored = n_("%(n)s row went in", "%(n)s rows went in", run.stored)
        return _("Sent through again: %(stored)s, %(held)s are held.", stored=stored, held=run.held)
    return {
        "dismissed": _("The row is left out. Its words and your reason are kept."),
        "saved": _("Saved. Replay when you are ready."),
        "replayed": _("Sent through again."),
        "nothing": _("Nothing was chosen."),
        "busy": _("A run of this dataset is under way. What you decided is kept: replay when it has ended."),
    }.get(said, "")


def _finding(found: tuple[str, str, int] | None) -> str:
    if found is None:
        return ""
    return rule_words(found[0], found[1])


def _why(found: Findings, row: Held, reason: Mapping[str, Any]) -> str:
    """Why a row is held: the finding, and the evidence for what is proposed, else what would be right."""
    if not reason:
        return ""
    field, value = str(reason.get("field") or ""), found.raw(row, reason)
    proposals = (found.proposal(column, value) for column in found.columns(field))
    near = next((proposal for proposal in proposals if proposal), None)
    finding = rule_words(str(reason.get("rule")), field)
    if near is not None:
        why = f"{finding}; {evidence(near)}."
    elif reason.get("message"):
        why = str(reason["message"])
    else:
        right = wording.expected(str(reason.get("expected") or ""), reader().language)
        wanted = _("expected: %(what)s", what=right)
        why = f"{finding}; {wanted}."
    more = len(row.reasons) - 1
    others = n_("And %(n)s more reason.", "And %(n)s more reasons.", more)
    return f"{why} {others}" if more > 0 else why


def evidence(proposal: Proposal) -> str:
    """Why a repair is proposed, and whether a person must choose."""
    if proposal.kind == "case":
        return _("only blanks, case or marks differ")
    if proposal.letters:
        return n_("%(n)s letter differs", "%(n)s letters differ", proposal.letters)
    kind = repair_words.name(proposal.kind, reader().language)
    return kind if proposal.sure else _("%(kind)s, please look", kind=kind)


def _row_link(base: str, row: Held) -> Markup:
    return Markup('<a href="{}">{}</a>').format(f"{base}/{row.id}", row.line)


def _raw(value: str | None, style: str, empty: str | None = None) -> Markup | str:
    if value:
        return Markup('<span class="raw {}">{}</span>').format(style, wording.quoted(value, 60)[1:-1])
    return Markup('<span class="mute">{}</span>').format(_("empty")) if empty is None else empty
