"""How scores are shown: dimensions in words, how they moved, what would raise them, agencies and days side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request

from mahakam.config import ConfigError, Place
from mahakam.feeds.parts import Parts
from mahakam.feeds.scores import DIMENSIONS, Raise, Standing, days, history, raises, rolled, standing
from mahakam.feeds.turn import last_turn
from mahakam.store.model import Run
from mahakam.store.protocol import EntityStore
from mahakam.web import charts
from mahakam.web.datasets import Dataset, feed_of, rule_words
from mahakam.web.language import N_, _, date, n_, number, percent, reader, time, words
from mahakam.web.proposals import repairs
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table

WORDS = {
    "completeness": (N_("Completeness"), N_("what should be there is there")),
    "validity": (N_("Validity"), N_("values have the form and range that they should have")),
    "uniqueness": (N_("Uniqueness"), N_("nothing stands twice")),
    "consistency": (N_("Consistency"), N_("values do not contradict each other")),
    "timeliness": (N_("Timeliness"), N_("it comes when it is due and is not of another time")),
    "accuracy": (N_("Accuracy"), N_("values agree with the world: inside the boundary, no sensor that stands still")),
}  # fmt: skip
_SHOWN_BARS = 60
_RUNS = 5_000
"""Runs of a place that its history is made of, the newest."""
_COMPARED = 2_000
"""Held rows of one finding that repairs are looked for in."""
_MOST_KEPT = 500
_kept: dict[tuple[EntityStore, str, str], tuple[object, list[tuple[Raise, int]]]] = {}


@dataclass(frozen=True, slots=True)
class Better:
    """A repair that would raise the score: its words, points gained, and where to do it."""

    title: str
    points: str
    rows: str
    known: str
    href: str


@dataclass(frozen=True, slots=True)
class Agency:
    """The datasets of an agency in a place."""

    name: str
    place: Place
    found: Sequence[Dataset]
    stands: Standing
    lowest: Dataset | None


def score_bar(share: float | None) -> Markup:
    """A share as a bar and a figure."""
    if share is None:
        return Markup('<span class="mute">{}</span>').format(_("not yet"))
    kind = "" if share >= 0.9 else ("warn" if share >= 0.7 else "bad")
    return Markup(
        '<span class="score"><svg class="bar" viewBox="0 0 110 8" aria-hidden="true">'
        '<rect class="track" width="110" height="8" rx="4"/>'
        '<rect class="fill {}" width="{}" height="8" rx="4"/>'
        "</svg><span>{}</span></span>"
    ).format(kind, round(110 * share, 1), figure(share))


def figure(share: float) -> str:
    """A share in per cent, which reads 100% only where it is all."""
    if share == 1 or share < 0.995:
        return percent(share)
    return percent(int(share * 1000) / 1000, 1)


def stands(site: Site, one: Dataset) -> Standing:
    began = last_turn(site.settings.data, one.place.id, one.name)
    return standing(one, datetime.now(UTC), began)


def moved(share: float | None) -> Markup:
    """``▲ 1.2``: points up or down; "" where nothing can be compared."""
    if share is None:
        return Markup("")
    points = round(100 * share, 1)
    if not points:
        return Markup('<span class="mute">{}</span>').format(_("unchanged"))
    sign, word, kind = ("▲", _("up"), "ok") if points > 0 else ("▼", _("down"), "bad")
    return Markup(
        '<span class="moved {} nowrap"><span aria-hidden="true">{}</span>'
        '<span class="visually-hidden">{} </span> {}</span>'
    ).format(kind, sign, word, number(abs(points), 1))


def dimensions_of(one: Standing) -> list[tuple[str, str, Markup]]:
    """(name, what it means, bar or "not measured") of every dimension."""
    nothing = Markup('<span class="mute">{}</span>').format(_("not measured"))
    return [
        (_(name), _(meaning), score_bar(one.dimensions[key]) if key in one.dimensions else nothing)
        for key, (name, meaning) in WORDS.items()
    ]


# What would raise it


def better(site: Site, one: Dataset) -> list[Better]:
    """The three repairs that would raise a dataset's score most, in the order in which to do them."""
    if one.run is None:
        return []
    found = []
    base = f"/quarantine/{one.place.id}/{one.name}/grid?"
    for each, known in _raises(site, one):
        rows = n_("%(n)s row", "%(n)s rows", each.rows)
        href = base + urlencode({"reason": f"{each.rule}|{each.field}"}) if each.held else ""
        points = round(100 * each.gain, 1)
        found.append(
            Better(
                rule_words(each.rule, each.field),
                number(points, 1) if points else _("less than 0.1"),
                _("%(rows)s held back", rows=rows) if each.held else _("%(rows)s with a warning", rows=rows),
                n_("A repair is proposed for %(n)s.", "A repair is proposed for %(n)s.", known)
                if known
                else "",
                href,
            )
        )
    return found


