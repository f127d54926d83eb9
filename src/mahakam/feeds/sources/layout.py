"""Where the table stands in a sheet: header rows, columns, data rows; notes beside and under it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mahakam.feeds.sources.model import SourceError

Grid = Sequence[Sequence[str | None]]
Merged = Sequence[tuple[int, int, int, int]]
"""First row, first column, last row, last column of merged cells, from 0."""

_NUMBER = re.compile(r"[+-]?[\d.,]*\d[\d.,]*%?")
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?.{0,6}|\d{1,2}:\d{2}(:\d{2})?"
)
_YEAR = re.compile(r"(19|20)\d\d")
_COUNTING = re.compile(r"[(\[]?(\d{1,3})[)\]]?")
_MAX_HEADER = 5
_MAX_NAME = 120


@dataclass(slots=True)
class Layout:
    """Rows are counted from 1 as in the sheet; ``last`` is the last header row, 0 when there is none.

    ``columns`` are the positions (from 0) that belong to the table, ``names`` their joined headers.
    """

    first: int
    last: int
    columns: list[int]
    names: list[str]
    notes: list[str] = field(default_factory=list)


def filled(cell: str | None) -> bool:
    return cell is not None and bool(cell.strip())


def is_value(cell: str | None) -> bool:
    """Does it look like data (a number, a date) and not like a name?"""
    if cell is None:
        return False
    text = cell.strip()
    return bool(_NUMBER.fullmatch(text) or _DATE.fullmatch(text))


def pinned(header: str, grid: Grid, merged: Merged, file: str) -> Layout:
    """The layout that a feed pins: ``"0"``, ``"3"`` or ``"1-3"``.

    Raises SourceError for a range that the file does not have.
    """
    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", header)
    if not match:
        raise SourceError(file, f'header {header!r} is no row; write header: 3, or "1-3", or 0 for none')
    first, last = int(match[1]), int(match[2] or match[1])
    if last > len(grid) or (first == 0) != (last == 0) or first > last:
        raise SourceError(file, f"has no header rows {header}: it has {len(grid)} rows before its end")
    width = max((len(row) for row in grid[max(first - 1, 0) :]), default=0)
    if last == 0:
        return Layout(0, 0, list(range(width)), [""] * width)
    return Layout(
        first, last, list(range(width)), join_header(grid[first - 1 : last], width, merged, first - 1)
    )


def detect(grid: Grid, merged: Merged = (), above: int = 0) -> Layout:
    """Find the header in the first rows of a sheet (``grid``: the more rows, the surer), below ``above`` others."""
    body = _columns_of_values(grid)
    width = max((len(row) for row in grid), default=0)
    main = _main_columns(grid)
    enough = max(1, -(-len(main) * 6 // 10))
    full = next(
        (i for i, row in enumerate(grid) if _fills(row, main) >= enough and not _under_header(grid, i)), 0
    )
    if full >= len(grid):
        return Layout(0, 0, list(range(width)), [""] * width)
    if _is_header(grid, full, body):
        first = last = full
        while first > 0 and last - first < _MAX_HEADER and _joins_upward(grid, first, merged):
            first -= 1
    else:
        first = full
        while first > 0 and full - first < _MAX_HEADER and any(map(filled, grid[first - 1])):
            first -= 1
        if first == full or _coverage(grid[first:full]) < enough:
            return Layout(
                0, 0, list(range(width)), [""] * width, ["no header row found: columns are numbered"]
            )
        last = full - 1 - _under_header(grid, full - 1)
    while last + 1 < len(grid) and last - first < _MAX_HEADER and _continues(grid, first, last + 1, body):
        last += 1
    names = join_header(grid[first : last + 1], width, merged, first)
    layout = Layout(above + first + 1, above + last + 1, list(range(width)), names)
    if last + 1 < len(grid) and _counts_columns(grid[last + 1], body):
        layout.last += 1
        layout.notes.append(f"row {above + last + 2} numbers the columns: taken as part of the header")
    if first:
        layout.notes.append(f"{first} row{'s' if first > 1 else ''} above the header not read")
    if layout.last > layout.first:
        layout.notes.append(f"header joined from rows {layout.first} to {layout.last}")
    return layout


def join_header(rows: Grid, width: int, merged: Merged = (), offset: int = 0) -> list[str]:
    """One name a column: the parts above each other, a group's label repeated over its columns."""
    cells = [[(row[c] or "").strip() if c < len(row) else "" for c in range(width)] for row in rows]
    for top, left, bottom, right in merged:
        if top < offset + len(rows) and bottom >= offset:
            label = cells[max(top - offset, 0)][left] if left < width else ""
            for column in range(left, min(right + 1, width)):
                cells[max(top - offset, 0)][column] = label
    if not merged:
        for upper, lower in reversed(
            list(pairwise(cells))
        ):  # from below: a group of groups spans what they span
            for column in range(1, width):
                if not upper[column] and lower[column] and upper[column - 1] and lower[column - 1]:
                    upper[column] = upper[column - 1]
    names = []
    for column in range(width):
        parts: list[str] = []
        for row in cells:
            part = " ".join(row[column].split())
            if part and part not in parts and not _counts_cell(part, row):
                parts.append(part)
        names.append(" ".join(parts))
    return names


