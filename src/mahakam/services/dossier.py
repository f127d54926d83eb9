"""What was sent of the documents that a service asks for, and what became of each. Never public.

The course of the request tells that a document came, was accepted or returned; what it shows and why it was returned
only the resident with the key and those who work on the request see.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mahakam.services.asked_documents import AskedDocument, FileKind
from mahakam.store.protocol import EntityStore, Transaction

KIND = "request-documents"
_FILE = re.compile(r"[0-9a-f]{32}")


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


def keep_file(data: Path, content: bytes) -> str:
    """Written and synced before the request says that it is there: a crash leaves a file that nobody names."""
    name = uuid.uuid4().hex
    path = _path(data, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    path.chmod(0o600)
    return name


def forget_files(data: Path, names: Sequence[str]) -> None:
    for name in names:
        _path(data, name).unlink(missing_ok=True)


def _path(data: Path, name: str) -> Path:
    return data / "documents" / name[:2] / name
