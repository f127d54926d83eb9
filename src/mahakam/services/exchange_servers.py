"""Which other Open311 servers a place exchanges requests with: its ``exchange.yaml``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mahakam.config import ConfigError, Place, checked_mapping, read_yaml

FILE = "exchange.yaml"
_KEYS = ("name", "url", "jurisdiction", "key", "format", "push", "pull")
_FORMATS = ("json", "xml")
_PUSH, _PULL = ("team", "services"), ("services", "since")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Server:
    """Another server. ``key`` is the name of the environment variable with its api_key; ``team`` and ``push``: whose
    requests go there, and our service → theirs; ``pull``: their service → ours; ``since``: the first day whose
    requests are pulled, None for what the server lists by itself (the last 90 days). ``format``: in which it is asked;
    GeoReport wants XML of every server, and JSON of none."""

    name: str
    url: str
    jurisdiction: str = ""
    key: str = ""
    team: str = ""
    push: Mapping[str, str] = field(default_factory=dict)
    pull: Mapping[str, str] = field(default_factory=dict)
    since: dt.date | None = None
    format: str = "json"


def servers_of(place: Place) -> list[Server]:
    """The servers of a place's own file. Raises ConfigError naming what is wrong."""
    path = place.folder / FILE
    if not path.is_file():
        return []
    raw = read_yaml(path).get("servers")
    if not isinstance(raw, list):
        raise ConfigError(path, "servers is a list, e.g. servers: [{name: province, url: https://…/open311}]")
    return [_server(path, one) for one in raw]


def _server(path: Path, raw: object) -> Server:
    known = checked_mapping(path, "servers", raw, _KEYS, ("name", "url"))
    name, url = str(known["name"]), str(known["url"])
    if not _NAME.fullmatch(name):
        raise ConfigError(path, f"servers: a name has small letters, digits and -, not {name[:60]!r}")
    if not url.startswith(("https://", "http://")):
        raise ConfigError(path, f"{name}: url is the address of its GeoReport v2, https://…/open311")
    format = str(known.get("format") or "json")
    if format not in _FORMATS:
        raise ConfigError(path, f"{name}: format is json or xml, not {format[:40]!r}")
    push = _part(path, f"{name}.push", known.get("push"), _PUSH)
    pull = _part(path, f"{name}.pull", known.get("pull"), _PULL)
    if push and not push.get("team"):
        raise ConfigError(path, f"{name}.push needs 'team': whose requests are sent there")
    since = pull.get("since")
    if since is not None and (not isinstance(since, dt.date) or isinstance(since, dt.datetime)):
        raise ConfigError(path, f"{name}.pull.since is a day as 2026-01-31, not {since!r}")
    return Server(
        name,
        url.rstrip("/") + "/",
        str(known.get("jurisdiction") or ""),
        str(known.get("key") or ""),
        str(push.get("team") or ""),
        _services(path, f"{name}.push", push),
        _services(path, f"{name}.pull", pull),
        since,
        format,
    )


def _part(path: Path, where: str, raw: object, keys: tuple[str, ...]) -> Mapping[str, Any]:
    return checked_mapping(path, where, raw, keys, ()) if raw else {}


def _services(path: Path, where: str, part: Mapping[str, Any]) -> dict[str, str]:
    raw = part.get("services") or {}
    if not isinstance(raw, Mapping):
        raise ConfigError(path, f'{where}.services maps codes to codes, e.g. {{pothole: "001"}}')
    return {str(one): str(other) for one, other in raw.items()}
