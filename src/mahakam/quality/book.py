"""The book of contracts: every place's contracts, read when first asked for, with what their rules refer
to."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mahakam.config import Place
from mahakam.quality.checker import Checker
from mahakam.quality.contract import Contract
from mahakam.quality.geometry import Districts
from mahakam.quality.load import load_all
from mahakam.quality.odcs import ContractError, nearest
from mahakam.quality.references import Last, UnknownTarget

EntityValues = Callable[[str, str], frozenset[str]]
"""``(entity type, attribute)`` → the values that the stored entities have; attribute ``id`` means their
ids."""
EntityHas = Callable[[str, str, str], bool]
"""``(entity type, attribute, value)`` → whether a stored entity has it."""


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class PlaceReferences:
    """The references of one place: its code lists and boundary, then its parents'; entities through the
    broker."""

    place: Place | None
    line: Sequence[Place]
    entity_values: EntityValues | None = None
    entity_has: EntityHas | None = None
    clock: Callable[[], datetime] = _utc_now
    last: Last | None = None
    _lists: dict[str, frozenset[str]] = field(default_factory=dict)
    _districts: dict[str, Districts] = field(default_factory=dict)
    _area: Any = None
    _area_read: bool = False

    @property
    def zone(self) -> str:
        return self.place.timezone if self.place else "UTC"

    def now(self) -> datetime:
        return self.clock()

    def today(self) -> date:
        return self.clock().replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).date()

    def values(self, target: str) -> frozenset[str]:
        if self._list_file(target) is not None:
            return self._code_list(target)
        if self.entity_values is None:
            raise UnknownTarget(self._unknown(target))
        return self.entity_values(*_entity_target(target))

    def has(self, target: str, value: str) -> bool:
        if self._list_file(target) is not None:
            return value in self._code_list(target)
        if self.entity_has is not None:
            return self.entity_has(*_entity_target(target), value)
        return value in self.values(target)

    def boundary(self) -> Any | None:
        if not self._area_read:
            self._area = _read_boundary(self.place)
            self._area_read = True
        return self._area

    def districts(self, target: str) -> Districts:
        path = self._list_file(target, "geojson")
        if path is None:
            name = target.partition(".")[0]
            places = ", ".join(p.id for p in self.line) or "no place"
            raise UnknownTarget(f"{target!r}, and there is no codes/{name}.geojson in {places}")
        if target not in self._districts:
            self._districts[target] = read_districts(path, target.partition(".")[2] or "code")
        return self._districts[target]

    def _list_file(self, target: str, ending: str = "csv") -> Path | None:
        name = target.partition(".")[0]
        if not name or "/" in name or "\\" in name:
            return None
        paths = (place.folder / "codes" / f"{name}.{ending}" for place in self.line)
        return next((path for path in paths if path.is_file()), None)

    def _code_list(self, target: str) -> frozenset[str]:
        if target not in self._lists:
            path = self._list_file(target)
            assert path is not None
            self._lists[target] = read_code_list(path, target.partition(".")[2])
        return self._lists[target]

    def _unknown(self, target: str) -> str:
        known = sorted({p.stem for place in self.line for p in (place.folder / "codes").glob("*.csv")})
        name = target.partition(".")[0]
        where = f"; the code lists here are {', '.join(known)}" if known else ""
        places = ", ".join(p.id for p in self.line) or "no place"
        return f"{target!r}, and there is no codes/{name}.csv in {places}{where}"


def _entity_target(target: str) -> tuple[str, str]:
    kind, _, attribute = target.partition(".")
    return kind, attribute or "id"


def read_code_list(path: Path, column: str = "") -> frozenset[str]:
    """The values of one column of a code list, a CSV file with a header; without a name, the first column.

    Raises ContractError for a file that cannot be read or lacks the column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = list(reader.fieldnames or [])
            if not names:
                raise ContractError(path, "", "is empty; a code list has a header row, then one row a code")
            chosen = column or names[0]
            if chosen not in names:
                raise ContractError(path, "", f"has no column {chosen!r}{nearest(chosen, names)}")
            return frozenset(value for row in reader if (value := row[chosen]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContractError(path, "", f"cannot be read as UTF-8 CSV: {error}") from error


def read_districts(path: Path, name: str) -> Districts:
    """The areas of a GeoJSON FeatureCollection by the text of a property; parts with one code go together.

    Raises ContractError for a file that cannot be read or lacks the property.
    """
    import json

    import shapely
    from shapely.geometry import shape

    parts: dict[str, list[Any]] = {}
    try:
        for feature in json.loads(path.read_text("utf-8"))["features"]:
            parts.setdefault(str(feature["properties"][name]), []).append(
                shapely.make_valid(shape(feature["geometry"]))
            )
    except KeyError as error:
        raise ContractError(path, "", f"has a feature without {error.args[0]!r}") from error
    except (OSError, ValueError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ContractError(path, "", f"is not a GeoJSON FeatureCollection of areas: {error}") from error
    return Districts({code: shapely.union_all(some) for code, some in parts.items()})


def _read_boundary(place: Place | None) -> Any | None:
    """The union of the features of the place's boundary file, made valid."""
    path = place.boundary_file if place else None
    if path is None:
        return None
    import json

    import shapely
    from shapely.geometry import shape

    try:
        document = json.loads(path.read_text("utf-8"))
        parts = document["features"] if document.get("type") == "FeatureCollection" else [document]
        shapes = [shape(part.get("geometry", part)) for part in parts]
        return shapely.union_all([shapely.make_valid(s) for s in shapes])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ContractError(path, "", f"is not a GeoJSON boundary: {error}") from error


class Book:
    """The contracts of all places. Thread-safe; files are read on the first question that needs them.

    ``entity_values`` and ``entity_has`` answer foreign keys to entity types (see :data:`EntityValues`);
    ``clock`` gives the time in naive UTC.
    """

    def __init__(
        self,
        places: Mapping[str, Place],
        *,
        entity_values: EntityValues | None = None,
        entity_has: EntityHas | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.places = places
        self.entity_values = entity_values
        self.entity_has = entity_has
        self.clock = clock
        self._own: dict[str, dict[str, list[Contract]]] = {}
        self._references: dict[str | None, PlaceReferences] = {}
        self._checkers: dict[tuple[str | None, frozenset[str]], Checker | None] = {}
        self._lock = threading.RLock()

    def line(self, place_id: str | None) -> list[Place]:
        """A place and its parents, itself first."""
        found: list[Place] = []
        while place_id in self.places and self.places[str(place_id)] not in found:
            found.append(self.places[str(place_id)])
            place_id = found[-1].parent
        return found

    def contract(self, place_id: str, name: str) -> Contract:
        """The contract of that name of the place, else of the nearest parent.

        Raises ContractError if there is none, or it cannot be used.
        """
        line = self.line(place_id)
        for place in line:
            if name in self._contracts(place):
                return self._contracts(place)[name][0]
        known = sorted({n for place in line for n in place.files("contracts")})
        where = f"{place_id}/contracts"
        raise ContractError(
            where, "", f"there is no contract {name!r}{nearest(name, known) if known else ''}"
        )

    def contracts(self, place_id: str) -> Iterator[Contract]:
        """All contracts that hold for a place, its own first; a parent's of the same name is hidden."""
        seen: set[str] = set()
        for place in self.line(place_id):
            for name, some in self._contracts(place).items():
                if name not in seen:
                    seen.add(name)
                    yield from some

    def contract_for(self, place_id: str | None, types: str | Sequence[str]) -> Contract | None:
        """The contract of an entity of these types in this place: the nearest place's, active before
        others."""
        wanted = frozenset([types] if isinstance(types, str) else types)
        for place in self.line(place_id):
            found = [c for some in self._contracts(place).values() for c in some if c.entity in wanted]
            if found:
                return min(found, key=lambda c: (c.status != "active", c.name))
        return None

    def checker_for(self, place_id: str | None, types: str | Sequence[str]) -> Checker | None:
        """The compiled contract of an entity of these types in this place; None if no contract speaks of
        them.

        Raises ContractError if the contract cannot be used.
        """
        key = (place_id, frozenset([types] if isinstance(types, str) else types))
        try:
            return self._checkers[key]
        except KeyError:
            pass
        with self._lock:
            if key not in self._checkers:
                contract = self.contract_for(place_id, types)
                self._checkers[key] = Checker(contract, self.references(place_id)) if contract else None
            return self._checkers[key]

    def places_with(self, type_: str) -> list[str]:
        """The ids of the places for whose entities of this type a contract holds (their own or a
        parent's)."""
        return [place_id for place_id in self.places if self.contract_for(place_id, type_) is not None]

    def references(self, place_id: str | None) -> PlaceReferences:
        """What the rules of a place's contracts refer to."""
        with self._lock:
            if place_id not in self._references:
                place = self.places.get(place_id) if place_id else None
                line = self.line(place_id)
                self._references[place_id] = PlaceReferences(
                    place, line, self.entity_values, self.entity_has, self.clock
                )
            return self._references[place_id]

    def _contracts(self, place: Place) -> dict[str, list[Contract]]:
        known = self._own.get(place.id)
        if known is not None:
            return known
        with self._lock:
            if place.id not in self._own:
                self._own[place.id] = {
                    name: load_all(path) for name, path in place.files("contracts").items()
                }
            return self._own[place.id]
