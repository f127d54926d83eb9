"""Rows that only name a group for the rows under them ("Kecamatan Palaran" above its villages).

Such a row is told from one whose values are missing by how it stands there: merged over several columns, without the
running number of the others, in a column of its own, or with a first word that all of them share and no other row has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mahakam.feeds.sources.layout import Grid, Merged, filled, is_value

_FEWEST_COLUMNS = 3
_NUMBERED = 0.9
"""The share of the other rows that have a number in the first column, from which on it is a running number."""
_RARE = 0.1
_COUNT = re.compile(r"([IVXLC]{1,6}|[A-Za-z])[.)]?")
"""How groups are counted: I, II., A, b)."""
_WORD = re.compile(r"\w+")
NAME = "group"


@dataclass(frozen=True, slots=True)
class Groups:
    """``headings``: row of the grid → what it names; ``of``: other row → its group, the outer ones first."""

    headings: dict[int, str]
    of: dict[int, str]
    name: str = NAME

    @property
    def note(self) -> str:
        """What is to be said of them; rows as a person counts them."""
        some = ", ".join(f"{row + 1} {text}" for row, text in list(self.headings.items())[:5])
        more = ", …" if len(self.headings) > 5 else ""
        return f"rows that only name a group for those under them ({some}{more}): read as the column {self.name!r}"


def groups(grid: Grid, rows: Sequence[int], columns: Sequence[int], merged: Merged = ()) -> Groups | None:
    """The groups of a table's rows (from 0, in order); None if it has none.

    ``columns``: the positions of the table's columns; ``merged`` as of :mod:`.layout`.
    """
    if len(columns) < _FEWEST_COLUMNS:
        return None
    named = {row: cell for row in rows if (cell := _only_name(grid[row], columns)) is not None}
    others = [row for row in rows if row not in named]
    if not named or not others or rows[-1] in named:
        return None
    every = {row: (column, (grid[row][column] or "").strip()) for row, column in named.items()}
    across = {top for top, left, _, right in merged if right > left and every.get(top, (-1,))[0] == left}
    evident = len(across) == len(every) or (
        (len(every) > 1 or rows[0] in every)
        and (_without_number(grid, every, others, columns) or _in_a_column_of_its_own(grid, every, others))
    )
    if not evident and not (len(every) > 1 and _share_a_word(grid, every, others)):
        return None
    headings = {row: text for row, (_, text) in every.items()}
    return Groups(headings, _carried(rows, headings), _common_name(list(headings.values())))


def _only_name(row: Sequence[str | None], columns: Sequence[int]) -> int | None:
    """The column of the one cell that is filled, if that is a name; what counts groups may stand before it."""
    cells = [c for c in columns if c < len(row) and filled(row[c])]
    if len(cells) == 2 and _COUNT.fullmatch((row[cells[0]] or "").strip()):
        cells = cells[1:]
    return cells[0] if len(cells) == 1 and not is_value(row[cells[0]]) else None


def _text(grid: Grid, row: int, column: int) -> str:
    return (grid[row][column] or "").strip() if column < len(grid[row]) else ""


Named = dict[int, tuple[int, str]]
"""Row → the column of its name, and the name."""


def _without_number(grid: Grid, named: Named, others: Sequence[int], columns: Sequence[int]) -> bool:
    """Whether the first column numbers the other rows, and none of these."""
    first = columns[0]
    numbered = sum(_text(grid, row, first).rstrip(".").isdecimal() for row in others)
    return numbered >= _NUMBERED * len(others) and not any(is_value(_text(grid, row, first)) for row in named)


def _in_a_column_of_its_own(grid: Grid, named: Named, others: Sequence[int]) -> bool:
    columns = {column for column, _ in named.values()}
    return len(columns) == 1 and not any(_text(grid, row, column) for row in others for column in columns)


def _share_a_word(grid: Grid, named: Named, others: Sequence[int]) -> bool:
    """Whether the names begin with the same word (Kecamatan …), and hardly any other row does."""
    word = _first_word([text for _, text in named.values()])
    columns = {column for column, _ in named.values()}
    if not word or len(columns) != 1:
        return False
    same = [row for row in others for column in columns if _begins(_text(grid, row, column), word)]
    return len(same) <= _RARE * len(others)


def _first_word(texts: Sequence[str]) -> str:
    """The word that all begin with, if there is more after it; "" if there is none."""
    words = [_WORD.findall(text) for text in texts]
    if any(len(each) < 2 for each in words) or len({each[0].casefold() for each in words}) != 1:
        return ""
    return words[0][0] if not words[0][0].isdecimal() else ""


def _begins(text: str, word: str) -> bool:
    found = _WORD.search(text)
    return found is not None and found[0].casefold() == word.casefold()


def _carried(rows: Sequence[int], headings: dict[int, str]) -> dict[int, str]:
    """Names in rows one after the other are groups of groups; one that stands alone is of the innermost."""
    of: dict[int, str] = {}
    levels: list[str] = []
    run: list[str] = []
    for row in rows:
        if row in headings:
            run.append(headings[row])
            continue
        if run:
            levels = [*levels[: max(len(levels) - len(run), 0)], *run]
            run = []
        if levels:
            of[row] = " / ".join(levels)
    return of


def _common_name(texts: Sequence[str]) -> str:
    """A name for the column: the word that all names begin with (Kecamatan)."""
    return (_first_word(texts) if len(texts) > 1 else "") or NAME
