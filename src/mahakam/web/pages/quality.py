"""What the data is worth: every dataset with its score; a dataset's runs and what was found in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.config import Place
from mahakam.feeds.alerts.watch import open_alerts
from mahakam.feeds.known import public
from mahakam.feeds.scores import rolled
from mahakam.store.model import Run
from mahakam.web.alerting import alert_words
from mahakam.web.datasets import Dataset, Reason, dataset, datasets, finding_words, reasons, rule_words, score
from mahakam.web.language import N_, _, in_timezone, n_, number, percent, words
from mahakam.web.privacy import rule_messages
from mahakam.web.render import render
from mahakam.web.scoring import (
    agencies_table,
    better,
    day_chart,
    days_table,
    dimensions_of,
    moved,
    run_chart,
    score_bar,
    scores_table,
    stands,
)
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

STATES = {
    "clean": (N_("clean"), "ok"),
    "held": (N_("some rows held"), "warn"),
    "failed": (N_("could not run"), "bad"),
    "running": (N_("running"), "river"),
    "unchanged": (N_("nothing new"), ""),
}


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/quality", quality, every_dataset),
        *table_routes("/quality/{place}", place_quality, place_datasets),
        *table_routes("/quality/{place}/{feed}/findings", None, findings_table),
        *table_routes("/quality/{place}/{feed}", feed_quality, runs_table),
    ]


def quality(request: Request) -> Response:
    site = site_of(request)
    found = [one for place in site.places.values() for one in datasets(site.store, place)]
    return render(
        request,
        "quality.html",
        title=_("What the data is worth"),
        section="data",
        table=datasets_table(request, found, path="/quality", with_place=True),
        totals=_totals(found),
        **_moving(request, site, found, None),
        wrong=_wrong(site),
        crumbs=[],
        one=None,
    )


def place_quality(request: Request) -> Response:
    site = site_of(request)
    place = site.place(request.path_params["place"])
    in_timezone(place.timezone)
    found = datasets(site.store, place)
    return render(
        request,
        "quality.html",
        title=_("What the data of %(place)s is worth", place=words(place.name)),
        place=place,
        section="data",
        table=datasets_table(request, found, path=f"/quality/{place.id}"),
        totals=_totals(found),
        **_moving(request, site, found, place),
        wrong=_wrong(site, place.id),
        crumbs=[(_("Data"), "/quality"), (words(place.name), "")],
        one=None,
    )


def _moving(request: Request, site: Site, found: Sequence[Dataset], place: Place | None) -> dict[str, Any]:
    """What all datasets together are worth, by dimension, by agency and from day to day."""
    return {
        "dimensions": dimensions_of(rolled(stands(site, one) for one in found)) if found else [],
        "agencies": agencies_table(request, found, place),
        "days": days_table(request, site, place),
        "chart": day_chart(site, place),
        "badge": f"/badges/{place.id}.svg" if place else "",
        "here": str(request.base_url).rstrip("/"),
    }


def _wrong(site: Site, place: str = "") -> list[tuple[str, str, str]]:
    """What is wrong with feeds now: in words, where to look, since when."""
    return [
        (alert_words(one, site.places[one.place]), f"/quality/{one.place}/{one.feed}", one.since)
        for one in open_alerts(site.store, place)
        if one.place in site.places
    ]


def _totals(found: Sequence[Dataset]) -> list[tuple[str, str]]:
    """(number, what it counts) over datasets: what stands at the head of the page."""
    scores = [one.score for one in found if one.score is not None]
    rows = sum(one.run.read - one.run.left_out for one in found if one.run)
    held = sum(one.held for one in found)
    totals = [
        (number(len(found)), n_("dataset", "datasets", len(found))),
        (number(rows), n_("row read", "rows read", rows)),
        (number(held), n_("row held back", "rows held back", held)),
    ]
    if scores:
        totals.append((percent(sum(scores) / len(scores)), _("score on average")))
    return totals


def datasets_table(
    request: Request,
    found: Sequence[Dataset],
    path: str,
    with_place: bool = False,
) -> Table:
    """Datasets as a table, for the city page and here."""
    columns = [
        Column("title", _("Dataset"), get=lambda d: words(d.title), link=_address),
        Column("place", _("Place"), get=lambda d: words(d.place.name), hidden=not with_place),
        Column("owner", _("Agency"), get=lambda d: d.owner, phone=False),
        Column("score", _("Score"), get=lambda d: d.score, html=_bar),
        Column("moved", get=lambda d: _moved(d), hidden=True),
        Column("finding", _("Worst finding"), get=lambda d: finding_words(d.worst), html=_finding),
        Column("held", _("Held rows"), "number", get=lambda d: d.held, html=_held, phone=False),
        Column("updated", _("Updated"), "date", get=lambda d: d.updated, html=_updated),
        Column("place_id", get=lambda d: d.place.id, hidden=True),
        Column("feed", get=lambda d: d.name, hidden=True),
        Column("theme", get=lambda d: d.theme, hidden=True),
        Column("state", get=lambda d: d.last.state if d.last else "", hidden=True),
        Column("read", get=lambda d: d.run.read if d.run else None, hidden=True),
        Column("stored", get=lambda d: d.run.stored + d.run.unchanged if d.run else None, hidden=True),
        Column("left_out", get=lambda d: d.run.left_out if d.run else None, hidden=True),
        Column("warnings", get=lambda d: d.run.warnings if d.run else None, hidden=True),
        Column("licence", get=lambda d: d.licence, hidden=True),
        Column("origin", get=lambda d: d.origin, hidden=True),
    ]
    return Table(
        request,
        _("Datasets"),
        columns,
        found,
        path=path,
        per_page=100,
        anchor="datasets",
        nothing=_("No dataset is connected yet."),
    )


def _address(one: Dataset) -> str:
    return f"/quality/{one.place.id}/{one.name}"


def _bar(one: Dataset) -> Markup:
    return score_bar(one.score) + Markup(" ") + moved(_moved(one)) if _moved(one) else score_bar(one.score)


def _moved(one: Dataset) -> float | None:
    """By how much the last run and the mending since have moved the score."""
    before = score(one.before)
    return None if one.score is None or before is None else round(one.score - before, 6)


def _finding(one: Dataset) -> str | Markup:
    if one.problem:
        return Markup('<span class="chip bad">{}</span> {}').format(_("set up wrongly"), one.problem)
    if one.worst:
        return finding_words(one.worst)
    return Markup('<span class="mute">{}</span>').format(_("none")) if one.run else ""


def _held(one: Dataset) -> Markup:
    if not one.held:
        return Markup('<span class="mute">0</span>')
    return Markup('<a href="/quarantine/{}/{}">{}</a>').format(one.place.id, one.name, number(one.held))


def _updated(one: Dataset) -> Markup | str:
    if one.last and one.last.state == "failed":
        return Markup('<span class="chip bad">{}</span>').format(_("could not run"))
    column = Column("updated", "", "date", get=lambda d: d.updated)
    return column.show(one)


def every_dataset(request: Request) -> Table:
    site = site_of(request)
    found = [one for place in site.places.values() for one in datasets(site.store, place)]
    return datasets_table(request, found, "/quality", with_place=True)


def place_datasets(request: Request) -> Table:
    site = site_of(request)
    place = site.place(request.path_params["place"])
    return datasets_table(request, datasets(site.store, place), f"/quality/{place.id}")


def one_of(request: Request) -> Dataset:
    site = site_of(request)
    place = site.place(request.path_params["place"])
    name = request.path_params["feed"]
    if name not in place.files("feeds"):
        raise HTTPException(404, _("%(place)s has no dataset %(name)s", place=words(place.name), name=name))
    return dataset(site.store, place, name)


def feed_quality(request: Request) -> Response:
    one = one_of(request)
    site = site_of(request)
    in_timezone(one.place.timezone)
    runs = site.store.runs(one.place.id, one.name, limit=1000)
    return render(
        request,
        "dataset.html",
        title=words(one.title),
        place=one.place,
        section="data",
        one=one,
        score_bar=score_bar,
        stands=stands(site, one),
        dimensions=dimensions_of(stands(site, one)),
        moved=moved,
        better=better(site, one),
        chart=run_chart(runs),
        scores=scores_table(request, one, runs),
        findings=findings_table(request),
        runs=runs_table(request),
        state=STATES.get(one.last.state) if one.last else None,
        crumbs=[
            (_("Data"), "/quality"),
            (words(one.place.name), f"/quality/{one.place.id}"),
            (words(one.title), ""),
        ],
    )


def scores_of(request: Request) -> Table:
    """The score after each run."""
    one = one_of(request)
    in_timezone(one.place.timezone)
    return scores_table(request, one, site_of(request).store.runs(one.place.id, one.name, limit=1000))


def findings_table(request: Request) -> Table:
    """What the last run found, by rule."""
    one = one_of(request)
    said = rule_messages(site_of(request), one.place, one.name)
    columns = [
        Column("finding", _("Finding"), get=lambda r: rule_words(r.rule, r.field)),
        Column("severity", _("Weight"), get=lambda r: "warning" if r.warning else "error", html=_severity),
        Column("field", _("Field"), "code"),
        Column("rule", _("Rule"), "code", hidden=True),
        Column("message", _("What should hold"), get=lambda r: said.get((r.rule, r.field), "")),
        Column("rows", _("Rows"), "number"),
    ]
    path = f"/quality/{one.place.id}/{one.name}/findings"
    nothing = _("Every row passed every check.") if one.run else _("The file has not been read yet.")
    return Table(
        request,
        _("Findings by rule"),
        columns,
        reasons(one.run),
        path=path,
        key="f-",
        anchor="findings",
        nothing=nothing,
    )


def _severity(reason: Reason) -> Markup:
    word, kind = (_("warning"), "warn") if reason.warning else (_("held back"), "bad")
    return Markup('<span class="chip {}">{}</span>').format(kind, word)


def runs_table(request: Request) -> Table:
    """The runs of the feed, the newest first."""
    one = one_of(request)
    site = site_of(request)
    runs = site.store.runs(one.place.id, one.name, limit=1000)
    columns = [
        Column("id", _("Run"), "number"),
        Column("ended", _("When"), "time", get=lambda r: r.ended or r.started),
        Column("state", _("Result"), get=lambda r: r.state, html=_state),
        Column("read", _("Read"), "number"),
        Column("stored", _("Stored"), "number"),
        Column("unchanged", _("Unchanged"), "number"),
        Column("held", _("Held"), "number"),
        Column("left_out", _("Left out"), "number"),
        Column("warnings", _("With warnings"), "number"),
        Column("score", _("Score"), get=score, html=lambda r: score_bar(score(r))),
        Column("author", _("By")),
        Column("worst", get=lambda r: finding_words(next(iter(reasons(r)), None)), hidden=True),
        Column("file", get=lambda r: r.source.get("file", ""), hidden=True),
        Column("sha256", get=lambda r: r.source.get("sha256", ""), hidden=True),
        Column("message", get=lambda r: public(one.place, r.message), hidden=True),
    ]
    path = f"/quality/{one.place.id}/{one.name}"
    return Table(
        request, _("Runs"), columns, runs, path=path, per_page=20, anchor="runs", nothing=_("No run yet.")
    )


def _state(run: Run) -> Markup:
    word, kind = STATES.get(run.state, (run.state, ""))
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))
