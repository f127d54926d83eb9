"""What was sent of the documents that a service asks for, and what became of each. Never public.

The course of the request tells that a document came, was accepted or returned; what it shows and why it was returned
only the resident with the key and those who work on the request see.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mahakam.services.asked_documents import AskedDocument, FileKind
from mahakam.store.protocol import EntityStore, Transaction

KIND, REMOVED = "request-documents", "request-documents-removed"
"""What is there, and what was removed when it was kept long enough."""
_DOOMED = "document-files-doomed"
_FILE = re.compile(r"[0-9a-f]{32}")
_PATIENCE = dt.timedelta(days=1)
"""How long a file may lie unnamed: longer than any sending takes."""


@dataclass(frozen=True, slots=True)
class SentDocument:
    """A document of a request. ``file`` names its kept bytes, ``at`` and ``judged`` are ISO 8601 UTC ("": not yet);
    ``by`` is the officer's account, ``reason`` why it was returned."""

    code: str
    file: str
    kind: FileKind
    bytes: int
    at: str
    state: Literal["sent", "accepted", "returned"] = "sent"
    reason: str = ""
    judged: str = ""
    by: str = ""


def documents_of(store: EntityStore | Transaction, number: str) -> dict[str, SentDocument]:
    """What was sent for a request, by the code of what was asked for."""
    kept = store.record(KIND, number) or {}
    return {code: SentDocument(**one) for code, one in kept.items()}


def lacking(
    asked: Sequence[AskedDocument], sent: Mapping[str, SentDocument], accepted: bool
) -> list[AskedDocument]:
    """The required documents that are not there (or were returned); ``accepted``: or were not accepted yet."""
    good = ("accepted",) if accepted else ("sent", "accepted")
    return [
        one for one in asked if one.required and (one.code not in sent or sent[one.code].state not in good)
    ]


def file_of(data: Path, document: SentDocument) -> Path | None:
    """The kept bytes of a document; None if they are gone."""
    path = _path(data, document.file)
    return path if _FILE.fullmatch(document.file) and path.is_file() else None


def removed_of(store: EntityStore, number: str) -> dict[str, str]:
    """What was removed of a request's documents: code → when (ISO 8601 UTC)."""
    return {code: str(one["at"]) for code, one in (store.record(REMOVED, number) or {}).items()}


def keep_files(store: EntityStore, data: Path, contents: Sequence[bytes], now: dt.datetime) -> list[str]:
    """Write files and sync them before a request names them; their names. Each is doomed until :func:`spare`, so that
    what a crash leaves unnamed does not stay."""
    names = [uuid.uuid4().hex for _content in contents]

    def work(transaction: Transaction) -> None:
        for name in names:
            doom(transaction, name, now + _PATIENCE)

    store.write(work)
    for name, content in zip(names, contents, strict=True):
        path = _path(data, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            path.chmod(0o600)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    return names


def doom(transaction: Transaction, name: str, after: dt.datetime) -> None:
    """A file that is to be deleted once that moment is over."""
    transaction.save_record(_DOOMED, name, {"after": after.timestamp()})


def spare(transaction: Transaction, name: str) -> None:
    """The file is named by a request now."""
    transaction.save_record(_DOOMED, name, None)


def sweep(store: EntityStore, data: Path, now: dt.datetime) -> int:
    """Delete the doomed files whose time is over; how many there were. What breaks off goes on with the next sweep."""
    at = now.timestamp()
    names = [name for name, kept in store.records(_DOOMED).items() if kept["after"] <= at]
    delete_files(store, data, names)
    return len(names)


def delete_files(store: EntityStore, data: Path, names: Sequence[str]) -> None:
    """Delete files that no request names."""
    for name in names:
        _path(data, name).unlink(missing_ok=True)

    def work(transaction: Transaction) -> None:
        for name in names:
            spare(transaction, name)

    if names:
        store.write(work)


def _path(data: Path, name: str) -> Path:
    return data / "documents" / name[:2] / name
