"""A table of a page without ruled lines: rows by the height of the words, columns by the gaps that no row bridges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SAME_LINE = 0.5
"""Of a word's height: words whose middles are nearer stand on one line."""
_CELL_GAP = 0.7
"""Of the height: words that are farther apart stand in two cells; a blank between words is about a quarter."""
_GAP = 2.0
"""The least gap between two columns, in points."""
_BRIDGED = 0.05
"""The share of rows that may reach over a gap: headings of several columns."""
_FEWEST = 3
"""Rows of several cells that make a table."""

Words = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class _Cell:
    left: float
    right: float
    text: str


def table(words: Words) -> list[list[str | None]]:
    """The lines of a page as rows of cells, without those of one cell above and below (a title, a note, the number of
    the page); empty if it holds no table.

    ``words``: each with ``text``, ``x0``, ``x1``, ``top`` and ``bottom`` in points, as pdfplumber gives them.
    """
    lines = [_cells(line) for line in _lines(words)]
    wide = [n for n, line in enumerate(lines) if len(line) > 1]
    lines = lines[wide[0] : wide[-1] + 1] if wide else []
    rows = [line for line in lines if len(line) > 1]
    if len(rows) < _FEWEST:
        return []
    borders = _borders(rows)
    if not borders:
        return []
    grid = [_placed(line, borders) for line in lines]
    several = sum(sum(cell is not None for cell in row) > 1 for row in grid)
    return grid if several >= _FEWEST else []


def _lines(words: Words) -> list[list[Mapping[str, Any]]]:
    lines: list[list[Mapping[str, Any]]] = []
    middle = 0.0
    for word in sorted(words, key=lambda one: (one["top"] + one["bottom"], one["x0"])):
        own, height = (word["top"] + word["bottom"]) / 2, word["bottom"] - word["top"]
        if lines and abs(own - middle) <= _SAME_LINE * height:
            lines[-1].append(word)
        else:
            lines.append([word])
            middle = own
    return [sorted(line, key=lambda one: one["x0"]) for line in lines]


def _cells(line: Words) -> list[_Cell]:
    cells: list[_Cell] = []
    for word in line:
        height = word["bottom"] - word["top"]
        if cells and word["x0"] - cells[-1].right <= _CELL_GAP * height:
            cells[-1].right = max(cells[-1].right, word["x1"])
            cells[-1].text += f" {word['text']}"
        else:
            cells.append(_Cell(word["x0"], word["x1"], word["text"]))
    return cells


def _borders(rows: Sequence[Sequence[_Cell]]) -> list[float]:
    """The middles of the gaps between columns, in points."""
    left = min(cell.left for row in rows for cell in row)
    right = max(cell.right for row in rows for cell in row)
    covered = [0] * (int(right - left) + 2)
    for row in rows:
        for at in {at for cell in row for at in range(int(cell.left - left), int(cell.right - left) + 1)}:
            covered[at] += 1
    most = _BRIDGED * len(rows)
    borders, begun = [], None
    for at, count in enumerate(covered):
        if count <= most:
            begun = at if begun is None else begun
        elif begun is not None:
            if begun and at - begun >= _GAP:
                borders.append(left + (begun + at) / 2)
            begun = None
    return borders


def _placed(line: Sequence[_Cell], borders: Sequence[float]) -> list[str | None]:
    row: list[str | None] = [None] * (len(borders) + 1)
    for cell in line:
        middle = (cell.left + cell.right) / 2
        column = sum(border < middle for border in borders)
        said = row[column]
        row[column] = cell.text if said is None else f"{said} {cell.text}"
    if (
        len(line) == 1 and len(borders) and line[0].left < borders[0]
    ):  # a title or a note, wherever its middle is
        row = [line[0].text, *([None] * len(borders))]
    return row


__all__ = ["table"]
