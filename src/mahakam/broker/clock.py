"""The time of a write, and the system attributes that carry it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from mahakam.ngsild.entity import ENTITY_MEMBERS, Document


def now() -> str:
    """ISO 8601 UTC with milliseconds: ``2026-11-24T04:00:00.123Z``."""
    return _text(datetime.now(UTC))


def after(seconds: float) -> str:
    """The time so many seconds from now."""
    return _text(datetime.now(UTC) + timedelta(seconds=seconds))


def text_of(moment: datetime) -> str:
    """A moment with its zone, as :func:`now` writes it."""
    return _text(moment.astimezone(UTC))


def waits(until: float, longest: float) -> float:
    """Seconds to a moment (of 1970) that was set at most ``longest`` seconds ahead; 0 or less: it has come.

    One that lies further ahead was set by a clock that has been put back since: nobody waits for it.
    """
    wait = until - time.time()
    return wait if wait <= longest else 0.0


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def stamped(document: Document, at: str, before: Document | None = None) -> Document:
    """The document with createdAt and modifiedAt on itself and its attributes wherever they lack.

    ``before`` is what it replaces: createdAt stays, and an attribute that did not change keeps its times.
    """
    out = dict(document)
    out["createdAt"] = before["createdAt"] if before else document.get("createdAt", at)
    out["modifiedAt"] = document.get("modifiedAt", at) if before is None else at
    for name, attribute in document.items():
        if name in ENTITY_MEMBERS:
            continue
        old = before.get(name) if before else None
        if isinstance(attribute, list):
            olds = old if isinstance(old, list) else [old] if old else []
            out[name] = [_stamp(one, at, _same_dataset(one, olds)) for one in attribute]
        else:
            out[name] = _stamp(attribute, at, old if isinstance(old, dict) else None)
    return out


def _same_dataset(instance: dict[str, Any], olds: list[dict[str, Any]]) -> dict[str, Any] | None:
    wanted = instance.get("datasetId")
    return next((old for old in olds if old.get("datasetId") == wanted), None)


def _stamp(instance: dict[str, Any], at: str, old: dict[str, Any] | None) -> dict[str, Any]:
    if old is None:
        if "createdAt" in instance and "modifiedAt" in instance:
            return instance
        return {
            **instance,
            "createdAt": instance.get("createdAt", at),
            "modifiedAt": instance.get("modifiedAt", at),
        }
    new = {**instance, "createdAt": old.get("createdAt", at), "modifiedAt": at}
    if {**new, "modifiedAt": old.get("modifiedAt")} == old:
        return old
    return new
