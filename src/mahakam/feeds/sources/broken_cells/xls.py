"""Error cells of a workbook of Excel 97 to 2003: records BoolErr and Formula ([MS-XLS] § 2.4.24, § 2.4.127).

They are in the stream of the workbook, which lies in sectors of a compound file ([MS-CFB] § 2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mahakam.feeds.sources.broken_cells.codes import ERRORS, OTHER

_BOUND_SHEET, _BOOL_ERR, _FORMULA, _EOF = 0x0085, 0x0205, 0x0006, 0x000A
_BOF = 0x0809
_END = 0xFFFFFFFA
"""From here on a number names no sector."""
_SHORT = 4096
"""Streams below this lie in sectors of sectors."""


def cells(file: bytes, sheet: str) -> dict[tuple[int, int], str]:
    """(row, column), from 0, → what stands there; of the sheet of that name. Raises struct.error, KeyError, IndexError
    or ValueError for a file that is damaged."""
    stream = _Compound(file).stream("Workbook")
    for kind, body in _records(stream, 0):
        if kind == _BOUND_SHEET and _name(body) == sheet:
            return dict(_errors(stream, struct.unpack_from("<I", body)[0]))
    return {}


def _errors(stream: bytes, start: int) -> Iterator[tuple[tuple[int, int], str]]:
    depth = 0
    for kind, body in _records(stream, start):
        depth += (kind == _BOF) - (kind == _EOF)
        if depth == 0:
            return
        if kind == _BOOL_ERR and len(body) >= 8 and body[7]:
            code = body[6]
        elif kind == _FORMULA and len(body) >= 14 and body[6] == 2 and body[12:14] == b"\xff\xff":
            code = body[8]
        else:
            continue
        row, column = struct.unpack_from("<HH", body)
        yield (row, column), ERRORS.get(code, OTHER)


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _name(body: bytes) -> str:
    """The name in a record BoundSheet8: a length, then one byte or two a sign."""
    length, wide = body[6], body[7] & 1
    return body[8 : 8 + length * (1 + wide)].decode("utf-16-le" if wide else "latin-1")


class _Compound:
    """The streams of a compound file."""

    def __init__(self, file: bytes) -> None:
        self.file = file
        shift = struct.unpack_from("<H", file, 30)[0]
        if shift not in (9, 12):
            raise ValueError(f"sectors of 2^{shift} bytes")
        self.size = 1 << shift
        (first,) = struct.unpack_from("<I", file, 48)
        (self.short_first,) = struct.unpack_from("<I", file, 60)
        more, number = struct.unpack_from("<II", file, 68)
        places = list(struct.unpack_from("<109I", file, 76))
        for _ in range(min(number, len(file) // self.size)):
            block = struct.unpack(f"<{self.size // 4}I", self._sector(more))
            places += block[:-1]
            more = block[-1]
        self.next = [
            one
            for place in places
            if place < _END
            for one in struct.unpack(f"<{self.size // 4}I", self._sector(place))
        ]
        directory = self._chain(first)
        self.entries: dict[str, tuple[int, int]] = {}
        for at in range(0, len(directory) - 127, 128):
            length = struct.unpack_from("<H", directory, at + 64)[0]
            name = directory[at : at + max(length - 2, 0)].decode("utf-16-le", "replace")
            start, size = struct.unpack_from("<II", directory, at + 116)
            if name:
                self.entries[name] = (start, size)

    def stream(self, name: str) -> bytes:
        """The bytes of a stream; KeyError if there is none."""
        start, size = self.entries[name]
        if size >= _SHORT:
            return self._chain(start)[:size]
        short = self._chain(self.entries["Root Entry"][0])
        table = self._chain(self.short_first)
        following = struct.unpack(f"<{len(table) // 4}I", table)
        parts = []
        for _ in range(len(following)):
            if start >= _END:
                break
            parts.append(short[start * 64 : start * 64 + 64])
            start = following[start]
        return b"".join(parts)[:size]

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self.size
        return self.file[at : at + self.size].ljust(self.size, b"\0")

    def _chain(self, start: int) -> bytes:
        parts = []
        for _ in range(len(self.next)):  # a chain that runs in a circle ends
            if start >= _END:
                break
            parts.append(self._sector(start))
            start = self.next[start]
        return b"".join(parts)
