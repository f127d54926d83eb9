"""Entity maps: the ids that a query found, kept so that its pages do not move (clause 5.2.39, 5.5.14, 5.14)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from mahakam.broker.clock import after, now
from mahakam.ngsild.lexical import TIME_RULE, is_time
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.store.protocol import EntityStore

KIND = "entity-map"
DEFAULT_SECONDS, MAX_SECONDS = 3_600.0, 86_400.0
MAX_ENTITIES = 20_000
MAX_MAPS = 200
"""Maps that a tenant keeps at a time: a reader may ask for one, so a new one drives out the nearest to its end."""
_HERE = ["@none"]
"""Where an entity was found: in the node itself."""


@dataclass(frozen=True, slots=True)
class EntityMap:
    """``sources``: entity id → ids of the registrations through which it was found, "@none" for the node."""

    id: str
    sources: dict[str, list[str]]
    expires: str

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "type": "EntityMap", "expiresAt": self.expires, "entityMap": self.sources}


class EntityMaps:
    """The entity maps of one tenant. One that has expired is not there."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store

    def create(
        self, sources: Iterable[str] | dict[str, list[str]], seconds: float = DEFAULT_SECONDS
    ) -> EntityMap:
        """Keep a map for a while (``MAX_SECONDS`` at most). Raises Problem TooManyResults."""
        found = sources if isinstance(sources, dict) else dict.fromkeys(sources, _HERE)
        if len(found) > MAX_ENTITIES:
            raise Problem(
                "TooManyResults", "The entity map is too large", f"at most {MAX_ENTITIES:,} entities"
            )
        made = EntityMap(f"urn:ngsi-ld:EntityMap:{uuid4()}", found, after(min(seconds, MAX_SECONDS)))
        at = now()
        kept = sorted((record["expires"], id) for id, record in self._store.records(KIND).items())
        gone = [
            id for place, (expires, id) in enumerate(kept) if expires <= at or place <= len(kept) - MAX_MAPS
        ]

        def work(transaction: Any) -> None:
            for id in gone:
                transaction.save_record(KIND, id, None)
            transaction.save_record(KIND, made.id, _record(made))

        self._store.write(work)
        return made

    def find(self, id: str) -> EntityMap | None:
        record = self._store.record(KIND, id)
        if record is None or record["expires"] <= now():
            return None
        return EntityMap(id, record["sources"], record["expires"])

    def get(self, id: str) -> EntityMap:
        """Raises Problem ResourceNotFound."""
        found = self.find(id)
        if found is None:
            raise not_found(f"there is no entity map {id[:200]}")
        return found

    def expire(self, id: str, expires: object) -> None:
        """Another end, ``MAX_SECONDS`` from now at most. Raises Problem ResourceNotFound, BadRequestData."""
        found = self.get(id)
        if not isinstance(expires, str) or not is_time(expires):
            raise bad_request("The entity map is not valid", f"expiresAt: expected {TIME_RULE}")
        self._save(EntityMap(id, found.sources, min(expires, after(MAX_SECONDS))))

    def prune(self, found: EntityMap, ids: Iterable[str]) -> None:
        """Take entities that are no more out of a map."""
        gone = set(ids)
        sources = {id: where for id, where in found.sources.items() if id not in gone}
        self._save(EntityMap(found.id, sources, found.expires))

    def delete(self, id: str) -> None:
        """Raises Problem ResourceNotFound."""
        self.get(id)
        self._store.write(lambda transaction: transaction.save_record(KIND, id, None))

    def _save(self, changed: EntityMap) -> None:
        self._store.write(lambda transaction: transaction.save_record(KIND, changed.id, _record(changed)))


def _record(one: EntityMap) -> dict[str, Any]:
    return {"sources": one.sources, "expires": one.expires}
