"""Garbage in cycles is looked for seldom while many objects are made that hold none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

SELDOM = 200_000
"""New objects between two looks: a batch of a feed makes some hundred thousand, and lets go of all of them itself."""
_lock = Lock()
_at_work = 0
_before = gc.get_threshold()


@contextmanager
def collected_seldom() -> Iterator[None]:
    """For as long as any thread is inside; looking at every 700 objects took a fifth of a feed's run."""
    global _at_work, _before
    with _lock:
        if not _at_work:
            _before = gc.get_threshold()
            gc.set_threshold(max(SELDOM, _before[0]), *_before[1:])
        _at_work += 1
    try:
        yield
    finally:
        with _lock:
            _at_work -= 1
            if not _at_work:
                gc.set_threshold(*_before)
