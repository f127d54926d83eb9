"""Sources: a file of an agency as a DuckDB relation, with how it was read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import formats
from mahakam.feeds.sources.files import local
from mahakam.feeds.sources.model import Fault, Pins, SourceError, SourceInfo, Table

if TYPE_CHECKING:
    import duckdb

__all__ = ["Fault", "Pins", "SourceError", "SourceInfo", "Table", "pins_from", "read"]

PINS = tuple(Pins.__dataclass_fields__)


def read(
    path: Path | str,
    connection: duckdb.DuckDBPyConnection,
    *,
    proven: bool = True,
    degrees: bool = True,
    **pins: Any,
) -> Table:
    """Read a file of one of the formats (in .gz or .zip too) as a table of text.

    ``pins`` are those of :class:`Pins`; what is not pinned is detected and told in ``Table.info``. The relation lives
    as long as its connection and this table. ``proven`` false: the caller looks at ``Table.unproven`` after reading,
    and reads once more with ``proven`` true if the file turns out irregular. ``degrees`` false: the caller brings the
    file's geometry to longitude and latitude itself.

    Raises SourceError: which file, where in it, what would be right.
    """
    pinned = pins_from(pins)
    found = local(Path(path), format=pinned.format, entry=pinned.entry)
    found.proven, found.degrees = proven, degrees
    try:
        return formats.named(found.format).read(found, connection, pinned)
    except BaseException:
        if found.scratch is not None:
            import shutil

            shutil.rmtree(found.scratch, ignore_errors=True)
        raise


def pins_from(values: dict[str, Any]) -> Pins:
    """Pins as YAML gives them (a number for ``header``, a list for ``columns``) in their own types."""
    unknown = set(values) - set(PINS)
    if unknown:
        raise TypeError(f"no pin of a source: {', '.join(sorted(unknown))}")
    known = {name: value for name, value in values.items() if value is not None}
    columns = known.pop("columns", None)
    names = tuple(str(name) for name in columns) if isinstance(columns, Iterable) else None
    text: dict[str, Any] = {name: str(value) for name, value in known.items()}
    return Pins(columns=names, **text)
