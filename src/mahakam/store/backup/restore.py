"""Puts a backup back, into an empty place, and compares what is there then with what was taken."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mahakam.store.backup.rows import read
from mahakam.store.backup.vault import Vault
from mahakam.store.errors import StoreError
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore, Store
from mahakam.store.transfer import TABLES, measured

Told = Callable[[str], None]


def restore(
    vault: Vault, name: str, data: Path, url: str = "", told: Told = lambda _: None
) -> dict[str, Any]:
    """The backup ``name`` into the folder ``data`` and, if given, the store at ``url``; gives the backup's list.

    Nothing is at ``data`` before everything is: a restore that broke off is begun again. Raises StoreError for a
    damaged backup, or a folder or a store that is not empty.
    """
    listed = vault.listed(name)
    if data.exists() and any(data.iterdir()):
        raise StoreError(
            f"{data}: is not empty; restore into a new folder, then put it in the place of the old one"
        )
    scratch = data.with_name(f".{data.name}.restoring")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for relative, fact in listed["files"].items():
        told(relative)
        _write(vault, fact, scratch.joinpath(*_inside(relative)))
    store = open_store(url, scratch)
    try:
        _fill(vault, listed, store, told)
    finally:
        store.close()
    if data.exists():
        data.rmdir()
    scratch.rename(data)
    return listed


def records_of(vault: Vault, name: str, kind: str, tenant: str = "") -> dict[str, Any]:
    """The small records of a kind that a backup has: key → value. Raises StoreError for a damaged one."""
    fact = vault.listed(name)["tenants"].get(tenant)
    found: dict[str, Any] = {}
    for table, rows in read(vault.content(fact["digest"])) if fact else ():
        if table == "record":
            found |= {key: json.loads(value) for one, key, value in rows if one == kind}
    return found


def _inside(relative: str) -> tuple[str, ...]:
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts:
        raise StoreError(f"the backup names a file outside of its folder: {relative!r}")
    return parts


def _write(vault: Vault, fact: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        for piece in vault.content(fact["digest"]):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    path.chmod(fact["mode"])
    os.utime(path, ns=(fact["changed"], fact["changed"]))


def _fill(vault: Vault, listed: dict[str, Any], store: Store, told: Told) -> None:
    for tenant, fact in listed["tenants"].items():
        told(tenant or "(default)")
        target = store.create_tenant(tenant)
        wanted = fact["tables"]
        if any(measured(target, tenant, table).rows for table in TABLES):
            # A restore into PostgreSQL that broke off after this tenant.
            if _differs(target, tenant, wanted):
                raise StoreError(
                    f"the store's tenant {tenant or '(default)'} is not empty; a restore needs an empty one"
                )
            continue
        target.load(_by_table(read(vault.content(fact["digest"]))))
        different = _differs(target, tenant, wanted)
        if different:
            raise StoreError(
                f"{tenant or '(default)'}: {different} is not as it was when the backup was taken"
            )


def _differs(store: EntityStore, tenant: str, wanted: dict[str, Any]) -> str:
    """The first table that has other rows than the backup; "" if all agree."""
    for table in TABLES:
        one = measured(store, tenant, table)
        fact = wanted.get(table, {"rows": 0, "checksum": one.checksum})
        if (one.rows, one.checksum) != (fact["rows"], fact["checksum"]):
            return table
    return ""


def _by_table(frames: Iterator[tuple[str, list[tuple[Any, ...]]]]) -> dict[str, Iterable[tuple[Any, ...]]]:
    """The stream's rows for whoever asks for the tables in their order, as a store's ``load`` does."""
    waiting: list[tuple[str, list[tuple[Any, ...]]]] = []

    def rows(table: str) -> Iterator[tuple[Any, ...]]:
        while True:
            frame = waiting.pop() if waiting else next(frames, None)
            if frame is None:
                return
            if frame[0] != table:
                waiting.append(frame)
                return
            yield from frame[1]

    return {table: rows(table) for table in TABLES}
