"""A form as it is sent (``application/x-www-form-urlencoded`` or ``multipart/form-data``), read within limits."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from multipart import parse_options_header as options_of
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.requests import ClientDisconnect, Request

LONGEST_FIELD = 64 * 1024
"""Bytes of a field, unless a form asks for other limits."""
_IN_MEMORY = 1024 * 1024
"""Bytes of a file kept in memory; more goes to the disk."""


class FormError(ValueError):
    """What was sent is no form; the text says why."""


class TooLarge(FormError):
    """The whole is larger than the limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``largest``: bytes of the whole; ``files`` and ``fields``: how many of each; ``longest``: bytes of a field."""

    largest: int
    files: int = 0
    fields: int = 200
    longest: int = LONGEST_FIELD


async def read_form_data(request: Request, limits: Limits) -> FormData:
    """Texts, and files as UploadFile at their beginning, in the order in which they were sent (RFC 7578; WHATWG URL).

    Names, texts and names of files are UTF-8; bytes that are not are read as ISO 8859-1. A body of any other kind is an
    empty form. Raises FormError, TooLarge, and Starlette's ClientDisconnect.
    """
    kind, options = options_of(request.headers.get("content-type", ""))
    if kind == "multipart/form-data":
        return await _multipart(_chunks(request, limits.largest), options.get("boundary", ""), limits)
    if kind == "application/x-www-form-urlencoded":
        most = min(limits.largest, (limits.fields + 1) * limits.longest)
        return _urlencoded(b"".join([chunk async for chunk in _chunks(request, most)]), limits)
    return FormData()


async def _chunks(request: Request, largest: int) -> AsyncIterator[bytes]:
    left = largest
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body: bytes = message.get("body", b"")
        left -= len(body)
        if left < 0:
            raise TooLarge(f"more than {largest} bytes")
        if body:
            yield body
        more = message.get("more_body", False)


def _urlencoded(body: bytes, limits: Limits) -> FormData:
    try:
        pairs = parse_qsl(
            _text(body),
            keep_blank_values=True,
            max_num_fields=limits.fields,
            encoding="utf-8",
            errors="replace",
        )
    except ValueError as error:
        raise FormError(f"there are more than {limits.fields} fields") from error
    for name, value in pairs:
        _check_length(name, len(value.encode()), limits)
    return FormData([*pairs])


async def _multipart(chunks: AsyncIterator[bytes], boundary: str, limits: Limits) -> FormData:
    found = _Found(limits)
    try:
        # ISO 8859-1 takes any byte: what it really is, _text finds out.
        parser = PushMultipartParser(boundary.encode("latin-1", "replace"), header_charset="latin-1")
        async for chunk in chunks:
            for event in parser.parse(chunk):
                found.take(event)
                if found.spills:
                    await run_in_threadpool(found.spill)
        parser.close()
    except MultipartError as error:
        found.close()
        raise FormError(f"the multipart body cannot be read: {error}") from error
    except BaseException:
        found.close()
        raise
    return FormData(found.items)


class _Found:
    """The parts of a multipart body while they come."""

    def __init__(self, limits: Limits) -> None:
        self.items: list[tuple[str, str | UploadFile]] = []
        self._limits = limits
        self._part: MultipartSegment
        self._content: _Content | None = None
        self._field = bytearray()
        self.spills = False
        """Whether more of a file is in memory than should be."""

    def spill(self) -> None:
        """Write it to the disk, which takes a while."""
        self.spills = False
        if self._content is not None:
            self._content.to_disk()

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """A part's head, some of its content, or None for its end; if it :attr:`spills` then, the caller lets it.
        Raises FormError."""
        if event is None:
            self._end()
        elif isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._content is not None:
            self._content.add(event)
            self.spills = self._content.spills
        else:
            self._field += event
            _check_length(self._part.name or "", len(self._field), self._limits)

    def close(self) -> None:
        """Give up what is on the disk."""
        for _name, value in self.items:
            if isinstance(value, UploadFile):
                value.file.close()
        if self._content:
            self._content.close()

    def _begin(self, part: MultipartSegment) -> None:
        if not part.name:
            raise FormError("a part of the multipart body has no name")
        self._part, self._field = part, bytearray()
        self._content = None if _filename(part) is None else _Content()
        files = sum(isinstance(value, UploadFile) for _name, value in self.items)
        if self._content and files >= self._limits.files:
            raise FormError(f"there are more than {self._limits.files} files")
        if not self._content and len(self.items) - files >= self._limits.fields:
            raise FormError(f"there are more than {self._limits.fields} fields")

    def _end(self) -> None:
        name = _text((self._part.name or "").encode("latin-1"))
        if self._content is None:
            self.items.append((name, _text(bytes(self._field))))
            return
        headers = Headers({name.lower(): value for name, value in self._part.headerlist})
        size, file = self._content.size, self._content.file()
        self.items.append(
            (name, UploadFile(file, size=size, filename=_filename(self._part), headers=headers))
        )
        self._content = None


class _Content:
    """What a file holds: as it came while it is small, on the disk if it is not."""

    def __init__(self) -> None:
        self.size = 0
        self._chunks: list[bytes | bytearray] = []
        self._file: IO[bytes] | None = None

    @property
    def spills(self) -> bool:
        return self.size > _IN_MEMORY and bool(self._chunks)

    def add(self, chunk: bytes | bytearray) -> None:
        self.size += len(chunk)
        self._chunks.append(chunk)

    def file(self) -> BinaryIO:
        """The whole, from its beginning."""
        if self._file is None:
            return io.BytesIO(b"".join(self._chunks))
        self._file.seek(0)
        return cast(BinaryIO, self._file)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def to_disk(self) -> None:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 - it is the form's, which outlives this
        self._file.writelines(self._chunks)
        self._chunks.clear()


def _filename(part: MultipartSegment) -> str | None:
    """The name of the file that a part is; None for a text. RFC 7578 has no ``filename*``, older clients send it."""
    if part.filename is not None:
        return _text(part.filename.encode("latin-1"))
    if "filename*" not in part.header("Content-Disposition", ""):
        return None
    head = Message()
    head["Content-Disposition"] = part.header("Content-Disposition", "")
    return head.get_filename()


def _check_length(name: str, length: int, limits: Limits) -> None:
    if length > limits.longest:
        raise FormError(f"the field {name[:80]!r} is longer than {limits.longest} bytes")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
