"""Who works on a request: ``routing.yaml`` of a place, by service, area, road and time; the first rule that fits."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.config import ConfigError, Place, Text, as_text, chain, read_yaml, scope_of
from mahakam.ngsild.selection import Geo, Scopes, Selection, Types
from mahakam.services.area import Point, contains
from mahakam.services.calendar import Calendar
from mahakam.services.clock import promise_of
from mahakam.services.request import contact_faults

TRIAGE = "triage"
"""The queue of what no rule fits: people look at it and pass it on."""
FILE = "routing.yaml"
_KEYS = ("agencies", "rules", "roads", "warn", "escalate")
_AGENCY = ("name", "teams", "above", "contact", "contacts", "head")
_RULE = ("service", "district", "village", "area", "road", "hours", "to", "reason")
_HOURS = ("working", "outside")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CITY_RULES: Text = {
    "en": "By the city's rules for this kind of report",
    "id": "Menurut aturan kota untuk jenis laporan ini",
}
_NO_RULE: Text = {
    "en": "No rule of the city says whose task this is: people look at it",
    "id": "Tidak ada aturan kota yang menentukan pelaksananya: petugas akan memeriksanya",
}


@dataclass(frozen=True, slots=True)
class Agency:
    """``above``: the agency that is told when this one is late; ``head``: who heads it; ``contact``: its e-mail;
    ``contacts``: that of a team, where it has one."""

    code: str
    name: Text
    teams: Mapping[str, Text] = field(default_factory=dict)
    above: str = ""
    head: Text = field(default_factory=dict)
    contact: str = ""
    contacts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """Every condition that is given must hold; () and "" hold always. ``area`` is a place with the area's outline."""

    to: tuple[str, ...]
    reason: Text
    services: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    villages: tuple[str, ...] = ()
    area: Place | None = None
    roads: tuple[str, ...] = ()
    hours: str = ""


@dataclass(frozen=True, slots=True)
class Roads:
    """Where the class of a road stands: entities of a type, their attribute, and how many metres a road is near."""

    type: str = "RoadSegment"
    attribute: str = "roadClass"
    within: float = 30.0


@dataclass(frozen=True)
class Routing:
    """The agencies and rules of a place. ``warn``: working days before a target at which the team is warned;
    ``escalate``: working days after it at which the agency above is told, one level each."""

    agencies: Mapping[str, Agency]
    rules: Sequence[Rule]
    roads: Roads = Roads()
    warn: float = 1.0
    escalate: tuple[float, ...] = ()

    def teams(self) -> dict[str, tuple[Agency, Text]]:
        """``agency`` and ``agency/team`` → the agency, and the team's name ({} for the agency itself)."""
        found: dict[str, tuple[Agency, Text]] = {}
        for agency in self.agencies.values():
            found[agency.code] = agency, {}
            found |= {f"{agency.code}/{team}": (agency, name) for team, name in agency.teams.items()}
        return found

    def contact(self, team: str) -> str:
        """The e-mail of a team, else of its agency; "" if neither has one."""
        code, _slash, name = team.partition("/")
        agency = self.agencies.get(code)
        return (agency.contacts.get(name) or agency.contact) if agency else ""

    def above(self, team: str, levels: int) -> Agency | None:
        """The agency so many levels above a team's; the highest that there is, None if there is none."""
        agency = self.agencies.get(team.partition("/")[0])
        highest = None
        for _ in range(levels):
            agency = self.agencies.get(agency.above) if agency else None
            highest = agency or highest
        return highest


@dataclass(frozen=True, slots=True)
class Routed:
    """Teams (``agency/team``), the first leads; ``(TRIAGE,)`` if no rule fits."""

    to: tuple[str, ...]
    reason: Text


def routing_of(place: Place, places: Mapping[str, Place]) -> Routing | None:
    """The routing of a place: its own file, else that of the nearest place above; None if there is none.

    Raises ConfigError for a file that cannot be used.
    """
    for each in chain(places, place):
        path = each.folder / FILE
        if path.is_file():
            return _read_again(path, each.id, path.stat().st_mtime_ns)
    return None


