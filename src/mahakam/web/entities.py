"""Entities as pages show them: plain values, titles, geometry, and the rows of a type in a place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mahakam.config import Place, scope_of
from mahakam.ngsild.selection import And, Compare, Condition, Path, Scopes, Selection, Types
from mahakam.store.protocol import Document, EntityStore
from mahakam.web.language import _, words

_NO_ATTRIBUTE = frozenset(("id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "@context"))
_TITLES = ("name", "title", "shortName", "alternateName", "code")


def attribute(document: Document, name: str) -> Any:
    """The plain value of an attribute (its default instance): what stands under value, object or
    languageMap."""
    found = document.get(name)
    if isinstance(found, list) and name not in _NO_ATTRIBUTE:
        found = next((one for one in found if isinstance(one, dict) and "datasetId" not in one), found[0])
    if not isinstance(found, dict):
        return found
    for member in ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList"):
        if member in found:
            value = found[member]
            if isinstance(value, dict) and "@value" in value:
                return value["@value"]
            return words(value) if member == "languageMap" else value
    return None


def names(document: Document) -> list[str]:
    """The attributes of an entity, in the order written."""
    return [name for name in document if name not in _NO_ATTRIBUTE]


def flat(document: Document) -> dict[str, Any]:
    """id and every attribute without geometry as one row."""
    row = {"id": document["id"]}
    for name in names(document):
        if not is_geometry(value := attribute(document, name)):
            row[name] = value
    return row


def is_geometry(value: Any) -> bool:
    return isinstance(value, dict) and "type" in value and ("coordinates" in value or "geometries" in value)


def geometry(document: Document) -> dict[str, Any] | None:
    """The entity's place on the earth: ``location``, else its first geometry."""
    for name in ("location", *names(document)):
        value = attribute(document, name)
        if is_geometry(value):
            return value  # type: ignore[no-any-return]
    return None


def title(document: Document) -> str:
    """What a person calls the entity: its name, else the end of its id."""
    for name in _TITLES:
        value = attribute(document, name)
        if isinstance(value, str) and value:
            return value
    return str(document["id"]).rpartition(":")[2]


def spoken(name: str) -> str:
    """An attribute's or type's name as words: ``floodLevelStatus`` → Flood level status."""
    bare = re.split(r"[/#]", name)[-1]
    parts = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", bare) or [bare]
    text = " ".join(part if part.isupper() and len(part) > 1 else part.lower() for part in parts)
    text = text[:1].upper() + text[1:]
    return _(text) if text else text


@dataclass(frozen=True, slots=True)
class Layer:
    """A map layer of a place: a selection of its entities, drawn as areas, lines or points."""

    number: int
    name: str
    type: str
    style: str
    q: str
    selection: Selection
    colour: str
    tone: int
    """Which of the style's colours it is; ``.tone-N`` in the drawing."""
    shown: bool
    """Areas cover each other, so only the first area layer is shown until the reader asks for more."""


_COLOURS = {
    "area": ("#0b6e75", "#7f9195", "#c8751a", "#13262b"),
    "line": ("#2c94a3", "#c8751a", "#13262b", "#7f9195"),
    "point": ("#0b6e75", "#c8751a", "#13262b", "#7f9195"),
}


def layers_of(place: Place, places: Mapping[str, Place]) -> list[Layer]:
    """The layers of ``city.yaml``, numbered from 0 in the order in which they are drawn."""
    found, used = [], dict.fromkeys(_COLOURS, 0)
    for number, facts in enumerate(place.facts.get("layers") or []):
        style = facts.get("style") if facts.get("style") in _COLOURS else "point"
        if "type" not in facts:
            continue
        colours = _COLOURS[style]
        tone = used[style] % len(colours)
        shown = style != "area" or not used[style]
        used[style] += 1
        q = str(facts.get("q") or "")
        selection = select(place, places, str(facts["type"]), q)
        name = words(facts.get("name", facts["type"]))
        found.append(Layer(number, name, str(facts["type"]), style, q, selection, colours[tone], tone, shown))
    return found


def select(
    place: Place,
    places: Mapping[str, Place],
    type: str = "",
    q: str = "",
    text: str = "",
    below: bool = False,
) -> Selection:
    """The entities of a type in a place (``below``: and in the places below it), narrowed by a query ``q``.

    Raises Problem for a query that cannot be read.
    """
    conditions: list[Condition] = []
    if q:
        from mahakam.ngsild.context import CORE
        from mahakam.ngsild.qlanguage import parse_q

        conditions.append(parse_q(q, CORE))
    if text:
        conditions.append(Compare(Path("name"), "~=", (f"(?i){re.escape(text[:100])}",)))
    scope = scope_of(place, places)
    return Selection(
        types=Types(((type,),)) if type else None,
        scopes=Scopes(((scope + "/#" if below else scope,),)),
        condition=(conditions[0] if len(conditions) == 1 else And(tuple(conditions))) if conditions else None,
    )


@dataclass(frozen=True)
class EntityRows:
    """The selected entities as the rows of a table (``mahakam.web.tables.Rows``): documents, in stored
    order."""

    store: EntityStore
    selection: Selection

    def count(self) -> int:
        return self.store.count(self.selection)

    def window(self, limit: int, offset: int) -> Sequence[Document]:
        return self.store.documents(self.selection, limit, offset)

    def scan(self) -> Iterator[Document]:
        return self.store.scan(self.selection)
