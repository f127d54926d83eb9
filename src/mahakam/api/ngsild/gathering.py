"""What context sources have of the entities that a query selects, each asked for its part, and the parts merged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from mahakam.api.ngsild.call import flag_of
from mahakam.api.ngsild.forwarding import Forwarding, good, told_count
from mahakam.api.ngsild.parts import Part, parts_of
from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.discovery import types_of
from mahakam.broker.federation.matching import Match
from mahakam.broker.federation.registration import NODES
from mahakam.ngsild import represent
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.match import matches
from mahakam.ngsild.merging import combined, without
from mahakam.ngsild.selection import Selection, Types

T = TypeVar("T")

MAX_SPLIT = 10_000
"""Entities of one source that are looked at where the filters can only be applied to the whole."""
_PAGE = 100
_QUICK = 101
"""Entities up to which a read of this node's own by type or id is done on the event loop: a thread costs more."""
FILTERS = (
    "q",
    "expandValues",
    "jsonKeys",
    "scopeQ",
    "georel",
    "geometry",
    "coordinates",
    "geoproperty",
    "bbox",
)
READS = ("retrieveEntity", "queryEntity", "queryBatch")


def sources_of(forwarding: Forwarding, selection: Selection) -> list[Match]:
    """Those that a query concerns; none if the request has been here before."""
    if forwarding.looped:
        return []
    found = forwarding.matches(
        ids=selection.ids,
        id_pattern=selection.id_pattern or "",
        types=types_of(selection.types),
        attributes=selection.attrs,
    )
    return able(found, READS[1:])


_ASKED_AT_ONCE = 100
"""Ids in one request to a source: its URL has an end."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a source has of a query. ``count``: how many it says there are, if asked. ``whole``: these are all."""

    parts: list[Part]
    count: int
    whole: bool


class Gathered:
    """The entities that were found, in order, each merged when it is asked for.

    ``answers``: what each source has of them; ``whole``: they are all that there are, here and there.
    ``where``: entity id → the registrations through which it was found, "@none" for this node.
    """

    def __init__(
        self,
        forwarding: Forwarding,
        local: Sequence[Document],
        answers: Sequence[tuple[Match, Answered]],
        asked: Sequence[Match],
        *,
        whole: bool,
    ) -> None:
        self.answers = answers
        self.whole = whole
        self.where: dict[str, list[str]] = {document["id"]: ["@none"] for document in local}
        self._forwarding = forwarding
        self._asked = asked
        self._local = {document["id"]: document for document in local}
        self._parts: dict[str, list[Part]] = {}
        self.add(answers)
        known = [part.id for _, one in answers for part in one.parts if not _fills(part)]
        self.ids = list(dict.fromkeys((*self._local, *known, *self._parts)))
        self._faulty: set[str] = set()

    def add(self, answers: Sequence[tuple[Match, Answered]]) -> None:
        """What sources have, too, of entities that are known."""
        for _, one in answers:
            for part in one.parts:
                self.where.setdefault(part.id, []).append(part.match.registration.id)
                self._parts.setdefault(part.id, []).append(part)

    def lacking(self, shown: slice) -> Iterator[Match]:
        """Whom to ask for what else there is of some of them: sources that have more than was asked for."""
        for match, answer in self.answers:
            if not answer.whole:
                known = {part.id for part in answer.parts}
                ids = [id for id in self.ids[shown] if id not in known and match.holds(id, ())]
                yield from narrowed(match, ids, self._local.keys())

    def documents(self, first: int = 0, end: int | None = None) -> list[Document]:
        """Those at these places; what is no entity is left out, and noted as a warning."""
        found = map(self._document, self.ids[first:end])
        return [document for document in found if document is not None]

    def bodies(self, first: int = 0, end: int | None = None) -> list[bytes]:
        """The same as bytes, in the words of the core and without system attributes."""
        found = map(self._body, self.ids[first:end])
        return [body for body in found if body is not None]

    def only(self, selection: Selection) -> Gathered:
        """Those that a selection selects, which are all that there are."""
        self.ids = [one["id"] for one in self.documents() if matches(one, selection)]
        self.whole = True
        return self

    def _document(self, id: str) -> Document | None:
        local, parts = self._local.get(id), self._parts.get(id, ())
        if local is None and len(parts) == 1:
            return self._read(parts[0])
        answers = [(part.match, document) for part in parts if (document := self._read(part)) is not None]
        return _merged(local, answers, self._asked)

    def _body(self, id: str) -> bytes | None:
        parts = self._parts.get(id, ())
        if len(parts) == 1 and id not in self._local:
            return self._tried(parts[0].body, parts[0])
        document = self._document(id)
        return None if document is None else represent.body(document)

    def _read(self, part: Part) -> Document | None:
        return self._tried(part.document, part)

    def _tried(self, read: Callable[[], T], part: Part) -> T | None:
        try:
            return read()
        except SourceError as error:
            registration = part.match.registration
            if registration.id not in self._faulty:
                self._faulty.add(registration.id)
                self._forwarding.warn(registration, error)
            return None


