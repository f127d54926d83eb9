"""An action plan as rows under columns: what its file holds, whether YAML or a workbook, and how each cell is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from mahakam.faults import Fault

Kind = Literal["text", "words", "number", "year", "date", "list", "lines", "flag", "days"]
LANGUAGES = ("en", "id")
COLUMNS: dict[str, dict[str, Kind]] = {
    "plan": {"city": "text", "vision": "words", "until": "year", "example": "flag"},
    "focus_areas": {"area": "text", "sub_areas": "list", "why": "words"},
    "targets": {"text": "words", "due": "date"},
    "projects": {
        "key": "text",
        "title": "words",
        "overview": "words",
        "area": "text",
        "sub_area": "text",
        "begins": "date",
        "ends": "date",
        "budget": "number",
        "currency": "text",
        "source": "text",
        "running_cost": "number",
        "running_source": "text",
        "partners": "list",
        "support": "list",
        "challenges": "words",
        "register": "text",
    },
    "milestones": {"project": "text", "key": "text", "text": "words", "due": "date"},
    "outcomes": {
        "indicator": "text",
        "name": "text",
        "unit": "text",
        "project": "text",
        "baseline_year": "year",
        "baseline": "number",
        "target_year": "year",
        "target": "number",
    },
    "progress": {
        "year": "year",
        "project": "text",
        "done": "days",
        "spent": "number",
        "text": "text",
        "challenges": "text",
        "support": "text",
        "next": "text",
        "evidence": "lines",
    },
}
"""Sheet → column → what its cells hold. ``words`` are two columns of a workbook: title_en, title_id; a ``list`` is
parted by semicolons, ``days`` are ``M1 2026-03-31; M2 2026-05-01``."""


@dataclass(frozen=True, slots=True)
class Row:
    """``where`` says it to a person: ``projects, row 4`` or ``projects, entry 2``."""

    where: str
    cells: Mapping[str, Any]


def at(row: Row, column: str) -> str:
    return f"{row.where}, {column}"


def misspelt(where: str, name: str, known: Sequence[str]) -> Fault:
    """A column or key that there is not, with the one that may be meant."""
    near = get_close_matches(name, known, n=1)
    return Fault(where, "column", {"what": name, "known": near[0] if near else ", ".join(known)})


def read(sheet: str, rows: Sequence[Row]) -> tuple[list[Row], list[Fault]]:
    """Cells as values of their kind: a missing one is "" , None, {} or (); what cannot be read is a fault."""
    found, faults = [], []
    for row in rows:
        cells: dict[str, Any] = {}
        for column, kind in COLUMNS[sheet].items():
            raw = row.cells.get(column)
            try:
                cells[column] = _READ[kind](raw)
            except ValueError:
                cells[column] = _READ[kind](None)
                faults.append(Fault(at(row, column), f"cell_{kind}", {"what": str(raw)[:80]}))
        found.append(Row(row.where, cells))
    return found, faults


def _text(raw: Any) -> str:
    if raw is None:
        return ""
    if isinstance(raw, bool | dict | list):
        raise ValueError(raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    return str(raw).strip()


def _words(raw: Any) -> dict[str, str]:
    if isinstance(raw, str) and raw.strip():
        return {"en": raw.strip()}
    if raw is None or raw == "":
        return {}
    if not isinstance(raw, Mapping) or set(raw) - set(LANGUAGES):
        raise ValueError(raw)
    return {one: text for one in LANGUAGES if (text := _text(raw.get(one)))}


def number(raw: Any) -> float | None:
    """A number, or text that is one: 1200000, 1.200.000, 1,200,000, 12.5, 12,5. Raises ValueError."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool):
        raise ValueError(raw)
    if not isinstance(raw, int | float):
        text = str(raw).strip().replace("\u00a0", "").replace(" ", "")
        for mark in ",.":
            parts = text.split(mark)
            grouped = len(parts) > 2 or (
                len(parts) == 2 and len(parts[0].lstrip("-")) <= 3 and parts[0] != "0"
            )
            if grouped and len(parts) > 1 and all(len(one) == 3 and one.isdigit() for one in parts[1:]):
                text = text.replace(mark, "")
        if not text:
            return None
        raw = float(text.replace(",", "."))
    if raw != raw or raw in (float("inf"), float("-inf")):
        raise ValueError(raw)
    return int(raw) if float(raw).is_integer() else float(raw)


def _year(raw: Any) -> int:
    found = number(raw)
    if found is None:
        return 0
    if not isinstance(found, int) or not 1990 <= found <= 2100:
        raise ValueError(raw)
    return found


def _date(raw: Any) -> str:
    if raw is None or raw == "":
        return ""
    if isinstance(raw, dt.datetime):
        return raw.date().isoformat()
    if isinstance(raw, dt.date):
        return raw.isoformat()
    text = str(raw).strip()
    if len(text) != 10:
        raise ValueError(raw)
    return dt.date.fromisoformat(text).isoformat()


def _list(raw: Any) -> tuple[str, ...]:
    parts = raw if isinstance(raw, list | tuple) else _text(raw).split(";")
    return tuple(text for one in parts if (text := _text(one)))


def _lines(raw: Any) -> tuple[str, ...]:
    parts = raw if isinstance(raw, list | tuple) else _text(raw).replace(";", "\n").splitlines()
    return tuple(text for one in parts if (text := _text(one)))


def _flag(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    text = _text(raw).casefold()
    if text in ("", "no", "false", "0", "tidak"):
        return False
    if text in ("yes", "true", "1", "ya"):
        return True
    raise ValueError(raw)


def _days(raw: Any) -> dict[str, str]:
    if isinstance(raw, Mapping):
        return {str(key): _date(day) for key, day in raw.items()}
    found = {}
    for part in _text(raw).replace("\n", ";").split(";"):
        if part.strip():
            key, _, day = part.strip().partition(" ")
            if not day.strip():
                raise ValueError(raw)
            found[key] = _date(day.strip())
    return found


_READ: dict[Kind, Any] = {
    "text": _text,
    "words": _words,
    "number": number,
    "year": _year,
    "date": _date,
    "list": _list,
    "lines": _lines,
    "flag": _flag,
    "days": _days,
}
