"""A binary workbook ([MS-XLSB]) with texts, numbers and errors: no library writes one."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_CODES = {"#DIV/0!": 0x07, "#REF!": 0x17, "#N/A": 0x2A}
_MAIN = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def write(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]], formulas: bool = True) -> None:
    """``formulas``: errors as the result of a formula, else as cells of their own."""
    parts = {
        f"xl/worksheets/sheet{n}.bin": _sheet(rows, formulas) for n, rows in enumerate(sheets.values(), 1)
    }
    bundle = b"".join(
        _record(156, struct.pack("<II", 0, n) + _text(f"rId{n}") + _text(name))
        for n, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.bin"/>'
        for n in range(1, len(sheets) + 1)
    )
    kinds = "".join(
        f'<Override PartName="/{part}" ContentType="application/vnd.ms-excel.worksheet"/>' for part in parts
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/xl/workbook.bin" ContentType="{_MAIN}"/>{kinds}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
            'Target="xl/workbook.bin"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.bin",
            _record(131) + _record(143) + bundle + _record(144) + _record(132),
        )
        archive.writestr(
            "xl/_rels/workbook.bin.rels", f'<Relationships xmlns="{_RELATIONS}">{links}</Relationships>'
        )
        for part, content in parts.items():
            archive.writestr(part, content)


def _sheet(rows: Sequence[Sequence[object]], formulas: bool) -> bytes:
    width = max(map(len, rows))
    body = _record(129) + _record(148, struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1)) + _record(145)
    for number, row in enumerate(rows):
        body += _record(0, struct.pack("<IIHHBI", number, 0, 300, 0, 0, 1) + struct.pack("<II", 0, width - 1))
        body += b"".join(_cell(column, value, formulas) for column, value in enumerate(row))
    return body + _record(146) + _record(130)


def _cell(column: int, value: object, formulas: bool) -> bytes:
    head = struct.pack("<II", column, 0)
    if isinstance(value, int | float):
        return _record(5, head + struct.pack("<d", value))
    text = str(value)
    if text not in _CODES:
        return _record(6, head + _text(text)) if text else b""
    error = head + bytes([_CODES[text]])
    # a formula without a token, and without what belongs to one
    return _record(11, error + struct.pack("<HII", 0, 0, 0)) if formulas else _record(3, error)


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _record(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(body), b""
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + length + bytes([size]) + body
