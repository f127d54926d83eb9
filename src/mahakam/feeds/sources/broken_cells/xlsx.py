"""Error cells of a workbook as Excel 2007 and later write it (ECMA-376 part 1, § 18.3.1.4 and § 18.18.11)."""

from __future__ import annotations

import html
import re
import zipfile

from mahakam.workbook import column_number

_BROKEN = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>(?:(?!</(?:\w+:)?c>).)*?'
    rb"<(?:\w+:)?v>(#[^<]{1,20})</", re.DOTALL,
)  # fmt: skip
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]*>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(rb'([\w:]+)\s*=\s*"([^"]*)"')
_LONGEST_CELL = 4096


def cells(archive: zipfile.ZipFile, sheet: str) -> dict[tuple[int, int], str]:
    """(row, column), from 0, → what stands there; of the sheet of that name."""
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
                    (int(row) - 1, column_number(letters) - 1): error.decode("ascii", "replace")
                    for letters, row, error in _BROKEN.findall(block)
                }
            tail = block[-_LONGEST_CELL:]
    return found


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
