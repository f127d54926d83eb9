"""The evolutions of a snapshot: kept as records, read like those of a store (clause 5.16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from mahakam.ngsild.temporal import Head, Moment
from mahakam.ngsild.temporal_query import View
from mahakam.ngsild.temporal_view import seen

_FIELDS = [field.name for field in fields(Moment) if field.name != "body"]


def as_record(head: Head, moments: Iterable[Moment]) -> dict[str, Any]:
    """An evolution as a record of a store."""
    kept = [{name: getattr(one, name) for name in _FIELDS} | {"body": one.body.decode()} for one in moments]
    return {"head": head, "moments": kept}


class FrozenEvolutions:
    """Evolutions that do not change, by the order in which they were kept."""

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._heads: dict[str, Head] = {record["head"]["id"]: record["head"] for record in records.values()}
        self._moments = {
            record["head"]["id"]: [
                Moment(**{**one, "body": one["body"].encode()}) for one in record["moments"]
            ]
            for record in records.values()
        }

    def evolution(self, id: str) -> Head | None:
        return self._heads.get(id)

    def evolutions(
        self, ids: Sequence[str] = (), types: Sequence[str] = (), after: int = 0, limit: int = 500
    ) -> list[tuple[int, Head]]:
        found = [
            (number, head)
            for number, head in enumerate(self._heads.values(), 1)
            if number > after and (not ids or head["id"] in ids) and (not types or _has_any(head, types))
        ]
        return found[:limit]

    def moments(self, view: View) -> list[Moment]:
        return seen(self._moments.get(view.entity, ()), view)


def _has_any(head: Head, types: Sequence[str]) -> bool:
    kinds = head["type"] if isinstance(head["type"], list) else [head["type"]]
    return not set(kinds).isdisjoint(types)
