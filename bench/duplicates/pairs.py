"""Pairs of real New York 311 requests, each as a resident would have sent it: a place by phone, and own words.

Two requests are the same problem when they name the same address (or crossing) and the same family of complaint:
so people called about one party again and again. All other pairs near by are others, except that neighbours
who complain of the same within :data:`NEXT_DOOR` cannot be told from one party by anybody: ``unclear``. The city's
table has codes and no resident's words, so each request gets words of its own from the lists below (our own); the
lists of the half that is tried on and of the half that is measured share none.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mahakam.services.area import Point, distance

WITHIN = 200.0
"""Metres: farther apart no two requests are compared."""
NEXT_DOOR = 25.0
"""Metres between real places: the next house."""
PHONE = 8.0
"""Metres: standard deviation of a phone's place along each axis."""
_FAMILIES = {
    "Noise - Residential": "noise",
    "Noise - Street/Sidewalk": "noise",
    "Noise - Commercial": "noise",
    "Noise - Vehicle": "noise",
    "Noise - Park": "noise",
    "Noise": "noise",
    "Illegal Fireworks": "fireworks",
    "Illegal Parking": "parking",
    "Blocked Driveway": "parking",
    "Drinking": "public-order",
    "Non-Emergency Police Matter": "public-order",
    "Panhandling": "public-order",
    "Drug Activity": "public-order",
    "Encampment": "homeless",
    "Homeless Person Assistance": "homeless",
    "Street Condition": "pothole",
    "Street Light Condition": "street-light",
    "Illegal Dumping": "waste",
    "Dirty Condition": "waste",
    "UNSANITARY CONDITION": "waste",
    "WATER LEAK": "water-leak",
    "Damaged Tree": "fallen-tree",
}
_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Loud Music/Party": (
        ("very loud music since ten, we cannot sleep", "a party with big speakers", "music shakes the windows"),
        ("somebody plays music far too loud", "party next door again, please send someone", "bass all night long"),
    ),
    "Loud Talking": (
        ("people shouting under our windows", "a group talks loudly outside"),
        ("crowd screaming in front of the house", "loud voices for hours"),
    ),
    "Car/Truck Music": (
        ("a parked car with music at full volume", "music from a truck"),
        ("car stereo blasting at the corner", "vehicle with huge speakers"),
    ),
    "Banging/Pounding": (
        ("the neighbour bangs on the floor", "hammering at night"),
        ("someone pounds the wall", "constant banging upstairs"),
    ),
    "Blocked Hydrant": (
        ("a car stands at the fire hydrant", "hydrant is blocked by a van"),
        ("somebody parked right before a hydrant", "fire hydrant cannot be reached"),
    ),
    "No Access": (
        ("I cannot get out of my driveway", "a car blocks the gate of the garage"),
        ("driveway blocked completely", "my exit is parked shut"),
    ),
}  # fmt: skip
_FALLBACK = ("{kind}: {what}", "here is a problem with {kind} ({what}), please look")


@dataclass(frozen=True, slots=True)
class Report:
    """A request as its sender would have typed it; ``truth`` names its problem, ``real`` is where that is."""

    service: str
    point: Point
    words: str
    at: dt.datetime
    truth: str
    family: str
    real: Point


@dataclass(frozen=True, slots=True)
class Pair:
    """An earlier report and a later one near by."""

    earlier: Report
    later: Report

    @property
    def same(self) -> bool:
        return self.earlier.truth == self.later.truth

    @property
    def unclear(self) -> bool:
        """Neighbours with the same complaint: one problem or two, nobody can say."""
        near = distance(self.earlier.real, self.later.real) < NEXT_DOOR
        return not self.same and near and self.earlier.family == self.later.family

    @property
    def metres(self) -> float:
        return distance(self.earlier.point, self.later.point)


def halves(path: Path, seed: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs to try on and the pairs to measure on: no problem, and no list of words, is in both."""
    tried: list[dict[str, str]] = []
    held: list[dict[str, str]] = []
    for row in _rows(path):
        if row["latitude"]:
            first = random.Random(f"{seed} {row['borough']} {row['incident_zip']}").random() < 0.5
            (tried if first else held).append(row)
    return _pairs(tried, 0, seed), _pairs(held, 1, seed)


def _pairs(rows: list[dict[str, str]], half: int, seed: int) -> list[Pair]:
    chance = random.Random(seed * 2 + half)
    reports = sorted((_report(row, half, chance) for row in rows), key=lambda one: one.at)
    pairs = (Pair(one, other) for one, other in itertools.combinations(reports, 2))
    return [pair for pair in pairs if pair.metres <= WITHIN]


def _report(row: dict[str, str], half: int, chance: random.Random) -> Report:
    kind, what = row["complaint_type"], row["descriptor"]
    offered = _WORDS[what][half] if what in _WORDS else _FALLBACK
    words = chance.choice(offered).format(kind=kind.lower(), what=what.lower())
    place = float(row["longitude"]), float(row["latitude"])
    family = _FAMILIES.get(kind, kind.lower())
    return Report(
        service=family,
        point=_by_phone(place, chance),
        words=_mistyped(words, chance),
        at=dt.datetime.fromisoformat(row["created_date"]).replace(tzinfo=dt.UTC),
        truth=_truth(row),
        family=family,
        real=place,
    )


def _by_phone(point: Point, chance: random.Random) -> Point:
    degree = 111_195.0
    east = chance.gauss(0, PHONE) / (degree * math.cos(math.radians(point[1])))
    return point[0] + east, point[1] + chance.gauss(0, PHONE) / degree


def _mistyped(words: str, chance: random.Random) -> str:
    """One letter in forty is left out, as thumbs do."""
    return "".join(letter for letter in words if chance.random() > 0.025)


def _truth(row: dict[str, str]) -> str:
    crossing = " & ".join(sorted((row["intersection_street_1"], row["intersection_street_2"])))
    where = row["incident_address"] or crossing.strip(" &") or f"{row['latitude']},{row['longitude']}"
    return f"{_FAMILIES.get(row['complaint_type'], row['complaint_type'])} at {where}, {row['borough']}"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)
