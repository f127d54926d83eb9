"""What a write did to an entity, in the terms of notification triggers (clause 5.2.12, 5.8.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mahakam.ngsild.core import NULL
from mahakam.ngsild.entity import ENTITY_MEMBERS, VALUE_MEMBER, Document, instances
from mahakam.ngsild.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Changes:
    """``before`` is None for a new entity, ``after`` for one that is gone. Names of attributes are canonical.

    An attribute with several instances may be created, updated and deleted all at once.
    """

    before: Document | None
    after: Document | None
    created: frozenset[str]
    updated: frozenset[str]
    deleted: frozenset[str]

    @property
    def entity(self) -> Document:
        """The entity as it is, or as it was last."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found

    @property
    def touched(self) -> frozenset[str]:
        return self.created | self.updated | self.deleted

    def trigger(self, subscription: Subscription) -> bool:
        """Whether any of a subscription's triggers happened to an attribute that it watches."""
        watched, triggers = subscription.watched, subscription.triggers
        if watched and watched.isdisjoint(self.touched):
            return False
        if self.before is None and "entityCreated" in triggers:
            return True
        if self.after is None and "entityDeleted" in triggers:
            return True
        whole = self.before is not None and self.after is not None and "entityUpdated" in triggers
        if whole and not watched:
            return True
        return (
            ((whole or "attributeCreated" in triggers) and _any(self.created, watched))
            or ((whole or "attributeUpdated" in triggers) and _any(self.updated, watched))
            or ((whole or "attributeDeleted" in triggers) and _any(self.deleted, watched))
        )


def _any(names: frozenset[str], watched: frozenset[str]) -> bool:
    return bool(names) and (not watched or not watched.isdisjoint(names))


def changes_of(before: Document | None, after: Document | None) -> Changes:
    """What changed between two states of an entity."""
    old, new = before or {}, after or {}
    created: set[str] = set()
    updated: set[str] = set()
    deleted: set[str] = set()
    for name in old.keys() | new.keys():
        if name in ENTITY_MEMBERS:
            continue
        was, now = old.get(name), new.get(name)
        if was is None:
            created.add(name)
        elif now is None:
            deleted.add(name)
        elif was != now:
            if isinstance(was, dict) and isinstance(now, dict):
                same = was.get("datasetId") == now.get("datasetId")
                for kind in (updated,) if same else (created, deleted):
                    kind.add(name)
                continue
            had, has = _by_dataset(was), _by_dataset(now)
            if had.keys() - has.keys():
                deleted.add(name)
            if has.keys() - had.keys():
                created.add(name)
            if any(had[key] != has[key] for key in had.keys() & has.keys()):
                updated.add(name)
    return Changes(before, after, frozenset(created), frozenset(updated), frozenset(deleted))


def nulled(changes: Changes, at: str, watched: frozenset[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Attribute → its deleted instances, as NGSI-LD Nulls (clause 4.5.0)."""
    before, after = changes.before or {}, changes.after or {}
    for name in before:
        if name not in changes.deleted or (watched and name not in watched):
            continue
        left = _by_dataset(after[name]) if name in after else {}
        gone = [one for one in instances(before[name]) if one.get("datasetId") not in left]
        if not left and len(gone) > 1:
            gone = [one for one in gone if "datasetId" not in one] or gone[:1]
        yield name, [_null(one, at) for one in gone]


def _null(instance: dict[str, Any], at: str) -> dict[str, Any]:
    kind = instance["type"]
    value: Any = NULL
    if kind == "LanguageProperty":
        value = {"@none": NULL}
    elif kind == "ListRelationship":
        value = [{"object": NULL}]
    kept: dict[str, Any] = {
        name: instance[name] for name in ("datasetId", "createdAt", "modifiedAt") if name in instance
    }
    return {"type": kind, VALUE_MEMBER[kind]: value, **kept, "deletedAt": at}


def _by_dataset(attribute: Any) -> dict[str | None, dict[str, Any]]:
    return {one.get("datasetId"): one for one in instances(attribute)}
