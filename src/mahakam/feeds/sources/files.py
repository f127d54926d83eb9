"""The file behind a source: what it really is, its SHA-256, and its bytes unpacked within limits."""

from __future__ import annotations

import gzip
import hashlib
import re
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mahakam.feeds.sources import formats
from mahakam.feeds.sources.model import MAX_UNPACKED, SourceError

_CHUNK = 1 << 20
_OLD_BOOK = "a workbook of Excel 2 to 4 (save it as .xlsx)"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
    (b"\x09\x00\x04\x00", _OLD_BOOK),
    (b"\x09\x02\x06\x00", _OLD_BOOK),
    (b"\x09\x04\x06\x00", _OLD_BOOK),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"fgb\x03", "a FlatGeobuf file"),
)
_REALTIME = re.compile(rb"\x0a.\x0a\x03\d\.\d", re.DOTALL)
"""A protocol buffer whose first field is a message that begins with a text as 2.0: GTFS-Realtime's header."""
_TABLE_PAGES = (".xls", ".xlsx", ".html", ".htm")
_PAGE = tuple(
    f"<{word}".encode()
    for word in (
        "!doctype html",
        "html",
        "head>",
        "meta ",
        "style",
        "body",
        "table",
        "div",
        "center>",
        "font",
    )
)
_WORKBOOK = b"urn:schemas-microsoft-com:office:spreadsheet"
_ELEMENT = re.compile(rb"<[a-z_][\w.:-]*(\s[^<>]*[=>]|/?>)")
"""XML without its declaration: an element to begin with."""
_TABLES = (".csv", ".tsv", ".txt")


@dataclass(slots=True)
class Local:
    """A file ready to be read: ``path`` holds its bytes unpacked; ``name`` is what a person calls it."""

    path: Path
    name: str
    original: Path
    bytes: int
    format: str
    entry: str = ""
    scratch: Path | None = None
    digest: str = ""
    proven: bool = True
    """Whether the shape of a text table is to be proved before it is read, or may be left to who reads it."""
    degrees: bool = True
    """Whether a geometry in another coordinate system is to be brought to longitude and latitude."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file as it came, in hexadecimal; read when first asked for."""
        if not self.digest:
            self.digest = digest(self.original)
        return self.digest


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scratch_folder() -> Path:
    """A new temporary folder; whoever asked removes it."""
    return Path(tempfile.mkdtemp(prefix="mahakam-feed-"))


def local(path: Path, *, format: str | None = None, entry: str | None = None) -> Local:
    """Look at the file's first bytes, unpack .gz and .zip, and say which kind of source it is.

    Raises SourceError for a file that is missing, empty, of another kind than its name says, or unpacks to too much.
    """
    name = path.name
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise SourceError(name, "is a folder; name the file inside it")
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise SourceError(name, f"cannot be read: {error.strerror}") from error
    if not head:
        raise SourceError(name, "is empty (0 bytes); ask its owner for the file again")
    found = Local(path, name, path, size, "")
    kind = _kind(head)
    inner = name
    if kind == "gzip":
        inner = name.removesuffix(".gz")
        _unpack_gzip(found)
    elif kind == "zip":
        members = _members(path, name)
        if _is_spreadsheet(members):
            kind = "xlsx"
        elif entry is None and (claimed := _claimed(members)):
            found.format = claimed
        else:
            inner = _unpack_entry(found, members, entry)
    elif entry:
        raise SourceError(name, f"is no .zip, so it has no entry {entry!r}; leave out entry")
    if kind in ("gzip", "zip") and not found.format:
        with found.path.open("rb") as file:
            head = file.read(4096)
        if not head:
            raise SourceError(
                name, "holds an empty file; ask its owner for the file again", where=found.entry
            )
        kind = _kind(head)
        if kind == "zip":
            kind = "xlsx"
    found.format = format or found.format or _format(kind, head, inner, name)
    _must_fit(found.format, kind, inner, name)
    return found


def _kind(head: bytes) -> str:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _REALTIME.match(head):
        return "a GTFS-Realtime message"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith(_PAGE):
        return "an HTML page"
    if _WORKBOOK in head:
        return "an XML spreadsheet"
    if start.startswith(b"<?xml") or _ELEMENT.match(start):
        return "an XML document"
    return "text"


