"""What adopting a solution would do to a city's folder: each file as it would be, and what is not known yet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Literal

import yaml

from mahakam.config import ConfigError, Place
from mahakam.solutions.adapting import Adaptation, adapted
from mahakam.solutions.definition import Solution
from mahakam.solutions.parts_of import file_of

State = Literal["new", "same", "above", "differs"]
"""``new``: would be written. ``same``: there already. ``above``: the city has the very file from a place above it.
``differs``: another file of this name holds for the city, and is never overwritten."""
_GIVEN = re.compile(r"[^\W_][\w .,+-]{0,59}")


@dataclass(frozen=True, slots=True)
class Piece:
    """One file. ``name`` is its path in the city's folder; ``source`` what it is in the origin's, ``there`` what holds
    for the city now (b"" for nothing)."""

    name: str
    state: State
    content: bytes
    source: bytes
    there: bytes = b""

    @property
    def text(self) -> bool:
        """Whether it is configuration, shown line by line; data files are only named."""
        return self.name.endswith(".yaml")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def difference(self) -> list[str]:
        """What is changed for the city (from the origin's file), or how the file that is there differs."""
        if not self.text or self.state in ("same", "above"):
            return []
        before = self.there if self.state == "differs" else self.source
        one, other = (part.decode("utf-8", "replace").splitlines() for part in (before, self.content))
        return list(unified_diff(one, other, lineterm="", n=1))[2:]


@dataclass(frozen=True)
class Preview:
    """``lacking`` are texts of which neither city.yaml nor whoever adopts says what they are in this city."""

    solution: Solution
    origin: Place
    place: Place
    pieces: tuple[Piece, ...]
    values: Mapping[str, str]
    lacking: tuple[Adaptation, ...]
    wrong: tuple[str, ...]
    """Given texts that cannot be used."""

    @property
    def conflicts(self) -> tuple[Piece, ...]:
        return tuple(one for one in self.pieces if one.state == "differs")

    @property
    def fresh(self) -> tuple[Piece, ...]:
        """What would be written."""
        return tuple(one for one in self.pieces if one.state == "new")

    @property
    def mark(self) -> str:
        """Equal marks: the same would be done."""
        parts = [f"{one.name} {one.state} {one.digest}" for one in self.pieces]
        return hashlib.sha256("\n".join([*parts, *map(str, self.lacking)]).encode()).hexdigest()[:16]


def preview(
    solution: Solution, place: Place, places: Mapping[str, Place], given: Mapping[str, str]
) -> Preview:
    """What would be done. ``given`` says of texts (:class:`Adaptation`) what they are in this city, where city.yaml
    does not. Raises ConfigError for a component that cannot be read.
    """
    origin = places[solution.place]
    values, lacking, wrong = {}, [], []
    for one in solution.adapt:
        said = one.value(place)
        if said is None:
            said = " ".join(given.get(one.text, "").split()) or None
            if said is not None and not _GIVEN.fullmatch(said):
                wrong.append(one.text)
                said = None
        if said is None:
            lacking.append(one)
        else:
            values[one.text] = said
    pieces = (*_components(solution, origin, place, places, values), *_carried(solution, origin, place))
    return Preview(solution, origin, place, pieces, values, tuple(lacking), tuple(wrong))


def _components(
    solution: Solution, origin: Place, place: Place, places: Mapping[str, Place], values: Mapping[str, str]
) -> Iterator[Piece]:
    for room, name in solution.components:
        located = file_of(room, name, origin, places)
        if located is None:
            raise ConfigError(solution.path, f"components.{room}: there is no {name!r} any more")
        owner, path = located
        source = _read(path)
        content = _for_city(room, source.decode("utf-8", "replace"), owner, place, values).encode()
        own = place.files(room).get(name)
        holds = file_of(room, name, place, places)
        file = f"{room}/{name}.yaml"
        if holds is None:
            yield Piece(file, "new", content, source)
        elif holds[1] == path:
            yield Piece(file, "above", source, source, source)
        else:
            there = _read(holds[1])
            alike = there in ((content,) if own else (content, source))
            state: State = ("same" if own else "above") if alike else "differs"
            yield Piece(file, state, content, source, there)


def _for_city(room: str, text: str, owner: Place, place: Place, values: Mapping[str, str]) -> str:
    """Ids of entities and of contracts name the city; then the texts that the solution says are one city's own.

    A feed that asks a server never does so with the origin's secrets, nor by itself before the city gave its address.
    """
    if room == "feeds":
        text = re.sub(rf"(?<=:){re.escape(owner.id)}(?=:)", place.id, text)
        text = re.sub(r"\$\{(\w+)\}", lambda secret: f"${{{_variable(place)}_{secret[1]}}}", text)
        if asks_server(text):
            text = re.sub(r"^schedule:", "# schedule:", text, flags=re.MULTILINE)
    if room == "contracts":
        text = re.sub(
            rf"^(id:\s*[\"']?){re.escape(owner.id)}(?=-)", rf"\g<1>{place.id}", text, flags=re.MULTILINE
        )
    return adapted(text, values.items())


def asks_server(text: str) -> bool:
    """Whether a feed's data comes from elsewhere than files of the folder."""
    try:
        facts = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    source = facts.get("source") if isinstance(facts, dict) else None
    return isinstance(source, Mapping) and "file" not in source and "files" not in source


def _variable(place: Place) -> str:
    """The city's id as the beginning of an environment variable's name."""
    return re.sub(r"\W", "_", place.id).upper()


def _carried(solution: Solution, origin: Place, place: Place) -> Iterator[Piece]:
    for name in solution.carry:
        content, path = _read(origin.inside(name)), place.inside(name)
        if not path.exists():
            yield Piece(name, "new", content, content)
        else:
            there = _read(path)
            yield Piece(name, "same" if there == content else "differs", content, content, there)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error


def cities_for(solution: Solution, places: Mapping[str, Place]) -> list[Place]:
    """The cities of the node that could adopt it."""
    return [place for place in places.values() if place.kind == "city" and place.id != solution.place]
