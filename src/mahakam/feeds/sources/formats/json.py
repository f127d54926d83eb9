"""JSON: a list of records, a list somewhere inside (``records: result.items``), or one record a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import json_shapes, records
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import MAX_LINE, Fault, Pins, SourceError, SourceInfo, Table
from mahakam.feeds.sources.scan import too_long
from mahakam.feeds.sources.text import Text, prepare

if TYPE_CHECKING:
    import duckdb


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """The records as a table; ``_line`` is the line (JSON lines) or the record's number.

    Raises SourceError for invalid JSON and where no list of records is.
    """
    text = prepare(found, pins.encoding)
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        "json",
        entry=found.entry,
        encoding=text.encoding,
        notes=text.notes,
    )
    if (pins.records is None or _named_lines(found)) and _is_lines(found, text):
        info.notes.append("one record a line (JSON lines)")
        faults: list[Fault] = []
        constants: Counter[str] = Counter()
        lines = _lines(found, text, faults, constants)
        table = records.table(found, connection, info, lines, geometry=False)
        table.faults.extend(faults)
        info.notes += records.constant_notes(constants)
        return table
    constants = Counter()
    document = records.load(found, records.whole_text(found, text.path), constants=constants)
    info.notes += records.constant_notes(constants)
    if pins.records is None and (shaped := json_shapes.records_of(document)) is not None:
        items, note = shaped
        info.notes.append(note)
    else:
        items, where = _find(found, document, pins.records)
        if where and pins.records is None:
            info.notes.append(f"records read from {where!r}; pin records for another list")
    return records.table(found, connection, info, _items(found, items), geometry=False)


def _named_lines(found: Local) -> bool:
    """By its name a record a line: then ``records`` says where they were before they were written so."""
    return found.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))


def _is_lines(found: Local, text: Text) -> bool:
    if _named_lines(found):
        return True
    with text.path.open("r", encoding="utf-8-sig") as file:
        first, second = file.readline(1 << 20).strip(), file.readline(64).strip()
    return first.startswith("{") and first.endswith("}") and second.startswith("{")


def _lines(
    found: Local, text: Text, faults: list[Fault], constants: Counter[str]
) -> Iterator[records.Record]:
    """A last line that was cut off is a fault of its row, and hides no other."""
    row = 0
    with text.path.open("r", encoding="utf-8-sig") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise too_long(found.name, number)
            if not line.strip():
                continue
            row += 1
            try:
                members = _members(found, records.load(found, line, line=number, constants=constants), number)
            except SourceError as error:
                if row == 1 or line.endswith(("\n", "}")):
                    raise
                faults.append(Fault(row, number, line.rstrip("\r\n")[:2000], error.problem, "a JSON object"))
                members = {}
            yield number, members, None


def _items(found: Local, items: list[Any]) -> Iterator[records.Record]:
    for number, item in enumerate(items, 1):
        yield number, _members(found, item, number), None


def _members(found: Local, item: Any, number: int) -> dict[str, Any]:
    if isinstance(item, dict):
        return item
    if isinstance(item, list):
        return {f"column {position}": value for position, value in enumerate(item, 1)}
    raise SourceError(
        found.name, f"holds {type(item).__name__} where an object was expected", where=f"record {number}"
    )


def _find(found: Local, document: Any, path: str | None) -> tuple[list[Any], str]:
    if path:
        place = document
        for part in path.split("."):
            if isinstance(place, list) and part.isdigit() and int(part) < len(place):
                place = place[int(part)]
            elif isinstance(place, dict) and part in place:
                place = place[part]
            else:
                have = ", ".join(place) if isinstance(place, dict) else type(place).__name__
                raise SourceError(found.name, f"has no {part!r} on the way {path!r}; there is: {have}")
        if not isinstance(place, list):
            raise SourceError(found.name, f"records: {path!r} leads to {type(place).__name__}, not to a list")
        return place, path
    if isinstance(document, list):
        return document, ""
    if isinstance(document, dict):
        lists = json_shapes.lists(document)
        if len(lists) == 1:
            return next((v, k) for k, v in lists.items())
        if (chosen := json_shapes.main_list(lists)) is not None:
            return lists[chosen], chosen
        if len(lists) > 1:
            raise SourceError(
                found.name, f"holds several lists; say which with records: ({', '.join(lists)})"
            )
        return [document], ""
    raise SourceError(found.name, f"is JSON, but no list of records: it is one {type(document).__name__}")


FORMAT = Format(read, "JSON", ("text",), (".json", ".jsonl", ".ndjson"))
