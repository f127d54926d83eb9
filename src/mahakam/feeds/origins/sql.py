"""A query in a database (SQLite, PostgreSQL, MySQL, MariaDB), read only."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from mahakam.feeds.origins import Ask, Origin, url_with_secrets
from mahakam.feeds.origins._databases import rows_of
from mahakam.feeds.origins._rising import Rising
from mahakam.feeds.sources.model import SourceError

MAX_ROWS = 5_000_000


def fetch(ask: Ask) -> list[Path]:
    """The query's rows as JSON lines. ``parameters`` are bound, never put into the text.

    Raises NothingNew, and SourceError for a database that cannot be opened, a query that is wrong or writes, too many
    rows.
    """
    url = url_with_secrets(str(ask.options["url"]), ask.name)
    parameters = dict(ask.options.get("parameters") or {})
    rising = Rising(ask, str(ask.options["rises"])) if ask.options.get("rises") else None
    if rising:
        parameters["since"] = rising.since
    path = ask.folder / (rising.name() if rising else f"{ask.name.rpartition('/')[2]}.jsonl")
    with path.open("w", encoding="utf-8") as file:
        found = rows_of(ask, url, str(ask.options["query"]), parameters)
        for number, (names, row) in enumerate(found, 1):
            if number > MAX_ROWS:
                raise SourceError(ask.name, f"the query gives more than {MAX_ROWS:,} rows; narrow it")
            record = dict(zip(names, row, strict=True))
            if rising is None or rising.is_new(record):
                file.write(json.dumps(record, ensure_ascii=False, default=_plain) + "\n")
    if rising:
        rising.keep()
    return [path]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return value.hex()
    if isinstance(value, dt.timedelta):  # MySQL's TIME, which may be beyond a day and negative
        seconds = abs(int(value.total_seconds()))
        sign = "-" if value < dt.timedelta() else ""
        return f"{sign}{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return str(value)


ORIGIN = Origin(
    fetch,
    "a query in a database: SQLite, PostgreSQL, MySQL, MariaDB",
    {
        "url": "needed: sqlite:data/FILE (inside the place's folder), postgresql://… or mysql://…; ${NAME} is taken "
        "from the environment",
        "query": "needed: a SELECT; its columns are the feed's columns",
        "parameters": "values bound to :name (SQLite) or %(name)s (PostgreSQL, MySQL)",
        "rises": "a column that only rises (a number, a time of change): the greatest value of the last run that "
        "ended well is bound to since (NULL at first), so that a query may ask for what is new",
    },
)
