"""One pass over a plain text file: what it holds is counted here while another thread takes its SHA-256."""

from __future__ import annotations

import codecs
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue

from mahakam.feeds.sources.files import Local
from mahakam.quality.typing_sql import LOOSE

_CHUNK = 256 << 10
_SOUGHT = tuple(char.encode() for char in f"{LOOSE}#" if char not in "\r\n")
"""``#`` begins what a spreadsheet writes for the error of a formula."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A file in UTF-8 without byte-order mark, NUL and carriage return, with a line end in every 256 KiB.

    ``lines`` and ``delimiters``: how many line ends and delimiters; ``quotes``: whether it holds a quotation mark;
    ``ends``: whether its last line has a line end; ``lacks``: characters of which its rows hold none.
    """

    lines: int
    delimiters: int
    quotes: bool
    ends: bool
    lacks: frozenset[str]


def tally(found: Local, delimiter: str) -> Tally | None:
    """Count in a file; None if it is not plain, at the first piece that is not."""
    if found.digest or found.path != found.original:
        return _counted(found, delimiter, None)
    with _hashing() as (pieces, hashed):
        counted = _counted(found, delimiter, pieces)
    if counted is not None:
        found.digest = hashed.hexdigest()
    return counted


@contextmanager
def _hashing() -> Iterator[tuple[Queue[bytes], hashlib._Hash]]:
    """What is put is hashed on a thread of its own, which is done at the end; a few pieces wait at most."""
    hashed = hashlib.sha256(usedforsecurity=False)
    pieces: Queue[bytes] = Queue(8)

    def run() -> None:
        while piece := pieces.get():
            hashed.update(piece)

    thread = threading.Thread(target=run, name="sha256", daemon=True)
    thread.start()
    try:
        yield pieces, hashed
    finally:
        pieces.put(b"")
        thread.join()


def _counted(found: Local, delimiter: str, pieces: Queue[bytes] | None) -> Tally | None:
    mark = delimiter.encode()
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    lines = delimiters = 0
    quotes = False
    last = chunk = b""
    whole = True
    sought = set(_SOUGHT)
    with found.path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            if pieces is not None:
                pieces.put(chunk)
            if not last and chunk.startswith(codecs.BOM_UTF8):
                return None
            ends = chunk.count(b"\n")
            if not (ends or len(chunk) < _CHUNK) or b"\r" in chunk or b"\x00" in chunk:
                return None
            if not (whole and chunk.isascii()):
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    return None
                whole = not decoder.getstate()[0]
            lines += ends
            delimiters += chunk.count(mark)
            quotes = quotes or b'"' in chunk
            sought -= {char for char in sought if char in chunk}
            last = chunk[-1:]
    if not whole:
        return None
    return Tally(
        lines, delimiters, quotes, last == b"\n", frozenset("\r\n").union(char.decode() for char in sought)
    )
