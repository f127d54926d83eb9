"""Foreign keys to entity types, answered from what is stored."""

from __future__ import annotations

from contextlib import suppress

from mahakam.ngsild.entity import VALUE_MEMBER, instances
from mahakam.ngsild.selection import Compare, Path, Selection, Types
from mahakam.store.protocol import EntityStore


class StoredKeys:
    """What the entities of one tenant have as ids and attribute values."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store

    def values(self, type: str, attribute: str) -> frozenset[str]:
        """All values of an attribute (``id``: the ids) of the entities of a type, as text."""
        found: set[str] = set()
        for document in self._store.scan(Selection(types=Types(((type,),)))):
            if attribute == "id":
                found.add(document["id"])
            elif attribute in document:
                found.update(str(one[VALUE_MEMBER[one["type"]]]) for one in instances(document[attribute]))
        return frozenset(found)

    def has(self, type: str, attribute: str, value: str) -> bool:
        """Whether an entity of the type has this id or attribute value."""
        types = Types(((type,),))
        if attribute == "id":
            return self._store.count(Selection(ids=(value,), types=types)) > 0
        wanted: list[str | float] = [value]
        with suppress(ValueError):
            wanted.append(float(value))
        condition = Compare(Path(attribute), "==", tuple(wanted))
        return bool(self._store.bodies(Selection(types=types, condition=condition), 1))
