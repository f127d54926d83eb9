"""What an adopted solution still needs of its new city: files, addresses, code lists, words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mahakam.config import LANGUAGES, ConfigError, Place, chain
from mahakam.feeds import definition
from mahakam.feeds.definition import Feed
from mahakam.solutions.adapting import adapted, fact_source
from mahakam.solutions.preview import Preview, asks_server


@dataclass(frozen=True, slots=True)
class Left:
    """``code``: ``file`` (a feed's file is not in the folder), ``address`` (the feed asks the origin's address),
    ``source`` (whose data it is, and its licence, are the origin's words), ``ids`` (its ids may be those of the
    origin's rows), ``codes`` (a code list is missing), ``boundary`` (the city has none), ``words`` (a
    language is missing), ``fact`` (a figure has another source here than the texts may say).

    ``name`` is the file that needs it, ``feeds/rain.yaml``; ``what`` the file, the key, the languages.
    """

    code: str
    name: str
    what: str


def left(preview: Preview, places: Mapping[str, Place]) -> list[Left]:
    """What is to be done in the city, of the files as they hold there (or would). One that cannot be read is left out:
    its own reader says what is wrong with it."""
    place, pieces = preview.place, preview.pieces
    brought = {one.name for one in pieces}
    found: list[Left] = []
    for piece in pieces:
        holds = piece.there if piece.state in ("differs", "above") else piece.content
        facts, origin = _mapping(holds), _mapping(piece.source)
        if not piece.text or not facts:
            continue
        if piece.state != "above":
            found += _words(piece.name, facts)
        if piece.name.startswith("feeds/"):
            found += _feed(piece.name, facts, origin, place, brought)
            if asks_server(holds.decode("utf-8", "replace")) and (
                facts.get("source") == _mapping(piece.content).get("source")
            ):
                found.append(Left("address", piece.name, f"source.{next(iter(facts['source']), '')}"))
        elif piece.name.startswith("contracts/"):
            found += _contract(piece.name, facts, place, places)
    return found + list(_facts(preview))


def _facts(preview: Preview) -> Iterator[Left]:
    """Figures that have another source here than in the origin, whose texts name theirs."""
    for one in preview.solution.adapt:
        if one.fact and fact_source(preview.place, one.fact) != fact_source(preview.origin, one.fact):
            touched = (piece for piece in preview.pieces if piece.text and piece.state in ("new", "same"))
            for piece in touched:
                text = piece.source.decode("utf-8", "replace")
                if adapted(text, [(one.text, "")]) != text:
                    yield Left("fact", piece.name, one.fact)


def _mapping(content: bytes) -> dict[str, Any]:
    try:
        found = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _feed(
    name: str, facts: Mapping[str, Any], origin: Mapping[str, Any], place: Place, brought: set[str]
) -> Iterator[Left]:
    feed, before = _read(name, facts, place), _read(name, origin, place)
    if feed is None:
        return
    missing = [one for one in feed.files if one not in brought and not any(place.folder.glob(one))]
    yield from (Left("file", name, one) for one in missing)
    if before is None:
        return
    whose = [
        key for key in ("owner", "licence", "origin") if facts.get(key) and facts.get(key) == origin.get(key)
    ]
    if whose and not brought.issuperset(feed.files or ("",)):
        yield Left("source", name, ", ".join(whose))
    alike = (feed.entity, feed.where, feed.fields, feed.fetched) == (
        before.entity, before.where, before.fields, before.fetched
    )  # fmt: skip
    if alike and feed.entity is not None:
        yield Left("ids", name, feed.entity.id)


def _read(name: str, facts: Mapping[str, Any], place: Place) -> Feed | None:
    path = place.folder / name
    try:
        return definition.from_mapping(place, path.stem, path, facts)
    except ConfigError:
        return None


def _contract(
    name: str, facts: Mapping[str, Any], place: Place, places: Mapping[str, Place]
) -> Iterator[Left]:
    line = chain(places, place)
    for wanted in sorted(set(_targets(facts))):
        there = any((owner.folder / "codes" / f"{wanted}.csv").is_file() for owner in line)
        if not there and wanted[:1].islower():  # with a capital letter it is a type of entity
            yield Left("codes", name, f"codes/{wanted}.csv")
    if "inside_boundary(" in str(facts) and not place.facts.get("boundary"):
        yield Left("boundary", name, "city.yaml")


def _targets(value: object) -> Iterator[str]:
    """What foreign keys name: the list before the dot of ``to: kemendagri-areas.code``."""
    if isinstance(value, Mapping):
        if value.get("type") == "foreignKey" and value.get("to"):
            yield str(value["to"]).partition(".")[0]
        for one in value.values():
            yield from _targets(one)
    elif isinstance(value, list):
        for one in value:
            yield from _targets(one)


def _words(name: str, facts: Mapping[str, Any]) -> Iterator[Left]:
    for key in ("name", "title"):
        said = facts.get(key)
        if isinstance(said, Mapping) and (missing := [one for one in LANGUAGES if not said.get(one)]):
            yield Left("words", name, f"{key}: {', '.join(missing)}")