def _lower(grid: Grid) -> Grid:
    """The part of a sample that is surely data."""
    return grid[min(len(grid) // 3, 30) :] if len(grid) > 3 else grid[1:]


def _main_columns(grid: Grid) -> list[int]:
    """The columns that most data rows fill: the header names these at least."""
    rows = [row for row in _lower(grid) if any(map(filled, row))] or list(grid)
    counts = Counter(c for row in rows for c, cell in enumerate(row) if filled(cell))
    return [c for c in sorted(counts) if counts[c] >= 0.5 * len(rows)] or sorted(counts)


def _fills(row: Sequence[str | None], columns: list[int]) -> int:
    return sum(1 for c in columns if c < len(row) and filled(row[c]))


def _columns_of_values(grid: Grid) -> list[bool]:
    """For each column: is its body (the lower part of the sample) mostly numbers or dates?"""
    width = max((len(row) for row in grid), default=0)
    lower = _lower(grid)
    out = []
    for column in range(width):
        cells = [row[column] for row in lower if column < len(row) and filled(row[column])]
        out.append(bool(cells) and sum(map(is_value, cells)) >= 0.7 * len(cells))
    return out


def _is_header(grid: Grid, index: int, body: list[bool]) -> bool:
    row = grid[index]
    if any(filled(cell) and len(cell or "") > _MAX_NAME for cell in row):
        return False
    over_values = [cell for column, cell in enumerate(row) if body[column] and filled(cell)]
    values = [cell for cell in over_values if is_value(cell)]
    if values:
        years = [cell for cell in values if _YEAR.fullmatch((cell or "").strip())]
        own = any(cell in values for other in grid[index + 1 :] for cell in other)
        named = any(filled(cell) and not is_value(cell) for cell in row)
        return named and not own and len(years) == len(values) == len(set(years)) and len(years) > 1
    if over_values:
        return True
    # nothing but text below: a name does not come back as a value of its own column
    first = [(cell or "").strip() for cell in row]
    for other in grid[index + 1 :]:
        same = [
            c for c, name in enumerate(first) if name and c < len(other) and (other[c] or "").strip() == name
        ]
        if same and len(same) < sum(map(bool, first)):
            return False
    return True


def _joins_upward(grid: Grid, first: int, merged: Merged) -> bool:
    """Does the row above hold group labels, or names that this header row leaves blank?"""
    above, row = grid[first - 1], grid[first]
    labels = [c for c, cell in enumerate(above) if filled(cell)]
    if not labels or any(
        is_value(above[c]) and not _YEAR.fullmatch((above[c] or "").strip()) for c in labels
    ):
        return False
    if any(c >= len(row) or not filled(row[c]) for c in labels):
        return True
    spans = [m for m in merged if m[0] <= first - 1 <= m[2] and m[3] > m[1]]
    across = max((m[3] - m[1] + 1 for m in spans), default=0)
    return bool(spans) and across < sum(map(filled, row))


def _continues(grid: Grid, first: int, index: int, body: list[bool]) -> bool:
    """Is this row the header's next: it fills what the rows above left blank, and names, not counts?"""
    row = grid[index]
    cells = [c for c, cell in enumerate(row) if filled(cell)]
    if not cells or (row and filled(row[0])):
        return False
    width = max(len(r) for r in grid[first : index + 1])
    open_columns = [c for c in range(width) if not filled(grid[first][c] if c < len(grid[first]) else None)]
    if not set(cells) & set(open_columns):
        return False
    return all(not is_value(row[c]) or _YEAR.fullmatch((row[c] or "").strip()) for c in cells if body[c])


def _coverage(rows: Grid) -> int:
    return len({c for row in rows for c, cell in enumerate(row) if filled(cell)})


def _counts(row: Sequence[str | None]) -> bool:
    """Is it a row that numbers the columns, (1) (2) (3)?"""
    numbers = [_COUNTING.fullmatch((cell or "").strip()) for cell in row if filled(cell)]
    if len(numbers) < 2 or not all(numbers):
        return False
    found = [int(match[1]) for match in numbers if match]
    return found == list(range(found[0], found[0] + len(found))) and found[0] in (0, 1)


def _under_header(grid: Grid, index: int) -> bool:
    """Is it a row that numbers the columns, under a row of several names?"""
    above = grid[index - 1] if index else ()
    names = [cell for cell in above if filled(cell) and not is_value(cell)]
    return len(names) > 1 and _counts(grid[index])


def _counts_columns(row: Sequence[str | None], body: list[bool]) -> bool:
    """As ``_counts``; without brackets only if it stands over a column of words: 1, 2 may be data."""
    cells = [(column, (cell or "").strip()) for column, cell in enumerate(row) if filled(cell)]
    return _counts(row) and any(cell[0] in "([" or not body[column] for column, cell in cells)


def _counts_cell(part: str, row: Sequence[str]) -> bool:
    return bool(_COUNTING.fullmatch(part)) and _counts(row)


def table_columns(grid: Grid, layout: Layout) -> Layout:
    """Narrow a sheet's layout to the table: columns beyond a blank gap that hold little are notes beside it."""
    below = grid[layout.last :]
    used = [sum(1 for row in below if c < len(row) and filled(row[c])) for c in range(len(layout.names))]
    named = [bool(name.strip()) for name in layout.names]
    kept: list[int] = []
    gap = False
    most = max(used, default=0)
    for column in layout.columns:
        if not used[column] and not named[column]:
            gap = True
            continue
        if gap and kept and used[column] < 0.5 * most:
            letter = column_letter(column)
            layout.notes.append(f"column {letter} stands beside the table: taken as notes, not read")
            continue
        kept.append(column)
    layout.names = [layout.names[c] for c in kept]
    layout.columns = kept
    return layout


def data_rows(grid: Grid, layout: Layout) -> tuple[list[int], dict[str, int]]:
    """Rows (from 0) that hold data, and what is left out under the table: notes, a second table."""
    kept: list[int] = []
    left_out: dict[str, int] = {}
    blank_before = False
    for index in range(layout.last, len(grid)):
        row = grid[index]
        cells = [row[c] if c < len(row) else None for c in layout.columns]
        if not any(map(filled, cells)):
            blank_before = True
            continue
        if blank_before and kept and _ends(grid, index, layout):
            left_out = _left_under(grid, index, layout)
            break
        kept.append(index)
    trailing = 0
    while len(layout.columns) > 2 and len(kept) > 1 and _is_note(grid[kept[-1]], layout):
        kept.pop()
        trailing += 1
    if trailing:
        left_out["note under the table"] = left_out.get("note under the table", 0) + trailing
    return kept, left_out


def _is_note(row: Sequence[str | None], layout: Layout) -> bool:
    cells = [row[c] if c < len(row) else None for c in layout.columns]
    return sum(map(filled, cells)) == 1 and not is_value(next(c for c in cells if filled(c)))


def _ends(grid: Grid, index: int, layout: Layout) -> bool:
    rest = [row for row in grid[index:] if any(map(filled, row))]
    if all(
        _is_note(row, layout) or not any(c < len(row) and filled(row[c]) for c in layout.columns)
        for row in rest
    ):
        return True
    cells = next(row for row in rest if not _is_note(row, layout))  # below the next table's title
    values = [cells[c] for c in layout.columns if c < len(cells) and filled(cells[c])]
    return len(values) > 1 and not any(map(is_value, values))


def second(grid: Grid, layout: Layout, kept: Sequence[int]) -> int | None:
    """The row (from 0) at which the next table begins, its title included; None if there is none."""
    last = kept[-1] if kept else layout.last
    for index in range(last + 1, len(grid)):
        if any(map(filled, grid[index])) and not _is_note(grid[index], layout) and _ends(grid, index, layout):
            start = index
            while (
                start - 1 > last and any(map(filled, grid[start - 1])) and _is_note(grid[start - 1], layout)
            ):
                start -= 1
            return start
    return None


def _left_under(grid: Grid, index: int, layout: Layout) -> dict[str, int]:
    notes = tables = 0
    for row in grid[index:]:
        if not any(c < len(row) and filled(row[c]) for c in layout.columns):
            continue
        if _is_note(row, layout):
            notes += 1
        else:
            tables += 1
    out = {}
    if notes:
        out["note under the table"] = notes
    if tables:
        out["second table under the first"] = tables
    return out


def column_letter(column: int) -> str:
    """0 → A, 26 → AA: the name a spreadsheet gives a column."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
