"""What broken formulas of a workbook say in place of a value, which readers give as an empty cell, or as 0."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from xml.etree.ElementTree import ParseError

from mahakam.feeds.sources.broken_cells import ods, xls, xlsb, xlsx

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, NotImplementedError, RuntimeError, ValueError,
    struct.error, ParseError,
)  # fmt: skip


def broken_cells(source: Path, sheet: str) -> dict[tuple[int, int], str]:
    """(row, column), from 0, → what a formula in a sheet of a workbook (.xlsx, .xlsb, .xls, .ods) says: ``#REF!``.

    Empty for any other kind of file, and for one that cannot be taken apart.
    """
    try:
        with source.open("rb") as file:
            if file.read(8) == _OLE:
                file.seek(0)
                return xls.cells(file.read(), sheet)
        with zipfile.ZipFile(source) as archive:
            if "content.xml" in archive.namelist():
                return ods.cells(archive, sheet)
            if xlsb.BOOK in archive.namelist():
                return xlsb.cells(archive, sheet)
            return xlsx.cells(archive, sheet)
    except _DAMAGED:
        return {}
