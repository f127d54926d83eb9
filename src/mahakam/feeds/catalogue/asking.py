"""SQL over the catalogue's public tables, for anybody: read only, within limits, each question in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from mahakam.feeds.catalogue.sandbox import place_of

if TYPE_CHECKING:
    import pyarrow as pa

SECONDS = 10
"""How long a question may take."""
MEMORY = 512
"""MB that DuckDB may use for one question."""
ROWS = 1_000_000
"""Rows that an answer may have."""
BYTES = 256_000_000
"""Bytes that an answer may have, before it is written in the form asked for."""
LONGEST = 20_000
"""Characters of a question."""
AT_ONCE = max(1, (os.cpu_count() or 2) // 2)
"""Questions that a server process answers at the same time; others wait ``PATIENCE`` seconds."""
PATIENCE = 5

Find = Callable[[str], Path | None]
"""A table's name, ``place.feed`` → the file of its public rows; None for a name that is no table."""
_turns = threading.BoundedSemaphore(AT_ONCE)


class Refused(Exception):
    """A question without an answer: ``kind`` (``Parser``, ``Catalog``, ``Binder``, ``Timeout``, ``TooManyRows``, …),
    what is wrong, and where in the question, line and column from 1 (0: nowhere in particular)."""

    def __init__(self, kind: str, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, batch by batch; ``cut``: there are more than were asked for."""

    batches: pa.RecordBatchReader
    cut: bool


@contextmanager
def asked(
    sql: str, find: Find, known: Sequence[str], *, rows: int = ROWS, cut: bool = False
) -> Iterator[Answer]:
    """The answer to one SELECT; its batches are read from a file that lives as long as the context.

    ``known`` are the names that a mistyped one is compared with. More than ``rows`` rows are refused, or cut off.
    Raises Refused.
    """
    if not sql.strip():
        raise Refused("Parser", "there is no question")
    if len(sql) > LONGEST:
        raise Refused("Parser", f"the question has {len(sql):,} characters; {LONGEST:,} are read")
    with tempfile.TemporaryDirectory(prefix="mahakam-sql-") as folder:
        path = Path(folder) / "answer.arrow"
        if not _turns.acquire(timeout=PATIENCE):
            raise Refused("Busy", "others are asking at this moment; try again in a few seconds")
        try:
            was_cut = _ask(sql, find, known, rows, cut, Path(folder), path)
        finally:
            _turns.release()  # who reads the answer slowly keeps nobody from asking
        import pyarrow as pa

        with pa.memory_map(str(path)) as source:
            yield Answer(pa.ipc.open_stream(source), was_cut)


def _ask(sql: str, find: Find, known: Sequence[str], rows: int, cut: bool, folder: Path, path: Path) -> bool:
    """Have a process of its own write the answer to a file; whether rows were cut off."""
    room = folder / "room"
    room.mkdir()
    command = [sys.executable, "-I", "-m", "mahakam.feeds.catalogue.sandbox"]
    deadline = time.monotonic() + SECONDS
    process = subprocess.Popen(
        command,
        cwd=room,
        env={"HOME": str(room), "LANG": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.append(process.stderr.read(1 << 20)))  # type: ignore[union-attr]
    listener.start()
    try:
        _tell(process.stdin, {"sql": sql, "rows": rows, "cut": cut, "memory": MEMORY, "seconds": SECONDS})
        named = process.stdout.readline(1 << 20)
        if named:
            _tell(process.stdin, _files(sql, orjson.loads(named), find, known, room))
            _copy(process.stdout, path)
    finally:
        late.cancel()
        process.kill()
        process.wait()
        listener.join()
        process.stdin.close()
        process.stdout.close()
        process.stderr.close()
    return _outcome(process.returncode, time.monotonic() >= deadline, b"".join(said), path)


def _outcome(code: int, late: bool, said: bytes, path: Path) -> bool:
    told: dict[str, Any] = {}
    with suppress(orjson.JSONDecodeError):
        told = orjson.loads(said.strip().rpartition(b"\n")[2] or b"{}")
    if "kind" in told:
        raise Refused(told["kind"], told["message"], told.get("line", 0), told.get("column", 0))
    if late:
        raise Refused(
            "Timeout", f"the question took longer than {SECONDS} seconds; ask for less, or of fewer rows"
        )
    if code not in (0, -9) or not _whole(path):
        raise Refused("OutOfMemory", "the question needs more memory or time than it may have; ask for less")
    return bool(told.get("cut"))


def _whole(path: Path) -> bool:
    """Whether the stream was ended by its writer (eight bytes: a mark and a length of 0)."""
    if not path.is_file() or path.stat().st_size < 8:
        return False
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        return file.read() == b"\xff\xff\xff\xff\x00\x00\x00\x00"


def _tell(pipe: IO[bytes], value: Any) -> None:
    with suppress(BrokenPipeError):  # it ended, and says why on standard error
        pipe.write(orjson.dumps(value) + b"\n")
        pipe.flush()


def _files(sql: str, named: Sequence[str], find: Find, known: Sequence[str], room: Path) -> dict[str, str]:
    """Links to the tables' files in the process's folder, so that it learns nothing of the node's folders."""
    files = {}
    for number, name in enumerate(named):
        path = find(name)
        if path is None:
            raise Refused(
                "Catalog", f"there is no table {name}{_nearest(name, known)}", **place_of(sql, name)
            )
        link = f"{number}.parquet"
        (room / link).symlink_to(path.resolve())
        files[name] = link
    return files


def _nearest(name: str, known: Sequence[str]) -> str:
    if near := get_close_matches(name, known, n=1):
        return f"; did you mean {near[0]}?"
    return f"; the tables are {', '.join(known[:10])}{', …' if len(known) > 10 else ''}" if known else ""


def _copy(stream: IO[bytes], path: Path) -> None:
    size = 0
    with path.open("wb") as out:
        while block := stream.read(1 << 16):
            size += len(block)
            if size > BYTES:
                raise Refused(
                    "TooManyRows", f"the answer has more than {BYTES // 1_000_000} MB; ask for less"
                )
            out.write(block)
