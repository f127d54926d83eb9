"""Files that an officer sent and that are not taken in yet: each in a folder of its own, for a limited time."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path

from starlette.datastructures import UploadFile

ID = re.compile(r"[0-9a-f]{32}")


def keep(room: Path, sent: UploadFile, name: str, seconds: float) -> tuple[str, Path]:
    """Write the file to where it waits; those that have waited for longer than ``seconds`` are swept out."""
    room.mkdir(parents=True, exist_ok=True)
    for old in room.iterdir():
        if ID.fullmatch(old.name) and old.stat().st_mtime < time.time() - seconds:
            shutil.rmtree(old, ignore_errors=True)
    id = secrets.token_hex(16)
    path = room / id / name
    path.parent.mkdir()
    with path.open("wb") as out:
        shutil.copyfileobj(sent.file, out, 1 << 20)
    return id, path


def safe_name(name: str) -> str:
    """A file's own name, without a way to anywhere and without what a screen would not show."""
    last = re.split(r"[/\\]", name)[-1].strip()
    kept = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in last).lstrip(".")
    return kept[-120:] or "file"
