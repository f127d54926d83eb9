"""A place's solutions as entities, so that a node can share them with a hub: who did what, why and how, and where more
stands. What came of each is in the indicator values, which are entities already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from mahakam.broker.broker import Broker
from mahakam.broker.clock import now
from mahakam.broker.writes import Delete, Upsert, Write
from mahakam.config import Place, Text, scope_of
from mahakam.ngsild.context import CORE
from mahakam.ngsild.entity import Document, parse_entity
from mahakam.ngsild.selection import Selection, Types
from mahakam.solutions.definition import Solution, all_solutions
from mahakam.store.protocol import EntityStore, Transaction

TYPE = "Solution"
KIND = "solution-published"
"""Records of the entities that are this node's own: the others are copies."""
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A solution of another node, of which this one has a copy. ``page``: its address there, "" if it is none."""

    id: str
    name: Text
    problem: Text
    place: Text
    page: str


def publish(broker: Broker, places: Mapping[str, Place], base: str) -> int:
    """Have an entity of each solution of this node's places, as its file has it now; how many were written.

    Raises Problem where a contract of the type refuses one.
    """
    store = broker.store
    wanted = {
        document["id"]: document
        for one in all_solutions(places, []).values()
        if (document := _document(one, places, base))
    }
    known = store.records(KIND)
    writes: list[Write] = [
        Upsert(document)
        for id, document in wanted.items()
        if _bare(store.document(id) or {}) != _bare(document) and (id in known or store.document(id) is None)
    ]
    writes += [Delete(id) for id in known.keys() - wanted.keys() if store.document(id) is not None]
    if not writes and not known.keys() - wanted.keys():
        return 0

    def note(transaction: Transaction) -> None:
        for write in writes:
            if isinstance(write, Upsert):
                transaction.save_record(KIND, write.document["id"], {})
        for id in known.keys() - wanted.keys():
            transaction.save_record(KIND, id, None)

    broker.together(writes, "", note)
    return len(writes)


def elsewhere(broker: Broker) -> list[Elsewhere]:
    """The solutions of other nodes, by their ids."""
    own = own_ids(broker.store)
    found = broker.query(Selection(types=Types(((TYPE,),))), _MOST)
    return [
        Elsewhere(one["id"], _text(one, "name"), _text(one, "problem"), _text(one, "placeName"), _page(one))
        for one in sorted(found, key=lambda one: str(one["id"]))
        if one["id"] not in own
    ]


def own_ids(store: EntityStore) -> frozenset[str]:
    return frozenset(store.records(KIND))


def _document(one: Solution, places: Mapping[str, Place], base: str) -> Document:
    place = places[one.place]
    payload: dict[str, Any] = {
        "id": f"urn:ngsi-ld:{TYPE}:{quote(one.place, safe='')}:{quote(one.id, safe='')}",
        "type": TYPE,
        "scope": scope_of(place, places),
        "name": _words(one.name),
        "placeName": _words(place.name),
        "problem": _words(one.problem),
        "circumstances": _words(one.context),
        "method": _words(one.method),
        "started": {"type": "Property", "value": one.started.isoformat()},
        "version": {"type": "Property", "value": one.version},
        "page": {
            "type": "Property",
            "value": f"{base}/network/solutions/{quote(one.place, safe='')}/{quote(one.id, safe='')}",
        },
    }
    more = {"theme": one.theme, "indicator": one.indicator, "partners": list(one.partners)}
    payload |= {name: {"type": "Property", "value": value} for name, value in more.items() if value}
    if one.went_wrong:
        payload["wentWrong"] = {"type": "Property", "value": [dict(each) for each in one.went_wrong]}
    return parse_entity(payload, CORE, now())


def _words(text: Text) -> dict[str, Any]:
    return {"type": "LanguageProperty", "languageMap": dict(text)}


def _bare(value: Any) -> Any:
    """Without the times that the store adds."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _bare(part) for name, part in value.items() if name not in ("createdAt", "modifiedAt")}


def _text(document: Document, name: str) -> Text:
    found = document.get(name)
    texts = found.get("languageMap") if isinstance(found, dict) else None
    return {str(key): str(one) for key, one in texts.items()} if isinstance(texts, dict) else {}


def _page(document: Document) -> str:
    found = document.get("page")
    value = found.get("value") if isinstance(found, dict) else None
    return value if isinstance(value, str) and urlsplit(value).scheme in ("http", "https") else ""
