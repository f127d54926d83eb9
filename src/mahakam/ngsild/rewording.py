"""A payload in the words of another context, otherwise as it came (clause 4.3.6.6)."""

from __future__ import annotations

from typing import Any

from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ATTRIBUTE_MEMBERS, ENTITY_MEMBERS, VALUE_MEMBER

_WORDS = frozenset(("vocab", "objectType", "valueType"))
_VALUES = frozenset(VALUE_MEMBER.values())


def reworded(payload: dict[str, Any], old: Context, new: Context) -> dict[str, Any]:
    """An entity or a fragment whose names are those of ``new`` instead of ``old``."""
    if old is new:
        return payload
    out: dict[str, Any] = {}
    for name, value in payload.items():
        if name == "type":
            out[name] = _words(value, old, new)
        elif name in ENTITY_MEMBERS or name.startswith("@"):
            out[name] = value
        else:
            out[new.compact(old.expand(name))] = reworded_attribute(value, old, new)
    return out


def reworded_attribute(value: Any, old: Context, new: Context) -> Any:
    """An attribute, in whatever representation; what is a mere value stays as it is."""
    if old is new:
        return value
    if isinstance(value, list):
        return [reworded_attribute(one, old, new) for one in value]
    if not isinstance(value, dict) or (
        value.keys().isdisjoint(_VALUES) and value.get("type") not in VALUE_MEMBER
    ):
        return value
    out: dict[str, Any] = {}
    for name, part in value.items():
        if name in _WORDS:
            out[name] = _words(part, old, new)
        elif name in ATTRIBUTE_MEMBERS:
            out[name] = part
        else:
            out[new.compact(old.expand(name))] = reworded_attribute(part, old, new)
    return out


def _words(value: Any, old: Context, new: Context) -> Any:
    if isinstance(value, list):
        return [_words(one, old, new) for one in value]
    return new.compact(old.expand(value)) if isinstance(value, str) else value
