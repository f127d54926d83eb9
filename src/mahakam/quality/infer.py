"""A first contract from a file: what its values have in common. A person then says which of it is a rule and
which chance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from mahakam.quality.profile import ColumnProfile, Profile, pairs, profile

_KEY_NAMES = re.compile(r"(?i)(^|[_ .-])(id|kode|code|key|no|nomor|number|tanggal|date|uuid)($|[_ .-])|id$")


def infer(connection: Any, relation: str, columns: Sequence[str], name: str) -> dict[str, Any]:
    """An ODCS document that the rows of the table or view follow: types, missing marks, formats, keys,
    ranges, codes.

    ``name`` is the file's name without its ending: it gives the contract's id and the entity type.
    """
    seen = profile(connection, relation, columns)
    return document(seen, name, _key(connection, relation, seen))


def document(seen: Profile, name: str, key: Sequence[str] = ()) -> dict[str, Any]:
    """The contract of a profile."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "data"
    names = _field_names([column.name for column in seen.columns])
    properties = []
    for column, field in zip(seen.columns, names, strict=True):
        properties.append(
            _property(column, field, list(key).index(column.name) + 1 if column.name in key else 0, len(key))
        )
    schema: dict[str, Any] = {"name": entity_name(name), "properties": properties}
    if seen.markers:
        schema["customProperties"] = [{"property": "missing", "value": seen.markers}]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": slug,
        "version": "0.1.0",
        "status": "draft",
        "description": {"purpose": f"Inferred from {seen.rows} rows; check each rule before relying on it."},
        "schema": [schema],
    }


def to_yaml(contract: dict[str, Any]) -> str:
    """The document as YAML, fields in the order of the standard."""
    text: str = yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=110)
    return text


def entity_name(name: str) -> str:
    """A file's name as a type: ``air-quality 2025`` → ``AirQuality2025``."""
    joined = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", name) if part)
    return joined if joined and joined[0].isalpha() else f"Data{joined}"


def _field_names(columns: Sequence[str]) -> list[str]:
    """Attribute names: letters, digits and ``_``, each once."""
    taken: set[str] = set()
    names = []
    for column in columns:
        base = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_") or "column"
        base = base if base[0].isalpha() else f"c_{base}"
        name, again = base, 1
        while name in taken:
            again += 1
            name = f"{base}_{again}"
        taken.add(name)
        names.append(name)
    return names


def _property(column: ColumnProfile, name: str, position: int, parts: int) -> dict[str, Any]:
    kind = column.kind
    prop: dict[str, Any] = {"name": name}
    if column.name != name:
        prop["physicalName"] = column.name
    prop["logicalType"] = kind.logical
    if kind.geometry:
        prop["physicalType"] = "geometry"
    options = _options(column)
    if options:
        prop["logicalTypeOptions"] = options
    if kind.decimal != "." or kind.group:
        prop["customProperties"] = [
            {"property": "decimal", "value": kind.decimal},
            {"property": "group", "value": kind.group},
        ]
    if column.complete:
        prop["required"] = True
    if position:
        prop["primaryKey"] = True
        if parts > 1:
            prop["primaryKeyPosition"] = position
    if column.values:
        arguments = {"validValues": column.values}
        prop["quality"] = [
            {"metric": "invalidValues", "arguments": arguments, "mustBe": 0, "dimension": "conformity"}
        ]
    return prop


def _options(column: ColumnProfile) -> dict[str, Any]:
    kind = column.kind
    options: dict[str, Any] = {}
    if kind.format:
        options["format"] = kind.format
    if kind.logical in ("integer", "number") and column.low is not None:
        options["minimum"], options["maximum"] = column.low, column.high
    if kind.logical in ("date", "time") and column.low is not None:
        options["minimum"], options["maximum"] = column.low.isoformat(), column.high.isoformat()
    if kind.logical == "string" and column.digits and column.length > 1:
        options["pattern"] = f"^[0-9]{{{column.length}}}$"
    return options


def _key(connection: Any, relation: str, seen: Profile) -> tuple[str, ...]:
    """The column, or the two columns, whose values occur once; a name that sounds like a key comes first."""
    if seen.rows < 2:
        return ()
    single = [
        c for c in seen.columns if c.unique and c.kind.logical not in ("number", "object", "array", "boolean")
    ]
    if single:
        return (next((c for c in single if _KEY_NAMES.search(c.name)), single[0]).name,)
    for first, second in pairs(seen.columns):
        if _distinct(connection, relation, first, second) == seen.rows:
            return (first.name, second.name)
    return ()


def _distinct(connection: Any, relation: str, first: ColumnProfile, second: ColumnProfile) -> int:
    from mahakam.quality.functions import Functions
    from mahakam.quality.typing_sql import identifier, typed

    functions = Functions(None)
    pair = ", ".join(typed(identifier(column.name), column.kind, functions) for column in (first, second))
    sql = f"SELECT count(*) FROM (SELECT DISTINCT {pair} FROM {identifier(relation)})"  # noqa: S608 - names are quoted
    return int(connection.execute(sql).fetchall()[0][0])
