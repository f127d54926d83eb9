"""Workbooks written by hand: small real ones, and ones made to do harm."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PARTS = {
    "[Content_Types].xml": _TYPES,
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
_SHEET = "xl/worksheets/sheet1.xml"
_HEAD = f'<worksheet xmlns="{_MAIN}"><sheetData>'
_TAIL = "</sheetData></worksheet>"


def workbook(path: Path, rows: Sequence[Sequence[str | float | None]]) -> Path:
    """One sheet, ``Data``, with these cells."""
    made = [_HEAD]
    for number, row in enumerate(rows, 1):
        cells = (_cell(value, chr(65 + column), number) for column, value in enumerate(row))
        made.append(f'<row r="{number}">{"".join(cells)}</row>')
    with _opened(path) as archive:
        archive.writestr(_SHEET, "".join([*made, _TAIL]))
    return path


def _cell(value: str | float | None, column: str, row: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{column}{row}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{column}{row}"><v>{value}</v></c>'


def far_cell(path: Path) -> Path:
    """A small sheet whose last cell stands in the furthest corner: 17 billion cells, if somebody held them all."""
    body = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with _opened(path) as archive:
        archive.writestr(_SHEET, _HEAD + body + _TAIL)
    return path


def bomb(path: Path, size: int, *, says: int | None = None) -> Path:
    """A workbook whose sheet unpacks to ``size`` bytes and more; ``says``: what its directory claims instead.

    A claim comes with the right checksum of as many bytes, so that a reader that stops there sees nothing wrong.
    """
    block = b" " * (1 << 20)
    pack = zlib.compressobj(6, zlib.DEFLATED, -15)
    head = pack.compress(_HEAD.encode()) + pack.flush(zlib.Z_FULL_FLUSH)
    piece = pack.compress(block) + pack.flush(zlib.Z_FULL_FLUSH)
    tail = pack.compress(_TAIL.encode()) + pack.flush()
    times = size // len(block) + 1
    packed = head + piece * times + tail
    total = len(_HEAD) + len(block) * times + len(_TAIL)
    claimed = says or total
    crc = zlib.crc32((_HEAD.encode() + block)[:claimed]) if says else 0
    with _opened(path):
        pass
    with zipfile.ZipFile(path, "a") as archive:
        assert archive.fp is not None
        member = zipfile.ZipInfo(_SHEET)
        member.compress_type = zipfile.ZIP_DEFLATED
        member.header_offset = archive.start_dir
        member.file_size, member.compress_size, member.CRC = claimed, len(packed), crc
        archive.fp.seek(archive.start_dir)
        name = _SHEET.encode()
        local = struct.pack(
            "<4s5H3L2H",
            b"PK\3\4",
            20,
            0,
            zipfile.ZIP_DEFLATED,
            0,
            33,
            crc,
            len(packed),
            claimed,
            len(name),
            0,
        )
        archive.fp.write(local + name + packed)
        archive.start_dir = archive.fp.tell()
        archive.filelist.append(member)
        archive.NameToInfo[_SHEET] = member
        archive._didModify = True  # type: ignore[attr-defined]
    return path


def _opened(path: Path) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
    for name, text in _PARTS.items():
        archive.writestr(name, text)
    return archive
