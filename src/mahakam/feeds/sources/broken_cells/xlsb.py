"""Error cells of a binary workbook of Excel 2007 and later: BrtCellError and BrtFmlaError ([MS-XLSB] § 2.4)."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator

from mahakam.feeds.sources.broken_cells.codes import ERRORS, OTHER

BOOK = "xl/workbook.bin"
_ROW, _CELL_ERROR, _FORMULA_ERROR, _SHEET = 0, 3, 11, 156
"""BrtRowHdr, BrtCellError, BrtFmlaError, BrtBundleSh."""
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(rb"([\w:]+)\s*=\s*[\"']([^\"']*)[\"']")


def cells(archive: zipfile.ZipFile, sheet: str) -> dict[tuple[int, int], str]:
    """(row, column), from 0, → what stands there; of the sheet of that name. Raises struct.error, KeyError, IndexError
    or ValueError for a file that is damaged."""
    member = _member(archive, sheet)
    return dict(_errors(archive.read(member))) if member else {}


def _errors(part: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    row = 0
    for kind, at, size in _records(part):
        if kind == _ROW and size >= 4:
            (row,) = struct.unpack_from("<I", part, at)
        elif kind in (_CELL_ERROR, _FORMULA_ERROR) and size >= 9:
            (column,) = struct.unpack_from("<I", part, at)
            yield (row, column), ERRORS.get(part[at + 8], OTHER)


def _records(part: bytes) -> Iterator[tuple[int, int, int]]:
    """Type of each record, and where its body begins and how long it is: two numbers of seven bits a byte before it."""
    at = 0
    while at < len(part):
        kind = part[at]
        at += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (part[at] << 7)
            at += 1
        size = shift = 0
        while True:
            byte = part[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 21:
                break
        yield kind, at, size
        at += size


def _member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The member of the archive that holds a sheet."""
    relations = _RELATION.findall(archive.read("xl/_rels/workbook.bin.rels"))
    targets = {
        one[b"Id"].decode(): one[b"Target"].decode()
        for tag in relations
        if b"Id" in (one := dict(_ATTRIBUTE.findall(tag)))
    }
    book = archive.read(BOOK)
    for kind, at, _ in _records(book):
        if kind == _SHEET:
            id, after = _text(book, at + 8)
            name, _ = _text(book, after)
            if name == sheet and id in targets:
                target = targets[id]
                return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None


def _text(part: bytes, at: int) -> tuple[str, int]:
    """A counted text, and where it ends."""
    (length,) = struct.unpack_from("<I", part, at)
    if length == 0xFFFFFFFF:
        return "", at + 4
    end = at + 4 + 2 * length
    return part[at + 4 : end].decode("utf-16-le"), end
