"""Large tables: validated rows as Parquet, and the ``Dataset`` entity (DCAT) that describes them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError, scope_of
from mahakam.feeds.archive import Archive
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.files import digest
from mahakam.feeds.sources.model import LINE, ROW, identifier, literal
from mahakam.store.model import Run

if TYPE_CHECKING:
    from mahakam.feeds.checking import Judged
    from mahakam.feeds.definition import Feed
    from mahakam.feeds.reading import Reading
    from mahakam.feeds.settling import Position
    from mahakam.ngsild.entity import Document
    from mahakam.quality.contract import Contract

FILE, SHEET, FLAGGED = "_file", "_sheet", "_flagged"
OWN = (ROW, LINE, FILE, SHEET, FLAGGED)
"""Columns beside the contract's fields: data row (from 1) and line in the file, the file, its sheet, a warning."""
VERSIONS = 10
"""How many versions of a dataset are kept, the newest included."""
_PART = ".part"
_ALL = 1_000_000


def dataset_id(place: str, name: str) -> str:
    """The id of the entity that describes a dataset."""
    return f"urn:ngsi-ld:Dataset:{place}:{name}"


def data_folder(parts: Parts) -> Path:
    """The folder that ``file`` of a Dataset entity is relative to: where the tenant's store is."""
    return Path(getattr(parts.broker.stores, "folder", parts.data))


def store_dataset(
    parts: Parts, feed: Feed, contract: Contract, run: Run, reading: Reading, judged: Judged
) -> dict[Position, str]:
    """Write the rows without an error to Parquet, then point the feed's ``Dataset`` entity to the new file.

    The file is ``DATA/datasets/PLACE/FEED/DIGEST.parquet``, named after its own bytes: the same rows again leave
    it and the entity as they are (``run.unchanged``). A run whose rows are all held leaves the dataset as it was.
    Gives, of the rows that were held before this run and pass now, position → the dataset's id.

    Raises OSError if there is no room, ConfigError if the place's contract for ``Dataset`` refuses the entity.
    """
    _mark(reading, judged)
    rows = int(judged.connection.execute("SELECT count(*) FROM dataset_rows").fetchall()[0][0])
    if not rows:
        return {}
    if problem := Archive(parts.data).room(1_000_000 + rows * 16 * (len(contract.fields) + 4)):
        raise OSError(28, problem)
    folder = data_folder(parts) / "datasets" / feed.place.id / feed.name
    folder.mkdir(parents=True, exist_ok=True)
    file = _write(folder, run, contract, judged)
    relative = file.relative_to(data_folder(parts)).as_posix()
    before = parts.broker.get(dataset_id(feed.place.id, feed.name))
    same = before is not None and _value(before, "file") == relative
    kept = _versions(before, relative, run, rows)
    _describe(parts, feed, contract, run, before, relative, rows, kept)
    if same:
        run.unchanged += rows
    else:
        run.stored += rows
    _remove_others(folder, {Path(version["file"]).name for version in kept})
    return _released(parts, feed, reading, judged)


def _mark(reading: Reading, judged: Judged) -> None:
    """The view ``dataset_rows``: the typed fields and our own columns of the rows that may be stored."""
    import pyarrow as pa

    connection = judged.connection
    held = pa.table({"row": pa.array(list(judged.errors), pa.int64())})
    flagged = pa.table({"row": pa.array(list(judged.warnings), pa.int64())})
    filled = [part for part in reading.parts if part.rows]
    found = pa.table(
        {
            "first": pa.array([part.offset + 1 for part in filled], pa.int64()),
            "file": pa.array([part.info.file for part in filled], pa.string()),
            "sheet": pa.array([part.sheet for part in filled], pa.string()),
        }
    )
    for name, table in (("held", held), ("flagged", flagged), ("parts", found)):
        connection.register(f"dataset_{name}_given", table)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE dataset_{name} AS SELECT * FROM dataset_{name}_given"  # noqa: S608 - ours
        )
        connection.unregister(f"dataset_{name}_given")
    fields = ", ".join(f"rows.{identifier(name)}" for name in judged.check.contract.fields)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW dataset_rows AS SELECT rows.{ROW} - parts.first + 1 AS {ROW}, rows.{LINE}, "  # noqa: S608
        f"parts.file AS {FILE}, parts.sheet AS {SHEET}, "
        f"rows.{ROW} IN (SELECT row FROM dataset_flagged) AS {FLAGGED}, {fields}, rows.{ROW} AS _order "
        f"FROM ({judged.check.typed_sql()}) AS rows ASOF JOIN dataset_parts AS parts ON rows.{ROW} >= parts.first "
        f"WHERE rows.{ROW} NOT IN (SELECT row FROM dataset_held)"
    )


