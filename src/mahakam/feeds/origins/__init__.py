"""Where data comes from when it is no file of the place: a module here named X with an ``ORIGIN`` is the origin X.

An origin brings what it has as files; from there on a run is the same: read, archived by its SHA-256, mapped, checked.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mahakam.feeds.sources.model import SourceError

_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Ask:
    """``folder``: where the files go, empty; ``place``: the place's own folder; ``state``: what the last fetch kept,
    ``archived``: a file by its SHA-256, if the archive has it. ``records``: the feed's pin. ``spool``: a folder that
    outlives the run, for what can be had only once; ``columns``: those that the feed's map names; ``settled``: what
    to do once all that was brought is stored or held.
    """

    name: str
    options: Mapping[str, Any]
    folder: Path
    place: Path
    state: dict[str, Any]
    archived: Callable[[str], Path | None]
    private_addresses: bool = False
    records: str | None = None
    spool: Path | None = None
    columns: tuple[str, ...] = ()
    settled: list[Callable[[], None]] = field(default_factory=list)


class NothingNew(Exception):
    """The origin has nothing that was not brought before."""


@dataclass(frozen=True, slots=True)
class Origin:
    """``fetch`` writes files into ``Ask.folder`` and names them, or raises SourceError; ``options``: name → meaning.

    An option whose meaning begins with "needed" must be given.
    """

    fetch: Callable[[Ask], list[Path]]
    what: str
    options: Mapping[str, str]

    def problem(self, given: object) -> str:
        """What is wrong with the options as YAML gives them; "" for nothing."""
        if not isinstance(given, dict):
            return f"must be a mapping with {', '.join(self.options)}, not {given!r}"
        for key in given:
            if key not in self.options:
                return f"{key}: unknown key (known: {', '.join(sorted(self.options))})"
        missing = [
            key for key, said in self.options.items() if said.startswith("needed") and key not in given
        ]
        return f"needs {missing[0]}: {self.options[missing[0]].removeprefix('needed: ')}" if missing else ""


def names() -> tuple[str, ...]:
    """The origins there are."""
    return tuple(each.name for each in pkgutil.iter_modules(__path__) if not each.name.startswith("_"))


def named(name: str) -> Origin:
    """An origin by its name. Raises KeyError for none."""
    if name not in names():
        raise KeyError(name)
    found: Origin = importlib.import_module(f"{__name__}.{name}").ORIGIN
    return found


def with_secrets(text: str, feed: str) -> str:
    """``${NAME}`` replaced by the environment's. Raises SourceError naming one that is not set, never its value."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise SourceError(feed, f"needs the secret {match[1]}, which the environment has not; set it")
        return os.environ[match[1]]

    return _SECRET.sub(value, text)


def url_with_secrets(url: str, feed: str) -> str:
    """As :func:`with_secrets`; one that stands before the host, a password, is percent-encoded (RFC 3986, 3.2.1)."""
    scheme, mark, rest = url.partition("://")
    before, at, after = rest.rpartition("@")
    quoted = _SECRET.sub(lambda match: quote(with_secrets(match[0], feed), safe=""), before)
    return with_secrets(scheme, feed) + mark + quoted + at + with_secrets(after, feed)
