"""The workbook (XLSX) of an action plan: a sheet a part, a row an entry, to the rows of :mod:`plan_rows` and back."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from mahakam.faults import Fault, Refused, refuse
from mahakam.network.plan_rows import COLUMNS, LANGUAGES, Row, misspelt
from mahakam.spreadsheet import plain
from mahakam.workbook import Bomb, Sprawling, measure

MOST_ROWS = 1000
MOST_BYTES, MOST_CELLS = 64 * 2**20, 1_000_000
"""Of a workbook unpacked, and of one sheet, empty cells too."""


def headings(sheet: str) -> list[str]:
    """The first row of a sheet: ``words`` take a column a language."""
    found: list[str] = []
    for column, kind in COLUMNS[sheet].items():
        found += [f"{column}_{one}" for one in LANGUAGES] if kind == "words" else [column]
    return found


def rows_of(content: bytes) -> dict[str, list[Row]]:
    """Sheet → rows; empty rows fall out. Raises Refused for what is no workbook, or has other sheets and columns."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        measure(io.BytesIO(content), MOST_BYTES, MOST_CELLS)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        tables = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names
        }
    except Bomb:
        raise refuse("file", "unpacked", most=MOST_BYTES // 2**20) from None
    except Sprawling as wide:
        raise refuse("file", "sprawling", rows=wide.rows, columns=wide.columns) from None
    except (CalamineError, ValueError, OSError) as error:
        raise refuse("file", "workbook", what=str(error)[:200]) from None
    faults: list[Fault] = []
    sheets: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for name, table in tables.items():
        key = name.strip().casefold().replace(" ", "_")
        if key not in COLUMNS:
            faults.append(misspelt("file", name, list(COLUMNS)))
        elif len(table) > MOST_ROWS:
            faults.append(Fault(key, "many", {"most": MOST_ROWS}))
        else:
            sheets[key], wrong = _rows(key, table)
            faults += wrong
    if not sheets["plan"]:
        faults.append(Fault("file", "no_plan", {}))
    if faults:
        raise Refused(faults)
    return sheets


def _rows(sheet: str, table: list[list[Any]]) -> tuple[list[Row], list[Fault]]:
    head = [str(one).strip() for one in table[0]] if table else []
    known = headings(sheet)
    faults = [misspelt(f"{sheet}, row 1", one, known) for one in head if one and one not in known]
    rows = []
    for number, values in enumerate(table[1:], 2):
        cells = dict(zip(head, values, strict=False))
        if all(value is None or str(value).strip() == "" for value in cells.values()):
            continue
        rows.append(Row(f"{sheet}, row {number}", _joined(sheet, cells)))
    return rows, faults


def _joined(sheet: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, kind in COLUMNS[sheet].items():
        if kind == "words":
            found[column] = {one: cells.get(f"{column}_{one}") for one in LANGUAGES}
        else:
            found[column] = cells.get(column)
    return found


def file_of(sheets: Mapping[str, list[dict[str, Any]]]) -> bytes:
    """Rows as a workbook; a sheet without rows has its headings, to be filled in."""
    import xlsxwriter

    file = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(file, options)
    head = book.add_format({"bold": True, "bottom": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for sheet, columns in COLUMNS.items():
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, headings(sheet), head)
        page.freeze_panes(1, 0)
        page.set_column(0, len(headings(sheet)) - 1, 22, wrap)
        for at, row in enumerate(sheets[sheet], 1):
            for to, value in enumerate(_parted(columns, row)):
                if isinstance(value, bool):
                    page.write_string(at, to, "yes" if value else "")
                elif isinstance(value, int | float):
                    page.write_number(at, to, value)
                elif value:
                    page.write_string(at, to, plain(value))
    book.close()
    return file.getvalue()


def _parted(columns: Mapping[str, str], row: Mapping[str, Any]) -> list[Any]:
    found: list[Any] = []
    for column, kind in columns.items():
        value = row.get(column)
        match kind:
            case "words":
                found += [(value or {}).get(one, "") for one in LANGUAGES]
            case "list":
                found.append("; ".join(value or ()))
            case "lines":
                found.append("\n".join(value or ()))
            case "days":
                found.append("; ".join(f"{key} {day}" for key, day in (value or {}).items()))
            case "year":
                found.append(value or None)
            case _:
                found.append(value)
    return found
