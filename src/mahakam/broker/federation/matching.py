"""Which registrations a request concerns, found by entity id and type (clause 4.3.6, 5.12)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mahakam.broker.federation.registration import EntityInfo, Information, Registration


@dataclass(frozen=True, slots=True)
class Match:
    """What one part of a registration's information has in common with a request.

    ``ids``, ``id_pattern``, ``types``, ``attributes``: what the source may be asked for; empty: no limit.
    """

    registration: Registration
    information: Information
    ids: tuple[str, ...] = ()
    id_pattern: str = ""
    types: tuple[str, ...] = ()
    attributes: frozenset[str] = frozenset()

    def holds(self, id: str, types: Collection[str]) -> bool:
        """Whether the source is registered for an entity."""
        return not self.information.entities or any(
            _covers(one, id) and (not types or one.type in types) for one in self.information.entities
        )


class Index:
    """Registrations that are alive, found without looking at each."""

    __slots__ = ("_any", "_by_id", "_by_type", "_groups", "_order", "all")

    def __init__(self, registrations: Iterable[Registration] = ()) -> None:
        self.all = tuple(registrations)
        self._order = {one.id: number for number, one in enumerate(self.all)}
        self._by_id: dict[str, list[_Entry]] = {}
        self._by_type: dict[str, list[_Entry]] = {}
        self._groups: dict[str, list[_Entry]] = {}
        self._any: list[_Entry] = []
        for registration in self.all:
            for information in registration.information:
                if not information.entities:
                    self._any.append((registration, information, None))
                for one in information.entities:
                    entry = (registration, information, one)
                    self._by_type.setdefault(one.type, []).append(entry)
                    if one.id:
                        self._by_id.setdefault(one.id, []).append(entry)
                    else:
                        self._groups.setdefault(one.type, []).append(entry)

    def __bool__(self) -> bool:
        return bool(self.all)

    def find(
        self,
        *,
        at: str,
        ids: Sequence[str] = (),
        id_pattern: str = "",
        types: Collection[str] = (),
        attributes: Collection[str] = (),
    ) -> list[Match]:
        """The matches of a request, in the order of the registrations; empty parts select everything.

        ``at``: ISO 8601 UTC; registrations that have expired then are left out.
        """
        chosen: dict[tuple[str, Information], list[_Entry]] = {}
        for entry in self._candidates(ids, types):
            registration, information, one = entry
            if not registration.alive(at):
                continue
            if attributes and information.attributes and information.attributes.isdisjoint(attributes):
                continue
            if one is not None and not _meets(one, ids, id_pattern, types):
                continue
            chosen.setdefault((registration.id, information), []).append(entry)
        found = [_match(entries, ids, attributes) for entries in chosen.values()]
        return sorted(found, key=lambda match: self._order[match.registration.id])

    def _candidates(self, ids: Sequence[str], types: Collection[str]) -> Iterable[_Entry]:
        yield from self._any
        if ids:
            for id in ids:
                yield from self._by_id.get(id, ())
            for type in types or self._groups:
                yield from self._groups.get(type, ())
        else:
            for type in types or self._by_type:
                yield from self._by_type.get(type, ())


_Entry = tuple[Registration, Information, EntityInfo | None]


def _match(entries: Sequence[_Entry], ids: Sequence[str], attributes: Collection[str]) -> Match:
    registration, information, _ = entries[0]
    infos = [one for _, _, one in entries if one is not None]
    wanted: dict[str, None] = {}
    if infos and all(one.id for one in infos):
        wanted = dict.fromkeys(one.id for one in infos)
    elif ids:
        wanted = dict.fromkeys(id for id in ids if not infos or any(_covers(one, id) for one in infos))
    pattern = infos[0].id_pattern if len(infos) == 1 and not wanted else ""
    narrowed = information.attributes
    if narrowed and attributes:
        narrowed = narrowed & frozenset(attributes)
    return Match(
        registration,
        information,
        tuple(wanted),
        pattern,
        tuple(dict.fromkeys(one.type for one in infos)),
        narrowed or frozenset(attributes),
    )


def _meets(one: EntityInfo, ids: Sequence[str], id_pattern: str, types: Collection[str]) -> bool:
    if types and one.type not in types:
        return False
    if ids and not any(_covers(one, id) for id in ids):
        return False
    return not id_pattern or not one.id or _pattern(id_pattern).search(one.id) is not None


def _covers(one: EntityInfo, id: str) -> bool:
    if one.id:
        return one.id == id
    return not one.id_pattern or _pattern(one.id_pattern).search(id) is not None


@lru_cache(512)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
