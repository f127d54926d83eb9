"""A workbook measured before it is opened: no decompression bomb, no sheet that spans billions of cells."""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

_CELL = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_BROKEN = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>(?:(?!</(?:\w+:)?c>).)*?'
    rb"<(?:\w+:)?v>(#[^<]{1,20})</", re.DOTALL,
)  # fmt: skip
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]*>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(rb'([\w:]+)\s*=\s*"([^"]*)"')
_LONGEST_CELL = 4096
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


def broken_cells(source: Path, sheet: str) -> dict[tuple[int, int], str]:
    """(row, column), from 0, → what a formula in a sheet of a workbook (.xlsx) says in place of a value: ``#REF!``.

    Readers give such cells as empty ones. Empty for any other kind of file.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            member = _member(archive, sheet)
            found: dict[tuple[int, int], str] = {}
            if member is None:
                return found
            tail = b""
            with archive.open(member) as part:
                while chunk := part.read(1 << 20):
                    block = tail + chunk
                    if b't="e"' in block:
                        found |= {
                            (int(row) - 1, _column_number(letters) - 1): error.decode("ascii", "replace")
                            for letters, row, error in _BROKEN.findall(block)
                        }
                    tail = block[-_LONGEST_CELL:]
            return found
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ):
        return {}


def _member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The member of the archive that holds a sheet."""
    book = [dict(_ATTRIBUTE.findall(tag)) for tag in _SHEET.findall(archive.read("xl/workbook.xml"))]
    relations = _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {
        one[b"Id"]: one[b"Target"] for tag in relations if b"Id" in (one := dict(_ATTRIBUTE.findall(tag)))
    }
    for one in book:
        id = next((value for name, value in one.items() if name.rpartition(b":")[2] == b"id"), b"")
        if html.unescape(one.get(b"name", b"").decode()) == sheet and id in targets:
            target = targets[id].decode()
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None


def _span(block: bytes, rows: int, columns: int) -> tuple[int, int]:
    """The furthest row and column that a piece of a sheet's XML names."""
    cells = _CELL.findall(block)
    if cells:
        rows = max(rows, max(int(row) for _, row in cells))
        columns = max(columns, max(_column_number(letters) for letters in {letters for letters, _ in cells}))
    if found := _ROW.findall(block):
        rows = max(rows, max(map(int, found)))
    return rows, columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
