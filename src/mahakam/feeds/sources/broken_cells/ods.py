"""Error cells of an OpenDocument spreadsheet as LibreOffice writes it (``calcext:value-type="error"``)."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_ERROR = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_KNOWN = re.compile(r"#[A-Z0-9/]{2,10}[!?]?|#N/A")
_MARK = b'value-type="error"'
_OTHER = "#VALUE!"
"""What LibreOffice itself writes into a file of Excel for its errors without a name of Excel's (Err:502)."""
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")


def cells(archive: zipfile.ZipFile, sheet: str) -> dict[tuple[int, int], str]:
    """(row, column), from 0, → what stands there; of the sheet of that name."""
    from defusedxml.ElementTree import iterparse

    found: dict[tuple[int, int], str] = {}
    if not _has_errors(archive):
        return found
    row, within = 0, False
    with archive.open("content.xml") as part:
        for event, element in iterparse(part, ("start", "end")):
            if element.tag == f"{_TABLE}table":
                if event == "end" and within:
                    break
                within = within or element.get(f"{_TABLE}name") == sheet
            elif element.tag == f"{_TABLE}table-row" and event == "end":
                if within:
                    times = int(element.get(f"{_TABLE}number-rows-repeated", "1"))
                    for column, error in _errors(element):
                        found |= {(each, column): error for each in range(row, row + min(times, 1000))}
                    row += times
                element.clear()
    return found


def _errors(row: Element) -> Iterator[tuple[int, str]]:
    column = 0
    for cell in row:
        if cell.tag not in _CELLS:
            continue
        times = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        if cell.get(_ERROR) == "error":
            text = "".join(cell.itertext()).strip()
            said = text if _KNOWN.fullmatch(text) else _OTHER
            yield from ((each, said) for each in range(column, column + min(times, 1000)))
        column += times


def _has_errors(archive: zipfile.ZipFile) -> bool:
    tail = b""
    with archive.open("content.xml") as part:
        while chunk := part.read(1 << 20):
            if _MARK in tail + chunk:
                return True
            tail = chunk[-len(_MARK) :]
    return False
