"""A document as it is kept: its body, and beside it just the system times that the body leaves out."""

from __future__ import annotations

from typing import Any

import orjson

_NO_ATTRIBUTES = frozenset(("id", "type", "scope", "createdAt", "modifiedAt"))

Times = list[str | None]
"""createdAt and modifiedAt of one attribute instance; None where it has none."""


def times_of(document: dict[str, Any], at: str | None = None) -> str:
    """The system times as text: ``[createdAt, modifiedAt, {attribute: its times}]``.

    An attribute as old as the entity and never modified is left out: most entities need no third part.
    An attribute with several instances has a list of times. ``at`` stands where the document has none.
    """
    at = at or None
    created = document.get("createdAt", at)
    others: dict[str, Any] = {}
    for name, attribute in document.items():
        if name in _NO_ATTRIBUTES:
            continue
        if type(attribute) is dict:
            if attribute.get("createdAt", at) != created or attribute.get("modifiedAt", at) != created:
                others[name] = [attribute.get("createdAt", at), attribute.get("modifiedAt", at)]
        elif type(attribute) is list:
            others[name] = [[one.get("createdAt", at), one.get("modifiedAt", at)] for one in attribute]
    times = [created, document.get("modifiedAt", at)]
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
        if type(attribute) is dict:
            if name in others:
                _restore(attribute, others[name])
            elif created is not None:
                attribute["createdAt"] = attribute["modifiedAt"] = created
        elif type(attribute) is list:
            for one, its in zip(attribute, others.get(name) or [default] * len(attribute), strict=True):
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
