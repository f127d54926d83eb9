"""The formats of files: a module here named X with a ``FORMAT`` is the format X."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from mahakam.feeds.sources.files import Local
    from mahakam.feeds.sources.model import Pins, Table

    Reader = Callable[[Local, duckdb.DuckDBPyConnection, Pins], Table]


@dataclass(frozen=True, slots=True)
class Format:
    """``read`` gives the table, or raises SourceError; ``what`` is what a person calls such a file.

    ``kinds``: what the first bytes of such a file say (``files.kind``); ``endings``: the names that it has, in small
    letters; ``archive``: endings of a member by which a whole .zip is one such file (a shapefile's .shp).
    """

    read: Reader
    what: str
    kinds: tuple[str, ...]
    endings: tuple[str, ...]
    archive: tuple[str, ...] = ()


@cache
def every() -> dict[str, Format]:
    """All formats by name. A name is a module of this folder."""
    return {module.name: named(module.name) for module in pkgutil.iter_modules(__path__)}


@cache
def names() -> tuple[str, ...]:
    """The names, without loading what they name."""
    return tuple(module.name for module in pkgutil.iter_modules(__path__))


def named(name: str) -> Format:
    """A format by its name. Raises KeyError for none."""
    if name not in names():
        raise KeyError(name)
    found: Format = importlib.import_module(f"{__name__}.{name}").FORMAT
    return found
