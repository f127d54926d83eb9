"""A kept file read again as its feed reads it, long after its run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError
from mahakam.feeds.archive import Archive
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.model import SourceError

if TYPE_CHECKING:
    from mahakam.feeds.sources.model import Table


@contextmanager
def kept_table(parts: Parts, place: str, name: str, source: Mapping[str, Any]) -> Iterator[Table | None]:
    """The table of one of a run's files (``source`` as the run says it), None if the file is no longer kept.

    Raises SourceError for one that can no longer be read, also while its rows are.
    """
    import duckdb

    from mahakam.feeds import sources
    from mahakam.feeds.definition import load

    kept = Archive(parts.data).path(str(source.get("sha256", "")))
    if kept is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="mahakam-row-") as scratch:
        # the archive keeps files without their names, and a name says what a file is
        named = Path(scratch) / str(source["file"]).rpartition("/")[2]
        named.symlink_to(kept.resolve())
        connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
        try:
            connection.execute("SET enable_progress_bar = false")
            pins = dict(load(parts.place(place), name).pins)
            for pin in ("sheet", "entry"):
                if source.get(pin):
                    pins[pin] = source[pin]
            yield sources.read(named, connection, **pins)
        except (ConfigError, duckdb.Error, OSError) as error:
            raise SourceError(str(source["file"]), f"cannot be read again: {error}") from error
        finally:
            connection.close()
