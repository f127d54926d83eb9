"""Indicators over datasets: rows stay in their Parquet file and are read there, by column and by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.broker.broker import Broker
from mahakam.config import ConfigError, Place
from mahakam.indicators.definition import Definition
from mahakam.indicators.evaluate import Figure, figures_in, sealed
from mahakam.indicators.period import ALL, Period

if TYPE_CHECKING:
    import duckdb

_OWN = {"_row": "0", "_line": "0", "_file": "''", "_sheet": "''", "_flagged": "FALSE"}
"""Columns that are no data, each with what stands for it in a file without."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A Parquet file of validated rows: columns as the contract names them, ``_row`` and ``_line``; ``run``
    made it.
    """

    id: str
    file: Path
    run: int

    def mark(self) -> str:
        """Another text when the rows may be others."""
        state = self.file.stat()
        return f"{self.run} {state.st_mtime_ns} {state.st_size}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a dataset that went into a value."""

    row: int
    line: int
    file: str
    counted: bool
    cells: dict[str, Any]


def dataset_of(broker: Broker, definition: Definition, place: Place) -> Dataset | None:
    """The dataset that a definition names, of the place or of the nearest place above; None while there is
    none.

    It is the entity ``urn:ngsi-ld:Dataset:PLACE:NAME``: its ``file`` is a path in the node's data folder, its
    ``run`` the feed run that wrote it.
    """
    at: Place | None = place
    seen: set[str] = set()
    while at and at.id not in seen:
        seen.add(at.id)
        document = broker.get(f"urn:ngsi-ld:Dataset:{at.id}:{definition.dataset}")
        if document and "file" in document:
            folder = Path(getattr(broker.stores, "folder", ".")).resolve()
            file = (folder / str(document["file"]["value"])).resolve()
            run = document.get("run", {}).get("value", 0)
            if file.is_file() and file.is_relative_to(folder):
                return Dataset(document["id"], file, int(run))
        at = broker.places.get(at.parent or "")
    return None


def dataset_figures(definition: Definition, dataset: Dataset, timezone: str) -> tuple[list[Figure], int, int]:
    """One figure a period, the number of rows, and how many of them have no readable time.

    Raises ConfigError for a column that the dataset lacks or expressions that its rows do not allow.
    """
    with _view(definition, dataset, timezone) as connection:
        counted = connection.execute("SELECT count(*), count(*) - count(_period) FROM inputs").fetchone()
        rows, undated = counted if counted else (0, 0)
        return figures_in(definition, connection), int(rows), int(undated)


def dataset_page(
    definition: Definition,
    dataset: Dataset,
    timezone: str,
    period: Period,
    limit: int,
    offset: int,
    only: str = "",
) -> tuple[list[Row], int]:
    """A page of the rows of a period, the counted ones first, and how many there are on all pages."""
    compiled = definition.compiled
    mark = f"coalesce({compiled.counted}, FALSE)"
    wanted = {"counted": f" AND {mark}", "others": f" AND NOT {mark}"}.get(only, "")
    rows = f"FROM inputs WHERE _period = ? AND ({compiled.where}){wanted}"
    columns = "".join(f', "{column}"' for column in compiled.columns.values())
    with _view(definition, dataset, timezone) as connection:
        total = connection.execute(f"SELECT count(*) {rows}", [period.label]).fetchone()
        found = connection.execute(
            f"SELECT _row, _line, _file, {mark}{columns} {rows} ORDER BY 4 DESC, 3, 1 LIMIT ? OFFSET ?",
            [period.label, limit, offset],
        ).fetchall()
    names = list(compiled.columns)
    page = [
        Row(row, line, file, counted, {name: _plain(cell) for name, cell in zip(names, cells, strict=True)})
        for row, line, file, counted, *cells in found
    ]
    return page, int(total[0]) if total else 0


@contextmanager
def _view(definition: Definition, dataset: Dataset, timezone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the view ``inputs``, as :func:`mahakam.indicators.evaluate.figures_in` wants it."""
    import duckdb

    file = "'" + str(dataset.file).replace("'", "''") + "'"
    with sealed(dataset.file) as connection:
        try:
            described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({file})").fetchall()  # noqa: S608
        except duckdb.Error as error:
            raise ConfigError(
                definition.path, f"from: {dataset.file.name} cannot be read: {error}"
            ) from error
        types = {name: kind for name, kind, *_ in described}
        columns = "".join(
            f', {_local(name, types[name], timezone)} AS "{column}"'
            for name, column in definition.compiled.columns.items()
            if _known(definition, name, types)
        )
        own = [name if name in types else f"{absent} AS {name}" for name, absent in _OWN.items()]
        connection.execute(
            f"CREATE VIEW shaped AS SELECT {', '.join(own)}, {dataset.run} AS _run, '' AS _id{columns}"  # noqa: S608
            f" FROM read_parquet({file})"
        )
        period, day = _when(definition, types)
        shape = f"SELECT *, {period} AS _period, {day} AS _day FROM shaped"  # noqa: S608 - our own expressions
        connection.execute("CREATE VIEW inputs AS " + shape)
        yield connection


def _known(definition: Definition, name: str, types: Mapping[str, str]) -> bool:
    if name in types:
        return True
    known = sorted(types.keys() - _OWN.keys())
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "it has " + ", ".join(known[:20])
    raise ConfigError(definition.path, f"{definition.source} has no column {name!r}; {hint}")


def _local(name: str, kind: str, timezone: str) -> str:
    """The column; times, which are UTC in the file, on the place's clock."""
    column = '"' + name.replace('"', '""') + '"'
    zone = timezone.replace("'", "''")
    if kind == "TIMESTAMP":
        return f"({column} AT TIME ZONE 'UTC' AT TIME ZONE '{zone}')"
    return f"({column} AT TIME ZONE '{zone}')" if kind == "TIMESTAMP WITH TIME ZONE" else column


def _when(definition: Definition, types: Mapping[str, str]) -> tuple[str, str]:
    """SQL for the label of a row's period and for its day, written as in :mod:`mahakam.indicators.period`."""
    if not definition.time:
        return f"'{ALL}'", "NULL::VARCHAR"
    kind = types[definition.time]
    column = '"c0"'
    if "INT" in kind:
        year = f"CASE WHEN {column} BETWEEN 1 AND 9999 THEN printf('%04d', {column}::BIGINT) END"
        label, day = (year if definition.per == "year" else "NULL::VARCHAR"), f"{year} || '-00-00'"
    else:
        moment = (
            column if kind == "DATE" or kind.startswith("TIMESTAMP") else f"try_cast({column} AS TIMESTAMP)"
        )
        form = "%Y" if definition.per == "year" else "%Y-%m"
        label, day = f"strftime({moment}, '{form}')", f"strftime({moment}, '%Y-%m-%d')"
    return (f"'{ALL}'" if definition.per == "none" else label), day


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
