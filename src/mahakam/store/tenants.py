"""Names of tenants, which become names of files and of schemas."""

from __future__ import annotations

import re

from mahakam.store.errors import StoreError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,49}")


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def checked_name(name: str) -> None:
    """Raises StoreError for a name that is not 1 to 50 of A-Z, a-z, 0-9 and _, nor ""."""
    if name and not is_name(name):
        raise StoreError(f"{name!r} cannot name a tenant; use 1 to 50 of A-Z, a-z, 0-9, _ and -")
