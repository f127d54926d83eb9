"""One pass over a plain text file: what it holds is counted, and its SHA-256 taken, while a piece is in the cache."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass

from mahakam.feeds.sources.files import Local
from mahakam.quality.typing_sql import LOOSE

_CHUNK = 256 << 10
_SOUGHT = tuple(char.encode() for char in LOOSE if char not in "\r\n")


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
    mark = delimiter.encode()
    hashed = None if found.digest or found.path != found.original else hashlib.sha256(usedforsecurity=False)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    lines = delimiters = 0
    quotes = False
    last = chunk = b""
    whole = True
    sought = set(_SOUGHT)
    with found.path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
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
            if hashed is not None:
                hashed.update(chunk)
            last = chunk[-1:]
    if not whole:
        return None
    if hashed is not None:
        found.digest = hashed.hexdigest()
    return Tally(
        lines, delimiters, quotes, last == b"\n", frozenset("\r\n").union(char.decode() for char in sought)
    )
