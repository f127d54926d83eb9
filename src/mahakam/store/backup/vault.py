"""The folder of backups: contents kept once under their digest, and a list for each backup.

``FOLDER/mahakam-backup.json`` says how it is written; ``objects/ab/NAME`` are the contents; ``backups/TIME`` the
lists. A list is written last, so what broke off is no backup, and the next one uses what it has left.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mahakam.store.backup.seal import COST, FIRST_COST, PIECE, Seal
from mahakam.store.errors import StoreError

FORMAT = 1
_HEAD = "mahakam-backup.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """A content: its SHA-256, its bytes, and whether it was there before."""

    digest: str
    bytes: int
    known: bool


class Vault:
    """Raises StoreError for a folder that is none, that a newer Mahakam wrote, or for a missing or a wrong key."""

    def __init__(self, folder: Path, key: bytes = b"", *, make: bool = False) -> None:
        self.folder = folder
        head = folder / _HEAD
        if make and not head.exists():
            _begin(folder, key)
        try:
            facts = json.loads(head.read_text("utf-8"))
        except FileNotFoundError:
            raise StoreError(f"{folder}: holds no backups of Mahakam ({_HEAD} is missing)") from None
        except ValueError:
            raise StoreError(f"{head}: is damaged") from None
        if facts.get("format") != FORMAT:
            raise StoreError(
                f"{folder}: written in format {facts.get('format')}; this Mahakam knows {FORMAT}"
            )
        self._seal: Seal | None = None
        if facts.get("proof"):
            if not key:
                raise StoreError(f"{folder}: is encrypted; name the file of its key with --key-file")
            self._seal = Seal(key, bytes.fromhex(facts["salt"]), facts.get("scrypt", FIRST_COST))
            if self._seal.proof != facts["proof"]:
                raise StoreError(f"{folder}: the key is not the one of this folder")
        elif key:
            raise StoreError(f"{folder}: is not encrypted; take another folder for encrypted backups")

    def keep(self, pieces: Iterable[bytes]) -> Kept:
        """Write a content, durably; one that is there already is not written again."""
        scratch = self.folder / "objects" / f"{os.getpid()}.part"
        scratch.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0

        def measured() -> Iterator[bytes]:
            nonlocal size
            for piece in _even(pieces):
                digest.update(piece)
                size += len(piece)
                yield piece

        try:
            with scratch.open("wb") as out:
                packed = _even(_packed(measured()))
                for part in packed if self._seal is None else self._seal.closed(packed):
                    out.write(part)
                out.flush()
                os.fsync(out.fileno())
            target = self._path(digest.hexdigest())
            known = target.exists()
            if not known:
                target.parent.mkdir(exist_ok=True)
                scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
        return Kept(digest.hexdigest(), size, known)

    def has(self, digest: str) -> bool:
        return self._path(digest).exists()

    def content(self, digest: str) -> Iterator[bytes]:
        """A content in pieces. Raises StoreError if it is missing or is not what was written."""
        path = self._path(digest)
        seen = hashlib.sha256()
        try:
            with path.open("rb") as file:
                parts: Iterator[bytes] = iter(lambda: file.read(PIECE), b"")
                for piece in _unpacked(parts if self._seal is None else self._seal.opened(parts)):
                    seen.update(piece)
                    yield piece
        except FileNotFoundError:
            raise StoreError(f"{path}: is missing from the backup") from None
        except (StoreError, zlib.error) as error:
            raise StoreError(f"{path}: {error if isinstance(error, StoreError) else 'is damaged'}") from None
        if seen.hexdigest() != digest:
            raise StoreError(f"{path}: is damaged: its SHA-256 is another")

    def save(self, name: str, listed: dict[str, Any]) -> None:
        """Write the list of a backup, which makes it one; all that it names is on the disk before."""
        os.sync()
        folder = self.folder / "backups"
        folder.mkdir(exist_ok=True)
        scratch = folder / f"{name}.part"
        text = json.dumps(listed, ensure_ascii=False, indent=1).encode()
        with scratch.open("wb") as out:
            for part in [text] if self._seal is None else self._seal.closed([text]):
                out.write(part)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(folder / name)
        _durable(folder)

    def names(self) -> list[str]:
        """The backups, the oldest first."""
        found = (self.folder / "backups").glob("*")
        return sorted(path.name for path in found if path.suffix != ".part")

    def listed(self, name: str) -> dict[str, Any]:
        """The list of a backup. Raises StoreError."""
        path = self.folder / "backups" / name
        try:
            data = path.read_bytes()
        except OSError:
            raise StoreError(
                f"{self.folder}: has no backup {name!r}; there are: {', '.join(self.names()) or 'none'}"
            ) from None
        try:
            text = data if self._seal is None else b"".join(self._seal.opened(iter([data])))
            found = json.loads(text)
        except (StoreError, ValueError):
            raise StoreError(f"{path}: is damaged") from None
        return dict(found)

    def forget(self, names: Iterable[str]) -> int:
        """Delete backups, and the contents that no other one has; gives the number of those."""
        for name in names:
            (self.folder / "backups" / name).unlink(missing_ok=True)
        used = {self._path(one).name for name in self.names() for one in digests(self.listed(name))}
        unused = [path for path in (self.folder / "objects").glob("??/*") if path.name not in used]
        for path in unused:
            path.unlink()
        return len(unused)

    def _path(self, digest: str) -> Path:
        name = digest if self._seal is None else self._seal.name(digest)
        return self.folder / "objects" / name[:2] / name


def digests(listed: dict[str, Any]) -> list[str]:
    """The contents that a backup's list names."""
    return [one["digest"] for one in (*listed["tenants"].values(), *listed["files"].values())]


def _begin(folder: Path, key: bytes) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder}: is not empty and holds no backups; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {"format": FORMAT}
    if key:
        salt = os.urandom(16)
        facts |= {"salt": salt.hex(), "proof": Seal(key, salt).proof, "scrypt": COST}
    scratch = folder / f"{_HEAD}.part"
    scratch.write_text(json.dumps(facts), "utf-8")
    scratch.replace(folder / _HEAD)
    _durable(folder)


def _durable(folder: Path) -> None:
    """Names that were given are on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _even(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of ``PIECE``, the last one shorter."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    for piece in pieces:
        rest = piece
        while rest:
            yield unpacker.decompress(rest, 4 * PIECE)
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()
    if not unpacker.eof:
        raise StoreError("is cut off")
