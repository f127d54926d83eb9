"""A watched folder: files that an agency puts there are read once, then moved to a folder beside them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from mahakam.feeds.origins import Ask, NothingNew, Origin, with_secrets
from mahakam.feeds.sources.model import SourceError

QUIET = 5.0
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".swp")


def fetch(ask: Ask) -> list[Path]:
    """Copies of the files that lie ready, the oldest first; each is moved once its rows are stored or held.

    Nothing else is remembered: a run that was cut off leaves its files where they are, and the next one reads them.
    A file written anew while it was read stays for the next run. Raises NothingNew, SourceError.
    """
    folder = _folder(ask)
    done = folder / str(ask.options.get("done", "done"))
    if done.parent != folder:
        raise SourceError(ask.name, f"done: {ask.options['done']!r} must be the name of a folder inside path")
    now, quiet = time.time(), float(ask.options.get("quiet", QUIET))
    found = [
        (at.st_mtime_ns, path)
        for path in folder.glob(str(ask.options.get("pattern", "*")))
        if path.parent == folder and _is_file(path) and now - (at := path.stat()).st_mtime >= quiet
    ]
    copies = []
    for _, path in sorted(found):
        before = _version(path)
        copy = ask.folder / path.name
        shutil.copyfile(path, copy)
        if _version(path) != before:  # being written at this moment
            copy.unlink()
            continue
        copies.append(copy)
        ask.settled.append(lambda path=path, before=before: _move(path, before, done))  # type: ignore[misc]
    if not copies:
        raise NothingNew(f"no file lies ready in {folder}")
    return copies


def _folder(ask: Ask) -> Path:
    given = str(ask.options["path"])
    folder = (ask.place / with_secrets(given, ask.name)).resolve()
    if not given.startswith("${") and not folder.is_relative_to(ask.place.resolve()):
        raise SourceError(
            ask.name,
            f"{given!r} leads out of the place's folder; name a folder inside it, or ${{NAME}} of one",
        )
    if not folder.is_dir():
        raise SourceError(ask.name, f"there is no folder {given!r}")
    return folder


def _is_file(path: Path) -> bool:
    hidden = path.name.startswith((".", "~$")) or path.name.lower().endswith(_UNFINISHED)
    return not hidden and not path.is_symlink() and path.is_file() and path.stat().st_size > 0


def _version(path: Path) -> tuple[int, int, int]:
    at = path.stat()
    return at.st_ino, at.st_size, at.st_mtime_ns


def _move(path: Path, before: tuple[int, int, int], done: Path) -> None:
    if not path.exists() or _version(path) != before:
        return
    done.mkdir(exist_ok=True)
    target, number = done / path.name, 1
    while target.exists():
        number += 1
        target = done / f"{path.stem}.{number}{path.suffix}"
    path.rename(target)


ORIGIN = Origin(
    fetch,
    "a watched folder",
    {
        "path": "needed: a folder inside the place's folder, or ${NAME} of the environment for one elsewhere",
        "pattern": "which files: *.xlsx (default *)",
        "quiet": f"seconds that a file must have been left alone, lest it is half-written (default {QUIET:.0f})",
        "done": "the folder inside it that read files are moved to (default done)",
    },
)
