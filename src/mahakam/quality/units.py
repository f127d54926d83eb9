"""The ways in which a unit is written: UN/CEFACT common codes, signs, letters that keyboards lack."""

from __future__ import annotations

import itertools
from typing import Final

SAME: Final[tuple[tuple[str, ...], ...]] = (
    ("µg/m3", "GQ"), ("mg/m3", "GP"), ("mg/L", "M1", "mg/liter", "ppm (w/v)"), ("°C", "CEL", "degC", "C"),
    ("%", "P1", "percent", "persen"), ("km", "KMT", "kilometer"), ("m", "MTR", "meter", "metre"),
    ("cm", "CMT", "sentimeter"), ("mm", "MMT", "milimeter"), ("km2", "KMK", "sq km"), ("m2", "MTK", "meter persegi"),
    ("ha", "HAR", "hektar", "hektare", "hectare"), ("m3", "MTQ", "meter kubik"), ("L", "LTR", "liter", "litre"),
    ("kg", "KGM", "kilogram"), ("t", "TNE", "ton", "tonne"), ("m/s", "MTS"), ("km/h", "KMH", "km/jam"),
    ("hPa", "A97"), ("dB", "2N"), ("kWh", "KWH"), ("W", "WTT"), ("person", "C62", "orang", "jiwa", "people"),
    ("s", "SEC", "detik"), ("min", "MIN", "menit", "minute"), ("h", "HUR", "jam", "hour"), ("d", "DAY", "hari"),
)  # fmt: skip
"""Units that mean one thing: the sign, then its code of UNECE Recommendation 20, then words."""
_FORMS: Final = (("µ", "μ", "u"), ("3", "³", "^3"), ("2", "²", "^2"))


def spellings(unit: str) -> frozenset[str]:
    """Every way of writing a unit that means the same, itself included."""
    group = next((some for some in SAME if unit in {s for one in some for s in _written(one)}), (unit,))
    return frozenset(itertools.chain.from_iterable(_written(one) for one in (unit, *group)))


def _written(unit: str) -> frozenset[str]:
    """One sign with its marks written each way: ``µg/m3`` is ``ug/m³`` too."""
    found = {unit}
    for forms in _FORMS:
        for one in forms:
            if one in unit:
                found |= {text.replace(one, other) for text in list(found) for other in forms}
    return frozenset(found)
