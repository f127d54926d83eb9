"""Linked entity retrieval: ``join``, ``joinLevel``, ``containedBy`` (clause 4.5.23, 6.3.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document, instances
from mahakam.ngsild.lexical import is_uri
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.ngsild.projection import Projection
from mahakam.ngsild.represent import Form

Fetch = Callable[[tuple[str, ...]], Iterable[Document]]
"""Ids → the entities that there are of them."""

JOIN_PARAMETERS = frozenset(("join", "joinLevel", "containedBy"))
MAX_LEVEL = 10
MAX_LINKED = 10_000
"""Linked entities of one answer."""
_CHUNK = 500
_LINKS = frozenset(("Relationship", "ListRelationship"))


@dataclass(frozen=True, slots=True)
class Join:
    """``form``: "inline", "flat", or "" for none; ``level``: over how many links; ``contained``: ids left out."""

    form: str = ""
    level: int = 0
    contained: frozenset[str] = frozenset()


NO_JOIN = Join()


def parse_join(params: Mapping[str, str]) -> Join:
    """The join of a read's parameters. Raises Problem BadRequestData."""
    form = params.get("join", "@none")
    if form not in ("inline", "flat", "@none"):
        raise bad_request("The parameter join is not valid", f"inline, flat or @none, not {form[:80]!r}")
    text = params.get("joinLevel", "1")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_LEVEL:
        raise bad_request("The parameter joinLevel is not valid", f"1 to {MAX_LEVEL}, not {text[:80]!r}")
    contained = [id for id in params.get("containedBy", "").split(",") if id]
    for id in contained:
        if not is_uri(id):
            raise bad_request("The parameter containedBy is not valid", f"{id[:80]!r} is no URI")
    if form == "@none":
        return NO_JOIN
    return Join(form, int(text), frozenset(contained))


def check_depth(projection: Projection, join: Join) -> None:
    """Raises Problem BadRequestData for a projection that reaches over more links than the join."""
    if projection.depth > join.level:
        raise bad_request(
            "pick or omit reaches too far",
            f"braces {projection.depth} deep, and a join over {join.level} links (join, joinLevel)",
        )


class Shape(Protocol):
    """How the entities of an answer, or of a notification, are wanted."""

    @property
    def form(self) -> Form: ...

    @property
    def projection(self) -> Projection: ...

    @property
    def join(self) -> Join: ...

    def entity(
        self, document: Document, context: Context, projection: Projection | None = None
    ) -> dict[str, Any]:
        """``projection``: that of a linked entity; without it the shape's own."""


class Graph:
    """The entities that some documents lead to, fetched level by level."""

    def __init__(self, fetch: Fetch, shape: Shape, context: Context) -> None:
        self._documents = fetch
        self._shape = shape
        self._context = context
        self._found: dict[str, Document | None] = {}
        self._embeddings = 0

    def inline(self, documents: Sequence[Document]) -> list[dict[str, Any]]:
        """The documents as the request wants them, with the linked ones inside."""
        for _ in self._levels(documents):
            pass
        shape, contained = self._shape, self._shape.join.contained
        return [
            self._embedded(one, shape.projection, shape.join.level, contained, first=True)
            for one in documents
        ]

    def flat(self, documents: Sequence[Document]) -> list[tuple[Document, Projection]]:
        """The linked documents, the nearest first, each once; with what is kept of each."""
        seen = {document["id"] for document in documents} | self._shape.join.contained
        linked = []
        for level in self._levels(documents):
            for document, projection in level:
                if document["id"] not in seen:
                    seen.add(document["id"])
                    linked.append((document, projection))
        return linked

    def _levels(self, documents: Sequence[Document]) -> Iterator[list[tuple[Document, Projection]]]:
        shape = self._shape
        frontier = [(document, shape.projection) for document in documents]
        reached: set[str] = set()
        for _ in range(shape.join.level):
            wanted = [
                (id, projection.linked(name))
                for document, projection in frontier
                for name, id in _links(document, projection)
                if id not in shape.join.contained and id not in reached
            ]
            self._fetch({id for id, _ in wanted})
            reached |= {id for id, _ in wanted}
            frontier = [
                (document, projection)
                for id, projection in wanted
                if (document := self._found[id]) is not None
            ]
            if not frontier:
                return
            yield frontier

    def _fetch(self, ids: set[str]) -> None:
        missing = sorted(ids - self._found.keys())
        self._limit(len(self._found) + len(missing))
        self._found.update(dict.fromkeys(missing))
        for start in range(0, len(missing), _CHUNK):
            chunk = tuple(missing[start : start + _CHUNK])
            for document in self._documents(chunk):
                self._found[document["id"]] = document

    @staticmethod
    def _limit(size: int) -> None:
        if size > MAX_LINKED:
            raise Problem(
                "TooManyResults", "There are too many linked entities", f"at most {MAX_LINKED:,} in an answer"
            )

    def _embedded(
        self,
        document: Document,
        projection: Projection,
        level: int,
        above: frozenset[str],
        *,
        first: bool = False,
    ) -> dict[str, Any]:
        self._embeddings += 1
        self._limit(self._embeddings)
        out = self._shape.entity(document, self._context, None if first else projection)
        if level == 0:
            return out
        above |= {document["id"]}
        for name in document:
            shown = self._context.compact(name)
            if shown in out and _is_link(document[name]) and projection.keeps(name):
                below = projection.linked(name)
                out[shown] = self._attribute(out[shown], document[name], below, level - 1, above)
        return out

    def _attribute(
        self, rendered: Any, attribute: Any, projection: Projection, level: int, above: frozenset[str]
    ) -> Any:
        def entity(id: str) -> dict[str, Any] | None:
            found = None if id in above else self._found.get(id)
            return None if found is None else self._embedded(found, projection, level, above)

        if self._shape.form == "simplified":
            if isinstance(attribute, list) and isinstance(rendered, dict):
                instances = rendered.get("dataset", {})
                return {"dataset": {key: _replaced(one, entity) for key, one in instances.items()}}
            return _replaced(rendered, entity)
        if isinstance(rendered, list):
            return [_extended(one, entity) for one in rendered]
        return _extended(rendered, entity)


def _links(document: Document, projection: Projection) -> Iterator[tuple[str, str]]:
    """Attribute and id of every entity that a document leads to."""
    for name, attribute in document.items():
        if name not in ENTITY_MEMBERS and projection.keeps(name) and _is_link(attribute):
            for instance in instances(attribute):
                for id in _objects(instance):
                    yield name, id


def _is_link(attribute: Any) -> bool:
    one = attribute[0] if isinstance(attribute, list) and attribute else attribute
    return isinstance(one, dict) and one.get("type") in _LINKS


def _objects(instance: Mapping[str, Any]) -> Iterable[str]:
    if "objectList" in instance:
        return [one["object"] for one in instance["objectList"]]
    found = instance.get("object", [])
    return found if isinstance(found, list) else [found]


def _extended(instance: Any, entity: Any) -> Any:
    """A normalized or concise Relationship with ``entity`` or ``entityList``."""
    if not isinstance(instance, dict):
        return instance
    several = "objectList" in instance or isinstance(instance.get("object"), list)
    found = [one for one in map(entity, _objects(instance)) if one is not None]
    if not found:
        return instance
    return {**instance, "entityList": found} if several else {**instance, "entity": found[0]}


def _replaced(value: Any, entity: Any) -> Any:
    """A simplified Relationship: the entity in the place of its id."""
    if isinstance(value, list):
        return [_replaced(one, entity) for one in value]
    found = entity(value) if isinstance(value, str) else None
    return value if found is None else found