def _raises(site: Site, one: Dataset) -> list[tuple[Raise, int]]:
    """Each with the rows that a known repair would cure; looked for again only when rows came or went."""
    store, run = site.store, one.run
    assert run is not None
    key = (store, one.place.id, one.name)
    mark = run.id, tuple(store.held_runs(one.place.id, one.name))
    kept = _kept.get(key)
    if kept is None or kept[0] != mark:
        if len(_kept) > _MOST_KEPT:
            _kept.clear()
        some = raises(run, store.held_reasons(one.place.id, one.name))
        kept = _kept[key] = (mark, [(each, _known(site, one, each) if each.held else 0) for each in some])
    return kept[1]


def _known(site: Site, one: Dataset, each: Raise) -> int:
    try:
        feed = feed_of(one.place, one.name)
        book = Parts.of(site.node).book()
        rows = site.store.held(one.place.id, one.name, rule=each.rule, field=each.field, limit=_COMPARED)
        found = repairs(feed, book.contract(one.place.id, feed.contract), book.references(one.place.id), rows)
    except ConfigError:
        return 0
    repair = found.get((each.rule, each.field))
    return min(repair.rows, each.rows) if repair else 0


# How it moved


def scores_table(request: Request, one: Dataset, runs: Sequence[Run]) -> Table:
    """The score after each run of a dataset, the newest first."""
    columns = [
        Column("run", _("Run"), "number", get=lambda r: r[0].id),
        Column("at", _("When"), "time", get=lambda r: r[0].ended),
        *_standing_columns(lambda r: r[1]),
        Column("read", get=lambda r: r[0].read - r[0].left_out, hidden=True),
        Column("held", get=lambda r: r[0].held, hidden=True),
    ]
    rows = history(runs)[::-1]
    path = f"/quality/{one.place.id}/{one.name}/scores"
    return Table(
        request, _("Score after each run"), columns, rows, path=path, per_page=10, key="s-", anchor="scores",
        nothing=_("No run yet."),
    )  # fmt: skip


def days_table(request: Request, site: Site, place: Place | None) -> Table:
    """The score of all datasets of a place, or of all places, for each day on which something was read."""
    columns = [
        Column("day", _("Day"), "date", get=lambda r: r[0]),
        *_standing_columns(lambda r: r[1]),
        Column("datasets", _("Datasets"), "number", get=lambda r: r[1].datasets),
    ]
    rows = days(_runs(site, place), reader().timezone)[::-1]
    path = f"/scores/days/{place.id}" if place else "/scores/days"
    return Table(
        request, _("Score day by day"), columns, rows, path=path, per_page=10, key="s-", anchor="scores",
        nothing=_("No run yet."),
    )  # fmt: skip


def _runs(site: Site, place: Place | None) -> list[Run]:
    """The newest runs, of feeds that there still are."""
    some = [place] if place else list(site.places.values())
    feeds = {(one.id, name) for one in some for name in one.files("feeds")}
    runs = site.store.runs(place.id if place else "", limit=_RUNS)
    return [run for run in runs if (run.place, run.feed) in feeds]


