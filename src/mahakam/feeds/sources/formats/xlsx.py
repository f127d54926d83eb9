"""Spreadsheets (XLSX, also XLS, XLSB, ODS): sheets, merged headers, notes beside and under the table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import grids
from mahakam.feeds.sources.broken_cells import broken_cells
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.layout import column_letter
from mahakam.feeds.sources.model import MAX_CELLS, Pins, SourceError, Table
from mahakam.workbook import Bomb, Damaged, Sprawling, measure

if TYPE_CHECKING:
    import duckdb

_MAX_UNPACKED = 1 << 30
_LOOKED = 200
_EXACT = 2**53
"""Up to it every whole number is one of its own as a float: an identity number of 16 digits is."""
_TEXT_NAMES = (".csv", ".tsv", ".txt", ".json", ".geojson")


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """One sheet as a table. Raises SourceError for a broken workbook, an unknown sheet, a decompression bomb."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, ZipError

    _guard(found)
    try:
        book = CalamineWorkbook.from_path(str(found.path))
        name, notes = _choose(found, book, pins)
        sheet = book.get_sheet_by_name(name)
        cells = sheet.to_python(skip_empty_area=False)
        merged = [(a[0], a[1], b[0], b[1]) for a, b in sheet.merged_cell_ranges or []]
    except PasswordError as error:
        raise SourceError(found.name, "is locked with a password; ask for it without") from error
    except (CalamineError, ZipError, OSError) as error:
        raise SourceError(
            found.name, f"cannot be read as a spreadsheet ({error}); save it again as .xlsx"
        ) from error
    decimal = pins.decimal or "."
    grid = [[_text(cell, decimal) for cell in row] for row in cells]
    notes = [*notes, *_broken(found.path, name, grid)]
    if not found.entry and found.name.lower().removesuffix(".gz").endswith(_TEXT_NAMES):
        notes = [*notes, f"is a spreadsheet, although it is named {PurePath(found.name).suffix}"]
    return grids.table(found, connection, pins, grid, merged, format="xlsx", sheet=name, notes=notes)


def cells_of(path: Path, name: str) -> list[list[str | None]]:
    """Every cell of the first sheet as text, empty rows too: row 1 is first. Raises SourceError as ``read`` does."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, ZipError

    _guard(Local(path, name, path, path.stat().st_size, "xlsx"))
    try:
        cells = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except PasswordError as error:
        raise SourceError(name, "is locked with a password; ask for it without") from error
    except (CalamineError, ZipError, OSError) as error:
        raise SourceError(
            name, f"cannot be read as a spreadsheet ({error}); save it again as .xlsx"
        ) from error
    return [[_text(cell, ".") for cell in row] for row in cells]


def _choose(found: Local, book: Any, pins: Pins) -> tuple[str, list[str]]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    names = [meta.name for meta in sheets]
    if pins.sheet is not None:
        match = [n for n in names if n == pins.sheet] or [
            n for n in names if n.strip().lower() == pins.sheet.strip().lower()
        ]
        if not match:
            raise SourceError(
                found.name, f"has no sheet {pins.sheet!r}; it has {', '.join(map(repr, names))}"
            )
        return match[0], []
    visible = [meta.name for meta in sheets if meta.visible == SheetVisibleEnum.Visible] or names
    if not visible:
        raise SourceError(found.name, "has no sheet of cells")
    if len(visible) == 1:
        return visible[0], []
    read = {name: book.get_sheet_by_name(name) for name in visible}
    tall = [name for name, sheet in read.items() if sheet.height > 1]
    name = next((name for name in tall if _is_table(read[name])), (tall or visible)[0])
    listed = ", ".join(visible)
    return name, [f"has {len(visible)} sheets: read {name!r}; pin sheet for another ({listed})"]


def _is_table(sheet: Any) -> bool:
    """Has it two rows of two cells, or is it a cover, a page of instructions?"""
    rows = (sum(cell not in ("", None) for cell in row) for row in sheet.to_python(nrows=_LOOKED))
    return sum(cells > 1 for cells in rows) > 1


def _broken(path: Path, sheet: str, grid: list[list[str | None]]) -> list[str]:
    """Put what broken formulas say into their cells, which come as empty ones (of .ods perhaps as 0); what to note."""
    found = broken_cells(path, sheet)
    for (row, column), error in found.items():
        if row < len(grid) and column < len(grid[row]):
            grid[row][column] = error
    if not found:
        return []
    some = ", ".join(f"{column_letter(c)}{r + 1} {error}" for (r, c), error in sorted(found.items())[:5])
    more = ", …" if len(found) > 5 else ""
    return [
        f"{len(found)} cells hold the error of a formula and no value ({some}{more}): have the formula mended"
    ]


def _text(value: Any, decimal: str) -> str | None:
    """A cell as a person reads it: whole numbers without a point, dates in ISO form."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer() and abs(value) <= _EXACT:
            return str(int(value))
        text = repr(value)
        return text.replace(".", decimal) if decimal != "." else text
    if isinstance(value, dt.datetime):
        whole = value.time() == dt.time(0)
        return value.date().isoformat() if whole else value.isoformat(timespec="auto")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return _duration(value)
    return str(value)


def _duration(value: dt.timedelta) -> str:
    seconds = int(value.total_seconds())
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _guard(found: Local) -> None:
    """Raises SourceError for a workbook that would not fit into memory once it is opened."""
    with found.path.open("rb") as file:
        if file.read(2) != b"PK":
            return
    try:
        measure(found.path, _MAX_UNPACKED, MAX_CELLS)
    except Bomb:
        raise SourceError(
            found.name,
            f"{found.bytes:,} bytes unpack to more than {_MAX_UNPACKED:,}; it is refused as a decompression bomb",
        ) from None
    except Sprawling as wide:
        raise SourceError(
            found.name,
            f"spans {wide.rows:,} rows by {wide.columns:,} columns, more than {MAX_CELLS:,} cells; "
            "delete the stray cells far from the table, or save it as .csv",
            where=wide.member,
        ) from None
    except Damaged as error:
        raise SourceError(
            found.name, f"is a damaged spreadsheet ({error}); save it again as .xlsx"
        ) from error


FORMAT = Format(read, "XLSX, XLS, ODS", ("xlsx", "xls"), (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"))
