"""Temporal evolutions in SQL that every database reads: heads, and one row for each attribute instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.ngsild.temporal import KEPT_APART, Head, Moment, head_of, moments_between, scope_moment
from mahakam.ngsild.temporal_query import View, sortable

_COLUMNS = "n, entity, attribute, dataset, observed, created, modified, deleted, body"
_ADD = (
    "INSERT INTO moment (entity, attribute, dataset, observed, created, modified, deleted, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_HEAD = (
    "INSERT INTO evolution (id, head) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET head = excluded.head"
)
_SEVERAL_TYPES = r"type >= '[' AND type < '\'"
"""A list of types is kept as its JSON text."""
_COLUMN = {"observedAt": "observed", "createdAt": "created", "modifiedAt": "modified", "deletedAt": "deleted"}


def _row(moment: Moment) -> tuple[Any, ...]:
    return (
        moment.entity,
        moment.attribute,
        moment.dataset,
        sortable(moment.observed) or None,
        sortable(moment.created),
        sortable(moment.modified),
        sortable(moment.deleted) or None,
        moment.body,
    )


def _first(document: Document, at: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a new entity's moments, as :func:`moments_between` has them; made at once where they are plain, which
    a feed makes eleven of for each of its rows."""
    entity, began = document["id"], sortable(at)
    if document.get("scope") is not None:
        yield _row(scope_moment(entity, document["scope"], at))
    for name, attribute in document.items():
        if name in ENTITY_MEMBERS:
            continue
        if type(attribute) is dict and KEPT_APART.isdisjoint(attribute):
            observed = attribute.get("observedAt")
            seen = sortable(observed) if observed else None
            body = orjson.dumps(attribute)
            yield entity, name, attribute.get("datasetId", ""), seen, began, began, None, body
        else:
            yield from map(_row, moments_between(None, {"id": entity, name: attribute}, at))


def _moment(row: Sequence[Any]) -> Moment:
    number, entity, attribute, dataset, observed, created, modified, deleted, body = row
    return Moment(
        entity,
        attribute,
        bytes(body),
        f"{created}Z",
        f"{modified}Z",
        dataset,
        f"{observed}Z" if observed else "",
        f"{deleted}Z" if deleted else "",
        number,
    )


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


class HistoryWrites:
    """The part of :class:`mahakam.store.protocol.Transaction` that is about evolutions."""

    _execute: Callable[..., Any]
    """Runs a statement (text with ``?``, values) and returns its cursor."""
    _executemany: Callable[..., Any]
    _ops: list[tuple[str, str, bytes | str]]
    _soft: list[tuple[str, bytes]]
    """Instances that go with a write of their entity, which is audited; by themselves they are too."""

    def evolution(self, id: str) -> Head | None:
        for (head,) in self._execute("SELECT head FROM evolution WHERE id = ?", (id,)):
            return orjson.loads(head)  # type: ignore[no-any-return]
        return None

    def put_evolution(self, head: Head) -> None:
        self._execute(_PUT_HEAD, (head["id"], orjson.dumps(head).decode()))

    def begin_evolutions(self, documents: Sequence[Document], at: str) -> None:
        heads = ((document["id"], head_of(document, at, at)) for document in documents)
        self._executemany(_PUT_HEAD, [(id, orjson.dumps(head).decode()) for id, head in heads])
        self._executemany(_ADD, [row for document in documents for row in _first(document, at)])

    def drop_evolution(self, id: str) -> bool:
        found = self._execute("DELETE FROM evolution WHERE id = ? RETURNING n", (id,)).fetchall()
        self._execute("DELETE FROM moment WHERE entity = ?", (id,))
        if found:
            self._ops.append(("history.delete", id, b""))
        return bool(found)

    def add_moments(self, moments: Iterable[Moment]) -> None:
        added = list(moments)
        self._soft += [(moment.entity, moment.body) for moment in added]
        self._executemany(_ADD, map(_row, added))

    def moment(self, entity: str, attribute: str, number: int) -> Moment | None:
        sql = f"SELECT {_COLUMNS} FROM moment WHERE n = ? AND entity = ? AND attribute = ?"
        for row in self._execute(sql, (number, entity, attribute)):
            return _moment(row)
        return None

    def put_moment(self, moment: Moment) -> None:
        self._ops.append(("history.change", f"{moment.entity}#{moment.attribute}", moment.body))
        self._execute(
            "UPDATE moment SET entity = ?, attribute = ?, dataset = ?, observed = ?, created = ?, modified = ?,"
            " deleted = ?, body = ? WHERE n = ?",
            (*_row(moment), moment.number),
        )

    def drop_moments(
        self, entity: str, attribute: str, *, number: int = 0, dataset: str | None = None, observed: str = ""
    ) -> int:
        where = "entity = ? AND attribute = ?"
        values: list[Any] = [entity, attribute]
        if number:
            where, values = f"{where} AND n = ?", [*values, number]
        if dataset is not None:
            where, values = f"{where} AND dataset = ?", [*values, dataset]
        if observed:
            where, values = f"{where} AND observed = ?", [*values, sortable(observed)]
        dropped = len(
            self._execute(f"DELETE FROM moment WHERE {where} RETURNING n", tuple(values)).fetchall()
        )
        if dropped:
            self._ops.append(("history.delete", f"{entity}#{attribute}", b""))
        return dropped

    def purge_moments(self, before: str, limit: int) -> int:
        sql = "DELETE FROM moment WHERE created < ? AND n IN (SELECT n FROM moment ORDER BY n LIMIT ?) RETURNING n"
        purged = len(self._execute(sql, (sortable(before), limit)).fetchall())
        if purged:
            self._ops.append(("history.purge", f"before/{before}", str(purged)))
        return purged


