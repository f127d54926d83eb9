"""Held rows: the findings with their cure, the rows with what stood in the file, and the way back in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.feeds import quarantine
from mahakam.feeds.parts import Parts
from mahakam.quality import wording
from mahakam.quality.repair import words as repair_words
from mahakam.store.model import Held
from mahakam.web import disclosed, gate
from mahakam.web.datasets import Dataset, dataset, datasets, rule_words
from mahakam.web.findings import Findings, findings_of, rules_held
from mahakam.web.held_grid import LONGEST_VALUE, HeldRows, run_words
from mahakam.web.language import _, in_timezone, n_, reader, words
from mahakam.web.neighbours import features, neighbours, row_map
from mahakam.web.proposals import Proposal
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

ROWS = 25


def routes(_site: Site) -> list[BaseRoute]:
    feed = "/quarantine/{place}/{feed}"
    return [
        *table_routes("/quarantine", show, feeds_table),
        *table_routes(feed, show_feed, rows_table),
        Route(feed + "/accept", accept, methods=["POST"]),
        Route(feed + "/replay", replay, methods=["POST"]),
        Route(feed + "/{id:int}", show_row, methods=["GET"]),
        Route(feed + "/{id:int}", save_row, methods=["POST"]),
        Route(feed + "/{id:int}/near.geojson", near, methods=["GET"]),
        Route(feed + "/{id:int}/popup", popup, methods=["GET"]),
    ]


# All feeds


def show(request: Request) -> Response:
    gate.require(request, "quarantine.read")
    everything = _held_feeds(request)
    return render(
        request,
        "quarantine.html",
        title=_("Held rows"),
        section="data",
        table=feeds_table(request),
        agencies=sorted({one.owner for one, _rules in everything if one.owner}),
        findings=sorted(
            {(rule, _finding((rule, "", 0))) for _one, rules in everything for rule, _f, _n in rules}
        ),
        agency=request.query_params.get("agency", ""),
        rule=request.query_params.get("rule", ""),
    )


def _held_feeds(request: Request) -> list[tuple[Dataset, list[tuple[str, str, int]]]]:
    """Each feed with held rows in the places that the visitor looks after, and what holds them."""
    if not hasattr(request.state, "held_feeds"):
        store = site_of(request).store
        request.state.held_feeds = [
            (one, rules_held(store, place.id, one.name))
            for place in gate.chosen(request, "quarantine.read")
            for one in datasets(store, place)
            if one.held
        ]
    found: list[tuple[Dataset, list[tuple[str, str, int]]]] = request.state.held_feeds
    return found


def feeds_table(request: Request) -> Table:
    """Every feed with held rows in the places that the visitor looks after."""
    gate.require(request, "quarantine.read")
    query = request.query_params
    agency, rule = query.get("agency", ""), query.get("rule", "")
    found = [
        (one, next((each for each in rules if not rule or each[0] == rule), None))
        for one, rules in _held_feeds(request)
        if (not agency or one.owner == agency) and (not rule or any(each[0] == rule for each in rules))
    ]
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
    place, feed = place_and_feed(request, "quarantine.read")
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
        found=_findings(request, place, feed),
        rule=rule,
        field=field,
        finding=_finding((rule, field, 0)) if rule else "",
        table=rows_table(request),
        corrections=site.store.corrections(place.id, feed),
        token=gate.token(request),
        said=said_words(request),
        base=address(place, feed),
        evidence=evidence,
    )


def rows_table(request: Request) -> Table:
    """The held rows, one line a finding's row: as it stood, what is proposed, and why it is held."""
    place, feed = place_and_feed(request, "quarantine.read")
    site = site_of(request)
    rule, field = _narrowed(request)
    found = _findings(request, place, feed)
    base = address(place, feed)
    disclosed.of_rows(request, place, feed)

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


async def accept(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_accept, request, form)


async def replay(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_replay, request, form)


def _accept(request: Request, form: FormData) -> Response:
    """Accept the chosen proposals (each may have been edited) for always, as correction rules, or only for the rows
    that are held now (``scope`` alike); then replay."""
    place, feed = place_and_feed(request, "quarantine.correct")
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
    reason = _("Accepted on the page of held rows")
    if gate.text(form, "scope") == "alike":
        quarantine.fix_alike(parts, place.id, feed, pairs, principal.name, reason)
    else:
        quarantine.correct(parts, place.id, feed, pairs, principal.name, reason)
    return _run(parts, place, feed, principal.name)


def _replay(request: Request, form: FormData) -> Response:
    place, feed = place_and_feed(request, "quarantine.correct")
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


def near(request: Request) -> Response:
    """The row or its neighbours as points for the map: ``what`` is here, held or stored."""
    row, place, _feed = _row(request, "quarantine.read")
    what = request.query_params.get("what", "here")
    return JSONResponse(features(site_of(request), place, row, what), headers={"Cache-Control": "no-store"})


def popup(request: Request) -> Response:
    """What the map says of one of its points."""
    row, place, feed = _row(request, "quarantine.read")
    wanted = request.query_params.get("id", "")
    one = next((each for each in neighbours(site_of(request), place, row) if each.key == wanted), None)
    if one is None:
        raise HTTPException(404, _("There is no such row"))
    disclosed.of_rows(request, place, feed, f"held/{row.id}")
    return render(request, "quarantine-popup.html", one=one, base=address(place, feed))


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
        errors["form"] = gate.stale()
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
    disclosed.of_rows(request, place, feed, f"held/{row.id}")
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
        said=said_words(request),
        near=neighbours(site, place, row),
        map=row_map(site, place, row, f"{address(place, feed)}/{row.id}"),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


# How


def _findings(request: Request, place: Place, feed: str) -> Findings:
    """The cards of a feed, looked for once a request."""
    if not hasattr(request.state, "findings"):
        request.state.findings = findings_of(site_of(request), place, feed)
    found: Findings = request.state.findings
    return found


def address(place: Place, feed: str) -> str:
    return f"/quarantine/{place.id}/{feed}"


def place_and_feed(request: Request, action: str) -> tuple[Place, str]:
    place = site_of(request).place(request.path_params["place"])
    gate.require(request, action, place)
    feed = request.path_params["feed"]
    if feed not in place.files("feeds"):
        raise HTTPException(404, _("%(place)s has no dataset %(name)s", place=words(place.name), name=feed))
    return place, feed


def _row(request: Request, action: str) -> tuple[Held, Place, str]:
    place, feed = place_and_feed(request, action)
    row = site_of(request).store.held_row(request.path_params["id"])
    if row is None or (row.place, row.feed) != (place.id, feed):
        raise HTTPException(404, _("There is no such row"))
    return row, place, feed


def _narrowed(request: Request) -> tuple[str, str]:
    query = request.query_params
    return query.get("rule", "")[:100], query.get("field", "")[:100] if query.get("rule") else ""


def _back(place: Place, feed: str, said: str) -> Response:
    return RedirectResponse(f"{address(place, feed)}?said={said}", 303)


def said_words(request: Request) -> str:
    """What the last action did, in words."""
    said = request.query_params.get("said", "")
    if said.startswith("run-") and said[4:].isdecimal() and len(said) < 24:
        run = site_of(request).store.run(int(said[4:]))
        if run is None:
            return ""
        if run.state == "failed":
            place = site_of(request).places.get(run.place)
            why = run_words(site_of(request), place, run) if place else ""
            return _("The run could not be finished: %(why)s", why=why)
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
