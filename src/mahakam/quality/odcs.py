"""The shape of an Open Data Contract Standard v3 document: every field that it has, so that an unknown one
can be named.

A test holds these tables against the models of the package open-data-contract-standard, which is too slow to
import here.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Final

TEXT: Final = "text"
NUMBER: Final = "a number"
WHOLE: Final = "a whole number"
FLAG: Final = "true or false"
ANY: Final = "any"
TEXTS: Final = "a list of text"

_COMMON = {
    "id": TEXT,
    "customProperties": ["CustomProperty"],
    "authoritativeDefinitions": ["AuthoritativeDefinition"],
}
_ELEMENT = {
    **_COMMON, "name": TEXT, "physicalType": TEXT, "physicalName": TEXT, "description": TEXT,
    "businessName": TEXT,
    "deprecated": FLAG, "synonyms": ["Synonym"], "tags": TEXTS, "relationships": ["Relationship"],
    "quality": ["DataQuality"],
    "logicalType": TEXT, "properties": ["SchemaProperty"],
}  # fmt: skip

SHAPES: Final[dict[str, dict[str, Any]]] = {
    "OpenDataContractStandard": {
        **_COMMON, "version": TEXT, "kind": TEXT, "apiVersion": TEXT, "name": TEXT, "tenant": TEXT,
        "tags": TEXTS, "status": TEXT,
        "servers": ["Server"], "dataProduct": TEXT, "description": "Description", "domain": TEXT,
        "schema": ["SchemaObject"],
        "support": ["Support"], "price": "Pricing", "team": ANY, "roles": ["Role"], "slaDefaultElement": TEXT,
        "slaProperties": ["ServiceLevelAgreementProperty"], "context": ANY, "contractCreatedTs": TEXT,
    },
    "SchemaObject": {**_ELEMENT, "dataGranularityDescription": TEXT, "context": ANY},
    "SchemaProperty": {
        **_ELEMENT, "primaryKey": FLAG, "primaryKeyPosition": WHOLE, "logicalTypeOptions": ANY,
        "semanticType": TEXT,
        "required": FLAG, "unique": FLAG, "partitioned": FLAG, "partitionKeyPosition": WHOLE,
        "classification": TEXT,
        "encryptedName": TEXT, "transformSourceObjects": TEXTS, "transformLogic": TEXT,
        "transformDescription": TEXT,
        "examples": [ANY], "enum": ["EnumValue"], "criticalDataElement": FLAG, "items": "SchemaProperty",
        "map": "MapDefinition",
    },
    "DataQuality": {
        **_COMMON, "businessImpact": TEXT, "description": TEXT, "dimension": TEXT, "method": TEXT,
        "name": TEXT, "schedule": TEXT,
        "scheduler": TEXT, "severity": TEXT, "tags": TEXTS, "type": TEXT, "unit": TEXT, "metric": TEXT,
        "rule": TEXT,
        "arguments": ANY, "mustBe": ANY, "mustNotBe": ANY, "mustBeGreaterThan": NUMBER,
        "mustBeGreaterOrEqualTo": NUMBER,
        "mustBeLessThan": NUMBER, "mustBeLessOrEqualTo": NUMBER, "mustBeBetween": [NUMBER],
        "mustNotBeBetween": [NUMBER],
        "query": TEXT, "engine": TEXT, "implementation": ANY,
    },
    "Relationship": {"id": TEXT, "type": TEXT, "from": ANY, "to": ANY,
    "customProperties": ["CustomProperty"]},
    "EnumValue": {**_COMMON, "value": ANY, "label": TEXT, "description": TEXT, "tags": TEXTS},
    "MapDefinition": {"key": "SchemaProperty", "value": "SchemaProperty"},
    "Synonym": {
        "id": TEXT, "synonym": TEXT, "description": TEXT, "locale": TEXT, "source": TEXT, "status": TEXT,
        "customProperties": ["CustomProperty"],
    },
    "CustomProperty": {"id": TEXT, "property": TEXT, "value": ANY, "description": TEXT, "vendor": TEXT},
    "AuthoritativeDefinition": {"id": TEXT, "url": TEXT, "type": TEXT, "description": TEXT},
    "Description": {
        "usage": TEXT, "purpose": TEXT, "limitations": TEXT,
        "authoritativeDefinitions": ["AuthoritativeDefinition"],
        "customProperties": ["CustomProperty"],
    },
    "Support": {
        "id": TEXT, "channel": TEXT, "url": TEXT, "description": TEXT, "tool": TEXT, "scope": TEXT,
        "invitationUrl": TEXT,
        "customProperties": ["CustomProperty"],
    },
    "Pricing": {"id": TEXT, "priceAmount": NUMBER, "priceCurrency": TEXT, "priceUnit": TEXT},
    "Role": {
        "id": TEXT, "role": TEXT, "description": TEXT, "access": TEXT, "firstLevelApprovers": TEXT,
        "secondLevelApprovers": TEXT,
        "customProperties": ["CustomProperty"],
    },
    "ServiceLevelAgreementProperty": {
        **_COMMON, "property": TEXT, "value": ANY, "valueExt": ANY, "unit": TEXT, "element": TEXT,
        "driver": TEXT,
        "description": TEXT, "scheduler": TEXT, "schedule": TEXT,
    },
    "Server": {
        "id": TEXT, "server": TEXT, "type": TEXT, "description": TEXT, "environment": TEXT, "roles": ["Role"],
        "customProperties": ["CustomProperty"], "account": TEXT, "catalog": TEXT, "catalogUrl": TEXT,
        "database": TEXT,
        "dataset": TEXT, "delimiter": TEXT, "encoding": TEXT, "endpointUrl": TEXT, "format": TEXT,
        "host": TEXT, "location": TEXT,
        "namespace": TEXT, "path": TEXT, "port": ANY, "project": TEXT, "region": TEXT, "regionName": TEXT,
        "schema": TEXT,
        "serviceName": TEXT, "stagingDir": TEXT, "stream": TEXT, "warehouse": TEXT, "workgroup": TEXT,
    },
}  # fmt: skip
"""Object → field → what it holds: a kind of scalar, the name of an object, or a list of one of these."""


class ContractError(Exception):
    """A contract that cannot be used: says the file, the path in it, the problem and what would be right.

    ``source`` is the file (or what stands for it), ``where`` the path in it, e.g.
    ``schema[0].properties[2].required``.
    """

    def __init__(self, source: Path | str, where: str, problem: str) -> None:
        place = f"{source}: {where}: " if where else f"{source}: "
        super().__init__(place + problem)
        self.source = source
        self.where = where
        self.problem = problem


def check_shape(source: Path | str, document: Any) -> None:
    """Refuse a field that the standard does not have, and a value of the wrong sort.

    Raises ContractError that names the path, the field and the nearest known one.
    """
    _check_object(source, document, "OpenDataContractStandard", "")


def nearest(name: str, known: Any) -> str:
    """``; did you mean 'x'?`` or the list of what there is."""
    close = difflib.get_close_matches(str(name), list(known), 1, 0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(sorted(known))}"


def _check_object(source: Path | str, value: Any, shape: str, where: str) -> None:
    if not isinstance(value, dict):
        raise ContractError(source, where, f"must be a mapping (key: value), not {_said(value)}")
    fields = SHAPES[shape]
    for key, held in value.items():
        if key not in fields:
            raise ContractError(
                source, where, f"unknown field {key!r}{_elsewhere(key) or nearest(key, fields)}"
            )
        if held is not None:
            _check_value(source, held, fields[key], f"{where}.{key}" if where else key)


def _elsewhere(key: str) -> str:
    if key in ("validValues", "missingValues", "pattern", "properties"):
        return f"; it belongs in arguments: {{{key}: …}} (or, for a string's pattern, in logicalTypeOptions)"
    if key in (
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "format",
        "multipleOf",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ):
        return f"; it belongs in logicalTypeOptions: {{{key}: …}}"
    return ""


def _check_value(source: Path | str, value: Any, holds: Any, where: str) -> None:
    if holds == ANY:
        return
    if isinstance(holds, list):
        if not isinstance(value, list):
            raise ContractError(source, where, f"must be a list, not {_said(value)}")
        for index, item in enumerate(value):
            _check_value(source, item, holds[0], f"{where}[{index}]")
    elif holds == TEXTS:
        _check_value(source, value, [TEXT], where)
    elif holds in SHAPES:
        _check_object(source, value, holds, where)
    elif not _is(value, holds):
        hint = "; put it in quotes" if holds == TEXT and not isinstance(value, dict | list) else ""
        raise ContractError(source, where, f"must be {holds}, not {_said(value)}{hint}")


def _is(value: Any, holds: str) -> bool:
    if holds == TEXT:
        return isinstance(value, str)
    if holds == FLAG:
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if holds == WHOLE else isinstance(value, int | float)


def _said(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return (
        f"{names.get(type(value), 'the value')} {value!r}"[:120]
        if not isinstance(value, dict | list)
        else names[type(value)]
    )
