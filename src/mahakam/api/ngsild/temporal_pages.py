"""One page of temporal evolutions: what has room in it, up to which time, and how it is shown (clause 6.3.10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

from mahakam.broker.history import MAX_INSTANCES, History, too_many
from mahakam.ngsild.context import Context
from mahakam.ngsild.projection import Projection
from mahakam.ngsild.temporal import Head, Moment
from mahakam.ngsild.temporal_aggregate import Aggregation
from mahakam.ngsild.temporal_query import Period, View, sortable
from mahakam.ngsild.temporal_render import SERIES, drawn, normalized, series

PAGE = 30
"""Attribute instances of one entity in an answer; where there are more, it is partial (206)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How an answer looks. ``aggregation``: what is made of the values, if anything."""

    form: str
    sys_attrs: bool
    projection: Projection
    lang: str
    aggregation: Aggregation | None


@dataclass(frozen=True, slots=True)
class Part:
    """One entity of an answer. ``cut``: the time from which on (with lastN: back to which) it has more; or ""."""

    head: Head
    view: View
    moments: list[Moment]
    cut: str = ""


def part_of(history: History, head: Head, view: View, shape: Shape) -> Part:
    """What an answer may have of one entity: a page, or everything that is aggregated."""
    limit = MAX_INSTANCES if shape.aggregation else PAGE
    found = history.store.moments(changed(view, newest=bool(view.last), limit=limit + 1))
    if len(found) <= limit:
        return Part(head, view, found)
    if shape.aggregation:
        raise too_many(head)
    # What has one time comes together, so that the next page can begin at a time.
    cut = _time(found[-1], view)
    if cut == _time(found[0], view):
        found = history.store.moments(changed(view, newest=bool(view.last), limit=MAX_INSTANCES))
        cut = next((time for one in found if (time := _time(one, view)) != _time(found[0], view)), "")
    return Part(head, view, found, cut)


def paged(part: Part) -> Part:
    """A part whose instances came from several sources, cut where one page of it ends."""
    view = part.view
    moments = sorted(part.moments, key=lambda one: (_time(one, view), one.number), reverse=bool(view.last))
    cut = part.cut
    if len(moments) > PAGE:
        first = _time(moments[0], view)
        own = _time(moments[PAGE], view)
        if own == first:
            own = next((time for one in moments if (time := _time(one, view)) != first), "")
        cut = nearest([own, cut], view)
    return changed(part, moments=moments, cut=cut)


def nearest(cuts: Iterable[str], view: View) -> str:
    """The cut that comes first in the order of the view; "" if there is none."""
    found = [cut for cut in cuts if cut]
    if not found:
        return ""
    return max(found) if view.last else min(found)


def cut_after(moments: Sequence[Moment], view: View) -> str:
    """The cut that leaves just these, and nothing that comes after the last of them."""
    times = [_time(one, view) for one in moments]
    if not times:
        return ""
    if view.last:
        least = min(times)
        return f"{least[:-1]}{chr(ord(least[-1]) - 1)}~"
    return f"{max(times)}!"


def _time(moment: Moment, view: View) -> str:
    return sortable(moment.time(view.timeproperty) or moment.created)


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of several evolutions that one answer has: up to the same time in all of them."""

    parts: list[Part]
    view: View
    cut: str

    @classmethod
    def of(cls, parts: list[Part], view: View) -> Slice:
        cut = nearest((part.cut for part in parts), view)
        if cut:
            parts = [changed(part, moments=_within(part.moments, view, cut)) for part in parts]
        return cls(parts, view, cut)

    @property
    def status(self) -> int:
        return 206 if self.cut else 200

    def headers(self) -> list[tuple[str, str]]:
        """Content-Range of a partial answer: in the order of time, with lastN against it (clause 6.3.10)."""
        if not self.cut:
            return []
        times = [time for part in self.parts for one in part.moments if (time := _time(one, self.view))]
        if not times:
            return []
        start, end = _range(self.view, min(times), max(times))
        size = str(self.view.last) if self.view.last else "*"
        return [("content-range", f"date-time {_second(start)}-{_second(end)}/{size}")]

    def shown(self, history: History, shape: Shape, context: Context) -> list[dict[str, Any]]:
        """The answer's entities; an attribute of which the partial answer has nothing is there, empty."""
        shown = [_shown(part, shape, context, self.view) for part in self.parts]
        if self.cut:
            for part, one in zip(self.parts, shown, strict=True):
                for moment in history.store.moments(changed(part.view, last=1)):
                    if shape.projection.keeps(moment.attribute):
                        kind = moment.instance()["type"]
                        empty = {"type": kind, SERIES[kind]: []} if shape.form == "temporalValues" else []
                        one.setdefault(context.compact(moment.attribute), empty)
        return shown


def _within(moments: list[Moment], view: View, cut: str) -> list[Moment]:
    if view.last:
        return [one for one in moments if _time(one, view) > cut]
    return [one for one in moments if _time(one, view) < cut]


def _range(view: View, least: str, most: str) -> tuple[str, str]:
    period: Period | None = view.period
    if view.last:
        if period is None or period.timerel == "after":
            return most, least
        return period.end or period.at, least
    return (least if period is None or period.timerel == "before" else period.at), most


def _second(time: str) -> str:
    """Clause 6.3.10: to the second, without a zone."""
    return sortable(time).partition(".")[0]


def _shown(part: Part, shape: Shape, context: Context, view: View) -> dict[str, Any]:
    keeps = shape.projection.keeps
    kept = [moment for moment in part.moments if keeps(moment.attribute)]
    if view.last:
        kept.reverse()
    head = {name: value for name, value in part.head.items() if keeps(name) and name != "scope"}
    how: dict[str, Any] = {
        "timeproperty": view.timeproperty,
        "sys_attrs": shape.sys_attrs,
        "lang": shape.lang,
    }
    if shape.aggregation is not None:
        # That an attribute was deleted is no value of it.
        values = kept if view.timeproperty == "deletedAt" else [one for one in kept if not one.deleted]
        return drawn(head, values, context, shape.aggregation.draw, **how)
    if shape.form == "temporalValues":
        return drawn(head, kept, context, series, **how)
    return normalized(head, kept, context, **how)
