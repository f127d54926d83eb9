"""Which entities are copies of what a member node holds: its own to change, whatever this node computes besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from mahakam.broker.writes import Delete, Upsert

MEMBER = "node-member"
"""Records of the nodes that have joined, by name (``mahakam.nodes.member``)."""


class Records(Protocol):
    """A store, or a transaction on it."""

    def record(self, kind: str, key: str) -> dict[str, Any] | None: ...

    def records(self, kind: str) -> Mapping[str, dict[str, Any]]: ...


def kind(node: str) -> str:
    """The kind of the records of a node's copies: entity → ``at`` and ``told`` (ISO 8601), ``gone``, ``held``."""
    return f"node-copy {node}"


def members(records: Records) -> list[str]:
    """The names of the nodes that are members now."""
    return [name for name, one in records.records(MEMBER).items() if one.get("state") == "active"]


def copied(records: Records, ids: Iterable[str]) -> frozenset[str]:
    """Those of these entities that a node sent."""
    nodes = list(records.records(MEMBER))
    return (
        frozenset(id for id in ids if any(_has(records, node, id) for node in nodes))
        if nodes
        else frozenset()
    )


def not_copied(records: Records, writes: Sequence[Upsert | Delete]) -> list[Upsert | Delete]:
    """The writes without those of entities that a node sent."""
    theirs = copied(records, map(_id, writes))
    return [one for one in writes if _id(one) not in theirs]


def _has(records: Records, node: str, id: str) -> bool:
    found = records.record(kind(node), id)
    return found is not None and not found.get("gone") and not found.get("foreign")


def _id(write: Upsert | Delete) -> str:
    return str(write.document["id"]) if isinstance(write, Upsert) else write.id
