"""Irregular CSV, row by row: ragged rows, blank lines, cells over several lines, quotes that never close."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mahakam.feeds.sources.model import MAX_LINE, Fault
from mahakam.feeds.sources.scan import too_long

_FAR = 400
"""Lines that one cell may span: a quote open for longer is taken as never closed."""


@dataclass(slots=True)
class Record:
    """One row: the line it starts on, its cells, and what is wrong with its shape ("" if nothing)."""

    line: int
    cells: list[str]
    text: str
    problem: str = ""


def records(path: Path, name: str, delimiter: str, columns: int) -> Iterator[Record]:
    """Every row of a clean UTF-8 file from its first line on; blank lines are no rows. ``columns`` 0: not known yet.

    A quote that never closes costs its own row only: the lines under it are rows again.
    """
    csv.field_size_limit(MAX_LINE)
    with path.open("r", encoding="utf-8-sig", newline="\n") as file:
        pending: list[str] = []
        number = 0
        while True:
            line = pending.pop() if pending else file.readline(MAX_LINE + 1)
            if not line:
                return
            if len(line) > MAX_LINE:
                raise too_long(name, number + 1)
            number += 1
            if not line.strip():
                continue
            if line.count('"') % 2 == 0:
                yield Record(number, _split(line, delimiter), line)
                continue
            block, closed = _gather(line, file, pending)
            if closed and not _swallows(block, delimiter, columns):
                yield Record(number, _split("".join(block), delimiter), "".join(block))
                number += len(block) - 1
                continue
            pending.extend(reversed(block[1:]))
            yield Record(number, _bare(line, delimiter), line, "a quote opens and never closes")


def _gather(line: str, file: object, pending: list[str]) -> tuple[list[str], bool]:
    block = [line]
    quotes = line.count('"')
    size = len(line)
    read = file.readline  # type: ignore[attr-defined]
    while quotes % 2 and len(block) < _FAR and size <= MAX_LINE:
        following = pending.pop() if pending else read(MAX_LINE + 1)
        if not following:
            break
        block.append(following)
        size += len(following)
        quotes += following.count('"')
    return block, quotes % 2 == 0


def _swallows(block: list[str], delimiter: str, columns: int) -> bool:
    """Did an open quote eat whole rows? Yes if the row does not parse strictly, or its lines are rows themselves.

    A cell may well hold a line with as many delimiters as a row; that its first line is a row too is no chance.
    """
    try:
        rows = list(csv.reader(block, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    if len(rows) != 1 or (columns and len(rows[0]) != columns):
        return True
    inside = block[1:-1]
    if columns < 3 or not inside or len(_bare(block[0], delimiter)) != columns:
        return False
    return 2 * sum(len(_split(line, delimiter)) == columns for line in inside) > len(inside)


def _bare(line: str, delimiter: str) -> list[str]:
    """The cells of a line whose quotes mean nothing."""
    return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])


def _split(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return text.rstrip("\r\n").split(delimiter)


def shape_fault(record: Record, row: int, columns: int) -> Fault | None:
    """What is wrong with a row's shape, or None."""
    problem = record.problem
    if not problem and len(record.cells) != columns:
        few = len(record.cells) < columns
        problem = f"{len(record.cells)} cells, {'fewer' if few else 'more'} than there are columns"
    if not problem:
        return None
    return Fault(row, record.line, record.text.rstrip("\r\n")[:2000], problem, f"{columns} cells")
