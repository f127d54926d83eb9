"""Records (JSON objects, GeoJSON features) as a table of text: what both kinds of JSON source share."""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.model import (
    GEOMETRY,
    LINE,
    MAX_COLUMNS,
    MAX_JSON,
    ROW,
    SourceError,
    SourceInfo,
    Table,
    distinct_names,
)

if TYPE_CHECKING:
    import duckdb

_decoder = msgspec.json.Decoder()
Record = tuple[int, Mapping[str, Any], Any]
"""The line (or number) a person finds it at, its members, and its geometry or None."""


def load(found: Local, text: str, *, line: int = 0, constants: Counter[str] | None = None) -> Any:
    """JSON as it is written: NaN and Infinity, which the standard does not have (RFC 8259 § 6) and some programs write,
    are read as the text that they are, so that the rules of their field judge them; ``constants`` counts them.

    Raises SourceError with line and column.
    """

    def constant(name: str) -> str:
        if constants is not None:
            constants[name] += 1
        return name

    with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
        return _decoder.decode(text)
    try:  # what is wrong is said by the slower one, which also reads what the first one does not
        return json.loads(text, parse_constant=constant, parse_float=_float)
    except json.JSONDecodeError as error:
        at = f"line {line or error.lineno}, column {error.colno}"
        raise SourceError(found.name, f"is not valid JSON: {error.msg}", where=at) from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        where = f"line {line}" if line else ""
        raise SourceError(
            found.name, "holds a number of thousands of digits; write it as text", where=where
        ) from error
    except RecursionError as error:
        raise SourceError(found.name, "is nested too deep to be a table of records") from error


def _float(text: str) -> float | str:
    """A number too large for a float stays the text that it was."""
    value = float(text)
    return text if value in (math.inf, -math.inf) else value


def constant_notes(constants: Counter[str]) -> list[str]:
    """What to note of figures that JSON does not have."""
    named = ", ".join(f"{name} {count} times" for name, count in sorted(constants.items()))
    return [f"holds what JSON does not have, read as text: {named}"] if constants else []


def whole_text(found: Local, path: Path) -> str:
    """The text of a file that is read in one piece. Raises SourceError beyond ``MAX_JSON`` bytes."""
    if path.stat().st_size > MAX_JSON:
        raise SourceError(found.name, f"is larger than {MAX_JSON >> 20} MB; write it as JSON lines or CSV")
    return path.read_text("utf-8-sig")


def table(
    found: Local,
    connection: duckdb.DuckDBPyConnection,
    info: SourceInfo,
    rows: Iterable[Record],
    *,
    geometry: bool,
    columns: Iterable[str] = (),
) -> Table:
    """Members become columns in the order in which they first appear; nested values stay JSON text.

    ``columns`` are there in any case, and first.
    """
    import pyarrow as pa

    order: dict[str, list[str | None]] = {name: [] for name in columns}
    lines: list[int] = []
    shapes: list[str | None] = []
    for count, (line, members, shape) in enumerate(rows):
        lines.append(line)
        for key, value in members.items():
            column = order.get(key)
            if column is not None and len(column) == count:
                plain = value.__class__ is str and "\x00" not in value
                column.append((value or None) if plain else as_text(value))
                continue
            if column is None:
                _array(found, [key], [line])
                column = order[key] = []
                if len(order) > MAX_COLUMNS:
                    raise SourceError(
                        found.name, f"has more than {MAX_COLUMNS} different members", where=f"record {line}"
                    )
            column.extend([None] * (count - len(column)))
            column.append(as_text(value))
        shapes.append(None if shape is None else compact(shape))
    total = len(lines)
    for column in order.values():
        column.extend([None] * (total - len(column)))
    info.columns = distinct_names(list(order))
    arrays: list[pa.Array[Any]] = [pa.array(range(1, total + 1), pa.int64()), pa.array(lines, pa.int64())]
    arrays += [_array(found, column, lines) for column in order.values()]
    names = [ROW, LINE, *info.columns]
    if geometry:
        arrays.append(_array(found, shapes, lines))
        names.append(GEOMETRY)
        info.columns = [*info.columns, GEOMETRY]
    relation = connection.from_arrow(pa.Table.from_arrays(arrays, names=names))
    return Table(relation, info).keep(found.scratch)


def _array(found: Local, column: list[str | None], lines: list[int]) -> Any:
    """A column of text. Raises SourceError for half a character (a lone surrogate), which JSON can escape."""
    import pyarrow as pa

    try:
        return pa.array(column, pa.string())
    except UnicodeEncodeError as error:
        at = next(n for n, text in enumerate(column) if text and not _is_text(text))
        half = ascii(error.object[error.start])
        raise SourceError(
            found.name,
            f"holds {half}, which is half a character; write the whole",
            where=f"record {lines[at]}",
        ) from error


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def as_text(value: Any) -> str | None:
    """A JSON value as the text of a cell."""
    if value is None or isinstance(value, str):
        return (value or None) if value is None or "\x00" not in value else value.replace("\x00", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return compact(value)


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
