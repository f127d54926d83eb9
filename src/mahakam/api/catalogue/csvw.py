"""Metadata of a CSV file for the Web (https://www.w3.org/TR/tabular-metadata/): its columns, types, keys and units."""

from __future__ import annotations

from typing import Any

from mahakam.feeds.catalogue import licences
from mahakam.feeds.catalogue.entry import Column, Entry

_TYPES = {
    "integer": "integer", "number": "double", "boolean": "boolean", "date": "date", "time": "time",
    "timestamp": "datetime", "object": "json", "array": "json",
}  # fmt: skip
_BOUNDS = (
    ("minimum", "minimum"), ("maximum", "maximum"), ("exclusiveMinimum", "minExclusive"),
    ("exclusiveMaximum", "maxExclusive"), ("minLength", "minLength"), ("maxLength", "maxLength"),
)  # fmt: skip


def csvw(root: str, one: Entry, names: list[str]) -> dict[str, Any]:
    """The metadata document of the table ``PLACE/FEED.csv`` with these columns."""
    known = {column.name: column for column in one.columns}
    made: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": f"{root}{one.path}.csv",
        "dc:title": [{"@value": text, "@language": code} for code, text in one.feed.title.items()],
        "dc:creator": one.producer,
        "dialect": {"encoding": "utf-8", "header": True, "delimiter": ","},
        "tableSchema": {"columns": [_column(name, known.get(name)) for name in names]},
    }
    if one.feed.licence:
        found = licences.known(one.feed.licence)
        made["dc:license"] = {"@id": found.url} if found else one.feed.licence
    if one.feed.origin:
        made["dc:source"] = one.feed.origin
    key = [name for name in one.contract.key if name in names]
    if key and len(key) == len(one.contract.key):
        made["tableSchema"]["primaryKey"] = key
    elif "id" in names:
        made["tableSchema"]["primaryKey"] = "id"
    return made


def _column(name: str, column: Column | None) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "titles": name}
    if column is None:
        return made | {"datatype": "string"}
    if column.description or column.title:
        made["dc:description"] = column.description or column.title
    if column.field.required:
        made["required"] = True
    datatype: dict[str, Any] = {"base": _TYPES.get(column.kind, "string")}
    for option, member in _BOUNDS:
        if (bound := column.field.options.get(option)) is not None and column.kind not in ("object", "array"):
            datatype[member] = bound
    if column.values and column.kind == "string":
        import re

        datatype["format"] = "|".join(re.escape(value) for value in column.values)
    made["datatype"] = datatype if len(datatype) > 1 else datatype["base"]
    if column.unit:
        made["http://qudt.org/schema/qudt/uneceCommonCode"] = column.unit
    return made
