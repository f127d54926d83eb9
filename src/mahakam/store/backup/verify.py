"""Looks at every byte: of a folder of backups, or of a node's own data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mahakam.store.backup.rows import read
from mahakam.store.backup.vault import Vault
from mahakam.store.errors import StoreError
from mahakam.store.protocol import Store

Told = Callable[[str], None]
_DIGEST = re.compile(r"[0-9a-f]{64}")


def verify_backups(vault: Vault, names: list[str], told: Told = lambda _: None) -> Iterator[str]:
    """What is wrong with backups, one text each: contents that are missing, damaged, or that cannot be read."""
    sound: set[str] = set()
    for name in names:
        told(name)
        try:
            listed = vault.listed(name)
        except StoreError as error:
            yield str(error)
            continue
        for what, fact, rows in (
            *((f"tenant {tenant or '(default)'}", fact, True) for tenant, fact in listed["tenants"].items()),
            *((relative, fact, False) for relative, fact in listed["files"].items()),
        ):
            if fact["digest"] in sound:
                continue
            try:
                content = vault.content(fact["digest"])
                for _ in read(content) if rows else content:
                    pass
                sound.add(fact["digest"])
            except StoreError as error:
                yield f"{name}, {what}: {error}"


def verify_data(store: Store, data: Path, told: Told = lambda _: None) -> Iterator[str]:
    """What is wrong with a node's data: with its store, and with files that are named after their SHA-256."""
    for tenant in store.tenants():
        told(tenant or "(default)")
        yield from store.tenant(tenant).problems()
    for path in sorted((data / "files").glob("??/*")):
        if _DIGEST.fullmatch(path.name):
            told(path.name)
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                    yield f"{path}: is damaged: its SHA-256 is another than its name"