def _write(folder: Path, run: Run, contract: Contract, judged: Judged) -> Path:
    """The rows as a file that is whole, on the disk, and named after its bytes."""
    for name in contract.fields:
        if name.lower() in (*OWN, "_order"):
            raise ConfigError(
                Path(str(contract.source)), f"a dataset has a column {name!r} of its own; rename the field"
            )
    draft = unfinished(folder, run.id)
    try:
        judged.connection.execute(
            f"COPY (SELECT * EXCLUDE (_order) FROM dataset_rows ORDER BY _order) {into(draft)}"  # noqa: S608 - our own names
        )
        return finished(draft)
    finally:
        draft.unlink(missing_ok=True)


def unfinished(folder: Path, run: int) -> Path:
    """Where a version is written before it is whole."""
    return folder / f"{run}.{os.getpid()}{_PART}"


def into(draft: Path) -> str:
    """The end of a COPY that writes a version."""
    return f"TO {literal(str(draft))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)"


def finished(draft: Path) -> Path:
    """A version that is whole: on the disk, named after its own bytes. Raises OSError."""
    _sync(draft)
    name = digest(draft)
    file = draft.with_name(f"{name[:32]}.parquet")
    if not (file.is_file() and digest(file) == name):
        draft.replace(file)
        _sync(draft.parent)
    return file


def _sync(path: Path) -> None:
    """Have the system write a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _versions(before: Document | None, file: str, run: Run, rows: int) -> list[dict[str, Any]]:
    """The versions to keep, the newest first: each has the run that made it, when, its rows and its file."""
    known: list[dict[str, Any]] = (_value(before, "versions") or []) if before else []
    if known and known[0]["file"] == file:
        return known
    if before and not known:  # written before versions were kept
        named = ("run", "modified", "rows", "file")
        known = [{name: _value(before, name) for name in named}] if _value(before, "file") != file else []
    newest = {"run": run.id, "modified": run.started, "rows": rows, "file": file}
    return [newest, *(version for version in known if version["file"] != file)][:VERSIONS]


def _describe(
    parts: Parts,
    feed: Feed,
    contract: Contract,
    run: Run,
    before: Document | None,
    file: str,
    rows: int,
    versions: list[dict[str, Any]],
) -> None:
    """Create or change the entity; one that says the same already is left alone."""
    from mahakam.ngsild.problem import Problem
    from mahakam.ngsild.represent import without_system

    at = run.started
    same = before is not None and _value(before, "file") == file
    facts: dict[str, Any] = {
        "theme": feed.theme,
        "license": feed.licence,
        "publisher": feed.owner,
        "source": feed.origin,
        "issued": (_value(before, "issued") if before else None) or at,
        "modified": (_value(before, "modified") if before and same else None) or at,
        "rows": rows,
        "checks": len(contract.row_rules),
        "columns": [
            {"name": name, "type": field.kind.logical}
            | ({"description": field.description} if field.description else {})
            for name, field in contract.fields.items()
        ],
        "file": file,
        "run": (_value(before, "run") if before and same else None) or run.id,
        "versions": versions,
    }
    document: Document = {
        "id": dataset_id(feed.place.id, feed.name),
        "type": "Dataset",
        "scope": scope_of(feed.place, parts.places),
        "title": {"type": "LanguageProperty", "languageMap": dict(feed.title)},
    }
    if feed.description:
        document["description"] = {"type": "LanguageProperty", "languageMap": dict(feed.description)}
    document |= {
        name: {"type": "Property", "value": value} for name, value in facts.items() if value not in ("", [])
    }
    if before is not None and without_system(before) == document:
        return
    try:
        parts.broker.upsert(document, run.author)
    except Problem as problem:
        raise ConfigError(feed.path, f"the dataset's description is refused: {problem}") from problem


def _value(document: Document, name: str) -> Any:
    attribute = document.get(name)
    return attribute.get("value") if isinstance(attribute, dict) else None


def _remove_others(folder: Path, kept: set[str]) -> None:
    """Files of versions that are kept no longer, and what a run left that was killed; what cannot be removed now is
    left."""
    for each in folder.iterdir():
        if each.name not in kept and each.suffix in (".parquet", _PART):
            with suppress(OSError):
                each.unlink()


def _released(parts: Parts, feed: Feed, reading: Reading, judged: Judged) -> dict[Position, str]:
    """The rows held until now that this run stored; of all others nobody needs to know a position."""
    store = parts.store
    waiting = {
        (held.file, held.sheet, held.row)
        for state in ("held", "fixed")
        for held in store.held(feed.place.id, feed.name, state, limit=_ALL)
    }
    if not waiting:
        return {}
    sql = f"SELECT {ROW} FROM dataset_rows WHERE {FILE} = ? AND {SHEET} = ? AND {ROW} IN (SELECT unnest(?))"  # noqa: S608
    id = dataset_id(feed.place.id, feed.name)
    out: dict[Position, str] = {}
    for part in reading.parts:
        place = (part.info.file, part.sheet)
        rows = [row for file, sheet, row in waiting if (file, sheet) == place]
        if rows:
            found = judged.connection.execute(sql, [*place, rows]).fetchall()
            out |= {(*place, row): id for (row,) in found}
    return out
