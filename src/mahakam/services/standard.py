"""The components of a service standard (Law 25/2009 on public services, art. 21), and where the service is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mahakam.config import ConfigError, Text, as_text

COMPONENTS: Mapping[str, Text] = {
    "requirements": {"en": "What you need", "id": "Persyaratan"},
    "procedure": {"en": "How it goes", "id": "Sistem, mekanisme, dan prosedur"},
    "time": {"en": "How long it takes", "id": "Jangka waktu penyelesaian"},
    "cost": {"en": "What it costs", "id": "Biaya/tarif"},
    "product": {"en": "What you get", "id": "Produk pelayanan"},
    "complaints": {"en": "Complaints and suggestions", "id": "Penanganan pengaduan, saran, dan masukan"},
    "legal_basis": {"en": "Legal basis", "id": "Dasar hukum"},
    "facilities": {"en": "Facilities", "id": "Sarana, prasarana, dan/atau fasilitas"},
    "competence": {"en": "Competence of the staff", "id": "Kompetensi pelaksana"},
    "supervision": {"en": "Internal supervision", "id": "Pengawasan internal"},
    "staff": {"en": "Number of staff", "id": "Jumlah pelaksana"},
    "guarantee": {"en": "Guarantee of the service", "id": "Jaminan pelayanan"},
    "safety": {"en": "Guarantee of security and safety", "id": "Jaminan keamanan dan keselamatan"},
    "evaluation": {"en": "Evaluation of performance", "id": "Evaluasi kinerja pelaksana"},
}
"""The fourteen of art. 21: the six of delivery first, then the eight of how the agency does it."""
DELIVERY = tuple(COMPONENTS)[:6]
_CHANNELS = {"address", "point", "hours", "phone", "email", "url"}
_HOURS = re.compile(r"(Mo|Tu|We|Th|Fr|Sa|Su)([-,](Mo|Tu|We|Th|Fr|Sa|Su))* \d\d:\d\d-\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Office:
    """Where a service is given besides this site. ``hours`` are as schema.org writes them: ``Mo-Fr 08:00-16:00``;
    ``point`` is longitude, latitude."""

    address: Text
    point: tuple[float, float] | None = None
    hours: tuple[str, ...] = ()
    phone: str = ""
    email: str = ""
    url: str = ""


Standard = Mapping[str, tuple[Text, ...]]
"""Component → its points, in the order of :data:`COMPONENTS`."""


def read_standard(path: Path, raw: object) -> Standard:
    """``standard:`` of a service: component → a text or a list of texts. Raises ConfigError."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise ConfigError(path, "standard is a mapping, e.g. standard: {cost: {en: Free, id: Gratis}}")
    if unknown := sorted(set(map(str, raw)) - set(COMPONENTS)):
        raise ConfigError(
            path, f"standard: unknown component {unknown[0]!r}; a standard has {', '.join(COMPONENTS)}"
        )
    return {name: _points(path, name, raw[name]) for name in COMPONENTS if name in raw}


def standard_of(own: Standard, above: Iterable[tuple[Path, object]]) -> Standard:
    """A service's own components, and where it says nothing those of the places that it is given in: ``above`` are
    their folders and ``standard:``, the nearest first. Raises ConfigError."""
    found = dict(own)
    for folder, raw in above:
        found = {**read_standard(folder, raw), **found}
    return {name: found[name] for name in COMPONENTS if name in found}


def read_office(path: Path, raw: object) -> Office | None:
    """``office:`` of a service. Raises ConfigError."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or "address" not in raw or set(raw) - _CHANNELS:
        raise ConfigError(path, f"office needs an address and may have {', '.join(sorted(_CHANNELS))}")
    hours = raw.get("hours") or []
    for one in hours if isinstance(hours, list) else [hours]:
        if not isinstance(one, str) or not _HOURS.fullmatch(one):
            raise ConfigError(
                path, f'office.hours is a list as ["Mo-Th 08:00-16:00", "Fr 08:00-11:00"], not {one!r}'
            )
    return Office(
        address=as_text(raw["address"]),
        point=_point(path, raw.get("point")),
        hours=tuple(hours) if isinstance(hours, list) else (hours,),
        phone=str(raw.get("phone") or ""),
        email=str(raw.get("email") or ""),
        url=_url(path, raw.get("url")),
    )


def _points(path: Path, name: str, value: object) -> tuple[Text, ...]:
    given: list[Any] = value if isinstance(value, list) else [value]
    if not given or any(one in (None, "", {}) or isinstance(one, list) for one in given):
        raise ConfigError(path, f"standard.{name} is a text or a list of texts, e.g. [{{en: …, id: …}}]")
    return tuple(as_text(one) for one in given)


def _point(path: Path, raw: object) -> tuple[float, float] | None:
    if raw is None:
        return None
    good = isinstance(raw, list) and len(raw) == 2 and all(isinstance(one, int | float) for one in raw)
    if not good or not (abs(raw[0]) <= 180 and abs(raw[1]) <= 90):  # type: ignore[index]
        raise ConfigError(path, f"office.point is [longitude, latitude] in degrees, not {raw!r}")
    return float(raw[0]), float(raw[1])  # type: ignore[index]


def _url(path: Path, raw: object) -> str:
    if raw and not str(raw).startswith(("https://", "http://")):
        raise ConfigError(path, f"office.url begins with https://, not {raw!r}")
    return str(raw or "")
