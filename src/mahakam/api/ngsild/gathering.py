"""What context sources have of the entities that a query selects, each asked for its part, and the parts merged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mahakam.api.ngsild.call import flag_of
from mahakam.api.ngsild.forwarding import Forwarding, good
from mahakam.api.ngsild.parts import Part, parts_of
from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.discovery import types_of
from mahakam.broker.federation.matching import Match
from mahakam.broker.federation.registration import NODES
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.match import matches
from mahakam.ngsild.merging import combined, without
from mahakam.ngsild.selection import Selection, Types

MAX_SPLIT = 10_000
"""Entities of one source that are looked at where the filters can only be applied to the whole."""
_PAGE = 100
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


class Gathered:
    """The entities that were found, in order, each merged when it is asked for.

    ``counted``: how many the sources say they have; None if filters were applied here, to the whole, and these are
    all. ``where``: entity id → the registrations through which it was found, "@none" for this node.
    """

    def __init__(
        self,
        forwarding: Forwarding,
        local: Sequence[Document],
        answers: Sequence[Sequence[Part]],
        asked: Sequence[Match],
        counted: int | None,
    ) -> None:
        self.counted = counted
        self.where: dict[str, list[str]] = {document["id"]: ["@none"] for document in local}
        self._forwarding = forwarding
        self._asked = asked
        self._local = {document["id"]: document for document in local}
        self._parts: dict[str, list[Part]] = {}
        for parts in answers:
            for part in parts:
                self.where.setdefault(part.id, []).append(part.match.registration.id)
                self._parts.setdefault(part.id, []).append(part)
        whole = [part.id for parts in answers for part in parts if not _fills(part)]
        self.ids = list(dict.fromkeys((*self._local, *whole, *self._parts)))
        self._faulty: set[str] = set()

    def documents(self, first: int = 0, end: int | None = None) -> list[Document]:
        """Those at these places; what is no entity is left out, and noted as a warning."""
        found = map(self._document, self.ids[first:end])
        return [document for document in found if document is not None]

    def only(self, selection: Selection) -> Gathered:
        """Those that a selection selects, which are all that there are."""
        self.ids = [one["id"] for one in self.documents() if matches(one, selection)]
        self.counted = None
        return self

    def _document(self, id: str) -> Document | None:
        local, parts = self._local.get(id), self._parts.get(id, ())
        if local is None and len(parts) == 1:
            return self._read(parts[0])
        answers = [(part.match, document) for part in parts if (document := self._read(part)) is not None]
        return _merged(local, answers, self._asked)

    def _read(self, part: Part) -> Document | None:
        try:
            return part.document()
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
) -> Gathered:
    """The first entities selected here and at sources, merged. Without ``times`` they may lack the system times."""
    filtered = selection.condition is not None or selection.geo is not None or selection.scopes is not None
    split = (
        flag_of(params, "splitEntities")
        if "splitEntities" in params
        else filtered and any(map(_has_a_part, found))
    )
    needed = MAX_SPLIT if split else needed
    wide = Selection(ids=selection.ids, id_pattern=selection.id_pattern, types=selection.types)

    call = forwarding.call
    local = await call.off_loop(lambda: call.broker.query(wide if split else selection, needed))
    times = times or split or bool(local)

    async def ask(match: Match) -> tuple[list[Part], int]:
        asked = _whole(match) if split else match
        filters = {} if split else {name: params[name] for name in FILTERS if name in params}
        return await query_source(forwarding, asked, selection, filters, needed, times=times)

    answers = [answer for _, answer in await forwarding.each(found, ask)]
    if not times and _overlap([parts for parts, _ in answers]):
        times = True  # what several have of one entity is told apart by when it was written: now all say so
        answers = [answer for _, answer in await forwarding.each(found, ask)]
    counted = sum(count for _, count in answers)
    result = Gathered(forwarding, local, [parts for parts, _ in answers], found, counted)
    return result.only(selection) if split else result


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
    filters: dict[str, str],
    needed: int,
    *,
    times: bool = True,
) -> tuple[list[Part], int]:
    """The first entities of a source, page by page, and how many it says it has if the caller asked how many."""
    registration = match.registration
    words = await forwarding.words(registration)
    if words is not forwarding.context and filters:
        # In other words the filters would mean something else: they are applied here instead.
        parts, _ = await query_source(forwarding, match, selection, {}, MAX_SPLIT)
        parts = [part for part in parts if matches(part.document(), selection)]
        return parts, len(parts)
    params = common(match, words, selection.types, selection.attrs) | filters
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
    found: list[Part] = []
    total = 0
    while len(found) < needed:
        page = {"limit": str(size)} | counts | ({"offset": str(len(found))} if found else {})
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
            break
        parts, answered = parts_of(body, words, match)
        count = answer.headers.get("ngsild-results-count", "")
        total = int(count) if count.isascii() and count.isdigit() else len(found) + answered
        found += parts
        if answered < size:
            break
    return found, total


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
