"""CSV and TSV: any delimiter, encoding and header; regular files go straight through DuckDB's reader."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import layout as lay
from mahakam.feeds.sources import scan
from mahakam.feeds.sources.csvrows import Record, records, shape_fault
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.groups import Groups, groups
from mahakam.feeds.sources.model import (
    LINE,
    MAX_COLUMNS,
    MAX_LINE,
    ROW,
    Fault,
    Pins,
    SourceError,
    SourceInfo,
    Table,
    Unproven,
    distinct_names,
    literal,
    repeated,
    row_range,
)
from mahakam.feeds.sources.text import Text, prepare

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 300
_SAMPLE_BYTES = 256 << 10
_BATCH = 50_000
_TAIL = 16 << 10
_SEPARATOR = re.compile(r"sep=([^\r\n\"])\r?\n", re.IGNORECASE)
"""A first line by which spreadsheet programs are told the delimiter."""
_BOOKS = (".xls", ".xlsx", ".xlsm", ".xlsb", ".ods")


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """The file as a table. Raises SourceError for what is no text table.

    ``found.proven`` false: the shape of a plain file may be left to DuckDB's reader (see :class:`Unproven`).
    """
    text = prepare(found, pins.encoding, _delimiter(pins, _sample(found.path), found))
    if found.name.lower().endswith(_BOOKS):
        text.notes.append(f"is plain text, although it is named {PurePath(found.name).suffix}")
    sample = _sample(text.path)
    delimiter = _delimiter(pins, sample, found)
    rows = (
        list(itertools.islice(records(text.path, found.name, delimiter, 0), _SAMPLE_ROWS))
        if sample.strip()
        else []
    )
    if not rows:
        raise SourceError(found.name, "holds no rows, only blank lines; ask its owner for the file again")
    if _SEPARATOR.fullmatch(f"{rows[0].text.rstrip()}\n"):
        del rows[0]
    grid, positions = _grid(rows)
    place = lay.pinned(pins.header, grid, (), found.name) if pins.header is not None else lay.detect(grid)
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        "csv",
        entry=found.entry,
        encoding=text.encoding,
        delimiter=delimiter,
        newline=text.line_ends,
        header_rows=(place.first, place.last),
        notes=[*text.notes, *place.notes],
    )
    width = _width(rows[positions[place.last] :] if place.last < len(positions) else [], place)
    names = list(pins.columns) if pins.columns else place.names[:width] + [""] * (width - len(place.names))
    if pins.columns and len(pins.columns) != width:
        raise SourceError(
            found.name,
            f"has {width} columns, but the feed's columns names {len(pins.columns)}; name each column",
        )
    if len(names) > MAX_COLUMNS:
        raise SourceError(found.name, f"has {len(names)} columns; more than {MAX_COLUMNS} are not read")
    info.columns = distinct_names(names)
    info.notes += repeated(names)
    start = _offset(text, place.last)
    if _looks_grouped(rows[positions[place.last] :] if place.last < len(positions) else [], len(names)):
        return _grouped(text.path, connection, info, place.last, pins.rows).keep(found.scratch)
    straight = pins.rows is None and start is not None and _ends_in_row(text.path, delimiter, len(names))
    if straight and not found.proven and (unproven := _unproven(text, delimiter, start, info)):
        table = _straight(text, connection, info, place.last, unproven)
    elif (
        straight
        and start is not None
        and scan.check(text.path, found.name, start, delimiter, len(names)).regular
    ):
        table = _straight(text, connection, info, place.last)
    else:
        table = _by_row(text.path, connection, info, place.last, pins.rows)
    return table.keep(found.scratch)


def _sample(path: Path) -> str:
    with path.open("rb") as file:
        block = file.read(_SAMPLE_BYTES)
    return block.decode("utf-8-sig", errors="ignore")


def _delimiter(pins: Pins, sample: str, found: Local) -> str:
    if pins.delimiter:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(pins.delimiter, pins.delimiter)
        if len(delimiter) != 1 or delimiter in '"\n\r' or not delimiter.isascii():
            raise SourceError(found.name, f"delimiter {pins.delimiter!r} is no single character, as ; or \\t")
        return delimiter
    if told := _SEPARATOR.match(sample):
        return told[1]
    lines = [line for line in sample.split("\n")[:_SAMPLE_ROWS] if line.strip()]
    if len(sample) >= _SAMPLE_BYTES // 2 and len(lines) > 1:
        lines.pop()
    splits: list[tuple[int, float, str]] = []
    for candidate in _DELIMITERS:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=candidate)]
        except csv.Error:
            continue
        if split := Counter(width for width in widths if width > 1):
            width, times = split.most_common(1)[0]
            splits.append((widths.index(width), times / len(widths) * min(width, 4), candidate))
    most = max((value for _, value, _ in splits), default=0.0)
    # what splits the names too is the delimiter, though commas in an address split every row into more
    likely = [each for each in splits if each[1] >= most / 2]
    return min(likely, key=lambda each: (each[0], -each[1]))[2] if likely else ","


def _grid(rows: list[Record]) -> tuple[list[list[str | None]], list[int]]:
    """The sample as the file's lines stand (blank lines kept, so that rows count as a person counts them).

    The second value gives, for each line, how many records start before it.
    """
    grid: list[list[str | None]] = []
    positions: list[int] = []
    for index, record in enumerate(rows):
        while len(grid) < record.line - 1:
            grid.append([])
            positions.append(index)
        grid.append(list(record.cells))
        positions.append(index)
    return grid, positions


def _width(data: list[Record], place: lay.Layout) -> int:
    """The number of columns: what most rows have, and what the header names."""
    named = max((i + 1 for i, name in enumerate(place.names) if name), default=0)
    counts = Counter(len(record.cells) for record in data)
    if not counts:
        return max(len(place.names), 1)
    usual = max(counts, key=lambda n: (counts[n], n))
    return max(usual, named) if place.last else usual


def _offset(text: Text, lines: int) -> int | None:
    """Where the data starts, in bytes; None if the header holds a cell over several lines."""
    with text.path.open("rb") as file:
        file.seek(text.bom)
        for _ in range(lines):
            if file.readline(MAX_LINE).count(b'"') % 2:
                return None
        return file.tell()


def _unproven(text: Text, delimiter: str, start: int | None, info: SourceInfo) -> Unproven | None:
    """What shows after reading that a plain file without quotes is regular; None if nothing would.

    DuckDB's strict reader refuses a row with too few cells or too many. It passes over blank lines, which shows in
    the number of rows, and over one empty cell too many, which shows here in the number of delimiters.
    """
    counted = text.tally
    if start is None or counted is None or counted.quotes or len(info.columns) < 2:
        return None
    with text.path.open("rb") as file:
        head = file.read(start)
    lines = head.count(b"\n")
    rows = counted.lines - lines + (not counted.ends)
    delimiters = counted.delimiters - head.count(delimiter.encode())
    regular = rows > 0 and delimiters == rows * (len(info.columns) - 1)
    return Unproven(rows, lines) if regular else None


def _straight(
    text: Text,
    connection: duckdb.DuckDBPyConnection,
    info: SourceInfo,
    skip: int,
    unproven: Unproven | None = None,
) -> Table:
    """DuckDB's own reader: allowed only after ``scan`` proved that every line is one regular row, or to prove it."""
    numbers = "" if unproven else f"row_number() OVER () AS {ROW}, {ROW} + {skip} AS {LINE}, "
    # its buffer holds several of the longest lines: where they are short, it works on several pieces at once
    longest = "" if text.tally else f"max_line_size = {MAX_LINE}, "
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in info.columns)
    relation = connection.sql(
        f"SELECT {numbers}* "  # noqa: S608 - names are quoted
        f"FROM read_csv({literal(str(text.path))}, auto_detect = false, header = false, skip = {skip}, "
        f"columns = {{{columns}}}, delim = {literal(info.delimiter)}, quote = '\"', escape = '\"', "
        f"{longest}strict_mode = true, comment = '')"
    )
    lacks = (*text.tally.lacks, info.delimiter) if text.tally and not text.tally.quotes else ()
    return Table(relation, info, unproven=unproven, lacks=lacks)


