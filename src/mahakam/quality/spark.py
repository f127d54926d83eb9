"""Slices of a table checked on Spark (https://spark.apache.org): ``mahakam check --engine spark://HOST:PORT``.

Spark moves slices and their findings; each task checks its slice with the contract's own column expressions in a DuckDB
of its own, so no rule is said twice and verdicts cannot differ. Executors need Mahakam installed, and the folder of the
data under the same path. PySpark is imported here alone.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mahakam.quality.columns import ColumnCheck
from mahakam.quality.finding import Finding
from mahakam.quality.sliced import Job, Slice, check_slices, checked_slice, unpacked

_HOW = "install it with: pip install 'mahakam[spark]'"
_JAVA = "Spark needs Java 17 or newer: apt-get install default-jre-headless, or set JAVA_HOME"


class SparkError(Exception):
    """Spark is not installed, or could not do it."""


def check_on_spark(engine: str, connection: Any, job: Job, slices: Sequence[str]) -> ColumnCheck:
    """Check the slices (SQL, each as of :func:`mahakam.quality.sliced.checked_slice`), in as many tasks.

    ``engine``: ``spark://HOST:PORT``, or ``spark://local[N]`` for N threads of this machine. Raises SparkError.
    """
    with context(engine) as spark:
        return check_on(spark, connection, job, slices)


def check_on(spark: Any, connection: Any, job: Job, slices: Sequence[str]) -> ColumnCheck:
    """The same in a SparkContext that is open."""
    with _said(spark.master):
        packed = spark.broadcast(job.packed())
        tasks = spark.parallelize(slices, max(1, len(slices)))
        answers = tasks.map(lambda sql: _task(packed.value, sql)).toLocalIterator(prefetchPartitions=True)
        return check_slices(connection, job, _read(answers))


def _master(engine: str) -> str:
    rest = engine.removeprefix("spark://")
    return rest if rest.startswith("local") else engine


@contextmanager
def context(engine: str) -> Iterator[Any]:
    """A SparkContext of the engine. Raises SparkError."""
    master = _master(engine)
    try:
        from pyspark import SparkConf, SparkContext
    except ImportError as error:
        raise SparkError(f"PySpark is not installed; {_HOW}") from error
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise SparkError(_JAVA)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": "false",
    }
    conf = SparkConf().setMaster(master).setAppName("mahakam check").setAll(list(settings.items()))
    with _said(master):
        spark = SparkContext.getOrCreate(conf)
    try:
        yield spark
    finally:
        spark.stop()


@contextmanager
def _said(master: str) -> Iterator[None]:
    """What goes wrong in Spark, as SparkError."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise SparkError(_reason(master, error)) from error


def _reason(master: str, error: Exception) -> str:
    """The line of a long report that says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [
        line for line in lines if line.startswith(("duckdb.", "_duckdb.", "ModuleNotFoundError", "Caused by"))
    ]
    return f"{master}: {(causes or lines or ['Spark ended without a reason'])[-1 if causes else 0][:500]}"


_Answer = tuple[bytes, int, list[Finding]]


def _task(packed: bytes, sql: str) -> _Answer:
    """In an executor: the slice, its rows as an Arrow stream."""
    import pyarrow as pa

    found = checked_slice(unpacked(packed), sql)
    rows = found.rows
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(rows)
    return out.getvalue().to_pybytes(), found.passing, found.beyond


def _read(answers: Iterable[_Answer]) -> Iterator[Slice]:
    import pyarrow as pa

    for body, passing, beyond in answers:
        yield Slice(pa.ipc.open_stream(body).read_all(), passing, beyond)
