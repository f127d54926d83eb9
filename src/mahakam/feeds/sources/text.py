"""Text files as they come: which encoding and line ends, and a clean UTF-8 copy where a reader needs one."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from mahakam.feeds.sources.files import Local, scratch_folder
from mahakam.feeds.sources.model import MAX_LINE, SourceError
from mahakam.feeds.sources.tally import Tally, tally

_CHUNK = 4 << 20
_SAMPLE = 256 << 10
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MIXED = "utf-8, some lines cp1252"
_UNLIKELY = frozenset(b"\x81\x8d\x8f\x90\x9d\xfe\xff")
"""Bytes that are no letter of Windows-1252, or none that is written: a file that has them is damaged."""
_NAMES = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}


@dataclass(slots=True)
class Text:
    """``path`` is UTF-8 with one kind of line end, ``newline`` (``"\\n"`` or ``"\\r\\n"``); ``bom`` bytes to skip.

    ``encoding`` and ``line_ends`` say what the file had; ``tally`` what was counted in a file that is plain.
    """

    path: Path
    encoding: str
    newline: str
    line_ends: str
    bom: int
    notes: list[str]
    tally: Tally | None = None


def prepare(found: Local, encoding: str | None, delimiter: str = "") -> Text:
    """Check every byte of a text file against its encoding; copy it clean if a reader could not take it as it is.

    ``delimiter``: the character that :class:`Tally` counts in a plain file.
    Raises SourceError for bytes that are not of the encoding, for binary files and for files without line ends.
    """
    notes: list[str] = []
    name = found.name
    with found.path.open("rb") as file:
        head = file.read(_SAMPLE)
    if delimiter and encoding is None and (counted := tally(found, delimiter)) is not None:
        return Text(found.path, "utf-8", "\n", "LF" if counted.lines else "", 0, notes, counted)
    said = ""
    if encoding is None:
        encoding = _detect(found, head, notes)
        if encoding == MIXED:
            said, encoding = MIXED, "utf-8"
            _rewrite_mixed(found, notes)
    try:
        codec = codecs.lookup(encoding).name
    except LookupError as error:
        raise SourceError(
            name, f"encoding {encoding!r} is not known; write utf-8, cp1252, utf-16, ..."
        ) from error
    plain = codec in ("utf-8", "utf-8-sig", "ascii")
    ends, clean = _survey(found, codec, plain)
    returns = ends["\r"]
    kinds = [kind for kind in ("\n", "\r\n", "\r") if ends[kind]]
    newline = kinds[0] if len(kinds) == 1 else "\n"
    line_ends = "+".join(_NAMES[kind] for kind in kinds)
    if len(kinds) > 1:
        notes.append(f"line ends are mixed ({line_ends})")
    if plain and clean and not returns and len(kinds) <= 1:
        bom = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
        return Text(found.path, said or "utf-8", newline, line_ends, bom, notes)
    if found.scratch is None:
        found.scratch = scratch_folder()
    target = found.scratch / "clean"
    _copy_clean(found, codec, target)
    return Text(target, said or (encoding if not plain else "utf-8"), "\n", line_ends, 0, notes)


def _detect(found: Local, head: bytes, notes: list[str]) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    if b"\x00" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if odd > 0.3 * len(head) / 2 and even < odd / 10:
            return "utf-16-le"
        if even > 0.3 * len(head) / 2 and odd < even / 10:
            return "utf-16-be"
        raise SourceError(
            found.name, "holds NUL bytes, so it is no text; a feed reads CSV, XLSX, GeoJSON or JSON"
        )
    valid, invalid, where = _utf8(found.path)
    if not invalid:
        return "utf-8"
    if valid and _is_mixed(found.path):
        return MIXED
    if valid:
        raise SourceError(
            found.name,
            f"is broken UTF-8: {invalid} byte{'s' if invalid > 1 else ''} fit no character beside {valid} that do; "
            "ask for the file again, or pin the encoding",
            where=f"line {where}",
        )
    guess = _other(head)
    notes.append(f"is not UTF-8: read as {guess}; pin encoding if letters look wrong")
    return guess


def _is_mixed(path: Path) -> bool:
    """Is every line that is no UTF-8 a line of Windows-1252? Where two programs wrote one file, each line is whole."""
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(MAX_LINE), b""):
            if not line.isascii() and _unicode(line) is None and not _UNLIKELY.isdisjoint(line):
                return False
    return True


def _unicode(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _rewrite_mixed(found: Local, notes: list[str]) -> None:
    """A copy of the file in UTF-8 alone, each line read in its own encoding, takes its place."""
    found.scratch = found.scratch or scratch_folder()
    target = found.scratch / "one-encoding"
    other: list[int] = []
    with found.path.open("rb") as source, target.open("wb") as out:
        for number, line in enumerate(iter(lambda: source.readline(MAX_LINE), b""), 1):
            if line.isascii() or _unicode(line) is not None:
                out.write(line)
            else:
                out.write(line.decode("cp1252").encode())
                other.append(number)
    found.path = target
    listed = ", ".join(map(str, other[:5])) + (", …" if len(other) > 5 else "")
    notes.append(
        f"two encodings in one file: {len(other)} lines read as cp1252, the others as UTF-8 (lines {listed})"
    )


def _other(head: bytes) -> str:
    """An encoding of one byte a letter: western unless so many letters are accented that it cannot be."""
    high = sum(1 for byte in head if byte >= 0x80)
    if high > 0.1 * len(head):
        from charset_normalizer import from_bytes

        best = from_bytes(head).best()
        if best is not None:
            return best.encoding
    return "cp1252"


def _utf8(path: Path) -> tuple[int, int, int]:
    """How many characters beyond ASCII are valid and invalid UTF-8, and the line of the first invalid one."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    valid = invalid = where = 0
    lines = 1
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.isascii() and not decoder.getstate()[0]:
                lines += chunk.count(b"\n")
                continue
            text = decoder.decode(chunk)
            if not text.isascii():
                escaped = [i for i, char in enumerate(text) if "\udc80" <= char <= "\udcff"]
                if escaped and not where:
                    where = lines + text.count("\n", 0, escaped[0])
                invalid += len(escaped)
                valid += sum(1 for char in text if char > "\x7f") - len(escaped)
            lines += text.count("\n")
    invalid += len(decoder.decode(b"", True))
    return valid, invalid, where or lines


