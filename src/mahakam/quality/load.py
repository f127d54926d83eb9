"""From an Open Data Contract Standard document to contracts: strict, so that a rule that is misspelt is not a
rule unheard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mahakam.config import ConfigError, read_yaml
from mahakam.quality import lexical
from mahakam.quality.contract import Contract, Field
from mahakam.quality.inside import Shape, nested
from mahakam.quality.lexical import LOGICAL, FormatError, Kind
from mahakam.quality.odcs import ContractError, check_shape, nearest
from mahakam.quality.rules import RuleBuilder

STATUSES = ("proposed", "draft", "active", "deprecated", "retired")
_TEXT_OPTIONS = ("minLength", "maxLength", "pattern", "format")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
OPTIONS: dict[str, tuple[str, ...]] = {
    "string": _TEXT_OPTIONS,
    "integer": (*_BOUNDS, "multipleOf", "format"),
    "number": (*_BOUNDS, "multipleOf", "format"),
    "date": (*_BOUNDS, "format"),
    "time": (*_BOUNDS, "format"),
    "timestamp": (*_BOUNDS, "format", "timezone", "defaultTimezone"),
    "object": ("minProperties", "maxProperties", "required"),
    "array": ("minItems", "maxItems", "uniqueItems"),
    "boolean": (),
}
"""The options of each logical type (ODCS, Logical Type Options)."""


def load(path: Path) -> Contract:
    """The contract in a file; if its schema has several objects, the first.

    Raises ContractError with file, path in it, problem and what would be right.
    """
    return load_all(path)[0]


def load_all(path: Path) -> list[Contract]:
    """The contracts in a file, one for each object of its ``schema``.

    Raises ContractError.
    """
    try:
        document = read_yaml(path)
    except ConfigError as error:
        raise ContractError(error.path, "", error.problem) from error
    return parse_document(document, path)


def parse_document(document: Mapping[str, Any], source: Path | str = "contract") -> list[Contract]:
    """The contracts of a document that was read already.

    Raises ContractError.
    """
    check_shape(source, document)
    _check_head(source, document)
    objects = document.get("schema") or []
    if not objects:
        raise ContractError(
            source,
            "schema",
            "is missing; it lists what the contract is about: schema: [{name: …, properties: […]}]",
        )
    return [_contract(source, document, item, f"schema[{index}]") for index, item in enumerate(objects)]


def _check_head(source: Path | str, document: Mapping[str, Any]) -> None:
    kind = document.get("kind")
    if kind != "DataContract":
        raise ContractError(source, "kind", f"must be DataContract, not {kind!r}")
    version = str(document.get("apiVersion", ""))
    if not version.startswith("v3."):
        raise ContractError(
            source, "apiVersion", f"must be v3.x (for example v3.1.0), not {version or 'missing'!r}"
        )
    for name in ("id", "version", "status"):
        if not document.get(name):
            raise ContractError(source, name, "is missing; every contract has an id, a version and a status")
    if document["status"] not in STATUSES:
        raise ContractError(
            source, "status", f"unknown status {document['status']!r}{nearest(document['status'], STATUSES)}"
        )


def _contract(
    source: Path | str, document: Mapping[str, Any], item: Mapping[str, Any], where: str
) -> Contract:
    name = item.get("name")
    if not name:
        raise ContractError(source, where, "needs a name: the entity type")
    properties = item.get("properties") or []
    if not properties:
        raise ContractError(source, f"{where}.properties", "is missing; it lists the fields")
    fields: dict[str, Field] = {}
    for index, prop in enumerate(properties):
        made = _field(source, prop, f"{where}.properties[{index}]")
        if made.name in fields:
            raise ContractError(
                source, f"{where}.properties[{index}].name", f"the field {made.name!r} is listed twice"
            )
        fields[made.name] = made
    fields = _key_positions(source, properties, fields, where)
    builder = RuleBuilder(source, fields, name)
    for index, prop in enumerate(properties):
        builder.add_property(fields[prop["name"]], prop, f"{where}.properties[{index}]")
    builder.add_schema(item, where)
    description = item.get("description") or (document.get("description") or {}).get("purpose") or ""
    return Contract(
        id=document["id"],
        version=document["version"],
        status=document["status"],
        entity=name,
        source=source,
        fields=MappingProxyType(fields),
        rules=tuple(builder.finish()),
        name=source.stem if isinstance(source, Path) else str(document["id"]),
        title=item.get("businessName") or document.get("name") or name,
        description=description,
        missing=_missing(source, item, where),
        history=_history(source, item, where),
    )


def _missing(source: Path | str, item: Mapping[str, Any], where: str) -> frozenset[str]:
    value = _custom(item).get("missing", [])
    if not isinstance(value, list) or not all(isinstance(marker, str) for marker in value):
        raise ContractError(
            source, f"{where}.customProperties", 'missing must be a list of text, e.g. ["---", "N/A"]'
        )
    return frozenset(value)


def _history(source: Path | str, item: Mapping[str, Any], where: str) -> bool | None:
    value = _custom(item).get("history")
    if value in ("on", "off"):
        return bool(value == "on")
    if value is not None and not isinstance(value, bool):  # YAML reads a bare on or off as true or false
        raise ContractError(source, f"{where}.customProperties", f"history must be on or off, not {value!r}")
    return value


def _custom(item: Mapping[str, Any]) -> dict[str, Any]:
    return {str(c.get("property")): c.get("value") for c in item.get("customProperties") or []}


def _field(source: Path | str, prop: Mapping[str, Any], where: str) -> Field:
    name = prop.get("name")
    if not name:
        raise ContractError(source, where, "needs a name")
    logical = prop.get("logicalType", "string")
    if logical not in LOGICAL:
        raise ContractError(
            source, f"{where}.logicalType", f"unknown logicalType {logical!r}{nearest(logical, LOGICAL)}"
        )
    options = prop.get("logicalTypeOptions") or {}
    at = f"{where}.logicalTypeOptions"
    if not isinstance(options, Mapping):
        raise ContractError(source, at, "must be a mapping (option: value)")
    for key in options:
        if key not in OPTIONS[logical]:
            hint = nearest(key, OPTIONS[logical]) if OPTIONS[logical] else "; it has none"
            raise ContractError(source, at, f"unknown option {key!r} of a {logical}{hint}")
    if prop.get("primaryKeyPosition") is not None and not prop.get("primaryKey"):
        raise ContractError(source, f"{where}.primaryKeyPosition", "goes with primaryKey: true")
    return Field(
        name=name,
        kind=_kind(source, prop, logical, options, where),
        required=bool(prop.get("required")) or bool(prop.get("primaryKey")),
        physical=prop.get("physicalName") or "",
        title=prop.get("businessName") or "",
        description=prop.get("description") or "",
        personal=(prop.get("classification") or "").lower() in ("personal", "restricted", "confidential"),
        internal=(prop.get("classification") or "").lower() == "internal",
        declared=bool(prop.get("classification")),
        readers=_readers(source, prop, where),
        values=tuple(entry.get("value") for entry in prop.get("enum") or []),
        options=MappingProxyType(dict(options)),
        inside=_inside(source, prop, logical, where),
    )


def _inside(source: Path | str, prop: Mapping[str, Any], logical: str, where: str) -> Shape | None:
    """What must stand inside a list or an object."""
    if logical not in ("array", "object"):
        return None

    def kind_of(one: Mapping[str, Any], at: str) -> Kind:
        return _field(source, {"name": "item", **one}, at).kind

    for n, one in enumerate(prop.get("properties") or []):
        if not one.get("name"):
            raise ContractError(source, f"{where}.properties[{n}]", "needs a name")
    return nested(prop, kind_of, where)


def _readers(source: Path | str, prop: Mapping[str, Any], where: str) -> frozenset[str] | None:
    """Which roles there are is for the policy to say (``access.rights``)."""
    value = _custom(prop).get("readers")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ContractError(
            source,
            f"{where}.customProperties",
            'readers must be a list of roles, e.g. [steward, "officer@health"]; [] is nobody',
        )
    return frozenset(value)


def _kind(
    source: Path | str, prop: Mapping[str, Any], logical: Any, options: Mapping[str, Any], where: str
) -> Kind:
    geometry = logical == "object" and (prop.get("physicalType") or "").lower() == "geometry"
    custom = _custom(prop)
    decimal, group = str(custom.get("decimal", ".")), str(custom.get("group", ""))
    if (
        len(decimal) != 1
        or len(group) > 1
        or decimal == group
        or (decimal + group).strip("0123456789+-") != decimal + group
    ):
        raise ContractError(
            source,
            f"{where}.customProperties",
            f"decimal {decimal!r} and group {group!r} must be two different marks",
        )
    if (decimal != "." or group) and logical not in ("integer", "number"):
        raise ContractError(
            source, f"{where}.customProperties", "decimal and group are for the types integer and number"
        )
    form = options.get("format") or "" if logical in ("date", "time", "timestamp") else ""
    try:
        lexical.compile_format(form)
    except FormatError as error:
        raise ContractError(source, f"{where}.logicalTypeOptions.format", str(error)) from error
    zone = str(options.get("defaultTimezone") or "")
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        at = f"{where}.logicalTypeOptions.defaultTimezone"
        raise ContractError(source, at, f"{zone!r} is not a timezone; write one as Asia/Makassar") from error
    return Kind(logical, geometry, form, decimal, group, zone)


def _key_positions(
    source: Path | str, properties: list[Mapping[str, Any]], fields: Mapping[str, Field], where: str
) -> dict[str, Field]:
    """The fields with their place in the primary key: as given, or in the order they are listed."""
    import dataclasses

    keyed = [(index, prop) for index, prop in enumerate(properties) if prop.get("primaryKey")]
    given: dict[str, int] = {}
    for order, (index, prop) in enumerate(keyed, 1):
        position = prop.get("primaryKeyPosition") or -1
        position = order if position == -1 else position
        if position in given.values() or position < 1:
            at = f"{where}.properties[{index}].primaryKeyPosition"
            raise ContractError(
                source, at, f"position {position} is taken or less than 1; number the key's fields 1, 2, 3"
            )
        given[prop["name"]] = position
    return {name: dataclasses.replace(f, key=given.get(name, 0)) for name, f in fields.items()}
