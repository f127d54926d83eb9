"""A document as it is kept: its body, and beside it just the system times that the body leaves out."""

from __future__ import annotations

from typing import Any

import orjson

_NO_ATTRIBUTES = frozenset(("id", "type", "scope", "createdAt", "modifiedAt"))

Times = list[str | None]
"""createdAt and modifiedAt of one attribute instance; None where it has none."""


def times_of(document: dict[str, Any]) -> str:
    """The system times as text: ``[createdAt, modifiedAt, {attribute: its times}]``.

    An attribute as old as the entity and never modified is left out, so that most entities need no third part.
    An attribute with several instances has a list of times.
    """
    created = document.get("createdAt")
    others: dict[str, Any] = {}
    for name, attribute in document.items():
        if name in _NO_ATTRIBUTES:
            continue
        if type(attribute) is dict:
            if attribute.get("createdAt") != created or attribute.get("modifiedAt") != created:
                others[name] = [attribute.get("createdAt"), attribute.get("modifiedAt")]
        elif type(attribute) is list:
            others[name] = [[one.get("createdAt"), one.get("modifiedAt")] for one in attribute]
    times = [created, document.get("modifiedAt")]
    return orjson.dumps([*times, others] if others else times).decode()


def unpack(body: bytes | str, times: str) -> dict[str, Any]:
    """The document of a body and the text that :func:`times_of` made."""
    document: dict[str, Any] = orjson.loads(body)
    created, modified, *rest = orjson.loads(times)
    others = rest[0] if rest else {}
    default = [created, created]
    for name, attribute in document.items():
        if name in _NO_ATTRIBUTES:
            continue
        own = others.get(name, default)
        if type(attribute) is dict:
            _restore(attribute, own)
        elif type(attribute) is list:
            for one, its in zip(attribute, own, strict=True):
                _restore(one, its)
    if created is not None:
        document["createdAt"] = created
    if modified is not None:
        document["modifiedAt"] = modified
    return document


def _restore(instance: dict[str, Any], times: Times) -> None:
    created, modified = times
    if created is not None:
        instance["createdAt"] = created
    if modified is not None:
        instance["modifiedAt"] = modified
