"""What a check needs from outside the record: code lists, entity types, the place's boundary and its
clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from mahakam.quality.geometry import Districts


class UnknownTarget(LookupError):
    """A foreign key refers to something that there is not; says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Last:
    """What the last file of the same kind had: its rows and its columns."""

    rows: int
    columns: tuple[str, ...] = ()


class References(Protocol):
    """Handed to both compilations. Nothing in this room reads a clock, a file or a store by itself."""

    @property
    def zone(self) -> str:
        """IANA zone of the place: local timestamps of files are read in it."""
        ...

    def values(self, target: str) -> frozenset[str]:
        """All values of a code list (``name`` or ``name.column``) or an entity type (``Type`` or
        ``Type.attribute``).

        Raises UnknownTarget.
        """
        ...

    def has(self, target: str, value: str) -> bool:
        """Whether the target has the value; for live checks, where the list may be long and change."""
        ...

    @property
    def last(self) -> Last | None:
        """The file before the one that is checked, None if there was none."""
        ...

    def boundary(self) -> Any | None:
        """The place's area as a shapely geometry in EPSG:4326, None if it has none."""
        ...

    def districts(self, target: str) -> Districts:
        """The areas of ``codes/NAME.geojson`` by their property (``NAME.property``; ``code`` if not given).

        Raises UnknownTarget.
        """
        ...

    def today(self) -> date:
        """The date now in the place's zone."""
        ...

    def now(self) -> datetime:
        """The time now in UTC, naive."""
        ...


@dataclass(frozen=True)
class FixedReferences:
    """References given as values: for tests, and for files checked without a place."""

    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    area: Any = None
    zone: str = "UTC"
    moment: datetime | None = None
    last: Last | None = None
    areas: Mapping[str, Districts] = field(default_factory=dict)

    def values(self, target: str) -> frozenset[str]:
        if target not in self.lists:
            raise UnknownTarget(f"{target!r} is not a code list or entity type known here")
        return self.lists[target]

    def has(self, target: str, value: str) -> bool:
        return value in self.values(target)

    def districts(self, target: str) -> Districts:
        if target not in self.areas:
            raise UnknownTarget(f"{target!r} has no areas known here")
        return self.areas[target]

    def boundary(self) -> Any | None:
        return self.area

    def today(self) -> date:
        return self.now().replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).date()

    def now(self) -> datetime:
        return self.moment if self.moment is not None else datetime.now(UTC).replace(tzinfo=None)
