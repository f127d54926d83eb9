"""Where does this come from? From a number to its formula, its rows, the run that read them, and the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.broker.broker import Broker
from mahakam.config import Place, chain
from mahakam.feeds.archive import Archive
from mahakam.indicators.elsewhere import value_told
from mahakam.indicators.trace import Input, Only, Trace, inputs, trace
from mahakam.indicators.value import TYPE as INDICATOR_VALUE
from mahakam.indicators.value import value_id
from mahakam.spreadsheet import plain
from mahakam.store.model import Lineage, Run
from mahakam.store.protocol import Document, EntityStore
from mahakam.web import disclosed
from mahakam.web import indicator_views as views
from mahakam.web.city_indicators import city_address, measure_address
from mahakam.web.datasets import rule_words
from mahakam.web.entities import attribute, is_geometry, names, spoken, title
from mahakam.web.gate import may, one_of, require
from mahakam.web.language import _, in_timezone, measured, moment, number, words
from mahakam.web.language import time as spoken_time
from mahakam.web.origins import origins
from mahakam.web.pages.quality import STATES
from mahakam.web.privacy import feed_is_closed, hidden, hidden_of_feed, personal_of_feed, place_of_document
from mahakam.web.render import render, written
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

_POPUP_FACTS = 6


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/trace/value/{place}/{indicator}/{period}", value_trace, inputs_table),
        Route("/trace/popup", popup),
        Route("/trace/file/{run:int}/{sha256}", original),
        Route("/trace/entity/{id:path}", entity_trace),
    ]


# From a value.


def _trace(request: Request) -> Trace:
    site = site_of(request)
    parts = request.path_params
    id = value_id(parts["place"], parts["indicator"], parts["period"])
    if origin := origins(request).of_entity(id):
        raise HTTPException(
            404, _("The rows are on the node that sent the number: %(node)s", node=origin.address)
        )
    found = trace(site.broker, id)
    if found is None:
        raise HTTPException(404, _("There is no such number."))
    return found


def value_trace(request: Request) -> Response:
    if (told := _told(request)) is not None:
        return told
    traced = _trace(request)
    in_timezone(traced.place.timezone)
    site = site_of(request)
    value, definition = traced.value, traced.definition
    return render(
        request,
        "trace_value.html",
        title=_("Where does this come from?"),
        place=traced.place,
        traced=traced,
        value=value,
        definition=definition,
        shown=views.shown(value, definition.decimals) if value.value is not None else _("no value"),
        when=views.when(value),
        why_not=views.why_not(value),
        confidence=views.CONFIDENCE.get(value.confidence or ""),
        runs=[_run_facts(request, site, share.run, share.inputs) for share in traced.runs if share.run],
        table=inputs_table(request),
        only=_only(request),
        path=views.trace_address(value),
    )


def _told(request: Request) -> Response | None:
    """The page of a number that another node sent: what it said of it, and the way on to its own trace. None for a
    number of this node.
    """
    site, parts = site_of(request), request.path_params
    id = value_id(parts["place"], parts["indicator"], parts["period"])
    origin = origins(request).of_entity(id)
    if origin is None and parts["place"] in site.places:
        return None
    found = value_told(site.broker, id)
    if found is None:
        return None
    value = found.values[0]
    return render(
        request,
        "trace-told.html",
        title=_("Where does this come from?"),
        place=None,
        section="network",
        city=found.place,
        city_page=city_address(found.place.id, here=found.place.id in site.places),
        measure_page=measure_address(found.definition.measure),
        value=value,
        definition=found.definition,
        shown=views.shown(value, found.definition.decimals) if value.value is not None else _("no value"),
        when=views.when(value),
        why_not=views.why_not(value),
        confidence=views.CONFIDENCE.get(value.confidence or ""),
        source=views.source_line(value),
        origin=origin,
        there=origin.at(views.trace_address(value)) if origin else "",
    )


def _only(request: Request) -> Only:
    return one_of(request.query_params.get("only", ""), ("counted", "others"))  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Row:
    """An input with the row of the file that it came from."""

    input: Input
    lineage: Lineage | None


@dataclass(frozen=True)
class InputRows:
    """The inputs of a value as the rows of a table: only those of a page are read."""

    broker: Broker
    traced: Trace
    only: Only

    def count(self) -> int:
        return inputs(self.broker, self.traced, limit=1, only=self.only).total

    def window(self, limit: int, offset: int) -> Sequence[Row]:
        page = inputs(self.broker, self.traced, limit=limit, offset=offset, only=self.only)
        store: EntityStore = self.broker.store
        return [Row(one, store.lineage(one.entity) if one.entity else None) for one in page.inputs]

    def scan(self) -> Iterator[Row]:
        offset = 0
        while page := self.window(1000, offset):
            yield from page
            offset += len(page)


def inputs_table(request: Request) -> Table:
    """The rows behind a value, the counted ones first and marked."""
    site = site_of(request)
    traced = _trace(request)
    concealed = _concealed(request, traced)
    columns = [
        Column("entity", _("Row"), get=lambda r: r.input.entity, html=_row_link, sortable=False),
        *[
            Column(name, spoken(name), get=_cell(name), html=_cell_html(name), sortable=False)
            for name in traced.definition.compiled.columns
            if name.split(".")[0] not in concealed
        ],
        Column(
            "file", _("File"), get=lambda r: r.lineage.file if r.lineage else r.input.file, sortable=False
        ),
        Column(
            "line",
            _("Row in the file"),
            "number",
            get=lambda r: r.lineage.line if r.lineage else (r.input.line or None),
            sortable=False,
        ),
    ]
    if traced.definition.counted:
        mark = Column(
            "counted",
            _("Counted"),
            get=lambda r: r.input.counted,
            html=lambda r: (
                Markup('<span class="chip river">{}</span>').format(_("yes")) if r.input.counted else _("no")
            ),
            sortable=False,
        )
        columns.insert(1, mark)
    source = InputRows(site.broker, traced, _only(request))
    return Table(
        request,
        _("Rows that went in"),
        columns,
        source,
        path=views.trace_address(traced.value),
        per_page=15,
        mark=lambda r: "counted" if r.input.counted else "",
        anchor="rows",
        nothing=_("No row went in."),
    )


def _concealed(request: Request, traced: Trace) -> frozenset[str]:
    """The columns that this visitor may not see: of an entity type, or of the feed behind a dataset."""
    site, name = site_of(request), traced.definition.dataset
    if not name:
        concealed = hidden(request, site, traced.place, traced.definition.source)
        disclosed.of_table(request, site, traced.place, traced.definition.source, concealed)
        return concealed
    for place in chain(site.places, traced.place):
        if name in place.files("feeds"):
            concealed = hidden_of_feed(request, site, place, name)
            shown = personal_of_feed(site, place, name) - concealed
            disclosed.disclosed(request, f"{place.id}/{name}", shown)
            return concealed
    return frozenset()


def _row_link(row: Row) -> Markup | str:
    if not row.input.entity:
        return number(row.input.row)
    name = title(row.input.document) if row.input.document else row.input.entity.rpartition(":")[2]
    return Markup('<a href="{}">{}</a>').format(entity_address(row.input.entity), name)


def _cell(name: str) -> Any:
    return lambda row: row.input.cells.get(name)


def _cell_html(name: str) -> Any:
    return lambda row: shown(row.input.cells.get(name))


def entity_address(id: str) -> str:
    return "/trace/entity/" + quote(id, safe=":")


# From an entity: a marker on a map, a row of a table.


def _id_in_path(request: Request) -> str:
    """The id as it was written, decoded exactly once: ids hold percent signs and slashes of their own."""
    raw = request.scope.get("raw_path") or b""
    path = raw.partition(b"?")[0].decode("latin-1")
    _before, mark, id = path.partition("/trace/entity/")
    return unquote(id) if mark else str(request.path_params["id"])


def _entity(request: Request, id: str) -> Document:
    document: Document | None = site_of(request).broker.get(id)
    if document is None:
        raise HTTPException(404, _("There is nothing with this name: %(id)s", id=id[:200]))
    return document


def entity_trace(request: Request) -> Response:
    site = site_of(request)
    document = _entity(request, _id_in_path(request))
    place = place_of_document(site, document)
    if place:
        in_timezone(place.timezone)
    concealed = hidden(request, site, place, _type(document))
    disclosed.of_entity(request, document, concealed)
    lineage = site.store.lineage(document["id"])
    run = site.store.run(lineage.run) if lineage else None
    return render(
        request,
        "trace_entity.html",
        title=title(document),
        place=place,
        document=document,
        type=spoken(_type(document)),
        facts=entity_facts(document, concealed, site.store),
        concealed=bool(concealed),
        lineage=lineage,
        raw=_raw(lineage) if lineage and not concealed else [],
        warnings=[(rule_words(w.get("rule", ""), w.get("field", "")), w) for w in lineage.warnings]
        if lineage
        else [],
        run=_run_facts(request, site, run, None) if run else None,
        json_address="/ngsi-ld/v1/entities/" + quote(document["id"], safe=":"),
        value_address=_value_address(document),
    )


def popup(request: Request) -> Response:
    """What a marker says when it is chosen: a fragment, fetched by the map."""
    site = site_of(request)
    document = _entity(request, request.query_params.get("id", ""))
    place = place_of_document(site, document)
    if place:
        in_timezone(place.timezone)
    concealed = hidden(request, site, place, _type(document))
    disclosed.of_entity(request, document, concealed)
    facts = entity_facts(document, concealed, site.store)
    body = written(
        site.templates.get_template("popup.html"),
        title=title(document),
        type=spoken(_type(document)),
        facts=[(name, shown) for key, name, shown in facts if key not in ("name", "code") and shown][
            :_POPUP_FACTS
        ],
        address=entity_address(document["id"]),
    )
    return HTMLResponse(body)


def _type(document: Document) -> str:
    kind = document.get("type", "")
    return str(kind[0]) if isinstance(kind, list) and kind else str(kind)


def entity_facts(
    document: Document, concealed: frozenset[str], store: EntityStore
) -> list[tuple[str, str, Markup | str]]:
    """(attribute, its name in words, its value for a person) of everything that may be shown."""
    found: list[tuple[str, str, Markup | str]] = []
    for name in names(document):
        value = attribute(document, name)
        if name in concealed:
            found.append((name, spoken(name), Markup('<span class="mute">{}</span>').format(_("not public"))))
        elif is_geometry(value):
            found.append((name, spoken(name), _geometry_words(value)))
        else:
            found.append((name, spoken(name), shown(value, _unit_of(document, name), store)))
    return found


def _unit_of(document: Document, name: str) -> str | None:
    instance = document[name]
    return instance.get("unitCode") if isinstance(instance, dict) else None


def shown(value: Any, unit: str | None = None, store: EntityStore | None = None) -> Markup | str:
    """A value for a person: numbers and dates in the reader's format, ids of what the store has as links."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return measured(value, unit) if unit else _plain_number(value)
    if isinstance(value, str) and value.startswith("urn:ngsi-ld:"):
        document = store.document(value) if store else None
        if document is None:
            return value.rpartition(":")[2]
        return Markup('<a href="{}">{}</a>').format(entity_address(value), title(document))
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-" and moment(value):
        return spoken_time(value)
    return plain(value)


