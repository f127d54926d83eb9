"""The parts of a node that feeds work with, and the ways to a place's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError, Place, chain

if TYPE_CHECKING:
    from mahakam.broker.broker import Broker
    from mahakam.quality.book import Book
    from mahakam.store.protocol import EntityStore


@dataclass(frozen=True)
class Parts:
    """What a feed needs of a node: its broker, its places, and the data folder."""

    broker: Broker
    places: Mapping[str, Place]
    data: Path
    private_addresses: bool = False

    @classmethod
    def of(cls, node: Any) -> Parts:
        """The parts of a :class:`mahakam.app.Node`."""
        return cls(node.broker, node.places, node.settings.data, node.settings.private_addresses)

    @property
    def store(self) -> EntityStore:
        """The tenant's store, for reading runs, lineage and quarantine."""
        return self.broker.store

    def book(self) -> Book:
        """The contracts as they stand in the files now; foreign keys to entity types ask the store."""
        from mahakam.quality.book import Book

        return Book(self.places, entity_values=self._entity_values)

    def _entity_values(self, type: str, attribute: str) -> frozenset[str]:
        from mahakam.broker.guard import record_of
        from mahakam.ngsild.selection import Selection, Types

        found = self.broker.scan(Selection(types=Types(((type,),))))
        if attribute == "id":
            return frozenset(document["id"] for document in found)
        values = (record_of(document).get(attribute) for document in found)
        return frozenset(str(value) for value in values if value is not None)

    def place(self, id: str) -> Place:
        """A place by its id. Raises ConfigError naming those there are."""
        if id not in self.places:
            have = ", ".join(self.places) or "none; name a folder of places with --config"
            raise ConfigError(Path(id), f"there is no place {id!r} (places: {have})")
        return self.places[id]


def contract_file(places: Mapping[str, Place], place: Place, name: str) -> Path | None:
    """The file of a contract: this place's, else the nearest place's above."""
    for each in chain(places, place):
        if found := each.files("contracts").get(name):
            return found
    return None
