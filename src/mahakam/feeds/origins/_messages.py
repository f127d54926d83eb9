"""Messages as a feed reads them: JSON lines in a spool that outlives the run, each with what it was published on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import orjson

from mahakam.feeds.origins import Ask

_decoder = msgspec.json.Decoder()


def written(batch: Path, ask: Ask) -> Path:
    """A spooled batch as a file of the run, with every column that the map names, whatever its messages have."""
    path = ask.folder / batch.name
    with batch.open("rb") as kept, path.open("wb") as file:
        first = json.loads(kept.readline())
        file.write(line({**dict.fromkeys(ask.columns), **first}))
        file.writelines(kept)
    return path


def mended(batch: Path) -> bool:
    """Cut off a last line that was being written when the machine stopped: it was not acknowledged, and comes again.

    False if nothing is left.
    """
    with batch.open("r+b") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
    if not whole:
        batch.unlink()
    return whole > 0


def lines(payload: bytes, column: str, source: str) -> list[bytes]:
    """The records of a message, a line each: an object, or a list of them; text where it is neither, for the checks
    to hold. An object stays as it was sent, so that no digit of it changes. ``column``: where ``source`` stands."""
    try:
        value = _decoder.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and value and b"\n" not in payload and b"\r" not in payload:
        return [payload.rstrip()[:-1] + b',"%s":%s}\n' % (column.encode(), orjson.dumps(source))]
    records = value if isinstance(value, list) else [value]
    if records and all(isinstance(one, dict) for one in records):
        return [line({**one, column: source}) for one in records]
    return [line({"payload": payload.decode("utf-8", "backslashreplace"), column: source})]


def line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
