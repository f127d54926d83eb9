"""Tables and figures as files to hand on: a typeset PDF (typst) and a workbook (XLSX), from the page's own tables."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from mahakam.spreadsheet import plain
from mahakam.web.foreign import text_of
from mahakam.web.language import reader
from mahakam.web.tables import Table
from mahakam.web.typeset import typeset

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document: a heading, sentences, and a table under them."""

    title: str
    text: Sequence[str] = ()
    table: Table | None = None


def pdf(title: str, subtitle: str, sections: Sequence[Section], footer: str) -> Response:
    """A document on A4 with page numbers, its texts selectable and tagged for screen readers."""
    data = {
        "title": title,
        "subtitle": subtitle,
        "footer": footer,
        "lang": reader().language,
        "sections": [
            {"title": one.title, "text": list(one.text), "table": _shown(one.table)} for one in sections
        ],
    }
    return Response(typeset("document.typ", data), media_type=PDF)


def xlsx(title: str, sections: Sequence[Section]) -> Response:
    """A workbook: first a sheet with the sentences of all sections, then a sheet a table.

    Numbers as numbers, dates as dates, no formula from anybody's text.
    """
    import xlsxwriter

    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": title})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    names: set[str] = set()
    said = [(section.title, line) for section in sections for line in section.text]
    if said:
        sheet = book.add_worksheet(_sheet_name(title, names))
        sheet.set_column(0, 0, 30, book.add_format({"bold": True, "text_wrap": True, "valign": "top"}))
        sheet.set_column(1, 1, 90, book.add_format({"text_wrap": True, "valign": "top"}))
        for row, words in enumerate(said):
            for at, text in enumerate(words):
                sheet.write_string(row, at, plain(text))
    for section in sections:
        if section.table is None:
            continue
        sheet = book.add_worksheet(_sheet_name(section.title, names))
        widths = []
        for at, column in enumerate(section.table.columns):
            sheet.write_string(0, at, column.title or column.name, head)
            widths.append(len(column.title or column.name))
        for row, record in enumerate(section.table.everything(), 1):
            for at, column in enumerate(section.table.columns):
                value = column.value(record)
                widths[at] = max(widths[at], len(str(value)))
                _cell(sheet, row, at, value, day)
        for at, width in enumerate(widths):
            sheet.set_column(at, at, min(max(width + 2, 8), 60))
        sheet.freeze_panes(1, 0)
    book.close()
    return Response(file.getvalue(), media_type=XLSX)


def _cell(sheet: Any, row: int, at: int, value: Any, day: Any) -> None:
    match value:
        case None | "":
            pass
        case bool():
            sheet.write_boolean(row, at, value)
        case float() if not math.isfinite(value):
            sheet.write_string(row, at, str(value))
        case int() | float():
            sheet.write_number(row, at, value)
        case dt.date():
            sheet.write_datetime(row, at, value, day)
        case _:
            sheet.write_string(row, at, plain(value))


def _sheet_name(title: str, names: set[str]) -> str:
    """At most 31 characters, none of ``[]:*?/\\``, and another one than the sheets before."""
    base = (
        "".join(" " if character in "[]:*?/\\" else character for character in title).strip("'")[:28] or "1"
    )
    name, number = base, 1
    while name.casefold() in names:
        number += 1
        name = f"{base} {number}"
    names.add(name.casefold())
    return name


def _shown(table: Table | None) -> dict[str, Any] | None:
    """The cells as the page shows them."""
    if table is None:
        return None
    columns = table.shown
    return {
        "head": [column.title or column.name for column in columns],
        "right": [column.numeric for column in columns],
        "rows": [[_text(column.show(row)) for column in columns] for row in table.everything()],
    }


def _text(cell: Any) -> str:
    """A cell without its markup."""
    return text_of(cell) if isinstance(cell, Markup) else str(cell)