def _by_row(
    path: Path, connection: duckdb.DuckDBPyConnection, info: SourceInfo, skip: int, pinned_rows: str | None
) -> Table:
    left_out: dict[str, int] = {}
    found = _rows(path, info, skip, pinned_rows, left_out)
    table, faults = _table_of(found, info.columns, connection)
    return Table(table, info, faults, left_out)


def _grouped(
    path: Path, connection: duckdb.DuckDBPyConnection, info: SourceInfo, skip: int, pinned_rows: str | None
) -> Table:
    """As :func:`_by_row`, but all rows at once: those that only name a group become a column of the others."""
    left_out: dict[str, int] = {}
    every = list(_rows(path, info, skip, pinned_rows, left_out))
    found = _groups(every, len(info.columns))
    if found is None:
        table, faults = _table_of(every, info.columns, connection)
        return Table(table, info, faults, left_out)
    width = len(info.columns)
    info.columns = distinct_names([*info.columns, found.name])
    info.notes.append(found.note)
    left_out["heading of a group, read as a column"] = len(found.headings)
    rest = [record for record in every if record.line - 1 not in found.headings]
    table, faults = _table_of(rest, info.columns, connection, width, found.of)
    return Table(table, info, faults, left_out)


def _looks_grouped(sample: list[Record], width: int) -> bool:
    """Do the first rows hold some that only name a group? What stands at the end of the sample may be a note."""
    some = list(itertools.takewhile(lambda record: not record.problem, sample))
    while some and _note(some[-1], width):
        some.pop()
    return _groups(some, width) is not None


