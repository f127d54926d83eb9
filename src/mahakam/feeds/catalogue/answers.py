"""A table as a file for a person or a program: ``.csv``, ``.json``, ``.parquet``, ``.xlsx``, made block by block."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from mahakam.feeds.entities import json_value
from mahakam.spreadsheet import guarded

if TYPE_CHECKING:
    import pyarrow as pa

MEDIA = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SHEET_ROWS = 1_048_575
"""Rows that a sheet of a workbook has under its header."""
_BLOCK = 1 << 18


class TooManyRows(Exception):
    """A workbook cannot hold the table."""


def written(batches: pa.RecordBatchReader, ending: str) -> Iterator[bytes]:
    """The bytes of a file of one of the kinds of :data:`MEDIA`. Text never runs as a formula.

    Raises TooManyRows, before the first byte, for a workbook beyond ``SHEET_ROWS``.
    """
    makers: dict[str, Callable[[pa.RecordBatchReader], Iterator[bytes]]] = {
        "csv": _csv,
        "json": _json,
        "parquet": _parquet,
        "xlsx": _xlsx,
    }
    return makers[ending](batches)


def _rows(batches: pa.RecordBatchReader) -> Iterator[Sequence[Any]]:
    for batch in batches:
        columns = [[json_value(value) for value in column.to_pylist()] for column in batch.columns]
        yield from zip(*columns, strict=True)


def _csv(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([guarded(name) for name in batches.schema.names])
    for row in _rows(batches):
        writer.writerow([guarded(value) for value in row])
        if text.tell() > _BLOCK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _json(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    names = batches.schema.names
    start, block = b"[\n", bytearray()
    for row in _rows(batches):
        block += start + orjson.dumps(dict(zip(names, row, strict=True)), default=str)
        start = b",\n"
        if len(block) > _BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block) + (b"\n]\n" if start == b",\n" else b"[]\n")


def _parquet(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="mahakam-table-") as scratch:
        path = Path(scratch) / "table.parquet"
        with pq.ParquetWriter(path, batches.schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
        yield from read_blocks(path)


def _xlsx(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix="mahakam-table-") as scratch:
        path = Path(scratch) / "table.xlsx"
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "tmpdir": scratch,
        }
        book = xlsxwriter.Workbook(str(path), options)
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        try:
            for column, name in enumerate(batches.schema.names):
                sheet.write_string(0, column, name, bold)
            for number, row in enumerate(_rows(batches), 1):
                if number > SHEET_ROWS:
                    raise TooManyRows(f"a workbook holds {SHEET_ROWS:,} rows; take .csv or .parquet")
                for column, value in enumerate(row):
                    _write(sheet, number, column, value)
        finally:
            with suppress(Exception):
                book.close()
        yield from read_blocks(path)


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float) and abs(value) < 1e15:  # beyond, a sheet would lose digits
        sheet.write_number(row, column, value)
    else:
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        sheet.write_string(row, column, text[:32_767])


def read_blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