def chart(points: Sequence[tuple[str, float | None, str]]) -> Markup:
    """The last scores as bars. ``points``: (when, share, short word for it), the oldest first."""
    shown = [(when, share, tick) for when, share, tick in points if share is not None][-_SHOWN_BARS:]
    if len(shown) < 2:
        return Markup("")
    every = max(1, -(-len(shown) // 6))
    bars = [
        charts.Bar(
            f"{when}: {figure(share)}",
            100 * share,
            tick if (len(shown) - 1 - index) % every == 0 else "",
            latest=index == len(shown) - 1,
        )
        for index, (when, share, tick) in enumerate(shown)
    ]
    label = _(
        "The score from %(first)s (%(before)s) to %(last)s (%(now)s); the table below has every figure",
        first=shown[0][0], before=figure(shown[0][1]), last=shown[-1][0], now=figure(shown[-1][1]),
    )  # fmt: skip
    steps = [percent(step / 100) for step in charts.scale([bar.value or 0 for bar in bars], 100)[2]]
    return charts.bars(bars, label, 200, True, charts.Line(100, ""), steps)


def run_chart(runs: Sequence[Run]) -> Markup:
    return chart([(time(run.ended), one.overall, date(run.ended, "short")) for run, one in history(runs)])


def day_chart(site: Site, place: Place | None) -> Markup:
    return chart(
        [
            (date(day), one.overall, date(day, "short"))
            for day, one in days(_runs(site, place), reader().timezone)
        ]
    )


# Agencies


def agencies(site: Site, found: Sequence[Dataset]) -> list[Agency]:
    """The datasets by place and agency, in the order of their names."""
    by_owner: dict[tuple[str, str], list[Dataset]] = {}
    for one in found:
        by_owner.setdefault((one.place.id, one.owner), []).append(one)
    return [
        Agency(owner, some[0].place, some, rolled(stands(site, one) for one in some), _lowest(some))
        for (_place, owner), some in sorted(by_owner.items())
    ]


def _lowest(some: Sequence[Dataset]) -> Dataset | None:
    scored = [(one.score, one.name, one) for one in some if one.score is not None and one.score < 1]
    return min(scored, key=lambda each: each[:2])[2] if scored else None


def agencies_table(request: Request, found: Sequence[Dataset], place: Place | None) -> Table:
    """What each agency's datasets are worth together."""
    columns = [
        Column("agency", _("Agency"), get=lambda a: a.name or _("not stated")),
        Column("place", _("Place"), get=lambda a: words(a.place.name), hidden=place is not None),
        Column("datasets", _("Datasets"), "number", get=lambda a: len(a.found)),
        Column("held", _("Held rows"), "number", get=lambda a: sum(one.held for one in a.found)),
        *_standing_columns(lambda a: a.stands),
        Column(
            "lowest",
            _("Look here first"),
            get=lambda a: words(a.lowest.title) if a.lowest else "",
            link=lambda a: f"/quality/{a.place.id}/{a.lowest.name}" if a.lowest else None,
        ),
    ]
    path = f"/scores/{place.id}" if place else "/scores"
    return Table(
        request, _("Score by agency"), columns, agencies(site_of(request), found), path=path, per_page=50,
        key="a-", anchor="agencies", nothing=_("No dataset is connected yet."),
    )  # fmt: skip


def _standing_columns(of: Callable[[Any], Standing]) -> list[Column]:
    """Score, how it moved, and each dimension."""
    return [
        Column("score", _("Score"), get=lambda r: of(r).overall, html=lambda r: score_bar(of(r).overall)),
        Column("moved", _("Moved"), get=lambda r: _rounded(of(r).moved), html=lambda r: moved(of(r).moved)),
        *(_dimension_column(of, name) for name in DIMENSIONS),
    ]


def _dimension_column(of: Callable[[Any], Standing], name: str) -> Column:
    def share(row: Any) -> float | None:
        return of(row).dimensions.get(name)

    return Column(name, _(WORDS[name][0]), "share", get=share, html=lambda row: _share(share(row)))


def _share(share: float | None) -> str:
    return "–" if share is None else figure(share)


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
