"""What a document is by its content, whatever its name says: a photo, which is drawn anew, or a PDF that only shows.

A PDF is kept as it came, to the last byte, so that a signature in it stays good. So it must be nothing but a PDF:
no other file before or after it, nothing in it that runs, opens or brings another file, no password.
"""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator
from typing import Any, Literal

from mahakam.services.asked_documents import AskedDocument, FileKind
from mahakam.services.photo import PhotoError, redrawn

Reason = Literal["empty", "size", "kind", "pixels", "damaged", "active", "locked", "polyglot"]
ENDINGS = {"pdf": "pdf", "photo": "jpg"}
MEDIA = {"pdf": "application/pdf", "photo": "image/jpeg"}
_HEAD, _TAIL = b"%PDF-", b"%%EOF"
_ACTIVE = frozenset({
    "/JS", "/JavaScript", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/RichMedia", "/XFA", "/SubmitForm",
    "/ImportData", "/GoToR", "/GoToE", "/Movie", "/Sound",
})  # fmt: skip
"""Names (ISO 32000) of what does something, or brings another file along."""
_MOST_OBJECTS, _MOST_PARTS = 20_000, 200_000


class DocumentError(ValueError):
    """Why a file cannot be taken."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def checked(raw: bytes, asked: AskedDocument) -> tuple[FileKind, bytes]:
    """What a file is, and what is kept of it. Raises DocumentError."""
    if not raw:
        raise DocumentError("empty")
    if len(raw) > asked.largest:
        raise DocumentError("size")
    kind: FileKind = "pdf" if raw.startswith(_HEAD) else "photo"
    if kind not in asked.kinds:
        raise DocumentError("kind")
    if kind == "pdf":
        _check_pdf(raw)
        return kind, raw
    try:
        return kind, redrawn(raw)
    except PhotoError as error:
        raise DocumentError("pixels" if error.reason == "pixels" else "kind") from error


def _check_pdf(raw: bytes) -> None:
    end = raw.rfind(_TAIL)
    if end < 0:
        raise DocumentError("damaged")
    if raw[end + len(_TAIL) :].strip() or zipfile.is_zipfile(io.BytesIO(raw)):
        raise DocumentError("polyglot")
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(
        logging.ERROR
    )  # it warns of each slip of a writer that it can read over
    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted:
            raise DocumentError("locked")
        if not len(reader.pages):
            raise DocumentError("damaged")
        if any(name in _ACTIVE for name in _names(reader)):
            raise DocumentError("active")
    except DocumentError:
        raise
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError) as error:
        raise DocumentError("damaged") from error
    except (RecursionError, MemoryError) as error:
        raise DocumentError("damaged") from error


def _names(reader: Any) -> Iterator[str]:
    """Every name in every object: keys of dictionaries, and names as values. Raises DocumentError for too many."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

    numbers = {number for section in reader.xref.values() for number in section} | set(reader.xref_objStm)
    if len(numbers) > _MOST_OBJECTS:
        raise DocumentError("damaged")
    waiting: list[Any] = [
        reader.trailer,
        *(reader.get_object(IndirectObject(n, 0, reader)) for n in sorted(numbers)),
    ]
    looked = 0
    while waiting:
        one = waiting.pop()
        looked += 1
        if looked > _MOST_PARTS:
            raise DocumentError("damaged")
        if isinstance(one, NameObject):
            yield str(one)
        elif isinstance(one, DictionaryObject):
            yield from map(str, one)
            waiting += [one.raw_get(key) for key in one]
        elif isinstance(one, ArrayObject):
            waiting += list(one)
