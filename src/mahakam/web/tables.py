"""One table, three faces: the same columns and rows as a page (sorted, paged), as ``.csv`` and as
``.json``."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import orjson
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mahakam.spreadsheet import guarded, plain
from mahakam.web import language
from mahakam.web.language import n_

Kind = Literal["text", "number", "date", "time", "share", "code"]
PER_PAGE = 50
SORTABLE_ROWS = 20_000
"""Sources that must be read whole to be sorted offer sorting only up to this many rows."""


class Rows(Protocol):
    """Where rows come from when they are not already a list."""

    def count(self) -> int: ...

    def window(self, limit: int, offset: int) -> Sequence[Any]:
        """Some rows in the source's own order."""

    def scan(self) -> Iterator[Any]:
        """Every row, without holding them all."""


@dataclass(frozen=True)
class Column:
    """``name``: the key in ``.csv`` and ``.json``; ``title``: what the header says (translated).

    ``get`` takes the value out of a row (default: ``row[name]``); ``html`` shows the row's cell if the
    formatted
    value is not enough; ``link`` gives the cell's address. ``hidden`` columns are only in the downloads;
    ``phone`` False leaves a column out where a row is folded into a block.
    """

    name: str
    title: str = ""
    kind: Kind = "text"
    get: Callable[[Any], Any] | None = None
    html: Callable[[Any], Markup | str] | None = None
    link: Callable[[Any], str | None] | None = None
    hidden: bool = False
    sortable: bool = True
    decimals: int | None = None
    phone: bool = True

    @property
    def numeric(self) -> bool:
        return self.kind in ("number", "share")

    def value(self, row: Any) -> Any:
        if self.get is not None:
            return self.get(row)
        return row.get(self.name) if isinstance(row, Mapping) else getattr(row, self.name)

    def show(self, row: Any) -> Markup | str:
        """The cell for a person: formatted, escaped, linked."""
        if self.html is not None:
            return self.html(row)
        text = self._formatted(self.value(row))
        address = self.link(row) if self.link is not None and text else None
        return Markup('<a href="{}">{}</a>').format(address, text) if address else escape(text)

    def _formatted(self, value: Any) -> Markup | str:
        if value is None or value == "":
            return ""
        match self.kind:
            case "number":
                return language.number(value, self.decimals) if isinstance(value, int | float) else str(value)
            case "share":
                return language.percent(value, self.decimals or 0)
            case "date":
                return Markup('<span class="nowrap">{}</span>').format(language.date(value, "medium"))
            case "time":
                return Markup('<span class="nowrap">{}</span>').format(language.time(value))
            case "code":
                return Markup("<code>{}</code>").format(value)
            case _:
                return plain(value)


