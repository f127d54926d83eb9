"""The contract of requests that comes with Mahakam, for places that have none of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock

from mahakam.broker.contracts import Checker, ContractBook
from mahakam.config import Place
from mahakam.quality.references import References
from mahakam.services.request import TYPE

CONTRACT = Path(__file__).parent / "contract.yaml"


class WithRequests:
    """A book of contracts in which requests always have one: the place's (or its parents'), else Mahakam's.

    ``references`` gives what the rules of a place refer to: its boundary, its time (``Book.references``).
    """

    def __init__(
        self, book: ContractBook, places: Mapping[str, Place], references: Callable[[str | None], References]
    ) -> None:
        self._book = book
        self._places = places
        self._references = references
        self._made: dict[str, Checker] = {}
        self._lock = Lock()

    def checker_for(self, place_id: str | None, types: Sequence[str], /) -> Checker | None:
        """The checker of the place's own contract, else for requests the one that comes with Mahakam."""
        found = self._book.checker_for(place_id, types)
        if found is None and place_id in self._places and TYPE in types:
            return self._default(str(place_id))
        return found

    def places_with(self, type_: str, /) -> Sequence[str]:
        """The ids of the places that have a contract for this type: for requests, all."""
        return list(self._places) if type_ == TYPE else self._book.places_with(type_)

    def _default(self, place_id: str) -> Checker:
        with self._lock:
            if place_id not in self._made:
                from mahakam.quality import checker
                from mahakam.quality.load import load

                self._made[place_id] = checker.Checker(load(CONTRACT), self._references(place_id))
            return self._made[place_id]
