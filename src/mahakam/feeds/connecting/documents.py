"""A draft as the two documents of a place: the contract (ODCS) and the feed."""

from __future__ import annotations

from typing import Any

from mahakam.feeds.connecting.draft import Column, Draft, asked_across, rule_renamed, rules
from mahakam.feeds.sources.model import GEOMETRY

POINT = "location"


def contract_document(draft: Draft) -> dict[str, Any]:
    """The Open Data Contract Standard document that the draft decides."""
    properties = [_property(draft, column) for column in draft.used]
    if draft.location:
        properties.append({"name": POINT, "logicalType": "object", "physicalType": "geometry"})
    schema: dict[str, Any] = {"name": draft.entity, "properties": properties}
    names = {str(one.property["name"]): one.field for one in draft.used}
    across = [rule_renamed(rule, names) for n, rule in asked_across(draft) if n not in draft.across_off]
    if across:
        schema["quality"] = across
    if draft.markers:
        schema["customProperties"] = [{"property": "missing", "value": list(draft.markers)}]
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": draft.slug,
        "name": draft.title,
        "version": "0.1.0",
        "status": "active",
        "description": {"purpose": draft.title},
        "schema": [schema],
    }
    return document


def feed_document(draft: Draft) -> dict[str, Any]:
    """The feed; without a key the rows are kept as a table, as no row could be told from another."""
    source: dict[str, Any] = {"file": f"data/{draft.file}", **draft.pins}
    if draft.totals and draft.totals_out:
        source["skip"] = draft.totals
    fields: dict[str, Any] = {column.field: _origin(column) for column in draft.used}
    if draft.location:
        fields[POINT] = {"longitude": draft.point[0], "latitude": draft.point[1]}
        if any(c.name in draft.point and _decimal(c) == "," for c in draft.columns):
            fields[POINT]["number"] = {"decimal": ",", "group": "."}
    document: dict[str, Any] = {
        "title": draft.title,
        "source": source,
        "contract": draft.slug,
        "map": fields,
    }
    if draft.keys:
        parts = ":".join(f"{{{column.field}}}" for column in draft.keys)
        document["entity"] = {"id": f"urn:ngsi-ld:{draft.entity}:{draft.place}:{parts}"}
    else:
        document["store"] = "dataset"
    if draft.owner:
        document["owner"] = draft.owner
    return document


def _origin(column: Column) -> Any:
    return {"geometry": True} if column.name == GEOMETRY else {"column": column.name}


def _decimal(column: Column) -> str:
    marks = {one["property"]: one["value"] for one in column.property.get("customProperties", ())}
    return str(marks.get("decimal", "."))


def _property(draft: Draft, column: Column) -> dict[str, Any]:
    """The inferred property with the officer's decisions; what belongs to another type goes with that type."""
    inferred = column.property
    same = column.type == inferred["logicalType"]
    made: dict[str, Any] = {"name": column.field, "logicalType": column.type}
    if column.field != column.name and column.name != GEOMETRY:
        made["physicalName"] = column.name
    if same and inferred.get("physicalType"):
        made["physicalType"] = inferred["physicalType"]
    known = rules(column)
    if same:
        options = dict(inferred.get("logicalTypeOptions", {}))
        for key in column.off:
            for name in known.get(key, {}) if key in ("range", "pattern") else ():
                options.pop(name, None)
        if options:
            made["logicalTypeOptions"] = options
        if inferred.get("customProperties"):
            made["customProperties"] = inferred["customProperties"]
    if column.required or column.key:
        made["required"] = True
    if column.key:
        made["primaryKey"] = True
        if len(draft.keys) > 1:
            made["primaryKeyPosition"] = draft.keys.index(column) + 1
    if column.personal:
        made["classification"] = "personal"
    names = {one.name: one.field for one in draft.used}
    by_field = {str(one.property["name"]): names.get(one.name, "") for one in draft.columns}
    quality = [
        renamed
        for key, rule in known.items()
        if key.startswith("rule") and key not in column.off and (same or column.type == "string")
        if (renamed := _renamed(rule, str(inferred["name"]), column.field, by_field)) is not None
    ]
    if quality:
        made["quality"] = quality
    return made


def _renamed(rule: dict[str, Any], old: str, new: str, by_field: dict[str, str]) -> dict[str, Any] | None:
    """The rule with fields by their new names; None if it needs a column that is not used."""
    text = rule.get("implementation")
    if isinstance(text, str):
        return rule_renamed(rule, {old: new})
    if isinstance(text, dict) and "by" in text:
        by = by_field.get(str(text["by"]), "")
        return {**rule, "implementation": {**text, "by": by}} if by else None
    return rule
