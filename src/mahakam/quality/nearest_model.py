"""Which Smart Data Model a file is nearest to, and which of its attributes each column means, with how sure that is.

The names of attributes are those of smartdatamodels.org (``smart_data_models.json``, CC BY 4.0); a column's name is
compared with them, after Indonesian words are read in English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

LEAST = 0.8
"""A column that is less like an attribute is left as it is."""
_HINT, _WRONG_TYPE, _COMMON = 0.15, 0.6, 0.3
_ENOUGH = 0.3
_EVERYWHERE = frozenset(("name", "description", "source", "owner", "category", "status", "dateObserved"))
"""Attributes of so many models that they say little about which it is."""

_MEANS = {
    "name": ("nama", "name", "nama tempat", "unit kerja"),
    "description": ("keterangan", "deskripsi", "description", "catatan", "uraian"),
    "dateObserved": ("tanggal", "date", "waktu", "time", "timestamp", "date observed", "datetime", "tgl"),
    "observationDateTime": ("tanggal", "waktu", "timestamp", "observation date time"),
    "pm25": ("pm25", "pm2 5", "pm duakomalima", "pm dua lima"),
    "pm10": ("pm10", "pm sepuluh"),
    "so2": ("so2", "sulfur dioksida"),
    "co": ("co", "karbon monoksida"),
    "o3": ("o3", "ozon", "ozone"),
    "no2": ("no2", "nitrogen dioksida"),
    "airQualityIndex": ("ispu", "aqi", "psi", "indeks", "max", "air quality index"),
    "airQualityLevel": ("categori", "kategori", "kategori ispu", "air quality level"),
    "precipitation": ("curah hujan", "hujan", "rainfall", "rain", "rr", "rain mm", "precipitation"),
    "temperature": ("suhu", "temperatur", "temperature", "tavg", "suhu rata rata"),
    "relativeHumidity": ("kelembapan", "kelembaban", "humidity", "rh avg", "relative humidity"),
    "windSpeed": ("kecepatan angin", "ff avg", "wind speed"),
    "windDirection": ("arah angin", "ddd x", "wind direction"),
    "currentLevel": ("tinggi muka air", "tma", "water level", "tinggi air", "ketinggian air"),
    "alertLevel": ("siaga", "status siaga", "alert level"),
    "stationID": ("stasiun", "station", "id stasiun", "station id", "pos"),
    "totalSpotNumber": ("kapasitas", "kapasitas parkir", "capacity", "total lots"),
    "availableSpotNumber": ("tersedia", "available", "lots available"),
    "powerState": ("kondisi lampu", "nyala", "power state"),
    "streetPoleNum": ("nomor tiang", "no tiang", "kode tiang", "pole number"),
    "powerConsumption": ("daya", "watt", "power"),
    "laneNumber": ("jumlah lajur", "lajur", "lanes"),
    "length": ("panjang", "panjang jalan", "length"),
    "width": ("lebar", "lebar jalan", "width"),
    "intensity": ("jumlah kendaraan", "volume kendaraan", "intensity"),
    "averageVehicleSpeed": ("kecepatan rata rata", "average speed"),
    "floorsAboveGround": ("jumlah lantai", "lantai", "floors"),
    "category": ("kategori", "jenis", "tipe", "category"),
    "severity": ("tingkat", "keparahan", "severity"),
    "dateIssued": ("tanggal terbit", "date issued"),
    "status": ("status", "kondisi"),
    "operatedBy": ("pengelola", "operator"),
    "kpiValue": ("nilai", "capaian", "kpi value"),
    "service_request_id": ("nomor laporan", "service request id"),
    "requested_datetime": ("tanggal laporan", "requested datetime"),
    "LAeq": ("laeq", "kebisingan", "leq"),
    "owner": ("pemilik", "owner"),
    "source": ("sumber", "source"),
}
LATITUDES = frozenset(("lat", "latitude", "lintang", "y", "garis lintang", "koordinat y"))
LONGITUDES = frozenset(("lon", "lng", "long", "longitude", "bujur", "x", "garis bujur", "koordinat x"))


@dataclass(frozen=True, slots=True)
class Match:
    """A column means an attribute; ``confidence`` from 0 to 1."""

    attribute: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """``home``: where the model is described. ``confidence``: 0 to 1. ``columns``: column → its attribute."""

    model: str
    home: str
    confidence: float
    columns: Mapping[str, Match]


def nearest(columns: Mapping[str, str], name: str = "") -> list[Nearest]:
    """The models that a file may be of, the nearest first. ``columns``: name → logical type; ``name``: of the file."""
    said = set(plain(name).split())
    found = []
    for model, facts in _models().items():
        matches = _matches(columns, facts["attributes"])
        telling = sum(m.confidence for m in matches.values() if m.attribute not in _EVERYWHERE)
        common = sum(m.confidence for m in matches.values() if m.attribute in _EVERYWHERE)
        hinted = bool(said & set(facts["hints"]))
        if not telling and not hinted:
            continue
        share = (telling + _COMMON * common) / max(len(columns), 1)
        confidence = min(1.0, share + (_HINT if hinted else 0) + (_HINT if telling >= 2 else 0))
        if confidence >= _ENOUGH:
            found.append(Nearest(model, facts["home"], round(confidence, 2), matches))
    # Of two that fit alike, the one with fewer attributes says more.
    return sorted(found, key=lambda one: (-one.confidence, len(_models()[one.model]["attributes"])))


def coordinates(columns: Sequence[str]) -> tuple[str, str] | None:
    """The columns of longitude and latitude, if there is one of each."""
    east = [c for c in columns if plain(c) in LONGITUDES]
    north = [c for c in columns if plain(c) in LATITUDES]
    return (east[0], north[0]) if len(east) == len(north) == 1 else None


def plain(name: str) -> str:
    """Words of a name, in small letters: ``dateObserved``, ``Date_Observed`` → ``date observed``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[^0-9a-z]+", " ", spaced.casefold()).split())


def _matches(columns: Mapping[str, str], attributes: Mapping[str, str]) -> dict[str, Match]:
    """The best attribute of each column, each attribute once."""
    scored = [
        (likeness * (1 if _fits(type, attributes[attribute]) else _WRONG_TYPE), column, attribute)
        for column, type in columns.items()
        for attribute in attributes
        if (likeness := _alike(plain(column), attribute)) >= LEAST
    ]
    found: dict[str, Match] = {}
    taken: set[str] = set()
    for score, column, attribute in sorted(scored, key=lambda one: (-one[0], one[1], one[2])):
        if score >= LEAST and column not in found and attribute not in taken:
            found[column] = Match(attribute, round(score, 2))
            taken.add(attribute)
    return found


def _alike(column: str, attribute: str) -> float:
    own = plain(attribute)
    if column == own:
        return 1.0
    if column in _MEANS.get(attribute, ()):
        return 0.95
    return fuzz.ratio(column, own) / 100 if min(len(column), len(own)) > 4 else 0.0


def _fits(logical: str, wanted: str) -> bool:
    numbers, texts = ("integer", "number"), ("string", "date", "timestamp", "time")
    if wanted in numbers:
        return logical in numbers
    return logical in texts or logical in numbers or wanted == logical


@lru_cache(maxsize=1)
def _models() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("smart_data_models.json")
    models: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["models"]
    return models
