"""Reading a file as a source in a test, and writing small spreadsheets without a library for them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import duckdb

from mahakam.feeds import sources
from mahakam.feeds.sources import Table
from mahakam.feeds.sources.layout import column_letter

EXAMPLES = Path(__file__).parents[2] / "examples"
Row = tuple[object, ...]


def read(path: Path, **pins: object) -> Table:
    """The file as a table on a connection of its own."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")
    return sources.read(path, connection, **pins)


def rows(table: Table) -> list[Row]:
    """All rows: ``(_row, _line, cell, …)``."""
    return list(table.relation.order("_row").fetchall())


def cells(table: Table) -> list[Row]:
    """All rows without ``_row`` and ``_line``."""
    return [row[2:] for row in rows(table)]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class Date(float):
    """A spreadsheet's date: days since 1899-12-30, shown as a date."""


Cell = str | int | float | bool | Date | None


def write_xlsx(
    path: Path,
    sheets: Mapping[str, Sequence[Sequence[Cell]]],
    *,
    merged: Mapping[str, Sequence[str]] | None = None,
    hidden: Sequence[str] = (),
) -> Path:
    """A minimal workbook (ECMA-376): ``merged`` gives ranges by sheet (``"B1:C1"``)."""
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"'
        + (' state="hidden"/>' if name in hidden else "/>")
        for n, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    styles = len(sheets) + 1
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '<Override PartName="/xl/styles.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
            f"{types}</Types>",
        )
        archive.writestr(
            "_rels/.rels",
            f'{_XML}<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{_XML}<Relationships xmlns="{_PACKAGE}">{related}<Relationship Id="rId{styles}" '
            f'Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/styles.xml",
            f'{_XML}<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        )
        for number, (name, grid) in enumerate(sheets.items(), 1):
            spans = (merged or {}).get(name, ())
            joined = "".join(f'<mergeCell ref="{span}"/>' for span in spans)
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{_rows(grid)}</sheetData>'
                + (f'<mergeCells count="{len(spans)}">{joined}</mergeCells>' if spans else "")
                + "</worksheet>",
            )
    return path


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def _rows(grid: Sequence[Sequence[Cell]]) -> str:
    out = []
    for number, row in enumerate(grid, 1):
        inside = "".join(
            _cell(f"{column_letter(column)}{number}", cell)
            for column, cell in enumerate(row)
            if cell is not None
        )
        if inside:
            out.append(f'<row r="{number}">{inside}</row>')
    return "".join(out)


def _cell(at: str, cell: Cell) -> str:
    if isinstance(cell, str):
        return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    if isinstance(cell, bool):
        return f'<c r="{at}" t="b"><v>{int(cell)}</v></c>'
    style = ' s="1"' if isinstance(cell, Date) else ""
    return f'<c r="{at}"{style}><v>{float(cell) if isinstance(cell, Date) else cell}</v></c>'
