"""A query in a database (SQLite, PostgreSQL), read only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mahakam.feeds.origins import Ask, Origin, with_secrets
from mahakam.feeds.sources.model import SourceError

MAX_ROWS = 5_000_000
SECONDS = 300
_BATCH = 5_000


def fetch(ask: Ask) -> list[Path]:
    """The query's rows as JSON lines. ``parameters`` are bound, never put into the text.

    Raises SourceError for a database that cannot be opened, a query that is wrong or writes, too many rows.
    """
    url = with_secrets(str(ask.options["url"]), ask.name)
    query = str(ask.options["query"])
    parameters = dict(ask.options.get("parameters") or {})
    rising = ask.options.get("rises")
    highest: Any = ask.state.get("since") if rising else None
    if rising:
        parameters["since"] = highest
    if url.startswith("sqlite:"):
        rows = _sqlite(ask, url.removeprefix("sqlite:"), query, parameters)
    elif url.startswith(("postgresql:", "postgres:")):
        rows = _postgresql(ask, url, query, parameters)
    else:
        raise SourceError(ask.name, "url must begin with sqlite: or postgresql:")
    path = ask.folder / f"{ask.name.rpartition('/')[2]}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number, (names, row) in enumerate(rows, 1):
            if number > MAX_ROWS:
                raise SourceError(ask.name, f"the query gives more than {MAX_ROWS:,} rows; narrow it")
            if rising:
                highest = _higher(ask, highest, rising, names, row)
            file.write(
                json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=_plain) + "\n"
            )
    if rising:
        ask.state["since"] = highest
    return [path]


def _higher(ask: Ask, highest: Any, rising: str, names: Sequence[str], row: Sequence[Any]) -> Any:
    """The greater of what was seen and the row's value: a number, or a text that sorts as its times do."""
    if rising not in names:
        raise SourceError(ask.name, f"rises: the query has no column {rising!r}; it has {', '.join(names)}")
    value = row[names.index(rising)]
    if value is None:
        return highest
    if isinstance(value, datetime):
        value = value.astimezone(UTC) if value.tzinfo else value
    value = value if isinstance(value, int | float) else str(value)
    try:
        return value if highest is None else max(highest, value)
    except TypeError:
        raise SourceError(
            ask.name, f"rises: {rising} has numbers and texts; take one that only rises"
        ) from None


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)


Rows = Iterator[tuple[Sequence[str], Sequence[Any]]]


def _sqlite(ask: Ask, name: str, query: str, parameters: dict[str, Any]) -> Rows:
    path = (ask.place / name).resolve()
    if not path.is_relative_to(ask.place.resolve()):
        raise SourceError(ask.name, f"{name!r} leads out of the place's folder; name a file inside it")
    if not path.is_file():
        raise SourceError(ask.name, f"there is no database {name!r} in {ask.place}")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=30)) as connection:
            connection.execute("PRAGMA query_only = on")
            cursor = connection.execute(query, parameters)
            names = _names(ask, cursor.description)
            while rows := cursor.fetchmany(_BATCH):
                for row in rows:
                    yield names, row
    except sqlite3.Error as error:
        raise SourceError(ask.name, f"{name}: {error}") from error


def _postgresql(ask: Ask, url: str, query: str, parameters: dict[str, Any]) -> Rows:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=15, application_name="mahakam") as connection:
            connection.read_only = True
            connection.execute(f"SET LOCAL statement_timeout = '{SECONDS}s'")
            with connection.cursor(name="mahakam") as cursor:
                cursor.itersize = _BATCH
                cursor.execute(query.encode(), parameters or None)
                names = _names(ask, cursor.description)
                for row in cursor:
                    yield names, row
    except psycopg.Error as error:
        said = str(error).strip().splitlines()
        raise SourceError(
            ask.name, f"the database says: {said[0] if said else type(error).__name__}"
        ) from error


def _names(ask: Ask, description: Any) -> list[str]:
    if description is None:
        raise SourceError(ask.name, "the query gives no rows; write one that begins with SELECT")
    return [str(column[0]) for column in description]


ORIGIN = Origin(
    fetch,
    "a query in a database: SQLite, PostgreSQL",
    {
        "url": "needed: sqlite:data/FILE (inside the place's folder) or postgresql://…; ${NAME} is taken from the "
        "environment",
        "query": "needed: a SELECT; its columns are the feed's columns",
        "parameters": "values bound to :name (SQLite) or %(name)s (PostgreSQL)",
        "rises": "a column that only rises (a number, a time of change): the greatest value of the last run that "
        "ended well is bound to since (NULL at first), so that a query may ask for what is new",
    },
)
