"""Tells of runs that have not been told of: what is told of each feed is kept, so that a process that is killed, or a
receiver that is away, loses no event. A run waits for none of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import orjson

from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.store.model import Run

KIND = "openlineage"
MOST = 1_000
"""Runs of a feed that are told of at most when it begins or the receiver was away: the newest."""
_SECONDS = 20.0
_BROKEN = (400, 413, 422)
"""Answers of a receiver that will never take this event; any other refusal may be mended there."""
_log = logging.getLogger(__name__)


class ReceiverError(ValueError):
    """The setting names nothing that events can go to: says what would be right."""


class NotTaken(Exception):
    """An event was not taken, for now."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where events go: a file, a line each, or an address that each is posted to (``key``: its bearer token)."""

    url: str = field(repr=False)
    key: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, key: str = "") -> Receiver:
        """Raises ReceiverError."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.netloc:
            return cls(url, key)
        if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
            return cls(url)
        raise ReceiverError("must be https://HOST/api/v1/lineage or file:///var/log/mahakam/lineage.jsonl")

    def send(self, event: dict[str, Any]) -> None:
        """Raises NotTaken; an event that the receiver will never take is logged and done with."""
        if self.url.startswith("file:"):
            self._append(Path(unquote(urlsplit(self.url).path)), orjson.dumps(event) + b"\n")
        else:
            self._post(orjson.dumps(event))

    @staticmethod
    def _append(path: Path, line: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:
                file.write(line)
                os.fsync(file.fileno())
        except OSError as error:
            raise NotTaken(f"{path}: {error.strerror}") from None

    def _post(self, body: bytes) -> None:
        headers = {"content-type": "application/json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise NotTaken(f"{urlsplit(self.url).hostname}: {error or type(error).__name__}") from None
        if answer.status_code in _BROKEN:
            _log.error("the lineage server refuses an event (%s): %.500s", answer.status_code, answer.text)
        elif not answer.is_success:
            raise NotTaken(f"{urlsplit(self.url).hostname} answers {answer.status_code}")


def tell(parts: Parts, receiver: Receiver, node: str) -> int:
    """Send what is owed, the oldest run of a feed first; gives the number of events sent.

    At least once: an event is sent again if the process ends before it is noted. Raises NotTaken at the first event
    that is not taken; the rest waits for the next time.
    """
    from mahakam.feeds.openlineage.events import events

    sent = 0
    for place, name in _feeds(parts):
        key = f"{place}/{name}"
        told = parts.store.record(KIND, key) or {"ended": 0, "started": 0}
        for run in _owed(parts, place, name, told["ended"]):
            if run.state == "running" and run.id <= told["started"]:
                continue
            start, end = events(parts, run, node)
            if run.id > told["started"]:
                receiver.send(start)
                sent += 1
                told = _note(parts, key, told | {"started": run.id})
            if end is not None:
                receiver.send(end)
                sent += 1
                told = _note(parts, key, told | {"ended": run.id})
    return sent


def tell_owed(parts: Parts, settings: Settings) -> None:
    """Send what is owed to the receiver of the settings, if there is one; what it does not take waits."""
    if not settings.openlineage:
        return
    try:
        tell(parts, Receiver.parse(settings.openlineage, settings.openlineage_key), settings.base)
    except NotTaken as error:
        _log.warning("events of runs wait: %s", error)


def _feeds(parts: Parts) -> Iterator[tuple[str, str]]:
    for place in parts.places.values():
        for name in place.files("feeds"):
            yield place.id, name


def _owed(parts: Parts, place: str, feed: str, ended: int) -> list[Run]:
    limit = 1
    while True:  # one row where nothing is new, which is nearly always
        runs = parts.store.runs(place, feed, limit)
        if len(runs) < limit or runs[-1].id <= ended or limit >= MOST:
            return [run for run in reversed(runs) if run.id > ended]
        limit = min(limit * 10, MOST)


def _note(parts: Parts, key: str, told: dict[str, int]) -> dict[str, int]:
    parts.store.write(lambda transaction: transaction.save_record(KIND, key, told))
    return told
