"""What decides a run's result, as one hash: equal hashes need no second run. Imports nothing that is slow to load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from mahakam import __version__
from mahakam.config import Place, chain
from mahakam.feeds.definition import Feed
from mahakam.feeds.parts import contract_file
from mahakam.feeds.sources.files import digest
from mahakam.store.model import Correction

FORM = 2
"""Counted up when the same input gives other entities than before."""


def fingerprint(basis: str, files: Iterable[tuple[str, str]]) -> str:
    """A feed's :func:`basis` with its files' names and SHA-256."""
    parts = [basis, *(f"{name}:{sha256}" for name, sha256 in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def digests(files: Iterable[Path]) -> list[tuple[str, str]]:
    """Name and SHA-256 of files. Raises OSError for one that cannot be read."""
    return [(path.name, digest(path)) for path in files]


def basis(places: Mapping[str, Place], feed: Feed, corrections: Iterable[Correction]) -> str:
    """SHA-256 of the feed, its contract, code lists and boundary, and the stewards' corrections: all but the files.

    Raises OSError for a file that cannot be read.
    """
    parts: list[str] = [__version__, str(FORM), feed.place.id, feed.name, feed.place.timezone]
    used = [feed.path, contract_file(places, feed.place, feed.contract), feed.place.boundary_file]
    for place in chain(places, feed.place):
        used += sorted((place.folder / "codes").glob("*"))
    parts += [digest(path) for path in used if path is not None and path.is_file()]
    parts += [json.dumps([c.column, c.old, c.new]) for c in corrections if c.active]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
