"""The structural check of a CSV file: whole, without a loop over its rows, before a reader is let at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources.model import MAX_LINE, SourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK = 4 << 20
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34


@dataclass(frozen=True, slots=True)
class Shape:
    """``regular``: every line is one row of exactly the given columns and every quote is where it may be."""

    regular: bool
    rows: int


def check(path: Path, name: str, start: int, delimiter: str, columns: int) -> Shape:
    """Scan a UTF-8 file with ``\\n`` or ``\\r\\n`` line ends from byte ``start``, the first line under the header.

    Raises SourceError for a line longer than ``MAX_LINE``.
    """
    rows = 0
    separator = ord(delimiter)
    with path.open("rb") as file:
        file.seek(start)
        rest = b""
        while chunk := file.read(_CHUNK):
            block = rest + chunk
            cut = block.rfind(b"\n") + 1
            if not cut:
                if len(block) > MAX_LINE:
                    raise too_long(name, rows + 1)
                rest = block
                continue
            rest = block[cut:]
            found = _lines(block[:cut], separator, columns)
            if found is None:
                # blank lines at the end of the file are no rows
                tail = rest + file.read(_CHUNK)
                if tail.strip() or file.read(1):
                    return Shape(False, rows)
                found = _lines(block[:cut].rstrip() + b"\n", separator, columns)
                return Shape(found is not None, rows + (found or 0))
            rows += found
        if rest.strip():
            found = _lines(rest + b"\n", separator, columns)
            if found is None:
                return Shape(False, rows)
            rows += found
    return Shape(True, rows)


def too_long(name: str, line: int) -> SourceError:
    """A line beyond the limit: such a file is no table, or its line ends are lost."""
    return SourceError(
        name,
        f"has a line longer than {MAX_LINE // (1 << 20)} MB; it is no table, or its line ends are lost",
        where=f"near line {line}",
    )


def _lines(block: bytes, separator: int, columns: int) -> int | None:
    """The number of rows in whole lines, or None if one of them is irregular."""
    import numpy as np

    data = np.frombuffer(block, dtype=np.uint8)
    marks = np.flatnonzero((data == separator) | (data == _NEWLINE))
    if b'"' in block:
        quotes = np.flatnonzero(data == _QUOTE)
        if len(quotes) % 2 or not _well_quoted(data, quotes, separator):
            return None
        outside = (np.searchsorted(quotes, marks) & 1) == 0
        if not bool(np.all(outside | (data[marks] != _NEWLINE))):
            return None
        marks = marks[outside]
    rows, over = divmod(len(marks), columns)
    ends = data[marks] == _NEWLINE
    if over or int(ends.sum()) != rows or not bool(ends[columns - 1 :: columns].all()):
        return None
    if columns == 1 and rows and bool((np.diff(marks, prepend=-1) == 1).any()):
        return None
    return rows


def _well_quoted(data: NDArray[np.uint8], quotes: NDArray[Any], separator: int) -> bool:
    """Does each quote open at the start of a cell and close at its end (or stand doubled inside)?"""
    import numpy as np

    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening == 0, _NEWLINE, data[np.maximum(opening, 1) - 1])
    after = data[np.minimum(closing + 1, len(data) - 1)]
    opens = (before == separator) | (before == _NEWLINE) | (before == _QUOTE)
    closes = (after == separator) | (after == _NEWLINE) | (after == _RETURN) | (after == _QUOTE)
    return bool(opens.all() and closes.all())
