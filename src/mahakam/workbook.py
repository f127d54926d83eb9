"""A workbook measured before it is opened: no decompression bomb, no sheet that spans billions of cells."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

_CELL = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_ROW = re.compile(rb'<row\b[^>]*?\br="(\d{1,7})"')


class Bomb(ValueError):
    """It unpacks to more bytes than are allowed."""


class Sprawling(ValueError):
    """A sheet spans more cells than are allowed: readers hold all of them, empty ones too."""

    def __init__(self, member: str, rows: int, columns: int) -> None:
        super().__init__(f"{member} spans {rows:,} rows by {columns:,} columns")
        self.member, self.rows, self.columns = member, rows, columns


class Damaged(ValueError):
    """It cannot be unpacked; says why."""


def measure(source: Path | BinaryIO, most_bytes: int, most_cells: int) -> None:
    """Unpack a workbook (a ZIP) once, counting, in blocks. Raises Bomb, Sprawling or Damaged."""
    total = 0
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(member.file_size for member in archive.infolist()) > most_bytes:
                raise Bomb
            for member in archive.infolist():
                rows, columns, tail = 0, 0, b""
                sheet = "worksheets/" in member.filename
                with archive.open(member) as part:
                    while chunk := part.read(1 << 20):
                        total += len(chunk)
                        if total > most_bytes:
                            raise Bomb
                        if sheet:
                            rows, columns = _span(tail + chunk, rows, columns)
                            tail = chunk[-200:]
                if rows * columns > most_cells:
                    raise Sprawling(member.filename, rows, columns)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Damaged(str(error)) from error


def _span(block: bytes, rows: int, columns: int) -> tuple[int, int]:
    """The furthest row and column that a piece of a sheet's XML names."""
    cells = _CELL.findall(block)
    if cells:
        rows = max(rows, max(int(row) for _, row in cells))
        columns = max(columns, max(column_number(letters) for letters in {letters for letters, _ in cells}))
    if found := _ROW.findall(block):
        rows = max(rows, max(map(int, found)))
    return rows, columns


def column_number(letters: bytes) -> int:
    """The number of a column, from 1, by its letters: AB is 28."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
