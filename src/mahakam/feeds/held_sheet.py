"""Held rows as a workbook for the agency: raw text to correct, reasons beside it, a signed key a row; and back."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mahakam.access.secrets import Secret, Secrets, secrets_of
from mahakam.feeds.repairing import Returned, cells_now, version
from mahakam.feeds.sources.formats.xlsx import cells_of
from mahakam.feeds.sources.model import SourceError
from mahakam.store.model import Held
from mahakam.store.protocol import EntityStore

KEY = "mahakam:key"
"""The header of the column of keys, in every language."""
MOST_ROWS = 1_000_000
"""Rows that fit on a sheet beside its header."""
KEPT = "(…)"
"""Stands for a cell that is not shown, since no spreadsheet can hold it or it is personal: it stays as it is."""
_LONGEST = 32_000
_BEFORE = 3
"""Columns before those of the file: key, row, reasons."""


def write(
    path: Path,
    store: EntityStore,
    rows: Iterable[Held],
    columns: Collection[str],
    *,
    headings: tuple[str, str],
    reasons: Callable[[Held], str],
    wrong: Callable[[Held], Collection[str]],
    note: str,
    locked: Collection[str] = (),
    masked: Collection[str] = (),
) -> int:
    """Write the sheet, row by row; returns how many. ``headings``: of the column with the row's number and of the one
    with the reasons; ``wrong``: the columns that a finding points at; ``note``: what to do, on a header. ``locked``
    columns cannot be changed; ``masked`` ones (personal data) are shown only where a finding points."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    text = {"num_format": "@", "valign": "top"}
    head = book.add_format({**text, "bold": True, "bottom": 1, "text_wrap": True, "bg_color": "#e1f0ef"})
    fixed = book.add_format({**text, "text_wrap": True, "font_color": "#5b6770"})
    free = book.add_format({**text, "locked": False})
    marked = book.add_format(
        {**text, "locked": False, "bg_color": "#fbe3dd", "border": 1, "border_color": "#b3412c"}
    )
    for at, name in enumerate((KEY, *headings, *columns)):
        sheet.write_string(0, at, name, head)
    sheet.write_comment(0, 1, note, {"x_scale": 2.5, "y_scale": 2})
    secret, count = secrets_of(store).signing, 0
    for count, held in enumerate(rows, 1):
        now, bad = cells_now(held), wrong(held)
        sheet.write_string(count, 0, _key(secret, held), fixed)
        sheet.write_number(count, 1, held.line, fixed)
        sheet.write_string(count, 2, reasons(held)[:_LONGEST], fixed)
        for at, name in enumerate(columns, _BEFORE):
            value = now.get(name) or ""
            if len(value) > _LONGEST or (name in masked and name not in bad):
                sheet.write_string(count, at, KEPT, fixed)
            elif name in locked or name not in held.raw:
                sheet.write_string(count, at, value, fixed)
            elif value or name in bad:
                sheet.write_string(count, at, value, marked if name in bad else free)
            else:
                sheet.write_blank(count, at, None, free)
    sheet.set_column(0, 0, 4, None, {"hidden": True})
    sheet.set_column(1, 1, 8)
    sheet.set_column(2, 2, 60)
    sheet.set_column(_BEFORE, _BEFORE + len(columns), 18)
    sheet.freeze_panes(1, _BEFORE)
    allowed = {"format_columns": True, "format_rows": True, "sort": True, "autofilter": True}
    sheet.protect("", allowed)
    book.close()
    return count


def read(path: Path, name: str, store: EntityStore, place: str, feed: str) -> Iterator[Returned]:
    """The rows of a sheet that came back. Raises SourceError if it is none of ours."""
    grid = cells_of(path, name)
    at = next((n for n, row in enumerate(grid[:50]) if KEY in row), None)
    if at is None:
        raise SourceError(
            name,
            f"has no column {KEY!r}; send the workbook that was downloaded here, corrected, with all of its columns",
        )
    head = grid[at]
    first = head.index(KEY)
    columns = {n: column for n, column in enumerate(head) if column and n >= first + _BEFORE}
    secrets = secrets_of(store)
    for number, row in enumerate(grid[at + 1 :], at + 2):
        if not any(row):
            continue
        id, made_from = _opened(secrets, place, feed, row[first] if first < len(row) else None)
        cells = {column: row[n] for n, column in columns.items() if n < len(row) and row[n] != KEPT}
        yield Returned(id, made_from, cells, number)


def _key(secret: Secret, held: Held) -> str:
    made_from = version(cells_now(held))
    return f"{held.id}.{made_from}.{_signature(secret, held.place, held.feed, held.id, made_from)}"


def _opened(secrets: Secrets, place: str, feed: str, key: str | None) -> tuple[int, str]:
    """Number and version of the row that a key names; (0, "") if we did not make it for this feed."""
    parts = (key or "").strip().split(".")
    if len(parts) != 3 or not parts[0].isdecimal() or len(parts[0]) > 18:
        return 0, ""
    id = int(parts[0])
    good = secrets.signed(parts[2], lambda secret: _signature(secret, place, feed, id, parts[1]))
    return (id, parts[1]) if good else (0, "")


def _signature(secret: Secret, place: str, feed: str, id: int, made_from: str) -> str:
    message = f"held-row\n{place}\n{feed}\n{id}\n{made_from}".encode()
    digest = hmac.new(secret.value.encode(), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[: 18 if secret.long else 12]).decode()


def columns_of(rows: Iterable[Held], hidden: Collection[str] = ()) -> list[str]:
    """The columns of these rows, in the order of their file, each once."""
    names: Mapping[str, Any] = dict.fromkeys(name for held in rows for name in held.raw)
    return [name for name in names if name not in hidden]
