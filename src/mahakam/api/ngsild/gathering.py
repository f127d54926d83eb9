"""What context sources have of the entities that a query selects, each asked for its part, and the parts merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mahakam.api.ngsild.call import flag_of
from mahakam.api.ngsild.forwarding import Forwarding, json_of
from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.discovery import types_of
from mahakam.broker.federation.matching import Match
from mahakam.broker.federation.registration import NODES
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.match import matches
from mahakam.ngsild.merging import combined, limited, received, without
from mahakam.ngsild.problem import Problem
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


@dataclass(frozen=True, slots=True)
class Gathered:
    """``counted``: how many the sources say they have; None if filters were applied here, to the whole, and these are
    all. ``where``: entity id → the registrations through which it was found, "@none" for this node."""

    documents: list[Document]
    counted: int | None
    where: dict[str, list[str]]


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

    async def ask(match: Match) -> tuple[list[Document], int]:
        asked = _whole(match) if split else match
        filters = {} if split else {name: params[name] for name in FILTERS if name in params}
        return await query_source(forwarding, asked, selection, filters, needed, times=times)

    answers = await forwarding.each(found, ask)
    if not times and _overlap([parts for _, (parts, _) in answers]):
        times = True  # what several have of one entity is told apart by when it was written: now all say so
        answers = await forwarding.each(found, ask)
    by_id = _grouped(local, [(match, parts) for match, (parts, _) in answers], found)
    documents = [document for document in by_id.values() if document is not None]
    where: dict[str, list[str]] = {document["id"]: ["@none"] for document in local}
    for match, (parts, _) in answers:
        for document in parts:
            where.setdefault(document["id"], []).append(match.registration.id)
    if split:
        return Gathered([one for one in documents if matches(one, selection)], None, where)
    return Gathered(documents, sum(count for _, (_, count) in answers), where)


def _overlap(answers: Sequence[Sequence[Document]]) -> bool:
    """Whether an entity is in more than one answer."""
    return len({one["id"] for parts in answers for one in parts}) < sum(map(len, answers))


def _has_a_part(match: Match) -> bool:
    """Whether a source is registered for a part of entities, of which others may have the rest.

    A node that has joined (``mahakam.nodes``) names what it shares of its own entities: they are whole, or copies.
    """
    return bool(match.information.attributes) and not _is_node(match)


def _is_node(match: Match) -> bool:
    """Whether a source is a node that has joined: of the same kind as this one, with pages of a thousand."""
    return match.registration.id.startswith(NODES)


def merged(
    local: Document | None, answers: Sequence[tuple[Match, list[Document]]], asked: Sequence[Match]
) -> dict[str, Document | None]:
    """What is stored here and what sources answered, by entity id."""
    return _grouped([local] if local is not None else [], answers, asked)


def _grouped(
    local: Sequence[Document], answers: Sequence[tuple[Match, list[Document]]], asked: Sequence[Match]
) -> dict[str, Document | None]:
    """An entity here has none of what a source alone holds, whether that source answered or not (4.3.6.3)."""
    proxied = [match for match in asked if match.registration.proxied]
    parts: dict[str, list[Document]] = {}
    fillers: dict[str, list[Document]] = {}
    for document in local:
        for match in proxied:
            if match.holds(document["id"], _types_of(document)):
                document = without(document, match.information.attributes)
        parts.setdefault(document["id"], []).append(document)
    for match, documents in answers:
        into = fillers if match.registration.mode == "auxiliary" else parts
        for document in documents:
            into.setdefault(document["id"], []).append(document)
    return {id: combined(parts.get(id, ()), fillers.get(id, ())) for id in dict.fromkeys((*parts, *fillers))}


async def query_source(
    forwarding: Forwarding,
    match: Match,
    selection: Selection,
    filters: dict[str, str],
    needed: int,
    *,
    times: bool = True,
) -> tuple[list[Document], int]:
    """The first entities of a source, page by page, and how many it says it has if the caller asked how many."""
    registration = match.registration
    words = await forwarding.words(registration)
    if words is not forwarding.context and filters:
        # In other words the filters would mean something else: they are applied here instead.
        documents, _ = await query_source(forwarding, match, selection, {}, MAX_SPLIT)
        documents = [document for document in documents if matches(document, selection)]
        return documents, len(documents)
    params = common(match, words, selection.types) | filters
    if not times:
        del params["options"]
    if match.ids:
        params["id"] = ",".join(match.ids)
    elif selection.id_pattern or match.id_pattern:
        params["idPattern"] = selection.id_pattern or match.id_pattern
    posts = "queryBatch" in registration.operations and (
        forwarding.call.request.method == "POST" or "queryEntity" not in registration.operations
    )
    size = min(needed, max(_PAGE, needed if _is_node(match) else _limit_of(forwarding)), 1000)
    counts = {"count": "true"} if flag_of(forwarding.call.params, "count") else {}
    found: list[Document] = []
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
                _query_object(params, match, words),
            )
        else:
            answer = await forwarding.send(registration, "GET", "/entities", params | page, words)
        body = json_of(answer)
        if body is None:
            break
        if not isinstance(body, list):
            raise SourceError(111, "its answer is no list of entities")
        count = answer.headers.get("ngsild-results-count", "")
        total = int(count) if count.isascii() and count.isdigit() else len(found) + len(body)
        found += documents_of(body, words, match)
        if len(body) < size:
            break
    return found, total


def _limit_of(forwarding: Forwarding) -> int:
    """The size of the page that the caller asked for: what it takes, its sources may be expected to give."""
    limit = forwarding.call.params.get("limit", "")
    return int(limit) if limit.isascii() and limit.isdigit() else 0


def common(match: Match, words: Context, types: Types | None) -> dict[str, str]:
    """Types, attributes, and the system times, by which what is freshest is found."""
    params: dict[str, str] = {}
    if types is not None:
        sets = [";".join(map(words.compact, names)) for names in types.any_of]
        params["type"] = ",".join(f"({one})" if ";" in one and len(sets) > 1 else one for one in sets)
    elif match.types:
        params["type"] = ",".join(map(words.compact, match.types))
    if match.attributes:
        params["attrs"] = ",".join(sorted(map(words.compact, match.attributes)))
    params["options"] = "sysAttrs"
    return params


def _query_object(params: dict[str, str], match: Match, words: Context) -> dict[str, Any]:
    """The parameters of a query as a Query object (clause 5.2.23)."""
    query: dict[str, Any] = {"type": "Query"}
    selector = {name: params[name] for name in ("type", "idPattern") if name in params}
    if match.ids:
        query["entities"] = [{"type": selector.get("type", "*"), "id": id} for id in match.ids]
    elif "type" in selector:
        query["entities"] = [selector]
    if match.attributes:
        query["attrs"] = sorted(map(words.compact, match.attributes))
    query |= {name: params[name] for name in ("q", "scopeQ") if name in params}
    geo = {
        name: params[name] for name in ("georel", "geometry", "coordinates", "geoproperty") if name in params
    }
    if geo:
        query["geoQ"] = geo
    return query


def documents_of(body: Sequence[Any], words: Context, match: Match) -> list[Document]:
    """Entities of a source, as far as it is registered for them; raises SourceError 111."""
    found = []
    for one in body:
        try:
            payload = {name: value for name, value in one.items() if name != "@context"}
            document = received(payload, words)
        except (Problem, AttributeError) as error:
            raise SourceError(111, f"its answer holds what is no entity: {str(error)[:200]}") from None
        if match.holds(document["id"], _types_of(document)):
            found.append(limited(document, match.information.attributes))
    return found


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
