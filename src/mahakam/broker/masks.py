"""Stored bytes as a hub sees them, made once: a hub asks for the same entities again and again, and few have changed.

What is kept depends on the bytes and the share alone, so that it is never out of date: bytes that have changed are
others, and a share that has changed is another.
"""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Protocol

import orjson

from mahakam.ngsild.entity import Document

MOST = 16 * 1024 * 1024
"""Bytes of entities, and of what is shown of them, that are kept at a time, whoever they are kept for."""
_LONGEST = 256 * 1024


class _Share(Hashable, Protocol):
    def masked(self, document: Document, /) -> Document | None: ...


class Masks:
    """What is shown of stored bytes, by share. May be asked from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._size = 0
        self._kept: dict[tuple[_Share, bytes], bytes] = {}
        self._lock = Lock()

    def shown(self, share: _Share, body: bytes) -> bytes | None:
        """The bytes without what is not shared; None if the entity is not."""
        key = share, body
        found = self._kept.get(key)
        return found if found is not None else self._make(share, body, key)

    def _make(self, share: _Share, body: bytes, key: tuple[_Share, bytes]) -> bytes | None:
        document: Document = orjson.loads(body)
        seen = share.masked(document)
        if seen is None:
            return None
        shown = body if len(seen) == len(document) else orjson.dumps(seen)
        size = len(body) + (0 if shown is body else len(shown))
        if len(body) <= _LONGEST:
            with self._lock:
                if self._size + size > self._most:
                    self._kept.clear()
                    self._size = 0
                if key not in self._kept:
                    self._kept[key] = shown
                    self._size += size
        return shown
