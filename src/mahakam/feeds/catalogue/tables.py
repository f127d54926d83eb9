"""The rows of an entry, as a reader sees them, as a Parquet file: what is downloaded, harvested and asked in SQL.

A dataset's file is given as it is to whom no column is hidden. All others are written to ``DATA/tables/`` when they
are first asked for, without what is hidden; those of entities are written again after the next run, and after
``FRESH`` seconds. A file is named after what it leaves out, so that nobody is given what was written for another, and
after the classes of its columns: one that was written before a class was changed goes.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import time as now
from typing import TYPE_CHECKING, Any

import orjson

from mahakam.broker.guard import record_of
from mahakam.feeds.catalogue.entry import Entry
from mahakam.feeds.dataset_rows import stored_dataset
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.model import identifier

if TYPE_CHECKING:
    import pyarrow as pa

    from mahakam.ngsild.entity import Document

FRESH = 60
"""Seconds for which the rows of entities, which live writes change, are served as they were written."""
OLD = 86_400
"""Seconds after which a copy for readers with other rights goes, when another is written."""
_BLOCK = 20_000


def shown_table(parts: Parts, one: Entry, version: int = 0) -> Path | None:
    """The Parquet file of an entry's rows, with the columns that its reader sees; ``version``: as that run left them.

    None while there are none, or no longer. Raises SourceError for a dataset's file that cannot be read.
    """
    if one.feed.store == "dataset":
        return _of_dataset(parts, one, version)
    return None if version else _of_entities(parts, one)


def shown_columns(one: Entry) -> list[str]:
    """The columns of that table that a person takes away: ``id`` of entities, then the fields."""
    names = [column.name for column in one.columns]
    return names if one.feed.store == "dataset" or "id" in names else ["id", *names]


def _of_dataset(parts: Parts, one: Entry, version: int) -> Path | None:
    found = stored_dataset(parts, one.place.id, one.feed.name, version)
    closed = one.closed()
    if found is None or not closed:
        return found.file if found else None
    path = _folder(parts, one) / f"{found.file.stem}-{_shown(one)}.parquet"
    if path.is_file():
        return path
    import pyarrow.parquet as pq

    with found.opened() as (connection, types), _unfinished(path) as unfinished:
        names = ", ".join(identifier(name) for name in types if name not in closed)
        # the connection can read nothing but its file, and write nothing: the rows go out through Arrow
        reader = connection.sql(f"SELECT {names} FROM dataset").to_arrow_reader(100_000)  # noqa: S608
        with pq.ParquetWriter(unfinished, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
    _remove_others(path, {file.stem for file in found.file.parent.glob("*.parquet")})
    return path


def _shown(one: Entry) -> str:
    """Names the classes of the columns, and which columns are left out."""
    texts = (repr(sorted(one.classes.items())), repr(sorted(one.kept)))
    return "-".join(hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts)


def _of_entities(parts: Parts, one: Entry) -> Path | None:
    run = one.known.run
    if run is None:
        return None
    path = _folder(parts, one) / f"{run.id}-{_shown(one)}.parquet"
    if path.is_file() and now() - path.stat().st_mtime < FRESH:
        return path
    import pyarrow.parquet as pq

    schema = _schema(one)
    with _unfinished(path) as unfinished, pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for block in _blocks(parts, one, schema):
            writer.write_table(block)
    _remove_others(path, {str(run.id)})
    return path


def _blocks(parts: Parts, one: Entry, schema: pa.Schema) -> Iterator[pa.Table]:
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    for document in _documents(parts, one):
        rows.append(_row(one, document))
        if len(rows) == _BLOCK:
            yield pa.Table.from_pylist(rows, schema)
            rows = []
    yield pa.Table.from_pylist(rows, schema)


def _documents(parts: Parts, one: Entry) -> Iterator[Document]:
    """The entities that the feed's runs stored, and of them those that are there now."""
    from mahakam.config import scope_of
    from mahakam.ngsild.selection import Scopes, Selection, Types

    own = parts.store.digests(one.place.id, one.feed.name)
    scope = scope_of(one.place, parts.places)
    selection = Selection(types=Types(((one.contract.entity,),)), scopes=Scopes(((scope + "/#",),)))
    return (document for document in parts.broker.scan(selection) if document["id"] in own)


def _schema(one: Entry) -> pa.Schema:
    """``id`` of the entity, then the columns as the contract types them; objects and arrays as JSON text."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
        "time": pa.time64("us"), "timestamp": pa.timestamp("us", "UTC"),
    }  # fmt: skip
    fields = [(column.name, types.get(column.kind, pa.string())) for column in one.columns]
    return pa.schema([("id", pa.string()), *(field for field in fields if field[0] != "id")])


def _row(one: Entry, document: Document) -> dict[str, Any]:
    record = record_of(document)
    row = {column.name: _cell(record.get(column.name), column.kind) for column in one.columns}
    return row | {"id": document["id"]}


def _cell(value: Any, kind: str) -> Any:
    """A stored value as its column has it: moments as moments, mappings and lists as JSON."""
    if isinstance(value, dict) and "@value" in value:
        value = value["@value"]
    if value is None:
        return None
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    match kind:
        case "date":
            return date.fromisoformat(str(value))
        case "time":
            return time.fromisoformat(str(value))
        case "timestamp":
            moment = datetime.fromisoformat(str(value))
            return moment.replace(tzinfo=moment.tzinfo or UTC)
    return float(value) if kind == "number" else value


def _folder(parts: Parts, one: Entry) -> Path:
    folder = parts.data / "tables" / one.place.id / one.feed.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its place when it is whole: nobody reads half a table."""
    made = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        yield made
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def _remove_others(path: Path, kept: Set[str]) -> None:
    """Copies of what is there no longer or has other classes now, and those older than ``OLD`` seconds."""
    classes = path.stem.split("-")[1]
    for each in path.parent.glob("*.parquet"):
        with suppress(FileNotFoundError):  # another process was first
            old = now() - each.stat().st_mtime > OLD
            of, *shown = each.stem.split("-")
            if each != path and (old or of not in kept or shown[:1] != [classes]):
                each.unlink()
