"""What a context source has of evolutions: asked by pages of entities and of time (clause 5.7.3, 5.7.4, 6.3.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mahakam.api.ngsild.forwarding import Forwarding, json_of, told_count
from mahakam.api.ngsild.temporal_pages import cut_after
from mahakam.broker.federation.client import Answer, SourceError
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.context import Context
from mahakam.ngsild.match import matches
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.temporal import Head, Moment, at_once
from mahakam.ngsild.temporal_merging import received_evolution, types_in
from mahakam.ngsild.temporal_query import View, sortable

_PAGE = 100
_ROUNDS = 500
"""Pages of time that are fetched of one source to have an evolution whole."""


@dataclass(slots=True)
class Found:
    """What one source has of one entity, and back or up to which time (see :class:`Part`)."""

    match: Match
    head: Head
    moments: list[Moment]
    cut: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """What a source has of a query. ``count``: how many it says there are, if asked. ``whole``: these are all."""

    found: list[Found]
    count: int
    whole: bool

    def ids(self) -> set[str]:
        return {one.head["id"] for one in self.found}


async def select_evolutions(
    forwarding: Forwarding,
    match: Match,
    selection: Selection,
    filters: Mapping[str, str],
    view: View,
    needed: int,
    *,
    whole: bool,
    count: bool = False,
) -> Selected:
    """The first evolutions that a query selects at a source, page by page; ``whole``: all that it has of each."""
    words = await forwarding.words(match.registration)
    params = _types(match, words, selection)
    # In other words the filters would mean something else: they are applied here instead.
    same = words is forwarding.context
    params |= filters if same else {name: filters[name] for name in ("scopeQ",) if name in filters}
    if match.ids:
        params["id"] = ",".join(match.ids)
    elif selection.id_pattern or match.id_pattern:
        params["idPattern"] = selection.id_pattern or match.id_pattern
    found: list[Found] = []
    size = min(_PAGE, needed)
    params |= _shown(match, words, view, whole=False) | ({"count": "true"} if count else {})
    total, seen, ended = 0, 0, False
    while len(found) < needed and not ended:
        more = {"limit": str(size), "offset": str(seen)}
        answer = await forwarding.send(match.registration, "GET", "/temporal/entities", params | more, words)
        page, answered = _received(answer, words, match)
        found += _cut(page, view) if answer.status == 206 else page
        seen += answered
        told = told_count(answer)
        total = seen if told is None else told
        ended = answered < size or (told is not None and seen >= told)
    if whole:
        found = [await _completed(forwarding, one, view) if one.cut else one for one in found]
    condition = Selection(condition=selection.condition, geo=selection.geo)
    if same or condition == Selection():
        return Selected(found, total, ended)
    found = [one for one in found if matches(at_once(one.head, one.moments), condition)]
    return Selected(found, len(found), ended)


def _cut(page: list[Found], view: View) -> list[Found]:
    """The evolutions of a partial answer: up to the same time all of them."""
    cut = cut_after([moment for one in page for moment in one.moments], view)
    for one in page:
        one.cut = cut
    return page


async def _completed(forwarding: Forwarding, found: Found, view: View) -> Found:
    """All that a source has of an entity, of which it gave a part."""
    if "retrieveTemporal" not in found.match.registration.operations:
        raise SourceError(111, "it answers in part, and is not registered for retrieveTemporal")
    path = f"/temporal/entities/{quote(found.head['id'], safe=':')}"
    whole = await ask_evolutions(forwarding, found.match, path, {}, view, whole=True)
    return whole[0] if whole else found


async def ask_evolutions(
    forwarding: Forwarding, match: Match, path: str, more: Mapping[str, str], view: View, *, whole: bool
) -> list[Found]:
    """What a source answers; ``whole``: with the pages of time that follow, and not a partial answer."""
    words = await forwarding.words(match.registration)
    params = {**more, **_shown(match, words, view, whole=whole)}
    found: dict[str, Found] = {}
    start = ""
    for _ in range(_ROUNDS):
        answer = await forwarding.send(match.registration, "GET", path, params, words)
        page, _ = _received(answer, words, match)
        for one in page:
            known = found.setdefault(one.head["id"], one)
            if known is not one:
                kept = {moment.foreign for moment in known.moments}
                known.moments += [moment for moment in one.moments if moment.foreign not in kept]
        if answer.status != 206:
            return list(found.values())
        if not whole:
            return _cut(list(found.values()), view)
        moments = [moment for one in page for moment in one.moments]
        times = [sortable(moment.time(view.timeproperty) or moment.created) for moment in moments]
        if not times or max(times) <= start:
            raise SourceError(111, "its partial answers do not go on")
        start = max(times)
        params |= _from(view, f"{start}Z")
    raise SourceError(111, f"it has more than {_ROUNDS} partial answers")


def _shown(match: Match, words: Context, view: View, *, whole: bool) -> dict[str, str]:
    """What is asked for of each evolution."""
    params = {**_temporal(view, whole=whole), "options": "sysAttrs"}
    if match.attributes:
        params["attrs"] = ",".join(sorted(map(words.compact, match.attributes)))
    return params


def _types(match: Match, words: Context, selection: Selection) -> dict[str, str]:
    if selection.types is not None:
        sets = [";".join(map(words.compact, names)) for names in selection.types.any_of]
        return {"type": ",".join(f"({one})" if ";" in one and len(sets) > 1 else one for one in sets)}
    return {"type": ",".join(map(words.compact, match.types))} if match.types else {}


def _temporal(view: View, *, whole: bool) -> dict[str, str]:
    """A view in the words of a query string; what is taken whole has its newest chosen here."""
    params = {"timeproperty": view.timeproperty}
    if view.period is not None:
        params |= {"timerel": view.period.timerel, "timeAt": view.period.at}
        if view.period.end:
            params["endTimeAt"] = view.period.end
    if view.datasets:
        params["datasetId"] = ",".join(dataset or "@none" for dataset in view.datasets)
    if view.last and not whole:
        params["lastN"] = str(view.last)
    return params


def _from(view: View, start: str) -> dict[str, str]:
    """The rest of a period from a time on."""
    period = view.period
    if period is None or period.timerel == "after":
        return {"timerel": "after", "timeAt": start}
    end = period.at if period.timerel == "before" else period.end
    return {"timerel": "between", "timeAt": start, "endTimeAt": end}


def _received(answer: Answer, words: Context, match: Match) -> tuple[list[Found], int]:
    """The evolutions of an answer, as far as the source is registered for them, and how many it answered.

    Raises SourceError.
    """
    body = json_of(answer, (200, 206))
    found = []
    owned = match.information.attributes
    answered = body if isinstance(body, list) else [] if body is None else [body]
    for one in answered:
        try:
            head, moments = received_evolution(one, words, match.registration.id)
        except (Problem, AttributeError, TypeError, ValueError) as error:
            raise SourceError(111, f"its answer holds what is no evolution: {str(error)[:200]}") from None
        if match.holds(head["id"], types_in(head)):
            kept = [moment for moment in moments if not owned or moment.attribute in owned]
            found.append(Found(match, head, kept))
    return found, len(answered)
