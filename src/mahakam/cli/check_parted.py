"""``mahakam check`` of a folder of Parquet files, here or on Spark."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.cli.check import MEMORY, Failure, checked
from mahakam.feeds.sources.parted import Parted, parted

if TYPE_CHECKING:
    from mahakam.quality.book import PlaceReferences
    from mahakam.quality.columns import ColumnCheck
    from mahakam.quality.contract import Contract
    from mahakam.quality.references import Last
    from mahakam.quality.report import Report


@contextmanager
def reported(
    path: Path, engine: str, name: str | None, config: tuple[Path, ...], last: Last | None, examples: int
) -> Iterator[Report]:
    """The report. Raises Failure for an engine that is none or cannot do it, SourceError for the files."""
    import duckdb

    if engine != "local" and not engine.startswith("spark://"):
        raise Failure(f"--engine: {engine!r} is no engine; write local or spark://HOST:PORT")
    if not path.is_dir() and path.suffix.lower() not in (".parquet", ".pq"):
        raise Failure(
            f"{path}: Spark checks Parquet, a file or a folder of them; leave --engine out for other files"
        )
    found = parted(path)
    with tempfile.TemporaryDirectory(prefix="mahakam-check-") as scratch:
        connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": scratch})
        try:
            connection.execute("SET enable_progress_bar = false")
            table = found.table(connection)
            table.relation.create_view("source", replace=True)
            elsewhere = None if engine == "local" else _on_spark(engine, found)
            yield checked(connection, table, path, name, config, last, examples, elsewhere)
        except duckdb.Error as error:
            raise Failure(f"{path}: {str(error).splitlines()[0]}") from error
        finally:
            connection.close()


def _on_spark(engine: str, found: Parted) -> Any:
    def check(
        connection: Any,
        columns: Sequence[str],
        contract: Contract,
        references: PlaceReferences,
        rename: Mapping[str, str],
        beyond: bool,
    ) -> ColumnCheck:
        from mahakam.quality.sliced import Job, frozen
        from mahakam.quality.spark import SparkError, check_on_spark
        from mahakam.quality.undeclared import suspected_fields

        suspects = suspected_fields(connection, "source", contract, rename, head=True) if beyond else None
        job = Job(contract, frozen(contract, references), columns, rename, suspects)
        try:
            return check_on_spark(engine, connection, job, found.slices())
        except SparkError as error:
            raise Failure(f"--engine {engine}: {error}") from error

    return check
