"""What a file holds, as the beginning of a draft: columns, samples, ranges, a key, personal data, the nearest model."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.feeds.connecting.draft import Column, Draft, take_model
from mahakam.feeds.run import MEMORY, explained
from mahakam.feeds.sources import read
from mahakam.feeds.sources.model import GEOMETRY, SourceError, identifier
from mahakam.quality.infer import entity_name, inspect
from mahakam.quality.nearest_model import coordinates, nearest

if TYPE_CHECKING:
    from mahakam.quality.profile import ColumnProfile, Profile

SAMPLES, SHOWN = 5, 8
_LOOKED, _LONGEST = 200, 80
_TAKEN = 0.5
"""A model that is so near is proposed with its names; a farther one is only offered."""
_ENDINGS = re.compile(
    r"(\.(gz|zip|csv|tsv|txt|xlsx|xls|ods|geojson|json|jsonl|xml|parquet|kml|gpkg|shp|pdf))+$", re.I
)


def look(file: Path, place: str, author: str, pins: Mapping[str, str] | None = None) -> Draft:
    """The draft of a file. One that cannot be read has a ``problem`` and no columns; nothing is raised for it."""
    import duckdb

    stem = _ENDINGS.sub("", file.name) or "data"
    title = re.sub(r"[_\W]+", " ", stem).strip() or stem
    draft = Draft(
        place, file.name, author, time.time(), title[:1].upper() + title[1:], _slug(stem), entity_name(stem),
        pins={key: value for key, value in (pins or {}).items() if value},
    )  # fmt: skip
    connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": 2})
    try:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = true")
        table = read(file, connection, **dict[str, Any](draft.pins))
        table.relation.create_view("source", replace=True)
        seen, document = inspect(connection, "source", table.columns, stem, without_totals=True)
        draft.format = table.info.format
        draft.notes = [*table.info.notes, *(f"{n} × {reason}" for reason, n in table.left_out.items())]
        draft.notes += seen.remarks
        draft.totals_rows = [f"{one.row} {one.label}".strip() for one in seen.totals.rows]
        draft.totals = [mark.skip for mark in seen.totals.marks]
        schema = document["schema"][0]
        draft.across = [rule for rule in schema.get("quality", ()) if "implementation" in rule]
        _fill(draft, connection, seen, schema["properties"])
    except (SourceError, OSError, MemoryError, duckdb.Error) as error:
        draft.problem = explained(error)
    finally:
        connection.close()
    return draft


def _fill(draft: Draft, connection: Any, seen: Profile, properties: list[dict[str, Any]]) -> None:
    draft.rows, draft.markers = seen.rows + seen.left_out, seen.markers
    names = [column.name for column in seen.columns]
    rows = _rows(connection, names)
    draft.sample = [[_short(value) for value in row] for row in rows[:SHOWN]]
    for number, (column, given) in enumerate(zip(seen.columns, properties, strict=True)):
        present = [text for row in rows if (text := row[number]) and text not in seen.markers]
        draft.columns.append(_column(column, given, present))
    types = {c.name: c.type for c in draft.columns}
    point = coordinates([c.name for c in draft.columns if c.type in ("number", "integer")])
    geometry = GEOMETRY in names
    if point and not geometry:
        draft.point, draft.location = list(point), True
        for one in draft.columns:
            one.use = one.name not in point
    found = nearest({n: t for n, t in types.items() if n != GEOMETRY}, draft.title)[:3]
    draft.models = [{"model": m.model, "home": m.home, "confidence": m.confidence} for m in found]
    for one in draft.columns:
        if one.name == GEOMETRY:
            one.property["name"] = "location"
        elif found and (match := found[0].columns.get(one.name)):
            one.attribute, one.confidence = match.attribute, match.confidence
    take_model(draft, found[0].model if found and found[0].confidence >= _TAKEN else "")


def _column(column: ColumnProfile, given: dict[str, Any], present: list[str]) -> Column:
    kind = column.suspected
    return Column(
        column.name,
        given,
        list(dict.fromkeys(_short(value) for value in present))[:SAMPLES],
        column.missing,
        column.distinct,
        _bound(column.low),
        _bound(column.high),
        kind,
        type=given["logicalType"],
        required=bool(given.get("required")),
        key=bool(given.get("primaryKey")),
        personal=bool(kind),
    )


def _rows(connection: Any, names: list[str]) -> list[tuple[str | None, ...]]:
    listed = ", ".join(identifier(name) for name in names)
    return connection.execute(f"SELECT {listed} FROM source ORDER BY _row LIMIT {_LOOKED}").fetchall()  # type: ignore[no-any-return]  # noqa: S608 - quoted


def _bound(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _short(value: str | None) -> str:
    text = value or ""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:60].strip("-") or "data"
