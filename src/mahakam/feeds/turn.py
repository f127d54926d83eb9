"""A feed's turn: one run at a time, over all processes of a machine; and when its last one began."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mahakam.config import ConfigError


class Running(ConfigError):
    """Another process runs this feed now."""


def _file(data: Path, place: str, feed: str) -> Path:
    return data / "turns" / re.sub(r"[^A-Za-z0-9._-]", "-", f"{place}.{feed}")


@contextmanager
def turn(data: Path, place: str, feed: str) -> Iterator[None]:
    """Hold the feed's turn. The system takes it back from a process that ends, however it ends.

    Raises Running if another has it.
    """
    path = _file(data, place, feed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Running(
                path, f"{place}/{feed} is running now, in another process; wait for its end"
            ) from error
        file.seek(0)
        file.truncate()
        file.write(datetime.now(UTC).isoformat())
        file.flush()
        yield


def last_turn(data: Path, place: str, feed: str) -> datetime | None:
    """When the last run began, with whatever it found; None if there was none."""
    try:
        return datetime.fromisoformat(_file(data, place, feed).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def is_taken(data: Path, place: str, feed: str) -> bool:
    """Whether a run of the feed is under way now; one that was killed is not."""
    try:
        with _file(data, place, feed).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
