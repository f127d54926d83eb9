"""A dataset's data standard and its three kinds of statistical metadata, as Satu Data Indonesia asks for them.

The data standard has five parts (BPS regulation 4/2020); statistical metadata tells of the activity (MS-Keg), of each
variable (MS-Var) and of each indicator (MS-Ind; BPS regulation 5/2020). A feed's file declares them under
``statistics``; what it leaves open may be written in the form of the list of data.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

STANDARD = ("concept", "definition", "classification", "measure", "unit")
ACTIVITY = (
    "title", "organiser", "sector", "background", "purpose", "method", "period", "coverage", "observed", "sampling",
    "quality", "dissemination",
)  # fmt: skip
VARIABLE = (
    "name", "alias", "concept", "definition", "reference", "period", "type", "classification", "validation", "question",
    "public",
)  # fmt: skip
INDICATOR = (
    "name", "concept", "definition", "interpretation", "formula", "measure", "unit", "classification", "composite",
    "variables", "level", "public",
)  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    "standard": STANDARD,
    "activity": ("title", "organiser", "purpose", "method", "period", "coverage", "observed"),
    "variables": ("name", "concept", "definition", "type"),
    "indicators": ("name", "concept", "definition", "interpretation", "formula", "measure", "unit"),
}
"""Without these an examination finds a gap; the other fields are filled in where they apply."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "standard": STANDARD, "activity": ACTIVITY, "variables": VARIABLE, "indicators": INDICATOR,
}  # fmt: skip
TERMS: Mapping[str, tuple[str, ...]] = {
    "standard": ("konsep", "definisi", "klasifikasi", "ukuran", "satuan"),
    "activity": (
        "judulKegiatan", "penyelenggara", "sektor", "latarBelakang", "tujuan", "caraPengumpulan", "periode",
        "cakupanWilayah", "unitObservasi", "metodeSampel", "penjaminanMutu", "diseminasi",
    ),
    "variables": (
        "namaVariabel", "alias", "konsep", "definisi", "referensiPemilihan", "referensiWaktu", "tipeData",
        "klasifikasiIsian", "aturanValidasi", "kalimatPertanyaan", "aksesUmum",
    ),
    "indicators": (
        "namaIndikator", "konsep", "definisi", "interpretasi", "metodePenghitungan", "ukuran", "satuan",
        "klasifikasiPenyajian", "indikatorKomposit", "variabelPembangun", "levelEstimasi", "aksesUmum",
    ),
}  # fmt: skip
"""The regulations' words for the fields of PARTS, for catalogues that others read."""
LONGEST, MOST = 2000, 60
"""Characters of a field; variables or indicators of a dataset."""

Words = dict[str, str]


class Statistics(msgspec.Struct, frozen=True):
    """What is declared of a dataset; fields that nobody filled in are not there."""

    standard: Words = {}
    activity: Words = {}
    variables: tuple[Words, ...] = ()
    indicators: tuple[Words, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.standard or self.activity or self.variables or self.indicators)

    def over(self, other: Statistics) -> Statistics:
        """This one, and where it says nothing the other; variables and indicators are the same by their names."""
        return Statistics(
            other.standard | self.standard,
            other.activity | self.activity,
            _joined(self.variables, other.variables),
            _joined(self.indicators, other.indicators),
        )

    def gaps(self) -> dict[str, tuple[str, ...]]:
        """What is needed and missing: part → fields, of variables and indicators as ``name.field``.

        No indicator is no gap: a dataset need not have one.
        """
        found: dict[str, tuple[str, ...]] = {}
        for part, words in (("standard", self.standard), ("activity", self.activity)):
            found[part] = tuple(field for field in NEEDED[part] if not words.get(field))
        for part, several in (("variables", self.variables), ("indicators", self.indicators)):
            found[part] = tuple(
                f"{one.get('name') or number}.{field}"
                for number, one in enumerate(several, 1)
                for field in NEEDED[part]
                if not one.get(field)
            )
        if not self.variables:
            found["variables"] = ("name",)
        return {part: fields for part, fields in found.items() if fields}


def termed(part: str, words: Words) -> Words:
    """Fields under the regulations' words, in their order."""
    return {
        term: words[field] for field, term in zip(PARTS[part], TERMS[part], strict=True) if words.get(field)
    }


def problem(given: object) -> str:
    """What is wrong with a feed's ``statistics``; "" for nothing."""
    if not isinstance(given, Mapping):
        return f"must be a mapping, as {{standard: {{concept: Rain}}}}, not {given!r}"
    for part, value in given.items():
        if part not in PARTS:
            return f"{part}: unknown key{_nearest(str(part), PARTS)} (known: {', '.join(PARTS)})"
        several = part in ("variables", "indicators")
        if several and not isinstance(value, list):
            return f"{part}: must be a list, as [{{name: rain, concept: Rain}}], not {value!r}"
        if len(value or ()) > MOST:
            return f"{part}: {len(value)} are too many; {MOST} at most"
        for number, one in enumerate(value if several else [value], 1):
            if said := _problem(PARTS[part], one, several):
                return f"{part}{f' {number}' if several else ''}: {said}"
        names = [str(one["name"]) for one in value] if several else []
        if twice := next((name for name in names if names.count(name) > 1), ""):
            return f"{part}: {twice!r} stands twice; give each its own name"
    return ""


def _problem(fields: tuple[str, ...], one: object, named: bool) -> str:
    if not isinstance(one, Mapping):
        return f"must be a mapping (key: value), not {one!r}"
    for key, value in one.items():
        if key not in fields:
            return f"{key}: unknown key{_nearest(str(key), fields)} (known: {', '.join(fields)})"
        if value is None or isinstance(value, dict | list):
            return f"{key}: must be one text, not {value!r}"
        if len(str(value)) > LONGEST:
            return f"{key}: has {len(str(value)):,} characters; {LONGEST:,} at most"
    if named and not one.get("name"):
        return "needs a name"
    return ""


def read(given: Mapping[str, Any]) -> Statistics:
    """What a mapping without :func:`problem` declares."""
    return Statistics(
        _words(given.get("standard") or {}),
        _words(given.get("activity") or {}),
        tuple(_words(one) for one in given.get("variables", ())),
        tuple(_words(one) for one in given.get("indicators", ())),
    )


def _words(given: Mapping[str, Any]) -> Words:
    return {key: _word(value) for key, value in given.items() if _word(value)}


def _word(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value).strip()


def _joined(mine: Iterable[Words], others: Iterable[Words]) -> tuple[Words, ...]:
    found = {one.get("name", ""): one for one in mine}
    for other in others:
        name = other.get("name", "")
        found[name] = other | found.get(name, {})
    return tuple(found.values())


def _nearest(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f"; did you mean {match[0]!r}?" if match else ""
