"""What commands write: tables as CSV, records as JSON, to standard output or to a file that is whole or not there."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import click
import orjson

from mahakam.spreadsheet import guarded

_BLOCK = 1 << 16


def csv_blocks(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """RFC 4180, UTF-8, with a header; no cell runs as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([guarded(name) for name in header])
    for row in rows:
        writer.writerow([guarded(value) for value in row])
        if buffer.tell() > _BLOCK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def json_blocks(
    records: Iterable[Mapping[str, Any]], before: bytes = b"[", after: bytes = b"\n]\n"
) -> Iterator[bytes]:
    """An array, one object a line."""
    yield before
    start = b"\n"
    for record in records:
        yield start + orjson.dumps(record, default=str)
        start = b",\n"
    yield after


def write(to: Path | None, blocks: Iterable[bytes]) -> None:
    """To standard output, or to a file that appears only when it is whole."""
    if to is None:
        try:
            _copy(blocks, sys.stdout.buffer)
        except BrokenPipeError:  # whoever read has enough (head); nothing may be written at exit either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    unfinished = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            _copy(blocks, file)
            os.fsync(file.fileno())
        unfinished.replace(to)
    except OSError as error:
        raise click.ClickException(f"{to} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    click.echo(f"written: {to}", err=True)


def _copy(blocks: Iterable[bytes], file: IO[bytes]) -> None:
    for block in blocks:
        file.write(block)
    file.flush()
