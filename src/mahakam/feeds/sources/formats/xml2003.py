"""XML Spreadsheet 2003, which many programs write under the name .xls: sheets, cells at their places, merged areas."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from mahakam.feeds.sources import grids
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format, xml
from mahakam.feeds.sources.model import MAX_CELLS, MAX_COLUMNS, Pins, SourceError, Table

if TYPE_CHECKING:
    import duckdb

KIND = "an XML spreadsheet"
_SPACE = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MOST_ROWS = 1_048_576


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """One sheet as a table. Raises SourceError for XML that is broken, and for a sheet that is not there."""
    root = xml.parsed(found)
    sheets = {
        one.get(f"{_SPACE}Name") or f"sheet {n}": one
        for n, one in enumerate(root.iter(f"{_SPACE}Worksheet"), 1)
    }
    if not sheets:
        raise SourceError(found.name, "has no sheet of cells")
    listed = ", ".join(sheets)
    if pins.sheet is not None and pins.sheet not in sheets:
        raise SourceError(found.name, f"has no sheet {pins.sheet!r}; it has {listed}")
    full = [name for name, sheet in sheets.items() if sum(1 for _ in sheet.iter(f"{_SPACE}Row")) > 1]
    name = pins.sheet or (full or list(sheets))[0]
    grid, merged = _cells(found, sheets[name])
    notes = []
    if len(sheets) > 1 and pins.sheet is None:
        notes.append(f"has {len(sheets)} sheets: read {name!r}; pin sheet for another ({listed})")
    return grids.table(found, connection, pins, grid, merged, format="xml2003", sheet=name, notes=notes)


def _cells(found: Local, sheet: Element) -> tuple[grids.Grid, list[tuple[int, int, int, int]]]:
    grid: grids.Grid = []
    merged: list[tuple[int, int, int, int]] = []
    covered: dict[int, int] = {}
    cells = 0
    for row in sheet.iter(f"{_SPACE}Row"):
        at = _number(found, row, "Index", len(grid) + 1, _MOST_ROWS)
        grid += [[] for _ in range(at - 1 - len(grid))]
        line: list[str | None] = []
        for cell in row.iter(f"{_SPACE}Cell"):
            while covered.get(len(line), -1) >= at - 1:
                line.append(None)
            left = _number(found, cell, "Index", len(line) + 1, MAX_COLUMNS) - 1
            line += [None] * (left - len(line))
            across = _number(found, cell, "MergeAcross", 0, MAX_COLUMNS)
            down = _number(found, cell, "MergeDown", 0, _MOST_ROWS)
            line[left:] = [_text(cell.find(f"{_SPACE}Data")), *[None] * across]
            if across or down:
                merged.append((at - 1, left, at - 1 + down, left + across))
            if down:
                covered |= dict.fromkeys(range(left, left + across + 1), at - 1 + down)
        cells += len(line)
        if cells > MAX_CELLS:
            raise SourceError(found.name, f"holds more than {MAX_CELLS:,} cells; ask for the table as .csv")
        grid.append(line)
    return grid, merged


def _number(found: Local, element: Element, name: str, without: int, most: int) -> int:
    given = element.get(f"{_SPACE}{name}")
    if given is None:
        return without
    if not (given.isascii() and given.isdigit()) or not without <= int(given) <= most:
        raise SourceError(
            found.name, f"is a damaged XML spreadsheet: {name} is {given[:20]!r}; save it as .xlsx"
        )
    return int(given)


def _text(data: Element | None) -> str | None:
    """A cell as a person reads it: days without a time, moments in ISO form."""
    if data is None:
        return None
    text = "".join(data.itertext())
    if data.get(f"{_SPACE}Type") == "DateTime":
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return text or None
        return moment.date().isoformat() if moment.time() == dt.time(0) else moment.isoformat()
    if data.get(f"{_SPACE}Type") == "Boolean":
        return {"1": "true", "0": "false"}.get(text, text)
    return text or None


FORMAT = Format(read, "XML Spreadsheet 2003 (as .xls)", (KIND,), ())