def route(
    routing: Routing,
    broker: Broker,
    place: Place,
    service: str,
    point: Point,
    at: dt.datetime,
    areas: Mapping[str, str],
) -> Routed:
    """Who a request goes to: ``areas`` are the names of the areas it lies in by their level (``areas_of``)."""
    calendar: Calendar | None = None
    classes: tuple[str, ...] | None = None
    for rule in routing.rules:
        if rule.services and service not in rule.services:
            continue
        if rule.districts and areas.get("district", "").casefold() not in rule.districts:
            continue
        if rule.villages and areas.get("village", "").casefold() not in rule.villages:
            continue
        if rule.area is not None and not contains(rule.area, point):
            continue
        if rule.hours:
            calendar = calendar or promise_of(place, broker.places).calendar
            if (calendar.open_at(at)) != (rule.hours == "working"):
                continue
        if rule.roads:
            if classes is None:
                classes = _road_classes(broker, scope_of(place, broker.places), routing.roads, point)
            if not set(rule.roads) & set(classes):
                continue
        return Routed(rule.to, rule.reason)
    return Routed((TRIAGE,), _NO_RULE)


def team_name(routing: Routing | None, team: str) -> Text:
    """The name of an agency, or of a team with its agency's; the code itself for one that is not configured."""
    found = routing.teams().get(team) if routing else None
    if found is None:
        return {"en": "Triage", "id": "Pemilahan"} if team == TRIAGE else as_text(team)
    agency, name = found
    if not name:
        return agency.name
    return {language: f"{word}: {_in(name, language)}" for language, word in agency.name.items()}


def read_routing(path: Path, place: str) -> Routing:
    """Raises ConfigError naming the part that is missing, unknown or wrong."""
    raw = read_yaml(path)
    _known(path, "routing", raw, _KEYS)
    agencies = _agencies(path, raw.get("agencies"))
    teams = set(Routing(agencies, ()).teams())
    given = raw.get("rules") or []
    if not isinstance(given, list):
        raise ConfigError(path, "rules is a list, e.g. rules: [{service: [pothole], to: [public-works]}]")
    return Routing(
        agencies,
        [_rule(path, place, number, one, teams) for number, one in enumerate(given, 1)],
        _roads(path, raw.get("roads")),
        _days(path, "warn", raw.get("warn", 1)),
        tuple(_days(path, "escalate", one) for one in raw.get("escalate") or []),
    )


@functools.lru_cache(256)
def _read_again(path: Path, place: str, _changed: int) -> Routing:
    return read_routing(path, place)


def _agencies(path: Path, raw: object) -> dict[str, Agency]:
    if not isinstance(raw, Mapping) or not raw:
        raise ConfigError(
            path, "agencies names who there is, e.g. agencies: {public-works: {name: Dinas PU}}"
        )
    found = {}
    for code, one in raw.items():
        if not _NAME.fullmatch(str(code)) or code == TRIAGE or not isinstance(one, Mapping):
            raise ConfigError(
                path,
                f"agencies.{code}: its code is small letters, digits and - (not {TRIAGE}); it is a mapping",
            )
        _known(path, f"agencies.{code}", one, _AGENCY)
        if not one.get("name"):
            raise ConfigError(path, f"agencies.{code} needs a name")
        teams = one.get("teams") or {}
        if not isinstance(teams, Mapping) or not all(_NAME.fullmatch(str(team)) for team in teams):
            raise ConfigError(
                path, f"agencies.{code}.teams is a mapping, e.g. teams: {{roads: Bidang Jalan}}"
            )
        found[str(code)] = Agency(
            str(code),
            as_text(one["name"]),
            {str(team): as_text(name) for team, name in teams.items()},
            str(one.get("above") or ""),
            as_text(one["head"]) if one.get("head") else {},
            *_contacts(path, str(code), one, teams),
        )
    for agency in found.values():
        if agency.above and agency.above not in found:
            raise ConfigError(path, f"agencies.{agency.code}.above: there is no agency {agency.above!r}")
        if agency.above and _is_loop(found, agency):
            raise ConfigError(path, f"agencies.{agency.code}.above leads back to itself")
    return found