@dataclass
class Table:
    """Rows under columns, as one request asks for them (``?sort=-name&page=2``).

    ``path`` is the address without ending, ``sort`` the order when none is asked for (as in the query).
    ``mark`` gives a row's class. ``endings`` are the downloads offered.
    """

    request: Request
    caption: str
    columns: Sequence[Column]
    source: Sequence[Any] | Rows
    path: str = ""
    sort: str = ""
    per_page: int = PER_PAGE
    mark: Callable[[Any], str] = lambda _row: ""
    nothing: str = ""
    endings: tuple[str, ...] = ("csv", "json")
    anchor: str = "table"
    downloadable: bool = True
    key: str = field(default="", kw_only=True)
    """Prefix of the query parameters, for a page with several tables."""

    @cached_property
    def total(self) -> int:
        return len(self.source) if isinstance(self.source, Sequence) else self.source.count()

    @property
    def shown(self) -> list[Column]:
        return [column for column in self.columns if not column.hidden]

    @property
    def pages(self) -> int:
        return max(1, math.ceil(self.total / self.per_page))

    @cached_property
    def page(self) -> int:
        asked = self.request.query_params.get(self.key + "page", "1")
        return min(max(int(asked) if asked.isdecimal() and len(asked) < 10 else 1, 1), self.pages)

    @cached_property
    def order(self) -> tuple[Column | None, bool]:
        """The column sorted by and whether descending."""
        asked = self.request.query_params.get(self.key + "sort", "") or self.sort
        name, descending = asked.removeprefix("-"), asked.startswith("-")
        for column in self.columns:
            if column.name == name and column.sortable and self._sortable:
                return column, descending
        return None, False

    @property
    def _sortable(self) -> bool:
        return isinstance(self.source, Sequence) or self.total <= SORTABLE_ROWS

    @cached_property
    def rows(self) -> Sequence[Any]:
        """The rows of this page."""
        start = (self.page - 1) * self.per_page
        if self.order[0] is None and not isinstance(self.source, Sequence):
            return self.source.window(self.per_page, start)
        return list(self.everything())[start : start + self.per_page]

    def everything(self) -> Iterable[Any]:
        """Every row in the asked order."""
        rows = self.source if isinstance(self.source, Sequence) else self.source.scan()
        column, descending = self.order
        if column is None:
            return rows
        filled: list[Any] = []
        blank: list[Any] = []
        for row in rows:
            (blank if column.value(row) in (None, "") else filled).append(row)
        filled.sort(key=lambda row: sort_key(column.value(row)), reverse=descending)
        return [*filled, *blank]

    @property
    def summary(self) -> str:
        return n_("%(n)s row", "%(n)s rows", self.total)

    def direction(self, column: Column) -> str:
        by, descending = self.order
        return ("descending" if descending else "ascending") if by is column else ""

    def sort_link(self, column: Column) -> str:
        if not (column.sortable and self._sortable and self.total > 1):
            return ""
        by, descending = self.order
        return self._address(
            sort=f"-{column.name}" if by is column and not descending else column.name, page=None
        )

    @property
    def previous(self) -> str:
        return self._address(page=self.page - 1) if self.page > 1 else ""

    @property
    def next(self) -> str:
        return self._address(page=self.page + 1) if self.page < self.pages else ""

    @property
    def downloads(self) -> list[tuple[str, str]]:
        """(ending, address) of this table's files, filtered as the page is."""
        query = self._query(page=None)
        return (
            [(ending, f"{self._base}.{ending}{query}") for ending in self.endings]
            if self.downloadable
            else []
        )

    @property
    def _base(self) -> str:
        return self.path or self.request.url.path

    def _query(self, **changes: Any) -> str:
        changed = {self.key + name: value for name, value in changes.items()}
        pairs = [
            (k, v)
            for k, v in self.request.query_params.multi_items()
            if k not in changed and k != "lang" and v
        ]
        pairs += [(k, str(v)) for k, v in changed.items() if v is not None]
        return "?" + urlencode(pairs) if pairs else ""

    def _address(self, **changes: Any) -> str:
        return self.request.url.path + (self._query(**changes) or "?") + f"#{self.anchor}"


def sort_key(value: Any) -> tuple[int, Any]:
    """Numbers by size before text by alphabet; a mixed column never fails."""
    if isinstance(value, bool | int | float):
        return (0, value)
    if isinstance(value, dt.datetime | dt.date):
        return (1, value.isoformat())
    return (1, plain(value).casefold())


def csv_lines(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[str]:
    """RFC 4180 with the columns' names as header, in blocks of lines."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([guarded(column.value(row)) for column in columns])
        if buffer.tell() > 65536:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def json_lines(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[bytes]:
    """A JSON array with one object a row, one row a line."""
    yield b"["
    start = b"\n"
    for row in rows:
        record = {column.name: column.value(row) for column in columns}
        yield start + orjson.dumps(record, default=str, option=orjson.OPT_NON_STR_KEYS)
        start = b",\n"
    yield b"\n]\n"


def export(table: Table, ending: str) -> Response:
    """The whole table as a file, streamed."""
    name = table._base.strip("/").replace("/", "-") or "table"
    headers = {
        "Content-Disposition": f'inline; filename="{_ascii(name)}.{ending}"',
        "Cache-Control": "no-cache",
    }
    if ending == "csv":
        lines = csv_lines(table.columns, table.everything())
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8; header=present", headers=headers)
    return StreamingResponse(
        json_lines(table.columns, table.everything()), media_type="application/json", headers=headers
    )


def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)


def table_routes(
    path: str, page: Callable[[Request], Any] | None, table: Callable[[Request], Table]
) -> list[Route]:
    """Routes of one table: ``path`` is answered by ``page``, ``path.csv`` and ``path.json`` by the table
    itself."""

    def as_csv(request: Request) -> Response:
        return export(table(request), "csv")

    def as_json(request: Request) -> Response:
        return export(table(request), "json")

    routes = [Route(path + ".csv", as_csv), Route(path + ".json", as_json)]
    if page is not None:
        routes.append(Route(path, page))
    return routes
