"""The components of a solution: files of its city's folder by name, found where the city itself finds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from mahakam.config import ConfigError, Place, chain, read_yaml

ROOMS = ("contracts", "feeds", "indicators", "services")
"""In the order in which one needs the other."""
OF = {"contracts": "contract", "feeds": "feed", "indicators": "indicator", "services": "service"}


@dataclass(frozen=True, slots=True)
class Components:
    """Names of files without ending, by room."""

    contracts: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(room, name), what others need first."""
        return ((room, name) for room in ROOMS for name in getattr(self, room))

    def __len__(self) -> int:
        return sum(1 for _one in self)


def file_of(room: str, name: str, place: Place, places: Mapping[str, Place]) -> tuple[Place, Path] | None:
    """The file of a component and whose it is: the place's own, or (but for feeds) that of a place above."""
    for owner in [place] if room == "feeds" else chain(places, place):
        if path := owner.files(room).get(name):
            return owner, path
    return None


def missing(components: Components, place: Place, places: Mapping[str, Place]) -> str:
    """What is wrong with the first component that is not there; "" where all are."""
    for room in ROOMS:
        for number, name in enumerate(getattr(components, room)):
            if file_of(room, name, place, places) is None:
                owners = [place] if room == "feeds" else chain(places, place)
                near = get_close_matches(name, {one for owner in owners for one in owner.files(room)}, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                where = place.id if room == "feeds" else " or ".join(owner.id for owner in owners)
                return f"components.{room}[{number}]: there is no {OF[room]} {name!r} in {where}{hint}"
    return ""


def lacking_contract(components: Components, place: Place) -> str:
    """What is wrong with the first feed whose contract is no component: without it the feed is of no use elsewhere."""
    for number, name in enumerate(components.feeds):
        contract = None
        with suppress(ConfigError):  # a feed that cannot be read says so itself
            contract = read_yaml(place.files("feeds")[name]).get("contract")
        if contract is not None and str(contract) not in components.contracts:
            return f"components.feeds[{number}]: the feed {name!r} needs the contract {contract!r}; add it to contracts"
    return ""


def texts(components: Components, place: Place, places: Mapping[str, Place]) -> list[str]:
    """What stands in the files of the components; a file that cannot be read as text is left out."""
    found = []
    for room, name in components:
        located = file_of(room, name, place, places)
        if located is not None:
            with suppress(OSError, UnicodeDecodeError):
                found.append(located[1].read_text("utf-8"))
    return found
