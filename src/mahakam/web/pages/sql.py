"""Questions in SQL, for anybody, over tables with the columns that they see: the answer, or what is wrong and where."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mahakam.feeds.catalogue.answers import MEDIA, TooManyRows, written
from mahakam.feeds.catalogue.asking import LONGEST, MEMORY, ROWS, SECONDS, Refused, asked
from mahakam.feeds.catalogue.entry import Entry, entries
from mahakam.feeds.catalogue.pace import Pace
from mahakam.feeds.catalogue.tables import shown_table
from mahakam.feeds.entities import json_value
from mahakam.feeds.parts import Parts
from mahakam.web.disclosed import disclosed
from mahakam.web.gate import visitor
from mahakam.web.language import N_, _, words
from mahakam.web.privacy import sight_of
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 200
"""Rows of an answer that the page shows; the files have all."""
_PROBLEMS = {
    "Parser": N_("This cannot be read as SQL"),
    "Catalog": N_("There is no such table or function"),
    "Binder": N_("There is no such column, or it does not fit here"),
    "Permission": N_("Questions reach the tables of this page, and nothing else"),
    "Timeout": N_("This took too long"),
    "OutOfMemory": N_("This needs too much memory"),
    "TooManyRows": N_("The answer is too large"),
    "Pace": N_("That was many questions in a short time"),
    "Busy": N_("Others are asking at this moment"),
}
_STATUS = {"Busy": 503, "TooManyRows": 413, "Timeout": 422, "OutOfMemory": 422, "Pace": 429}
_pace = Pace(questions=60, seconds=60)


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/sql", sql), Route("/sql.{ending}", answer_file)]


def sql(request: Request) -> Response:
    """The page: the question asked, if any, with its first rows or what is wrong with it."""
    tables = _tables(request)
    question = _question(request) or _first(request, tables)
    answer, problem = None, None
    if "q" in request.query_params and question.strip():
        try:
            answer = _answer(request, question, tables)
        except Refused as refused:
            problem = refused
    return render(
        request,
        "sql.html",
        status=_STATUS.get(problem.kind, 400) if problem else 200,
        title=_("Ask in SQL"),
        section="data",
        question=question,
        tables=_by_place(tables),
        answer=answer,
        problem=problem,
        problem_words=_(_PROBLEMS.get(problem.kind, N_("This cannot be answered"))) if problem else "",
        pointed=_pointed(question, problem) if problem else "",
        limits={"seconds": SECONDS, "memory": MEMORY, "rows": ROWS},
        longest=LONGEST,
        examples=_examples(tables),
    )


def answer_file(request: Request) -> Response:
    """Every row of an answer as a file. What is wrong is said as RFC 9457 has it, with line and column."""
    ending = request.path_params["ending"]
    if ending not in MEDIA:
        raise HTTPException(404, f".{ending[:20]}: .{', .'.join(MEDIA)}")
    stack = ExitStack()
    try:
        answer = stack.enter_context(_asked(request, _question(request), _tables(request)))
        blocks = written(answer.batches, ending)
        first = next(blocks)
    except (Refused, TooManyRows) as error:
        stack.close()
        return _problem(error if isinstance(error, Refused) else Refused("TooManyRows", str(error)))
    except BaseException:
        stack.close()
        raise

    def sent() -> Iterator[bytes]:
        with stack:
            yield from itertools.chain([first], blocks)

    headers = {
        "Content-Disposition": f'inline; filename="answer.{ending}"',
        "Access-Control-Allow-Origin": "*",
        "Vary": "Authorization, Cookie",
    }
    if visitor(request) is not None:
        headers["Cache-Control"] = "private, no-store"
    return StreamingResponse(sent(), media_type=MEDIA[ending], headers=headers)


def _problem(refused: Refused) -> Response:
    status = _STATUS.get(refused.kind, 400)
    body: dict[str, Any] = {
        "title": _PROBLEMS.get(refused.kind, "This cannot be answered"),
        "status": status,
        "detail": refused.message,
    }
    if refused.line:
        body |= {"line": refused.line, "column": refused.column}
    headers = {"Retry-After": "5"} if status in (429, 503) else None
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _question(request: Request) -> str:
    return request.query_params.get("q", "").replace("\r\n", "\n")


def _first(request: Request, tables: dict[str, Entry]) -> str:
    """The question that the page opens with: the table that was asked for, or the first."""
    name = request.query_params.get("table", "")
    name = name if name in tables else next(iter(tables), "")
    return f"SELECT *\nFROM {name}\nLIMIT 20" if name else ""


def _tables(request: Request) -> dict[str, Entry]:
    """The tables that have rows, by name, as the reader sees them."""
    site = site_of(request)
    return {
        one.table: one for one in entries(site.store, site.places, sight_of(request)) if one.rows is not None
    }


def _by_place(tables: dict[str, Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for one in tables.values():
        found.setdefault(str(words(one.place.name)), []).append(one)
    return found


def _asked(request: Request, question: str, tables: dict[str, Entry], **more: Any) -> Any:
    address = request.client.host if request.client else ""
    if wait := _pace.seconds_to_wait(address):
        raise Refused("Pace", _("ask again in %(n)s seconds", n=wait))
    parts = Parts.of(site_of(request).node)

    def find(name: str) -> Path | None:
        one = tables.get(name)
        if one is None:
            return None
        disclosed(request, f"{one.place.id}/{one.feed.name}", one.personal, sql=question[:200])
        return shown_table(parts, one)

    return asked(question, find, list(tables), **more)


def _answer(request: Request, question: str, tables: dict[str, Entry]) -> dict[str, Any]:
    with _asked(request, question, tables, rows=SHOWN, cut=True) as answer:
        schema = answer.batches.schema
        rows = [
            tuple(json_value(value) for value in row)
            for batch in answer.batches
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]
        cut = answer.cut
    columns = [_column(field, position) for position, field in enumerate(schema)]
    table = Table(
        request,
        _("Answer"),
        columns,
        rows,
        path="/sql",
        per_page=SHOWN,
        endings=tuple(MEDIA),
        anchor="answer",
        nothing=_("No row answers this."),
    )
    return {"table": table, "cut": cut, "rows": len(rows)}


def _column(field: pa.Field[Any], position: int) -> Column:
    import pyarrow.types as types

    numeric = types.is_integer(field.type) or types.is_floating(field.type) or types.is_decimal(field.type)
    return Column(
        field.name, field.name, "number" if numeric else "text", get=lambda row: row[position], sortable=False
    )


def _pointed(question: str, problem: Refused) -> str:
    """The line that is wrong, with a mark under the place."""
    lines = question.split("\n")
    if not 0 < problem.line <= len(lines):
        return ""
    return f"{lines[problem.line - 1]}\n{' ' * (problem.column - 1)}^"


def _examples(tables: dict[str, Entry]) -> list[tuple[str, str]]:
    """(words, address) of questions over the tables that this node has."""
    made: list[tuple[str, str]] = []
    for one in tables.values():
        kinds = {column.name: column.kind for column in one.columns}
        number = next((name for name, kind in kinds.items() if kind == "number"), "")
        when = next((name for name, kind in kinds.items() if kind in ("date", "timestamp")), "")
        if number and when:
            question = (
                f'SELECT year("{when}") AS year, avg("{number}") AS mean, max("{number}") AS most\n'
                f"FROM {one.table}\nGROUP BY ALL\nORDER BY year"
            )
            made.append((_("%(title)s by year", title=words(one.feed.title)), question))
    if tables:
        made.append((_("What columns a table has"), f"DESCRIBE {next(iter(tables))}"))
    return [(text, "/sql?" + urlencode({"q": question})) for text, question in made[-4:]]
