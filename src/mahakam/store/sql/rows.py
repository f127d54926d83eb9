"""Runs, lineage, held rows and corrections as table rows, and back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import orjson

from mahakam.store.model import Change, Correction, Held, Lineage, Run

_RUN_FACTS = tuple(f.name for f in fields(Run) if f.name not in ("id", "place", "feed"))
LINEAGE_COLUMNS = "entity, run, file, sheet, row, line, raw, digest, checks, warnings"
HELD_COLUMNS = "place, feed, run, file, sheet, row, line, raw, reasons, state, fixed, id, entity"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def run_facts(run: Run) -> str:
    return _json({name: getattr(run, name) for name in _RUN_FACTS})


def run_of(id: int, place: str, feed: str, facts: str) -> Run:
    return Run(id=id, place=place, feed=feed, **orjson.loads(facts))


def lineage_row(line: Lineage) -> tuple[Any, ...]:
    return (line.entity, line.run, line.file, line.sheet, line.row, line.line, _json(line.raw), line.digest,
            line.checks, _json(line.warnings))  # fmt: skip


def lineage_of(row: tuple[Any, ...]) -> Lineage:
    entity, run, file, sheet, number, line, raw, digest, checks, warnings = row
    return Lineage(
        entity, run, file, sheet, number, line, orjson.loads(raw), digest, checks, orjson.loads(warnings)
    )


def held_row(held: Held) -> tuple[Any, ...]:
    return (held.place, held.feed, held.run, held.file, held.sheet, held.row, held.line, _json(held.raw),
            _json(held.reasons), held.state, _json(held.fixed), held.entity)  # fmt: skip


def held_of(row: tuple[Any, ...]) -> Held:
    place, feed, run, file, sheet, number, line, raw, reasons, state, fixed, id, entity = row
    return Held(
        place, feed, run, file, sheet, number, line, orjson.loads(raw), orjson.loads(reasons), state,
        orjson.loads(fixed), id, entity,
    )  # fmt: skip


def change_of(row: tuple[Any, ...]) -> Change:
    return Change(*row)


def correction_of(row: tuple[Any, ...]) -> Correction:
    place, feed, column, old, new, author, at, reason, active, id = row
    return Correction(place, feed, column, old, new, author, at, reason, bool(active), id)