def _plain_number(value: float) -> str:
    """Years and codes that are numbers are not grouped."""
    return str(value) if isinstance(value, int) and 1900 <= value < 2100 else number(value)


def _geometry_words(shape: Mapping[str, Any]) -> str:
    coordinates = shape.get("coordinates")
    if shape.get("type") == "Point" and isinstance(coordinates, list):
        return f"{number(coordinates[1], 5)}, {number(coordinates[0], 5)}"
    kinds = {"Polygon": _("an area"), "MultiPolygon": _("an area")}
    return kinds.get(str(shape.get("type")), _("a line"))


def _raw(lineage: Lineage) -> list[tuple[str, str | None]]:
    return [
        (name, text if text is None or len(text) < 160 else text[:160] + "…")
        for name, text in lineage.raw.items()
    ]


def _value_address(document: Document) -> str:
    """An indicator's value has a trace of its own."""
    if document.get("type") != INDICATOR_VALUE:
        return ""
    parts = [quote(str(attribute(document, name)), safe="") for name in ("place", "indicator", "period")]
    return "/trace/value/" + "/".join(parts)


# The run and its file.


def _run_facts(request: Request, site: Site, run: Run, given: int | None) -> dict[str, Any]:
    """What a page says about the run that read the rows."""
    place = site.places.get(run.place)
    sources = run.source.get("files") or [run.source]
    readable = place is not None and (
        not feed_is_closed(site, place, run.feed) or may(request, "quarantine.read", place)
    )
    files = []
    archive = Archive(site.settings.data)
    for one in sources:
        sha256 = str(one.get("sha256", ""))
        kept = archive.path(sha256) if readable else None
        files.append(
            {
                "name": one.get("file") or "",
                "bytes": one.get("bytes"),
                "encoding": one.get("encoding"),
                "delimiter": one.get("delimiter"),
                "sheet": one.get("sheet"),
                "sha256": sha256,
                "href": f"/trace/file/{run.id}/{sha256}" if kept else "",
            }
        )
    word, kind = STATES.get(run.state, (run.state, ""))
    return {
        "run": run,
        "place": words(place.name) if place else run.place,
        "feed": f"/quality/{run.place}/{run.feed}",
        "inputs": given,
        "files": files,
        "state": (_(word), kind),
        "title": _feed_title(place, run.feed),
    }


def _feed_title(place: Place | None, feed: str) -> str:
    from mahakam.config import ConfigError
    from mahakam.web.datasets import feed_of

    if place is None:
        return feed
    try:
        return words(feed_of(place, feed).title)
    except ConfigError:
        return feed


def original(request: Request) -> Response:
    """The file as it came, kept by its digest."""
    site = site_of(request)
    run = site.store.run(request.path_params["run"])
    sha256 = request.path_params["sha256"]
    place = site.places.get(run.place) if run else None
    sources = (run.source.get("files") or [run.source]) if run else []
    source = next((one for one in sources if one.get("sha256") == sha256), None)
    path = Archive(site.settings.data).path(sha256) if source else None
    if run is None or place is None or source is None or path is None:
        raise HTTPException(404, _("This file is not kept here."))
    if feed_is_closed(site, place, run.feed):
        require(request, "quarantine.read", place)
        disclosed.of_rows(request, place, run.feed, file=sha256)
    name = str(source.get("file") or sha256).rpartition("/")[2]
    return FileResponse(
        path,
        filename=name,
        media_type="application/octet-stream",
        headers={"Cache-Control": "private, max-age=3600", "Content-Security-Policy": "sandbox"},
    )