def _groups(rows: list[Record], width: int) -> Groups | None:
    grid, _ = _grid(rows)
    filled = [record.line - 1 for record in rows if any(map(lay.filled, record.cells))]
    return groups(grid, filled, range(width)) if filled else None


def _rows(
    path: Path, info: SourceInfo, skip: int, pinned_rows: str | None, left_out: dict[str, int]
) -> Iterator[Record]:
    """The records of the table: without blank lines, and notes under it, which are counted in ``left_out``."""
    width = len(info.columns)
    first, last = row_range(pinned_rows, info.file)
    notes: list[Record] = []
    outside = 0
    for record in records(path, info.file, info.delimiter, width):
        if record.line <= skip:
            continue
        if not first <= record.line <= last:
            outside += 1
            continue
        if width > 1 and not record.problem and not any(map(lay.filled, record.cells)):
            continue
        if _note(record, width):
            notes.append(record)
            continue
        yield from notes
        notes.clear()
        yield record
    if notes:
        left_out["note under the table"] = len(notes)
    if outside:
        left_out["outside the feed's rows"] = outside


def _table_of(
    rows: Iterable[Record],
    columns: list[str],
    connection: duckdb.DuckDBPyConnection,
    width: int = 0,
    of: dict[int, str] | None = None,
) -> tuple[duckdb.DuckDBPyRelation, list[Fault]]:
    """The records as a relation, and those whose shape is broken.

    ``of``: the line, from 0, → what its last column says, behind the ``width`` columns of the file.
    """
    import pyarrow as pa

    width = width or len(columns)
    faults: list[Fault] = []
    batches: list[pa.RecordBatch] = []
    lines: list[int] = []
    data: list[list[str | None]] = [[] for _ in columns]
    row = 0

    def flush() -> None:
        batches.append(_batch(row, lines, data, columns))
        lines.clear()
        for column in data:
            column.clear()

    for record in rows:
        row += 1
        if fault := shape_fault(record, row, width):
            faults.append(fault)
        lines.append(record.line)
        cells = record.cells
        for column in range(width):
            data[column].append((cells[column] or None) if column < len(cells) else None)
        if of is not None:
            data[width].append(of.get(record.line - 1))
        if len(lines) >= _BATCH:
            flush()
    flush()
    return connection.from_arrow(pa.Table.from_batches(batches)), faults


def _note(record: Record, width: int) -> bool:
    """A line with words in one cell only, which at the end of a file is a note, or a name under a signature."""
    cells = record.cells
    if record.problem or len(cells) > width:
        return False
    if width == 2:
        return len(cells) == 1 and not lay.is_value(cells[0])
    filled = [cell for cell in cells if lay.filled(cell)]
    return width > 2 and len(filled) == 1 and not lay.is_value(filled[0])


def _ends_in_row(path: Path, delimiter: str, width: int) -> bool:
    """Or is the last line a note filled up with delimiters, or delimiters alone, as spreadsheets write them?"""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _TAIL, 0))
        line = file.read().rstrip(b"\r\n").rpartition(b"\n")[2].decode("utf-8", errors="ignore")
    cells = next(csv.reader([line], delimiter=delimiter), [""])
    return len(cells) != width or (any(map(lay.filled, cells)) and not _note(Record(0, cells, line), width))


def _batch(row: int, lines: list[int], data: list[list[str | None]], names: list[str]) -> pa.RecordBatch:
    import pyarrow as pa

    first = row - len(lines) + 1
    arrays: list[pa.Array[Any]] = [pa.array(range(first, row + 1), pa.int64()), pa.array(lines, pa.int64())]
    arrays += [pa.array(column, pa.string()) for column in data]
    return pa.RecordBatch.from_arrays(arrays, names=[ROW, LINE, *names])


FORMAT = Format(read, "CSV", ("text", "an XML document"), (".csv", ".tsv", ".txt"))
