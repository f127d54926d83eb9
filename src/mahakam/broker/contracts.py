"""What the broker asks of contracts: who checks an entity, and which places have a contract for a type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Protocol

from mahakam.quality.finding import Finding


class Checker(Protocol):
    """One contract, compiled for single records."""

    @property
    def history(self) -> bool | None:
        """Whether changes of its entities are kept; None: as their tenant says."""

    @property
    def attributes(self) -> Set[str]:
        """The names of the attributes that the contract knows."""

    def check(self, record: Mapping[str, Any]) -> list[Finding]:
        """Everything that is wrong with a record; an empty list if nothing is."""

    def personal(self, record: Mapping[str, Any]) -> list[Finding]:
        """Personal data in attributes that the contract does not declare so."""


class ContractBook(Protocol):
    """All contracts of a node."""

    def checker_for(self, place_id: str | None, types: Sequence[str], /) -> Checker | None:
        """The checker for entities of these types at a place (or inherited from its parents)."""

    def places_with(self, type_: str, /) -> Sequence[str]:
        """The ids of the places that have a contract for this type, their own or a parent's."""


class NoContracts:
    """A book without a contract: every entity is stored as the standard says."""

    def checker_for(self, place_id: str | None, types: Sequence[str], /) -> Checker | None:  # noqa: ARG002
        return None

    def places_with(self, type_: str, /) -> Sequence[str]:  # noqa: ARG002
        return ()