def _contacts(
    path: Path, code: str, one: Mapping[str, Any], teams: Mapping[str, Any]
) -> tuple[str, dict[str, str]]:
    """The agency's e-mail and those of its teams."""
    of_teams = one.get("contacts") or {}
    if not isinstance(of_teams, Mapping) or not of_teams.keys() <= teams.keys():
        raise ConfigError(
            path,
            f"agencies.{code}.contacts has an e-mail for some of its teams, e.g. {{roads: roads@example.id}}",
        )
    own = str(one.get("contact") or "")
    for address in (own, *map(str, of_teams.values())):
        if contact_faults(address):
            raise ConfigError(
                path, f"agencies.{code}: {address!r} is no e-mail address; write it as name@example.id"
            )
    return own, {str(team): str(address) for team, address in of_teams.items()}


def _is_loop(agencies: Mapping[str, Agency], first: Agency) -> bool:
    seen = {first.code}
    above = first.above
    while above:
        if above in seen:
            return True
        seen.add(above)
        above = agencies[above].above if above in agencies else ""
    return False


def _rule(path: Path, place: str, number: int, raw: object, teams: set[str]) -> Rule:
    at = f"rules, number {number}"
    if not isinstance(raw, Mapping):
        raise ConfigError(path, f"{at} is a mapping, e.g. {{service: [pothole], to: [public-works]}}")
    _known(path, at, raw, _RULE)
    to = _list(raw.get("to"))
    if not to or (unknown := sorted(set(to) - teams)):
        wrong = f"{unknown[0]!r} is no agency or agency/team" if to else "needs to"
        raise ConfigError(path, f"{at}: {wrong}; there are {', '.join(sorted(teams))}")
    hours = str(raw.get("hours") or "")
    if hours and hours not in _HOURS:
        raise ConfigError(path, f"{at}: hours is {' or '.join(_HOURS)}, not {hours!r}")
    area = raw.get("area")
    if area is not None and not (path.parent / str(area)).is_file():
        raise ConfigError(path, f"{at}: area is a GeoJSON file of this folder; there is no {area}")
    return Rule(
        tuple(to),
        as_text(raw["reason"]) if raw.get("reason") else _CITY_RULES,
        tuple(_list(raw.get("service"))),
        tuple(name.casefold() for name in _list(raw.get("district"))),
        tuple(name.casefold() for name in _list(raw.get("village"))),
        Place(f"{place}-{number}", "city", path.parent, {"name": at, "boundary": area}) if area else None,
        tuple(_list(raw.get("road"))),
        hours,
    )


def _roads(path: Path, raw: object) -> Roads:
    if raw is None:
        return Roads()
    if not isinstance(raw, Mapping) or set(raw) - {"type", "attribute", "within"}:
        raise ConfigError(path, "roads has type, attribute and within (metres)")
    within = raw.get("within", 30)
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0 < within <= 1000:
        raise ConfigError(path, f"roads.within is metres above 0 and at most 1000, not {within!r}")
    return Roads(str(raw.get("type", "RoadSegment")), str(raw.get("attribute", "roadClass")), float(within))


def _road_classes(broker: Broker, scope: str, roads: Roads, point: Point) -> tuple[str, ...]:
    """The classes of the roads near a point."""
    selection = Selection(
        types=Types(((roads.type,),)),
        geo=Geo("near", {"type": "Point", "coordinates": list(point)}, max_distance=roads.within),
        scopes=Scopes(((f"{scope}/#",),)),
    )
    found = (document.get(roads.attribute) for document in broker.query(selection, 20))
    return tuple(str(one["value"]) for one in found if isinstance(one, Mapping) and "value" in one)


def _known(path: Path, what: str, raw: Mapping[Any, Any], known: Sequence[str]) -> None:
    if unknown := sorted(str(key) for key in raw if key not in known):
        raise ConfigError(path, f"{what}: unknown {unknown[0]!r}; it has {', '.join(known)}")


def _list(raw: object) -> list[str]:
    return [str(one) for one in raw] if isinstance(raw, list) else [str(raw)] if raw else []


def _days(path: Path, name: str, raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= 366:
        raise ConfigError(path, f"{name} is working days from 0 to 366, not {raw!r}")
    return float(raw)


def _in(text: Text, language: str) -> str:
    return text.get(language) or next(iter(text.values()), "")
