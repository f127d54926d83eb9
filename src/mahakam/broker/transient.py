"""Entities and attributes that end by themselves at their ``expiresAt`` (clause 4.22).

When each ends is kept beside the entities, which most of the time are without: a read pays one comparison.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mahakam.ngsild.entity import ATTRIBUTE_MEMBERS, ENTITY_MEMBERS, Document
from mahakam.ngsild.patch import Change
from mahakam.store.protocol import EntityStore, Transaction

KIND = "transient"
"""The store's records: entity id → ``{"ends": [[path, time], …]}``, and how often they have changed."""
_VERSION = ("transient-version", "")
LOOK = 1.0
"""Seconds after which a process looks for what another one has written."""
PATIENCE = 10.0
"""Seconds for which a transaction that notes something is waited for."""

Path = tuple[str, ...]
"""The way to what ends: () is the entity, else attribute, datasetId or "", sub-attribute, its datasetId, …"""
Ends = tuple[tuple[Path, str], ...]


class Transients:
    """What ends in one tenant, and when."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store
        self._ends: dict[str, Ends] = {}
        self._version = -1
        self._lock = threading.Lock()
        self._owed: dict[str, tuple[int, float]] = {}
        """Noted by this process in transactions that :meth:`due` may not see yet: of which version, and until when
        it is waited for (a transaction may also be rolled back)."""
        self.look = 0.0
        """Time (seconds since 1970) from which on :meth:`due` may have something to say."""

    def due(self) -> list[str]:
        """The ids of entities of which something has ended, this process's and others' writes considered."""
        now = time.time()
        version = int((self._store.record(*_VERSION) or {"n": 0})["n"])
        stored = None
        if version != self._version:
            stored = {id: _from_record(record) for id, record in self._store.records(KIND).items()}
        with self._lock:
            if stored is not None and version > self._version:  # else another thread knows more by now
                self._version, self._ends = version, stored
            self._owed = {
                id: (noted, until)
                for id, (noted, until) in self._owed.items()
                if noted > version and until > now
            }
            times = {id: min(seconds(at) for _, at in ends) for id, ends in self._ends.items()}
            due = [id for id, at in times.items() if at <= now]
            coming = min([now + LOOK, *(at for at in times.values() if at > now)])
            # Until it is ended, every other read must see to it too.
            self.look = 0.0 if due or self._owed else coming
            return due

    def keep(self, transaction: Transaction, id: str, ends: Ends) -> None:
        """Note, with the write of an entity, what of it ends."""
        if (
            not ends
            and id not in self._ends
            and id not in self._owed
            and transaction.record(KIND, id) is None
        ):
            return
        transaction.save_record(KIND, id, {"ends": ends} if ends else None)
        version = int((transaction.record(*_VERSION) or {"n": 0})["n"]) + 1
        transaction.save_record(*_VERSION, {"n": version})
        with self._lock:
            self._owed[id] = (version, time.time() + PATIENCE)
            self.look = 0.0

    @property
    def any(self) -> bool:
        """Whether anything at all ends, as far as this process knows."""
        return bool(self._ends or self._owed) or self.look == 0.0

    def marked(self, document: Document, transaction: Transaction | None = None) -> Document:
        """A stored document with its ``expiresAt``."""
        source = transaction or self._store
        record = source.record(KIND, document["id"]) if self.any else None
        return document if record is None else mark(document, _from_record(record))


def split(document: Document) -> tuple[Document, Ends]:
    """A document without any ``expiresAt``, and what of it ends."""
    ends: list[tuple[Path, str]] = []
    out = {name: part for name, part in document.items() if name != "expiresAt"}
    if "expiresAt" in document:
        ends.append(((), document["expiresAt"]))
    for name, attribute in document.items():
        if name not in ENTITY_MEMBERS:
            out[name] = _split(attribute, (name,), ends)
    return out, tuple(ends)


def _split(attribute: Any, path: Path, ends: list[tuple[Path, str]]) -> Any:
    if isinstance(attribute, list):
        return [_split(one, path, ends) for one in attribute]
    here = (*path, attribute.get("datasetId", ""))
    out = {}
    for key, part in attribute.items():
        if key == "expiresAt":
            ends.append((here, part))
        elif key in ATTRIBUTE_MEMBERS:
            out[key] = part
        else:
            out[key] = _split(part, (*here, key), ends)
    return out


def mark(document: Document, ends: Ends) -> Document:
    """The other way round: what :func:`split` took apart."""
    out: Document = _copy(document)
    for path, at in ends:
        for owner in _owners(out, path):
            owner["expiresAt"] = at
    return out


def without(document: Document, now: str) -> Change:
    """A document without the attributes and sub-attributes that have ended."""
    moment = seconds(now)
    ended: set[str] = set()
    out = dict(document)
    for name, attribute in document.items():
        if name in ENTITY_MEMBERS:
            continue
        kept = _alive(attribute, moment)
        if kept != attribute:
            ended.add(name)
            if kept is None:
                del out[name]
            else:
                out[name] = kept
    if ended:
        out["modifiedAt"] = now
    return Change(out, ended)


def has_ended(document: Document, now: str) -> bool:
    """Whether the entity itself has ended."""
    return "expiresAt" in document and seconds(document["expiresAt"]) <= seconds(now)


def _alive(attribute: Any, moment: float) -> Any:
    if isinstance(attribute, list):
        kept = [one for one in (_alive(part, moment) for part in attribute) if one is not None]
        return kept[0] if len(kept) == 1 else kept or None
    if "expiresAt" in attribute and seconds(attribute["expiresAt"]) <= moment:
        return None
    out = {}
    for key, part in attribute.items():
        kept = part if key in ATTRIBUTE_MEMBERS else _alive(part, moment)
        if kept is not None or key in ATTRIBUTE_MEMBERS:
            out[key] = kept
    return out


def _owners(document: Document, path: Path) -> Iterator[dict[str, Any]]:
    found: list[dict[str, Any]] = [document]
    for name, dataset in zip(path[::2], path[1::2], strict=True):
        found = [
            instance
            for one in found
            if name in one
            for instance in (one[name] if isinstance(one[name], list) else [one[name]])
            if isinstance(instance, dict) and instance.get("datasetId", "") == dataset
        ]
    yield from found


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value


def _from_record(record: dict[str, Any]) -> Ends:
    return tuple((tuple(path), at) for path, at in record["ends"])


def seconds(text: str) -> float:
    """A time of the standard as seconds since 1970."""
    return datetime.fromisoformat(text.replace(",", ".").replace("Z", "+00:00")).timestamp()
