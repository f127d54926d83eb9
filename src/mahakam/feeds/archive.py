"""The files behind runs, kept by their SHA-256, so that every value can be followed down to the file it came from."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mahakam.feeds.sources.files import digest
from mahakam.feeds.sources.model import SourceError

_SHA = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


class Archive:
    """``DIR/files/ab/abcd…``: a file is kept once, under its own digest, and never changed."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "files"

    def path(self, sha256: str) -> Path | None:
        """The kept file, or None."""
        if not _SHA.fullmatch(sha256):
            return None
        path = self.folder / sha256[:2] / sha256
        return path if path.is_file() else None

    def keep(self, source: Path, sha256: str) -> Path:
        """Copy a file in. Raises SourceError if its bytes are no longer of this digest, OSError without room."""
        if (kept := self.path(sha256)) is not None:
            return kept
        target = self.folder / sha256[:2] / sha256
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            hasher = hashlib.sha256()
            with source.open("rb") as file, unfinished.open("wb") as out:
                while chunk := file.read(_CHUNK):
                    hasher.update(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            if hasher.hexdigest() != sha256:
                raise replaced(source.name)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return target

    def room(self, wanted: int) -> str:
        """Why there is no room for so many bytes more; "" if there is."""
        folder = next(p for p in (self.folder, *self.folder.parents) if p.exists())
        free = shutil.disk_usage(folder).free
        if free >= wanted:
            return ""
        need = f"this run may need {wanted:,}; make room and run again"
        return f"the disk of {folder} has {free:,} bytes left, and {need}"


def replaced(name: str) -> SourceError:
    """The file changed between the start and the end of the reading."""
    return SourceError(name, "was replaced while it was read; nothing was stored: run the feed again")


class Watch:
    """Notices that a file changes while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before = self._stat()

    def _stat(self) -> tuple[int, int, int]:
        stat = self.path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    @classmethod
    @contextmanager
    def over(cls, path: Path) -> Iterator[Watch]:
        """Watch a file; if reading fails because it was replaced, that is what is said. Raises SourceError."""
        try:
            watch = cls(path)
        except OSError as error:
            raise SourceError(path.name, f"cannot be read: {error.strerror}") from error
        try:
            yield watch
        except Exception as error:
            if not watch.same():
                raise replaced(path.name) from error
            raise

    def same(self) -> bool:
        """Does the file still look as when the watch began?"""
        try:
            return self._stat() == self._before
        except OSError:
            return False

    def verify(self, sha256: str) -> None:
        """Raises SourceError if the file is another than when the watch began, or has other bytes."""
        try:
            same = self.same() and digest(self.path) == sha256
        except OSError:
            same = False
        if not same:
            raise replaced(self.path.name)
