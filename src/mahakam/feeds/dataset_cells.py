"""Cells taken out of a version of a dataset that is kept: the file is written anew, and the old one goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mahakam.broker.writes import Modify
from mahakam.feeds.dataset_rows import stored_dataset, versions_of
from mahakam.feeds.datasets import FILE, data_folder, dataset_id, finished, into, unfinished
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.model import ROW, SourceError, identifier, literal
from mahakam.ngsild import patch
from mahakam.ngsild.entity import Document


def empty_cells(
    parts: Parts,
    place: str,
    name: str,
    run: int,
    columns: Sequence[str],
    rows: Sequence[tuple[str, int]],
    author: str,
) -> bool:
    """Empty columns of rows (file, number) of the version that a run left; False if that version is not kept.

    Every version with the same file has it so. Raises SourceError for one that cannot be read, OSError without room.
    """
    import duckdb
    import pyarrow as pa

    found = stored_dataset(parts, place, name, run)
    if found is None:
        return False
    draft = unfinished(found.file.parent, run)
    wanted = pa.table({"file": pa.array([file for file, _ in rows], pa.string()),
                       "row": pa.array([row for _, row in rows], pa.int64())})  # fmt: skip
    connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
    try:
        connection.execute("SET enable_progress_bar = false")
        source = f"read_parquet({literal(str(found.file))}, file_row_number = true)"
        types = [each for each, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]  # noqa: S608
        connection.register("wanted_given", wanted)
        connection.execute("CREATE TEMP TABLE wanted AS SELECT DISTINCT file, row FROM wanted_given")
        at = f"coalesce(data.{FILE}, '')" if FILE in types else "''"
        cells = ", ".join(
            f"CASE WHEN wanted.row IS NULL THEN data.{identifier(each)} END AS {identifier(each)}"
            for each in columns
            if each in types
        )
        connection.execute(
            f"COPY (SELECT data.* EXCLUDE (file_row_number) REPLACE ({cells}) FROM {source} AS data "  # noqa: S608
            f"LEFT JOIN wanted ON wanted.row = data.{ROW} AND wanted.file = {at} "
            f"ORDER BY data.file_row_number) {into(draft)}"
        )
        file = finished(draft)
    except duckdb.Error as error:
        raise SourceError(found.file.name, f"cannot be written anew ({error})") from error
    finally:
        connection.close()
        draft.unlink(missing_ok=True)
    if file != found.file:
        root = data_folder(parts).resolve()
        before, after = found.file.relative_to(root).as_posix(), file.relative_to(root).as_posix()
        parts.broker.together(
            [
                Modify(
                    dataset_id(place, name),
                    lambda document, at: _moved(document, at, before, after),
                    ruled=True,
                )
            ],
            author,
        )
        found.file.unlink(missing_ok=True)
    return True


def _moved(document: Document, at: str, before: str, after: str) -> patch.Change:
    """The description with another file in the place of one."""
    versions: list[dict[str, Any]] = [
        one | {"file": after} if one["file"] == before else one for one in versions_of(document)
    ]
    change: dict[str, Any] = {}
    if versions:
        change["versions"] = {"type": "Property", "value": versions}
    if document["file"]["value"] == before:
        change["file"] = {"type": "Property", "value": after}
    return patch.merge(document, change, at)
