"""The paths of the catalogue that programs ask: graphs, metadata of tables, and the tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mahakam.access import Principal, principal_of
from mahakam.access.rights import Rights, Sight
from mahakam.api.catalogue.negotiation import MEDIA, Form, preferred
from mahakam.broker.disclosure import note_read
from mahakam.config import Place, as_text
from mahakam.feeds.catalogue.answers import MEDIA as FILES
from mahakam.feeds.catalogue.answers import TooManyRows, written
from mahakam.feeds.catalogue.entry import Entry, entries, entry
from mahakam.feeds.catalogue.tables import shown_columns, shown_table
from mahakam.feeds.dataset_rows import versions_of
from mahakam.feeds.datasets import dataset_id
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.model import SourceError

if TYPE_CHECKING:
    import pyarrow as pa


def routes() -> list[BaseRoute]:
    """The most particular first."""
    return [
        Route("/catalogue", whole),
        Route("/catalogue.{form:str}", whole),
        Route("/catalogue/{place}/{feed}.csv-metadata.json", metadata),
        Route("/catalogue/{place}/{feed}.{ending:str}", by_ending),
        Route("/catalogue/{place}/{feed}", one_dataset),
    ]


def handlers() -> Mapping[Any, Any]:
    """Whatever goes wrong is said as RFC 9457 has it."""
    return {HTTPException: _problem}


def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    titles = {
        401: "Unauthorized",
        404: "Not found",
        406: "Not acceptable",
        409: "No rows yet",
        413: "Too many rows",
    }
    body = {
        "title": titles.get(error.status_code, "Refused"),
        "status": error.status_code,
        "detail": error.detail,
    }
    return JSONResponse(body, error.status_code, error.headers, media_type="application/problem+json")


def whole(request: Request) -> Response:
    """The catalogue of the node."""
    from mahakam.api.catalogue.dcat import catalogue_graph, serialized
    from mahakam.api.catalogue.requests import add_requests

    parts, form = parts_of(request), _form(request)
    top = _top(parts.places)
    title = {code: f"{words}: {name}" for (code, words), name in _titles(top)} if top else as_text("Mahakam")
    publisher = next(iter(top.name.values())) if top else "Mahakam"
    graph = catalogue_graph(
        root(request), title, publisher, entries(parts.store, parts.places, sight_of(request))
    )
    add_requests(graph, root(request), parts.places)
    return _answer(request, serialized(graph, form), form)


def _titles(top: Place) -> Iterator[tuple[tuple[str, str], str]]:
    for code, words in (("en", "Data catalogue"), ("id", "Katalog data")):
        yield (code, words), top.name.get(code) or next(iter(top.name.values()))


def _top(places: Mapping[str, Place]) -> Place | None:
    """The place above all others; the first of several."""
    return next((place for place in places.values() if place.parent not in places), None)


def one_dataset(request: Request) -> Response:
    """One dataset of the catalogue."""
    return _graph_of(request, _entry(request), _form(request))


def by_ending(request: Request) -> Response:
    """One dataset as a graph, or its table."""
    ending = request.path_params["ending"]
    if ending in ("ttl", "jsonld"):
        return _graph_of(request, _entry(request), ending)
    if ending in FILES:
        return table(request, ending)
    raise HTTPException(
        404, f"there is no form .{ending[:20]}; there are .ttl, .jsonld, .{', .'.join(FILES)}"
    )


def _graph_of(request: Request, one: Entry, form: Form) -> Response:
    from mahakam.api.catalogue.dcat import dataset_graph, serialized

    document = parts_of(request).broker.get(dataset_id(one.place.id, one.feed.name))
    versions = versions_of(document) if document else ()
    return _answer(request, serialized(dataset_graph(root(request), one, versions), form), form)


def metadata(request: Request) -> Response:
    """The CSVW document of a table."""
    from mahakam.api.catalogue.csvw import csvw

    one = _entry(request)
    return JSONResponse(
        csvw(root(request), one, shown_columns(one)),
        media_type="application/csvm+json",
        headers=open_to(request),
    )


def table(request: Request, ending: str) -> Response:
    """The rows as a file, with the columns that the reader sees; ``?version=RUN``: as a run left them."""
    import pyarrow.parquet as pq

    one = _entry(request)
    asked = request.query_params.get("version", "0")
    if not asked.isdecimal() or len(asked) > 18:
        raise HTTPException(400, f"version is the number of a run, not {asked[:40]!r}")
    try:
        path = shown_table(parts_of(request), one, int(asked))
    except SourceError as error:
        raise HTTPException(500, str(error)) from error
    if path is None:
        raise HTTPException(
            404, f"{one.place.id}/{one.feed.name} has no such version, or has not been read yet"
        )
    disclose(request, one)
    names = shown_columns(one)
    file = pq.ParquetFile(path)
    batches = _reader(file, [name for name in names if name in file.schema_arrow.names])
    try:
        blocks = written(batches, ending)
        first = next(blocks)
    except TooManyRows as error:
        raise HTTPException(413, str(error)) from error
    headers = {**open_to(request), "Content-Disposition": f'inline; filename="{one.name}.{ending}"'}
    if ending == "csv":
        headers["Link"] = (
            f'<{root(request)}{one.path}.csv-metadata.json>; rel="describedby"; type="application/csvm+json"'
        )
    return StreamingResponse(itertools.chain([first], blocks), media_type=FILES[ending], headers=headers)


def _reader(file: Any, names: Sequence[str]) -> pa.RecordBatchReader:
    import pyarrow as pa

    schema = pa.schema([file.schema_arrow.field(name) for name in names])
    batches = file.iter_batches(20_000, columns=list(names))
    return pa.RecordBatchReader.from_batches(schema, (batch.select(list(names)) for batch in batches))


OPEN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
"""Open data: any page may read it."""
_OWN = {"Cache-Control": "private, no-store"}


def open_to(request: Request) -> dict[str, str]:
    """The headers of an answer: what somebody known is told may be more than others are, and is kept by no cache."""
    return OPEN if reader_of(request) is None else OPEN | _OWN


def reader_of(request: Request) -> Principal | None:
    """Who asks, looked up once a request; None is a stranger. Raises HTTPException 401 for a key that does not hold."""
    if not hasattr(request.state, "principal"):
        request.state.principal = principal_of(request.headers, request.app.state.node)
    found: Principal | None = request.state.principal
    if found is None and "authorization" in request.headers:
        raise HTTPException(401, "this key is not known, or is over", {"WWW-Authenticate": "Bearer"})
    return found


def sight_of(request: Request) -> Sight:
    """What whoever asks sees."""
    rights: Rights = request.app.state.node.rights
    return rights.sight(reader_of(request))


def disclose(request: Request, one: Entry) -> None:
    """The audit entry of a table with personal columns, before it goes."""
    node = request.app.state.node
    if node.settings.audited:
        note_read(parts_of(request).store, f"{one.place.id}/{one.feed.name}", one.personal)


def _answer(request: Request, body: bytes, form: Form) -> Response:
    headers = {**open_to(request), "Vary": "Accept, Authorization, Cookie"}
    return Response(body, media_type=MEDIA[form], headers=headers)


def _form(request: Request) -> Form:
    ending = request.path_params.get("form")
    if ending in ("ttl", "jsonld"):
        return ending  # type: ignore[no-any-return]
    if ending is not None:
        raise HTTPException(
            404, f"there is no /catalogue.{ending[:20]}; there are /catalogue.ttl and .jsonld"
        )
    return preferred(request.headers.get("accept", ""))


def _entry(request: Request) -> Entry:
    place, feed = request.path_params["place"], request.path_params["feed"]
    parts = parts_of(request)
    found = entry(parts.store, parts.places, sight_of(request), place, feed)
    if found is None:
        raise HTTPException(
            404, f"the catalogue has no dataset {place[:80]}/{feed[:80]}; /catalogue lists what it has"
        )
    return found


def parts_of(request: Request) -> Parts:
    """The parts of the node that is asked."""
    return Parts.of(request.app.state.node)


def root(request: Request) -> str:
    """The node's address, without a slash at its end."""
    return str(request.base_url).rstrip("/")