def _fills(part: Part) -> bool:
    return part.match.registration.mode == "auxiliary"


async def gathered(
    forwarding: Forwarding,
    found: Sequence[Match],
    selection: Selection,
    params: Mapping[str, str],
    needed: int,
    *,
    times: bool = True,
    shown: slice | None = None,
) -> Gathered:
    """The first entities selected here and at sources, merged. Without ``times`` they may lack the system times.

    ``shown``: those of them that have to be complete, though a source has its part of them far behind its first.
    """
    filtered = selection.condition is not None or selection.geo is not None or selection.scopes is not None
    split = (
        flag_of(params, "splitEntities")
        if "splitEntities" in params
        else filtered and any(map(_has_a_part, found))
    )
    needed = MAX_SPLIT if split else needed
    wide = Selection(ids=selection.ids, id_pattern=selection.id_pattern, types=selection.types)

    call = forwarding.call
    chosen = wide if split else selection
    quick = not filtered and not selection.attrs and selection.id_pattern is None and needed <= _QUICK
    local = (
        call.broker.query(chosen, needed)
        if quick
        else await call.off_loop(lambda: call.broker.query(chosen, needed))
    )
    times = times or split or bool(local)

    filters = {} if split else filters_of(params)

    async def ask(match: Match) -> Answered:
        asked = _whole(match) if split else match
        return await query_source(forwarding, asked, selection, filters, needed, times=times)

    async def ask_rest(match: Match) -> Answered:
        return await query_source(forwarding, match, selection, filters, len(match.ids))

    def result() -> Gathered:
        whole = len(local) < needed and all(one.whole for _, one in answers)
        return Gathered(forwarding, local, answers, found, whole=whole)

    answers = await forwarding.each(found, ask)
    if split:
        return result().only(selection)
    together = result()
    rest: list[tuple[Match, Answered]] = []
    if shown is not None:
        asked = await forwarding.each(list(together.lacking(shown)), ask_rest)
        rest = [(match, one) for match, one in asked if one.parts]
    if not times and (rest or _overlap([one.parts for _, one in answers])):
        times = True  # what several have of one entity is told apart by when it was written: now all say so
        answers = await forwarding.each(found, ask)
        together = result()
    together.add(rest)
    return together


def filters_of(params: Mapping[str, str]) -> dict[str, str]:
    """The filters of a query, as they go along to sources."""
    return {name: params[name] for name in FILTERS if name in params}


def narrowed(match: Match, ids: Sequence[str], here: Collection[str]) -> Iterator[Match]:
    """A source to be asked for entities by their ids, as far as it may have them.

    ``here``: what is stored here. A node that has joined shares its own entities: others have copies at most.
    """
    wanted = [id for id in ids if not match.ids or id in match.ids]
    if is_node(match):
        wanted = [id for id in wanted if id in here]
    for some in in_parts(wanted):
        yield replace(match, ids=some)


