"""A view of moments that are at hand: the same choice as a store makes of those that it keeps."""

from __future__ import annotations

from collections.abc import Iterable

from mahakam.ngsild.temporal import Moment
from mahakam.ngsild.temporal_query import View, sortable


def seen(moments: Iterable[Moment], view: View) -> list[Moment]:
    """The moments of the view's entity that it wants, in its order."""

    def time(one: Moment) -> str:
        return sortable(one.time(view.timeproperty) or one.created)

    found = [one for one in moments if one.entity == view.entity and _wanted(one, view)]
    found.sort(key=lambda one: (time(one), one.number), reverse=True)
    if view.last:
        places: dict[tuple[str, str], int] = {}
        kept = []
        for one in found:
            place = places[one.attribute, one.dataset] = places.get((one.attribute, one.dataset), 0) + 1
            if place <= view.last:
                kept.append(one)
        found = kept
    if not view.newest:
        found.reverse()
    return found[: view.limit] if view.limit else found


def _wanted(one: Moment, view: View) -> bool:
    if view.attributes and one.attribute not in view.attributes:
        return False
    if view.datasets and one.dataset not in view.datasets:
        return False
    inside = _in_period(one, view)
    valid = view.valid
    if valid is None:
        return inside
    if one.number in (*valid.scopes, valid.carried):
        return True
    came = sortable(one.observed or one.created)
    return inside and one.attribute != "scope" and any(start <= came < end for start, end in valid.spans)


def _in_period(one: Moment, view: View) -> bool:
    time = sortable(one.time(view.timeproperty))
    period = view.period
    if period is None:
        return view.timeproperty != "deletedAt" or bool(one.deleted)
    if not time:
        return False
    if period.timerel == "before":
        return time < sortable(period.at)
    return time >= sortable(period.at) and (period.timerel == "after" or time < sortable(period.end))
