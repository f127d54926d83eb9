"""A dataset read again: where its file is, and from which row of which agency's file one of its rows came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.feeds.datasets import FILE, FLAGGED, SHEET, data_folder, dataset_id
from mahakam.feeds.kept_files import kept_table
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.model import LINE, ROW, SourceError, identifier, literal
from mahakam.store.model import Lineage

if TYPE_CHECKING:
    import duckdb

    from mahakam.ngsild.entity import Document
    from mahakam.store.model import Run


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A dataset's entity and its Parquet file; ``run`` made it."""

    document: Document
    file: Path
    run: int

    @contextmanager
    def opened(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, str]]]:
        """A connection with the view ``dataset``, and its columns: name → type. It can read nothing else.

        Raises SourceError for a file that cannot be read, also while its rows are.
        """
        import duckdb

        connection = duckdb.connect(
            config={"memory_limit": "512MB", "threads": 2, "python_enable_replacements": False}
        )
        try:
            connection.execute(
                "SET enable_progress_bar = false"
            )  # it goes to standard output, among the data
            connection.execute("SET allowed_paths = ?", [[str(self.file)]])
            connection.execute("SET enable_external_access = false")
            connection.execute(
                f"CREATE VIEW dataset AS SELECT * FROM read_parquet({literal(str(self.file))})"  # noqa: S608
            )
            described = connection.execute("DESCRIBE dataset").fetchall()
            yield connection, {name: kind for name, kind, *_ in described}
        except duckdb.Error as error:
            raise SourceError(
                self.file.name, f"cannot be read ({error}); run its feed again with --force"
            ) from error
        finally:
            connection.close()


def stored_dataset(parts: Parts, place: str, name: str, version: int = 0) -> StoredDataset | None:
    """The dataset that a feed of a place stored, as the run ``version`` left it (0: the newest).

    None while there is none, or if that version is not kept.
    """
    document = parts.broker.get(dataset_id(place, name))
    if document is None or not isinstance(document.get("file"), dict):
        return None
    file, run = str(document["file"].get("value")), int(document.get("run", {}).get("value", 0))
    if version and version != run:
        kept = [one for one in versions_of(document) if one["run"] == version]
        if not kept:
            return None
        file, run = str(kept[0]["file"]), version
    folder = data_folder(parts).resolve()
    path = (folder / file).resolve()
    if not path.is_file() or not path.is_relative_to(folder):
        return None
    return StoredDataset(document, path, run)


def versions_of(document: Document) -> list[dict[str, Any]]:
    """The versions of a dataset that are kept, the newest first: ``run``, ``modified``, ``rows``, ``file``."""
    found: list[dict[str, Any]] = document.get("versions", {}).get("value") or []
    return found


def lineage_of_row(parts: Parts, place: str, name: str, row: int, file: str = "") -> Lineage | None:
    """Where one row of a dataset came from: run, file, sheet, line, its cells as they stood in the archived file.

    ``row`` is ``_row``, ``file`` (needed only where a run read several) is ``_file``. ``raw`` is empty if the file
    is no longer kept or can no longer be read. None for a row that the dataset has not. Raises SourceError for a
    dataset whose Parquet file cannot be read.
    """
    found = stored_dataset(parts, place, name)
    if found is None:
        return None
    with found.opened() as (connection, types):
        own = [column if column in types else "NULL" for column in (SHEET, FILE, LINE, FLAGGED)]
        several = f" AND {FILE} = ?" if file else ""
        rows = connection.execute(
            f"SELECT {', '.join(own)} FROM dataset WHERE {ROW} = ?{several} LIMIT 1",  # noqa: S608 - our own names
            [row, file] if file else [row],
        ).fetchall()
    if not rows:
        return None
    sheet, at, line, flagged = rows[0]
    run = parts.store.run(found.run)
    source = _source(run, at or "", sheet or "") if run else {}
    checks = found.document.get("checks", {}).get("value", 0)
    return Lineage(
        entity=str(found.document["id"]),
        run=found.run,
        file=at or str(source.get("file", "")),
        sheet=sheet or "",
        row=row,
        line=int(line or 0),
        raw=_raw(parts, place, name, source, row),
        digest="",
        checks=int(checks) - bool(flagged),
    )


def _source(run: Run, file: str, sheet: str) -> dict[str, Any]:
    """What the run says about one of its files."""
    files: list[dict[str, Any]] = run.source.get("files") or [run.source]
    for each in files:
        if each.get("file") == file and (each.get("sheet") or each.get("entry") or "") == sheet:
            return each
    return {}


def _raw(parts: Parts, place: str, name: str, source: dict[str, Any], row: int) -> dict[str, str | None]:
    """The row's cells from the archived file, read as the feed says."""
    try:
        with kept_table(parts, place, name, source) as table:
            if table is None:
                return {}
            columns = ", ".join(identifier(column) for column in table.columns)
            cells = table.relation.filter(f"{ROW} = {int(row)}").project(columns).limit(1).fetchall()
            return dict(zip(table.columns, cells[0], strict=True)) if cells else {}
    except SourceError:
        return {}
