"""Selections as JSON, for subscriptions that outlive the process."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from mahakam.ngsild import selection as kinds

_KINDS = {
    kind.__name__: kind
    for kind in (
        kinds.Path, kinds.Exists, kinds.Compare, kinds.And, kinds.Or, kinds.Not, kinds.Linked,
        kinds.Types, kinds.Geo, kinds.Scopes, kinds.Selection,
    )
}  # fmt: skip


def to_json(value: Any) -> Any:
    """A selection, or a part of one, as plain JSON: an object names its class in ``is``."""
    if is_dataclass(value):
        return {"is": type(value).__name__} | {
            field.name: to_json(getattr(value, field.name)) for field in fields(value)
        }
    if isinstance(value, tuple):
        return [to_json(part) for part in value]
    return value


def from_json(value: Any) -> Any:
    """What :func:`to_json` wrote."""
    if isinstance(value, dict):
        if "is" not in value:
            return value  # a GeoJSON geometry
        return _KINDS[value["is"]](**{key: from_json(part) for key, part in value.items() if key != "is"})
    if isinstance(value, list):
        return tuple(from_json(part) for part in value)
    return value


def selection_from_json(value: Any) -> kinds.Selection:
    """A kept selection."""
    found = from_json(value)
    assert isinstance(found, kinds.Selection)
    return found
