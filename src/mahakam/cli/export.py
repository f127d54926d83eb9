"""``mahakam export``: entities or the rows of a dataset as a file that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from mahakam.cli.node import opened
from mahakam.cli.options import config_option, data_option
from mahakam.cli.output import csv_blocks, json_blocks, write

if TYPE_CHECKING:
    from mahakam.access.rights import Sight
    from mahakam.feeds.dataset_rows import StoredDataset
    from mahakam.feeds.parts import Parts
    from mahakam.ngsild.entity import Document
    from mahakam.ngsild.selection import Selection

_FOLDERS = tuple[Path, ...]
_PAGE = 10_000
_ENTITY = ("id", "type", "scope")


@dataclass(frozen=True)
class Source:
    """What is exported, in one pass each. ``header`` names the columns of CSV; ``cells`` gives a row under them;
    ``records`` are JSON objects; ``features`` GeoJSON features."""

    header: Callable[[], Sequence[str]]
    cells: Callable[[Sequence[str]], Iterator[Sequence[Any]]]
    records: Callable[[], Iterator[Mapping[str, Any]]]
    features: Callable[[], Iterator[Mapping[str, Any]]]


@click.command()
@click.argument("what", metavar="TYPE|PLACE/DATASET")
@click.option("--place", help="Only entities of this place and of the places below it.")
@click.option("--q", help="Only entities that this NGSI-LD query selects, e.g. 'pm25>100'.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "geojson"]), default="csv", show_default=True
)
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--with-personal", is_flag=True, help="Also the fields that contracts do not call public.")
@data_option
@config_option
def export(
    what: str,
    place: str | None,
    q: str | None,
    form: str,
    to: Path | None,
    with_personal: bool,
    data: Path,
    config: _FOLDERS,
) -> int:
    """Write the entities of a TYPE, or the rows of a dataset, to standard output or to a file.

    CSV is safe to open in a spreadsheet: text that would run as a formula begins with an apostrophe. A text in
    several languages has a column for each (name.en, name.id). Moments are UTC.

    \b
    Examples:
      mahakam export AirQualityObserved --place singapore
      mahakam export BusStop --format geojson --to stops.geojson
      mahakam export singapore/rain-2017-06 --to rain.csv
    """
    from mahakam.feeds.parts import Parts

    with opened(data, config) as node:
        parts = Parts.of(node)
        sight = None if with_personal else node.rights.open
        if "/" in what and "://" not in what:
            if place or q:
                raise click.UsageError("--place and --q select entities; a dataset is written as a whole")
            source = _dataset(parts, what, sight)
        else:
            source = _entities(parts, what, place, q, sight)
        asked = {"place": place, "q": q, "format": form, "personal": with_personal}
        detail = {name: value for name, value in asked.items() if value}
        node.store.tenant().write(lambda transaction: transaction.audit("export", what, detail))
        written = {"csv": _csv, "json": _json, "geojson": _geojson}[form](source)
        write(to, written)
    return 0


# Entities.


def _entities(parts: Parts, type: str, place: str | None, q: str | None, sight: Sight | None) -> Source:
    """``sight``: what is shown; None: everything."""
    from mahakam.ngsild.context import CORE
    from mahakam.ngsild.represent import render

    selection = _selection(parts, type, place, q)
    broker = parts.broker if sight is None else parts.broker.seen(sight)

    def shown() -> Iterator[Document]:
        return broker.scan(selection)

    def header() -> list[str]:
        names: dict[str, None] = dict.fromkeys(("id", "type"))
        for document in shown():
            names |= dict.fromkeys(_flat(document))
        return list(names)

    def cells(names: Sequence[str]) -> Iterator[list[Any]]:
        for document in shown():
            row = _flat(document)
            yield [row.get(name) for name in names]

    def features() -> Iterator[dict[str, Any]]:
        for document in shown():
            properties = _flat(document)
            shape = properties.pop(_geometry_name(document), None)
            yield {"type": "Feature", "id": properties.pop("id"), "geometry": shape, "properties": properties}

    return Source(
        header, cells, lambda: (render(document, CORE, form="simplified") for document in shown()), features
    )


def _selection(parts: Parts, type: str, place: str | None, q: str | None) -> Selection:
    from mahakam.config import scope_of
    from mahakam.ngsild.context import CORE
    from mahakam.ngsild.problem import Problem
    from mahakam.ngsild.qlanguage import parse_q
    from mahakam.ngsild.query import parse_types
    from mahakam.ngsild.selection import Scopes, Selection

    try:
        types = parse_types(type, CORE)
        condition = parse_q(q, CORE) if q else None
    except Problem as problem:
        raise click.ClickException(str(problem)) from problem
    known = sorted(parts.broker.types())
    for name in {name for some in types.any_of for name in some}:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "the types are " + (", ".join(known) or "none yet")
            raise click.ClickException(f"there is no entity of type {name}; {hint}")
    scopes = Scopes(((scope_of(parts.place(place), parts.places) + "/#",),)) if place else None
    return Selection(types=types, condition=condition, scopes=scopes)


def _flat(document: Document) -> dict[str, Any]:
    """An entity as one row: id, type, then a value for each attribute; language maps by language."""
    from mahakam.ngsild.entity import SYSTEM, instances

    row: dict[str, Any] = {"id": document["id"], "type": document["type"]}
    for name, attribute in document.items():
        if name in _ENTITY or name in SYSTEM:
            continue
        several = instances(attribute)
        one = next((each for each in several if "datasetId" not in each), several[0])
        if "languageMap" in one:
            row |= {f"{name}.{language}": text for language, text in one["languageMap"].items()}
            continue
        members = ("value", "object", "vocab", "json", "valueList", "objectList")
        value = next((one[member] for member in members if member in one), None)
        row[name] = value["@value"] if isinstance(value, dict) and "@value" in value else value
    return row


def _geometry_name(document: Document) -> str:
    """The attribute that places the entity on the earth: ``location``, else its first geometry, else none."""
    from mahakam.ngsild.entity import instances

    located = [
        name
        for name, attribute in document.items()
        if isinstance(attribute, dict | list)
        and name not in _ENTITY
        and instances(attribute)[0].get("type") == "GeoProperty"
    ]
    return "location" if "location" in located else next(iter(located), "")


# Rows of a dataset.


def _dataset(parts: Parts, what: str, sight: Sight | None) -> Source:
    from mahakam.feeds.dataset_rows import stored_dataset
    from mahakam.feeds.datasets import OWN

    place, _, name = what.partition("/")
    feeds = parts.place(place).files("feeds")
    found = stored_dataset(parts, place, name)
    if found is None:
        near = get_close_matches(name, feeds, n=1)
        if name in feeds:
            hint = f"run it first (mahakam feed run {what}), or export a TYPE if the feed stores entities"
        else:
            hint = (
                f"did you mean {place}/{near[0]}?" if near else f"the feeds are {', '.join(feeds) or 'none'}"
            )
        raise click.ClickException(f"there is no dataset {what}; {hint}")
    left_out = {*OWN, *(() if sight is None else _hidden_columns(parts, place, name, sight))}
    with found.opened() as (_connection, types):
        names = [column for column in types if column not in left_out]
    described = (found.document.get("columns") or {}).get("value") or []
    shapes = [c["name"] for c in described if c.get("type") == "object" and c["name"] in names]

    def records() -> Iterator[dict[str, Any]]:
        return (dict(zip(names, row, strict=True)) for row in _rows(found, names))

    def features() -> Iterator[dict[str, Any]]:
        if not shapes:
            raise click.ClickException(f"the rows of {what} have no geometry; use --format csv or json")
        return (
            {"type": "Feature", "geometry": _shape(record.pop(shapes[0])), "properties": record}
            for record in records()
        )

    return Source(lambda: names, lambda columns: _rows(found, columns), records, features)


def _hidden_columns(parts: Parts, place: str, name: str, sight: Sight) -> Iterable[str]:
    """Raises ClickException when the contract cannot be read: what it protects is not known then."""
    from mahakam.config import ConfigError
    from mahakam.feeds.catalogue.entry import hidden_fields
    from mahakam.feeds.definition import load
    from mahakam.quality.odcs import ContractError

    try:
        contract = parts.book().contract(place, load(parts.place(place), name).contract)
    except (ConfigError, ContractError) as error:
        raise click.ClickException(
            f"which columns of {place}/{name} are personal is not known: {error}; mend it, or use --with-personal"
        ) from error
    return hidden_fields(contract, parts.place(place), sight)


def _rows(found: StoredDataset, names: Sequence[str]) -> Iterator[list[Any]]:
    """The rows in their order, a page in memory at a time."""
    from mahakam.feeds.entities import json_value

    with found.opened() as (connection, _types):
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        result = connection.execute(f"SELECT {columns} FROM dataset" if names else "SELECT 1 WHERE false")  # noqa: S608
        while page := result.fetchmany(_PAGE):
            for row in page:
                yield [json_value(value) for value in row]


def _shape(text: Any) -> Any:
    from mahakam.ngsild.geometry import is_geometry

    try:
        shape = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        return None
    return shape if is_geometry(shape) else None


# Formats.


def _csv(source: Source) -> Iterator[bytes]:
    header = source.header()
    return csv_blocks(header, source.cells(header))


def _json(source: Source) -> Iterator[bytes]:
    return json_blocks(source.records())


def _geojson(source: Source) -> Iterator[bytes]:
    """RFC 7946: a FeatureCollection, one feature a line."""
    features = source.features()  # before anything is written: it may refuse
    return json_blocks(features, b'{"type":"FeatureCollection","features":[', b"\n]}\n")