def _survey(found: Local, codec: str, plain: bool) -> tuple[dict[str, int], bool]:
    """Count the kinds of line end; prove that every byte is of the encoding.

    The second value is False if the text holds NUL characters, which a clean copy leaves out.
    """
    decoder = codecs.getincrementaldecoder(codec)("strict")
    both = feeds = returns = nuls = lines = 0
    last = ""
    run = 0
    with found.path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            if plain and chunk.isascii() and not decoder.getstate()[0]:
                text = chunk.decode("ascii")
            else:
                try:
                    text = decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as error:
                    line = lines + 1 + chunk.count(b"\n", 0, error.start)
                    bad = error.object[error.start : error.start + 1].hex().upper()
                    raise SourceError(
                        found.name,
                        f"byte 0x{bad} is not {codec}; pin another encoding or ask for the file again",
                        where=f"line {line}",
                    ) from error
            if not chunk and not text:
                break
            n, r = text.count("\n"), text.count("\r")
            b = text.count("\r\n") if r else 0
            if last == "\r" and text.startswith("\n"):
                b += 1
            feeds, returns, both = feeds + n, returns + r, both + b
            nuls += text.count("\x00")
            lines += n or r
            run = 0 if n or r else run + len(text)
            if run > MAX_LINE:
                from mahakam.feeds.sources.scan import too_long

                raise too_long(found.name, lines + 1)
            last = text[-1:]
            if not chunk:
                break
    return {"\n": feeds - both, "\r\n": both, "\r": returns - both}, not nuls


def _copy_clean(found: Local, codec: str, target: Path) -> None:
    """A copy in UTF-8 with ``\\n`` line ends, without a byte-order mark and without NUL characters."""
    try:
        with (
            found.path.open("r", encoding=codec, newline=None) as source,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            while text := source.read(_CHUNK):
                out.write(text.replace("\x00", "").removeprefix("\ufeff"))
    except UnicodeError as error:
        raise SourceError(found.name, f"is not {codec}: {error}; pin another encoding") from error