def in_parts(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """So many ids at a time as a source is asked for at once."""
    for first in range(0, len(ids), _ASKED_AT_ONCE):
        yield tuple(ids[first : first + _ASKED_AT_ONCE])


def _overlap(answers: Sequence[Sequence[Part]]) -> bool:
    """Whether an entity is in more than one answer."""
    return len({one.id for parts in answers for one in parts}) < sum(map(len, answers))


def _has_a_part(match: Match) -> bool:
    """Whether a source is registered for a part of entities, of which others may have the rest.

    A node that has joined (``mahakam.nodes``) names what it shares of its own entities: they are whole, or copies.
    """
    return bool(match.information.attributes) and not is_node(match)


def is_node(match: Match) -> bool:
    """Whether a source is a node that has joined: of the same kind as this one, with pages of a thousand."""
    return match.registration.id.startswith(NODES)


def merged(
    local: Document | None, answers: Sequence[tuple[Match, Sequence[Part]]], asked: Sequence[Match]
) -> Document | None:
    """One entity of what is stored here and what sources answered. Raises SourceError."""
    return _merged(local, [(part.match, part.document()) for _, parts in answers for part in parts], asked)


def _merged(
    local: Document | None, answers: Sequence[tuple[Match, Document]], asked: Sequence[Match]
) -> Document | None:
    """An entity here has none of what a source alone holds, whether that source answered or not (4.3.6.3)."""
    parts: list[Document] = []
    fillers: list[Document] = []
    if local is not None:
        for match in asked:
            if match.registration.proxied and match.holds(local["id"], _types_of(local)):
                local = without(local, match.information.attributes)
        parts.append(local)
    for match, document in answers:
        (fillers if match.registration.mode == "auxiliary" else parts).append(document)
    return combined(parts, fillers)


async def query_source(
    forwarding: Forwarding,
    match: Match,
    selection: Selection,
    filters: Mapping[str, str],
    needed: int,
    *,
    times: bool = True,
) -> Answered:
    """The first entities of a source, page by page."""
    words = await forwarding.words(match.registration)
    if words is not forwarding.context and filters:
        # In other words the filters would mean something else: they are applied here instead.
        unfiltered = await query_source(forwarding, match, selection, {}, MAX_SPLIT)
        parts = [part for part in unfiltered.parts if matches(part.document(), selection)]
        return Answered(parts, len(parts), True)
    found: list[Part] = []
    total, whole = 0, False
    async for page in _pages(forwarding, match, words, selection, filters, needed, times):
        parts, total, whole = page
        found += parts
    return Answered(found, total, whole)


async def _pages(
    forwarding: Forwarding,
    match: Match,
    words: Context,
    selection: Selection,
    filters: Mapping[str, str],
    needed: int,
    times: bool,
) -> AsyncIterator[tuple[list[Part], int, bool]]:
    """The pages of a source, until there are as many entities as needed: each with how many the source says it has in
    all, if the caller asked how many, and whether it is the last."""
    registration = match.registration
    params = common(match, words, selection.types, selection.attrs) | dict(filters)
    if not times:
        del params["options"]
    if match.ids:
        params["id"] = ",".join(match.ids)
    elif selection.id_pattern or match.id_pattern:
        params["idPattern"] = selection.id_pattern or match.id_pattern
    posts = "queryBatch" in registration.operations and (
        forwarding.call.request.method == "POST" or "queryEntity" not in registration.operations
    )
    size = min(needed, max(_PAGE, needed if is_node(match) else _limit_of(forwarding)), 1000)
    counts = {"count": "true"} if flag_of(forwarding.call.params, "count") else {}
    seen, held = 0, 0
    while held < needed:
        page = {"limit": str(size)} | counts | ({"offset": str(seen)} if seen else {})
        if posts:
            answer = await forwarding.send(
                registration,
                "POST",
                "/entityOperations/query",
                page | ({"options": "sysAttrs"} if times else {}),
                words,
                _query_object(params, match, words, selection.attrs),
            )
        else:
            answer = await forwarding.send(registration, "GET", "/entities", params | page, words)
        body = good(answer)
        if body is None:
            yield [], seen, True
            return
        parts, answered = parts_of(body, words, match)
        seen, held = seen + answered, held + len(parts)
        count = told_count(answer)
        last = answered < size or (count is not None and seen >= count)
        yield parts, seen if count is None else count, last
        if last:
            return


def _limit_of(forwarding: Forwarding) -> int:
    """The size of the page that the caller asked for: what it takes, its sources may be expected to give."""
    limit = forwarding.call.params.get("limit", "")
    return int(limit) if limit.isascii() and limit.isdigit() else 0


def common(match: Match, words: Context, types: Types | None, attrs: Collection[str]) -> dict[str, str]:
    """Types, attributes, and the system times, by which what is freshest is found.

    ``attrs``: the attributes that the caller names.
    """
    params: dict[str, str] = {}
    if types is not None:
        # Of several types, those that the source is registered for: it has another registration for the others.
        wanted = [one for one in types.any_of if len(one) > 1 or not match.types or one[0] in match.types]
        sets = [";".join(map(words.compact, names)) for names in wanted or types.any_of]
        params["type"] = ",".join(f"({one})" if ";" in one and len(sets) > 1 else one for one in sets)
    elif match.types:
        params["type"] = ",".join(map(words.compact, match.types))
    if names := _asked_for(match, attrs):
        params["attrs"] = ",".join(sorted(map(words.compact, names)))
    params["options"] = "sysAttrs"
    return params


def _asked_for(match: Match, attrs: Collection[str]) -> frozenset[str]:
    """The attributes that a request to a source names.

    A node that has joined answers with what it shares and nothing else, and with stored bytes if it is told no names.
    """
    return frozenset() if is_node(match) and not attrs else match.attributes


def _query_object(
    params: dict[str, str], match: Match, words: Context, attrs: Collection[str]
) -> dict[str, Any]:
    """The parameters of a query as a Query object (clause 5.2.23)."""
    query: dict[str, Any] = {"type": "Query"}
    selector = {name: params[name] for name in ("type", "idPattern") if name in params}
    if match.ids:
        query["entities"] = [{"type": selector.get("type", "*"), "id": id} for id in match.ids]
    elif "type" in selector:
        query["entities"] = [selector]
    if names := _asked_for(match, attrs):
        query["attrs"] = sorted(map(words.compact, names))
    query |= {name: params[name] for name in ("q", "scopeQ") if name in params}
    geo = {
        name: params[name] for name in ("georel", "geometry", "coordinates", "geoproperty") if name in params
    }
    if geo:
        query["geoQ"] = geo
    return query


def able(found: Sequence[Match], operations: Sequence[str]) -> list[Match]:
    return [match for match in found if not match.registration.operations.isdisjoint(operations)]


def _whole(match: Match) -> Match:
    """Not narrowed by what the request wants, only by what is registered."""
    return Match(
        match.registration,
        match.information,
        match.ids,
        match.id_pattern,
        match.types,
        match.information.attributes,
    )


def _types_of(document: Document) -> tuple[str, ...]:
    found = document["type"]
    return (found,) if isinstance(found, str) else tuple(found)
