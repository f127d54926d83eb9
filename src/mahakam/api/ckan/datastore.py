"""``datastore_search``: rows of a public table by filters and words, sorted and in pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mahakam.api.ckan.asked import Asked
from mahakam.api.ckan.errors import Invalid
from mahakam.feeds.entities import json_value
from mahakam.feeds.sources.model import identifier, literal

MOST = 32_000
"""Rows in one answer, as in CKAN."""
_ID = "_id"
_SORT = re.compile(r'^"?(.+?)"?(?:\s+(asc|desc)(?:\s+nulls\s+(?:first|last))?)?$', re.I)
_TYPES = (
    ("TIMESTAMP", "timestamp"), ("DATE", "date"), ("TIME", "time"), ("BOOLEAN", "bool"), ("DOUBLE", "numeric"),
    ("FLOAT", "numeric"), ("DECIMAL", "numeric"), ("BIGINT", "int"), ("INTEGER", "int"), ("SMALLINT", "int"),
)  # fmt: skip


def datastore_search(path: Path, names: Sequence[str], asked: Asked) -> dict[str, Any]:
    """The answer for a table with these public columns. ``_id`` is the number of a row, from 1. Raises Invalid."""
    import duckdb

    connection = duckdb.connect(
        config={"memory_limit": "256MB", "threads": 1, "python_enable_replacements": False}
    )
    try:
        file = f"read_parquet({literal(str(path))}, file_row_number = true)"
        source = f"(SELECT file_row_number + 1 AS {_ID}, * FROM {file})"  # noqa: S608 - a quoted path
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - a quoted path
        types = {name: kind for name, kind, *_ in described if name in (_ID, *names)}
        return _answer(connection, source, types, asked)
    finally:
        connection.close()


def _answer(connection: Any, source: str, types: Mapping[str, str], asked: Asked) -> dict[str, Any]:
    chosen = asked.listed("fields") or list(types)
    for name in chosen:
        _known(name, types, "fields")
    where, values = _where(types, asked)
    limit, offset = asked.number("limit", 100, MOST), asked.number("offset", 0, 2**62)
    columns = ", ".join(identifier(name) for name in chosen)
    distinct = "DISTINCT " if asked.flag("distinct") else ""
    rows = f"SELECT {distinct}{columns} FROM {source}{where}"  # noqa: S608 - quoted names, bound values
    order = _order(types, asked, _ID if not distinct else chosen[0])
    found = connection.execute(
        f"{rows} ORDER BY {order} LIMIT {limit} OFFSET {offset}", values
    ).to_arrow_table()
    columns_found = [[json_value(value) for value in column.to_pylist()] for column in found.columns]
    made = list(zip(*columns_found, strict=True))
    form = asked.text("records_format", "objects")
    if form not in ("objects", "lists"):
        raise Invalid(records_format="Must be objects or lists")
    answer: dict[str, Any] = {
        "include_total": asked.flag("include_total", True),
        "limit": limit,
        "offset": offset,
        "records_format": form,
        "resource_id": asked.text("resource_id") or asked.text("id"),
        "records": made if form == "lists" else [dict(zip(chosen, row, strict=True)) for row in made],
        "fields": [{"id": name, "type": _type(types[name])} for name in chosen],
        "_links": _links(asked, limit, offset),
    }
    if answer["include_total"]:
        counted = connection.execute(f"SELECT count(*) FROM ({rows})", values).fetchall()  # noqa: S608
        answer |= {"total": counted[0][0], "total_was_estimated": False}
    return answer


def _known(name: str, types: Mapping[str, str], where: str) -> str:
    if name not in types:
        raise Invalid(**{where: f'field "{name[:80]}" not in table; it has {", ".join(types)}'})
    return identifier(name)


def _where(types: Mapping[str, str], asked: Asked) -> tuple[str, list[Any]]:
    """Filters (equal, or one of a list) and words (each in some column, or in the column named), values bound."""
    conditions: list[str] = []
    values: list[Any] = []
    for name, wanted in asked.mapping("filters").items():
        column = _known(name, types, "filters")
        options = wanted if isinstance(wanted, list) else [wanted]
        if not all(isinstance(option, str | int | float) or option is None for option in options):
            raise Invalid(filters=f"{name}: must be a value or a list of values")
        given = [_plain(option) for option in options if option is not None]
        # a value is compared as its column has it; one that is no such value selects nothing
        said = [f"{column} IN (SELECT TRY_CAST(unnest(?::VARCHAR[]) AS {types[name]}))"] if given else []
        if None in options:
            said.append(f"{column} IS NULL")
        values += [given] if given else []
        conditions.append(f"({' OR '.join(said)})" if said else "false")
    words = asked.either("q")
    if isinstance(words, dict):
        asked_of = {_known(name, types, "q"): str(text) for name, text in words.items()}
    else:
        every = ", ".join(identifier(name) for name in types if name != _ID) or "''"
        asked_of = {f"concat_ws(' ', {every})": str(words)} if words not in (None, "") else {}
    for text, sought in asked_of.items():
        for word in sought.split()[:20]:
            conditions.append(
                f"contains(lower(strip_accents(CAST({text} AS VARCHAR))), lower(strip_accents(?)))"
            )
            values.append(word)
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _order(types: Mapping[str, str], asked: Asked, last: str) -> str:
    parts = []
    for part in asked.text("sort").split(","):
        if not part.strip():
            continue
        found = _SORT.match(part.strip())
        assert found
        direction = (found[2] or "asc").upper()
        parts.append(f"{_known(found[1], types, 'sort')} {direction} NULLS LAST")
    return ", ".join([*parts, identifier(last)])


def _type(kind: str) -> str:
    return next((word for prefix, word in _TYPES if kind.startswith(prefix)), "text")


def _links(asked: Asked, limit: int, offset: int) -> dict[str, str]:
    path = "/api/3/action/datastore_search?"
    given = asked.plain("resource_id", "id", "filters", "q", "fields", "sort", "limit")
    return {"start": path + urlencode(given), "next": path + urlencode({**given, "offset": offset + limit})}