def _format(kind: str, head: bytes, inner: str, name: str) -> str:
    """The format by the first bytes, then by the name; "" for none."""
    lowered = inner.lower()
    if kind == "text" and lowered.endswith(_TABLES):
        return "csv"
    if kind == "an HTML page" and not lowered.endswith(_TABLE_PAGES):
        return ""  # a portal's page in the place of what was asked for
    fitting = {key: form for key, form in formats.every().items() if kind in form.kinds}
    if kind == "text":
        if lowered.endswith(formats.named("xlsx").endings):
            return "csv"
        if lowered.endswith(formats.named("gtfsrt").endings):
            raise SourceError(name, "is named like GTFS-Realtime but is no such message; ask for it again")
        if lowered.endswith(formats.named("geojson").endings):
            return "geojson"
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if lowered.endswith(formats.named("json").endings) or start in (b"{", b"["):
            return "geojson" if b'"FeatureCollection"' in head else "json"
    by_name = [key for key, form in fitting.items() if lowered.endswith(form.endings)]
    if by_name or kind == "text":
        return by_name[0] if by_name else "csv"
    return next((key for key in fitting if key != "csv"), "")


def _claimed(members: list[zipfile.ZipInfo]) -> str:
    """The format that a .zip is one file of as a whole; "" if it is a folder of files."""
    for key, form in formats.every().items():
        if any(member.filename.lower().endswith(form.archive) for member in members if form.archive):
            return key
    return ""


def _must_fit(format: str, kind: str, inner: str, name: str) -> None:
    if format and kind in formats.named(format).kinds:
        return
    what = {"xlsx": "a spreadsheet", "xls": "a spreadsheet", "text": "plain text"}.get(kind, kind)
    ending = PurePosixPath(inner).suffix
    called = f", although it is named {ending}" if ending else ""
    known = f"{', '.join(form.what for form in formats.every().values())}; also in .gz or .zip"
    wanted = formats.named(format).what if format else known
    raise SourceError(name, f"is {what}{called}; a feed reads {wanted}")


def _copy(source: IO[bytes] | gzip.GzipFile, found: Local, where: str) -> None:
    """Unpack into a scratch file, counting, so that a bomb stops at the limit."""
    found.scratch = found.scratch or scratch_folder()
    found.path = found.scratch / "unpacked"
    written = 0
    try:
        with found.path.open("wb") as out:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > MAX_UNPACKED or (written > 64 * _CHUNK and written > 1000 * max(found.bytes, 1)):
                    raise SourceError(
                        found.name,
                        f"{found.bytes:,} bytes unpack to more than {written:,}; it is refused as a decompression bomb",
                        where=where,
                    )
                out.write(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise SourceError(found.name, f"is damaged and cannot be unpacked ({error})", where=where) from error


def _unpack_gzip(found: Local) -> None:
    with gzip.open(found.path, "rb") as source:
        _copy(source, found, "")


def _members(path: Path, name: str) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                member
                for member in archive.infolist()
                if not member.is_dir()
                and not member.filename.startswith("__MACOSX/")
                and not PurePosixPath(member.filename).name.startswith("._")
            ]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise SourceError(
            name, f"is a damaged .zip or .xlsx ({error}); ask its owner for the file again"
        ) from error


def _is_spreadsheet(members: list[zipfile.ZipInfo]) -> bool:
    names = {member.filename for member in members}
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def _unpack_entry(found: Local, members: list[zipfile.ZipInfo], entry: str | None) -> str:
    if entry is None:
        readable = [
            m
            for m in members
            if m.filename.lower().endswith(
                tuple(e for form in formats.every().values() for e in form.endings)
            )
        ]
        chosen = readable or members
        if len(chosen) != 1:
            names = ", ".join(m.filename for m in chosen[:12])
            raise SourceError(found.name, f"holds {len(chosen)} files; say which with entry: ({names})")
        member = chosen[0]
    else:
        match = [m for m in members if m.filename == entry] or [
            m for m in members if PurePosixPath(m.filename).name == entry
        ]
        if not match:
            names = ", ".join(m.filename for m in members[:12])
            raise SourceError(found.name, f"has no entry {entry!r}; it has {names}")
        member = match[0]
    found.entry = member.filename
    if member.flag_bits & 1:
        raise SourceError(found.name, "is locked with a password; ask for it without", where=member.filename)
    with zipfile.ZipFile(found.path) as archive, archive.open(member) as source:
        _copy(source, found, member.filename)
    return PurePosixPath(member.filename).name
