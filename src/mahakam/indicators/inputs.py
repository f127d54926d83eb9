"""The rows that an indicator counts: the needed attributes of a place's entities, as an Arrow table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mahakam.broker.broker import Broker
from mahakam.broker.guard import FLAG
from mahakam.config import ConfigError, Place, scope_of
from mahakam.indicators.definition import Definition
from mahakam.indicators.period import label_of, local_date
from mahakam.ngsild.selection import Scopes, Selection, Types
from mahakam.store.protocol import Document

if TYPE_CHECKING:
    import pyarrow as pa

ROOM = ("_id", "_period", "_day", "_run", "_flagged")
"""Columns beside the attributes: entity id, period label (NULL: undated), day (NULL: none), run (0: none),
flagged.
"""


def selection_of(definition: Definition, place: Place, places: Mapping[str, Place]) -> Selection:
    """The entities that a definition counts for a place: by type and scope, periods and ``where`` aside."""
    scope = scope_of(place, places)
    pattern = scope + "/#" if definition.within == "below" else scope
    return Selection(types=Types(((definition.source,),)), scopes=Scopes(((pattern,),)))


def inputs_of(broker: Broker, definition: Definition, place: Place) -> pa.Table:
    """The table of what a definition counts for a place now. Raises ConfigError as :func:`entity_table` does."""
    checker = broker.book.checker_for(place.id, [definition.source])
    documents = broker.scan(selection_of(definition, place, broker.places))
    return entity_table(definition, documents, place.timezone, checker.attributes if checker else frozenset())


def entity_table(
    definition: Definition, documents: Iterable[Document], timezone: str, known: Set[str] = frozenset()
) -> pa.Table:
    """One row an entity: the columns of :data:`ROOM`, then one a needed attribute (``c0`` …).

    Text that is an ISO date or time in every row becomes a date or (the place's) local time.
    Raises ConfigError if there are entities but none has one of the attributes, unless it is ``known`` to their
    contract: then nobody has it yet.
    """
    import pyarrow as pa

    zone = ZoneInfo(timezone)
    names = list(definition.compiled.columns)
    paths = [name.split(".") if "://" not in name else [name] for name in names]
    columns: list[list[Any]] = [[] for _ in names]
    ids: list[str] = []
    flags: list[bool] = []
    seen: set[str] = set()
    for document in documents:
        ids.append(document["id"])
        flags.append(flagged(document))
        seen.update(document)
        for column, path in zip(columns, paths, strict=True):
            column.append(value_at(document, path))
    for name, column in zip(names, columns, strict=True):
        if ids and name.split(".")[0] not in known and not any(value is not None for value in column):
            raise ConfigError(definition.path, _no_such_attribute(definition, name, seen))
    when = columns[0] if definition.time else [None] * len(ids)
    days = [local_date(value, zone) for value in when]
    data: dict[str, Any] = {
        "_id": pa.array(ids, pa.string()),
        "_period": pa.array(_labels(days, definition), pa.string()),
        "_day": pa.array([day and f"{day[0]:04}-{day[1]:02}-{day[2]:02}" for day in days], pa.string()),
        "_run": pa.array([0] * len(ids), pa.int64()),
        "_flagged": pa.array(flags, pa.bool_()),
    }
    for column_name, column in zip(definition.compiled.columns.values(), columns, strict=True):
        data[column_name] = _typed(column, zone)
    return pa.table(data)


def with_runs(table: pa.Table, runs: Mapping[str, int]) -> pa.Table:
    """The same table with the feed run behind each entity; 0 where there is none."""
    import pyarrow as pa

    found = pa.array([runs.get(str(id), 0) for id in table.column("_id").to_pylist()], pa.int64())
    return table.set_column(table.schema.get_field_index("_run"), "_run", found)


def flagged(document: Document) -> bool:
    """Whether a check left a warning on one of the entity's attributes."""
    return any(
        FLAG in instance
        for attribute in document.values()
        if isinstance(attribute, dict | list)
        for instance in (attribute if isinstance(attribute, list) else [attribute])
        if isinstance(instance, dict)
    )


def value_at(document: Document, path: list[str]) -> Any:
    """The plain value of an attribute (its default instance) or of a member of it; None if it is absent."""
    found: Any = document.get(path[0])
    if isinstance(found, list) and path[0] not in ("type", "scope"):
        found = next((one for one in found if isinstance(one, dict) and "datasetId" not in one), found[0])
    for member in path[1:]:
        found = found.get(member) if isinstance(found, dict) else None
    return _plain(found)


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        if "@value" in found:
            return found["@value"]
        for key in ("value", "object", "languageMap", "json", "vocab"):
            if key in found:
                return _plain(found[key]) if key == "value" else _flat(found[key])
        return json.dumps(found, ensure_ascii=False)
    return _flat(found)


def _flat(found: Any) -> Any:
    return json.dumps(found, ensure_ascii=False) if isinstance(found, dict | list) else found


def _labels(days: list[tuple[int, int, int] | None], definition: Definition) -> Iterator[str | None]:
    for day in days:
        if definition.per == "none":
            yield label_of((0, 0, 0), "none")
        else:
            yield label_of(day, definition.per) if day else None


def _no_such_attribute(definition: Definition, name: str, seen: set[str]) -> str:
    known = sorted(seen - {"id", "type", "scope", "@context"})
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "they have " + ", ".join(known[:20])
    return f"no {definition.source} of this place has an attribute {name!r}; {hint}"


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*")


def _typed(values: list[Any], zone: ZoneInfo) -> pa.Array[Any]:
    """Whole numbers, numbers, truth values, dates, local times or text: the narrowest that holds every
    value.
    """
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds == {str}:
        return _typed_text(values, zone)
    return pa.array(
        [value if value is None or isinstance(value, str) else json.dumps(value) for value in values],
        pa.string(),
    )


def _typed_text(values: list[str | None], zone: ZoneInfo) -> pa.Array[Any]:
    import pyarrow as pa

    try:
        if all(value is None or _DATE.fullmatch(value) for value in values):
            return pa.array([value and date.fromisoformat(value) for value in values], pa.date32())
        if all(value is None or _TIME.fullmatch(value) for value in values):
            return pa.array([value and _local(value, zone) for value in values], pa.timestamp("us"))
    except ValueError:
        pass
    return pa.array(values, pa.string())


def _local(text: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
