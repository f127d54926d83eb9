"""Takes a backup, while the node serves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mahakam import __version__
from mahakam.store.backup.rows import Tables, written
from mahakam.store.backup.seal import PIECE
from mahakam.store.backup.vault import Vault
from mahakam.store.protocol import Store

_STORES = (".sqlite", ".sqlite-wal", ".sqlite-shm")
_PASSING = (".lock", ".part")
_LOCKS = "turns"
"""Folder of the locks of feed runs."""


@dataclass(slots=True)
class Made:
    """What a backup has: ``written`` of its ``bytes`` were not in the folder before."""

    name: str
    entities: int = 0
    files: int = 0
    bytes: int = 0
    written: int = 0


def backup(store: Store, data: Path, vault: Vault, told: Callable[[str], None] = lambda _: None) -> Made:
    """Each tenant as it is at one moment, then the files beside it; files that an older backup has are not read.

    The store comes first: what its rows name is there then, and files are only added. Raises StoreError, OSError.
    """
    names = vault.names()
    before: dict[str, Any] = vault.listed(names[-1])["files"] if names else {}
    made = Made(_free(names))
    tenants = {}
    for tenant in store.tenants():
        told(tenant or "(default)")
        tables = Tables()
        with store.tenant(tenant).frozen() as frozen:
            kept = vault.keep(written(frozen, tables))
        tenants[tenant] = {"digest": kept.digest, "bytes": kept.bytes, "tables": tables.facts()}
        made.entities += tables.rows["entity"]
        _count(made, kept.bytes, kept.known)
    files = {}
    for name, path in _files(data):
        told(name)
        try:
            fact = _file(vault, path, before.get(name))
        except FileNotFoundError:
            continue  # an upload that was dropped meanwhile
        files[name] = fact
        made.files += 1
        _count(made, fact["bytes"], fact.pop("known"))
    vault.save(
        made.name,
        {
            "format": 1,
            "mahakam": __version__,
            "taken": datetime.now(UTC).isoformat(timespec="seconds"),
            "store": store.kind,
            "tenants": tenants,
            "files": files,
        },
    )
    return made


def _count(made: Made, size: int, known: bool) -> None:
    made.bytes += size
    made.written += 0 if known else size


def _free(names: list[str]) -> str:
    """The time, as a name that no backup has, after all of those there are."""
    base = f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    name, number = base, 1
    while name in names:
        number += 1
        name = f"{base}-{number}"
    return name


def _files(data: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(data):
        here = Path(folder)
        folders[:] = sorted(one for one in folders if not (here == data and one == _LOCKS))
        for one in sorted(names):
            path = here / one
            if one.endswith((*_STORES, *_PASSING)) or path.is_symlink() or not path.is_file():
                continue
            yield path.relative_to(data).as_posix(), path


def _file(vault: Vault, path: Path, before: dict[str, Any] | None) -> dict[str, Any]:
    stat = path.stat()
    facts = {"bytes": stat.st_size, "changed": stat.st_mtime_ns, "mode": stat.st_mode & 0o777}
    if (
        before is not None
        and all(before.get(key) == value for key, value in facts.items())
        and vault.has(before["digest"])
    ):
        return {"digest": before["digest"], **facts, "known": True}
    with path.open("rb") as file:
        kept = vault.keep(iter(lambda: file.read(PIECE), b""))
    return {"digest": kept.digest, **facts, "bytes": kept.bytes, "known": kept.known}