class HistoryReads:
    """The part of :class:`mahakam.store.protocol.EntityStore` that is about evolutions."""

    _all: Callable[..., list[Any]]
    """All rows of a statement (text with ``?``, values)."""

    def evolution(self, id: str) -> Head | None:
        found = self._all("SELECT head FROM evolution WHERE id = ?", (id,))
        return orjson.loads(found[0][0]) if found else None

    def evolutions(
        self, ids: Sequence[str] = (), types: Sequence[str] = (), after: int = 0, limit: int = 500
    ) -> list[tuple[int, Head]]:
        if ids:
            where, values = f"n > ? AND id IN ({_marks(ids)})", [after, *ids]
        elif types:
            # Each part is read in the order of its index, and no further than the limit.
            parts = [
                "SELECT n FROM (SELECT n FROM evolution WHERE type = ? AND n > ? ORDER BY n LIMIT ?) one"
            ]
            parts *= len(types)
            parts.append(f"SELECT n FROM evolution WHERE {_SEVERAL_TYPES} AND n > ?")
            where = f"n IN ({' UNION ALL '.join(parts)})"
            values = [*(value for type in types for value in (type, after, limit)), after]
        else:
            where, values = "n > ?", [after]
        sql = f"SELECT n, head FROM evolution WHERE {where} ORDER BY n LIMIT ?"
        return [(number, orjson.loads(head)) for number, head in self._all(sql, (*values, limit))]

    def moments(self, view: View) -> list[Moment]:
        column = _COLUMN[view.timeproperty]
        where, parameters = _condition(view, column)
        source = f"SELECT {_COLUMNS} FROM moment WHERE {where}"
        key = f"coalesce({column}, created)"
        if view.last:
            ranked = (
                f"row_number() OVER (PARTITION BY attribute, dataset ORDER BY {key} DESC, n DESC) AS place"
            )
            source = (
                f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS}, {ranked} FROM moment"
                f" WHERE {where}) ranked WHERE place <= ?"
            )
            parameters.append(view.last)
        way = "DESC" if view.newest else "ASC"
        sql = f"{source} ORDER BY {key} {way}, n {way}"
        if view.limit:
            sql += " LIMIT ?"
            parameters.append(view.limit)
        return [_moment(row) for row in self._all(sql, tuple(parameters))]


def _condition(view: View, column: str) -> tuple[str, list[Any]]:
    """What a view says of its moments; ``column`` holds the time it asks for."""
    where = ["entity = ?"]
    parameters: list[Any] = [view.entity]
    for name, wanted in (("attribute", view.attributes), ("dataset", view.datasets)):
        if wanted:
            where.append(f"{name} IN ({_marks(wanted)})")
            parameters += wanted
    when: list[str] = []
    times: list[Any] = []
    period = view.period
    if period is not None:
        when.append(f"{column} < ?" if period.timerel == "before" else f"{column} >= ?")
        times.append(sortable(period.at))
        if period.timerel == "between":
            when.append(f"{column} < ?")
            times.append(sortable(period.end))
    elif view.timeproperty == "deletedAt":
        when.append("deleted IS NOT NULL")
    if view.valid is not None:
        came = "coalesce(observed, created)"
        spans = [f"({came} >= ? AND {came} < ?)" for _ in view.valid.spans]
        inside = " AND ".join(["attribute <> 'scope'", *when, f"({' OR '.join(spans)})"])
        scopes = (*view.valid.scopes, view.valid.carried)
        when = [f"({inside} OR n IN ({_marks(scopes)}))"]
        times += [*(time for span in view.valid.spans for time in span), *scopes]
    return " AND ".join([*where, *when]), parameters + times
