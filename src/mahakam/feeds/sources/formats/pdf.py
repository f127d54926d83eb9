"""The tables of a PDF: those of one width, on all pages or on one, are one table under one header."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mahakam.feeds.sources import grids, unruled
from mahakam.feeds.sources import layout as lay
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import Pins, SourceError, Table

if TYPE_CHECKING:
    import duckdb

MAX_PAGES = 500


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """``sheet`` pins a page (from 1). ``_line`` counts the rows of its tables, headers included.

    Raises SourceError for a PDF that is damaged, locked, scanned, or has no table that can be told.
    """
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.psexceptions import PSException
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        with pdfplumber.open(found.path) as document:
            total = len(document.pages)
            first, last = _pages(found, pins.sheet, total)
            pages = document.pages[first - 1 : last]
            tables = [table for page in pages for table in page.extract_tables()]
            words = any(page.chars for page in pages)
            ruled = bool(tables)
            if words and not ruled:
                tables = [table for page in pages if (table := unruled.table(page.extract_words()))]
    except (PdfminerException, PSException, ValueError, KeyError, TypeError) as error:
        if isinstance(error.__context__ or error, PDFPasswordIncorrect) or "Password" in repr(error):
            raise SourceError(found.name, "is locked with a password; ask for it without") from error
        raise SourceError(
            found.name,
            f"cannot be read as a PDF ({error or type(error).__name__}); ask for the table as .xlsx",
        ) from error
    if not tables:
        why = "has no table" if words else "holds pictures of text only (a scan)"
        raise SourceError(found.name, f"{why}; ask for the table as .xlsx")
    grid, notes = _joined(tables)
    if not ruled:
        notes.append("the table has no ruled lines: its columns are told by the gaps between them")
    return grids.table(
        found,
        connection,
        pins,
        grid,
        format="pdf",
        sheet=f"page {pins.sheet}" if pins.sheet else "",
        notes=notes,
    )


def _pages(found: Local, pinned: str | None, total: int) -> tuple[int, int]:
    if pinned is None:
        if total > MAX_PAGES:
            raise SourceError(found.name, f"has {total} pages, more than {MAX_PAGES}; pin one with sheet")
        return 1, total
    if not pinned.isdigit() or not 1 <= int(pinned) <= total:
        raise SourceError(found.name, f"has no page {pinned!r}; it has pages 1 to {total}")
    return int(pinned), int(pinned)


def _joined(tables: list[list[list[str | None]]]) -> tuple[grids.Grid, list[str]]:
    """The tables of the width that has the most rows, one under the other."""
    rows: Counter[int] = Counter()
    for table in tables:
        rows[len(table[0])] += len(table)
    width = max(rows, key=lambda each: rows[each])
    chosen = [
        [[None if cell is None else " ".join(cell.split()) for cell in row] for row in table]
        for table in tables
        if len(table[0]) == width
    ]
    grid: grids.Grid = []
    head: grids.Grid = []
    joined = 1
    for table in chosen:
        again = _repeated(head, table)
        if not again and (not grid or _is_other(head, table)):
            grid += [[None] * width] * bool(grid)
            head = table
        else:
            joined += 1
        grid += table[again:]
    notes = [f"joined {joined} tables"] if joined > 1 else []
    if len(chosen) < len(tables):
        notes.append(f"left out {len(tables) - len(chosen)} tables of another width")
    return grid, notes


def _repeated(head: grids.Grid, table: grids.Grid) -> int:
    """How many rows a table begins with that the first one begins with too: its header, on a page of its own."""
    return next(
        (n for n, (one, two) in enumerate(zip(head, table, strict=False)) if one != two),
        min(len(head), len(table)),
    )


def _is_other(head: grids.Grid, table: grids.Grid) -> bool:
    """Does a table begin with names of its own: words in every column in which the one before has numbers?"""
    body = [
        column
        for column in range(len(table[0]))
        if 2 * sum(lay.is_value(row[column]) for row in head) > len(head)
    ]
    return bool(body) and all(lay.filled(table[0][c]) and not lay.is_value(table[0][c]) for c in body)


FORMAT = Format(read, "PDF tables", ("a PDF document",), (".pdf",))
