"""The OpenAPI 3.1 document of what is served under ``/ngsi-ld/v1``, built from the routes."""

from __future__ import annotations

from typing import Any

import mahakam
from mahakam.api.ngsild.attributes import APPEND_OPTIONS
from mahakam.api.ngsild.call import BASE, GEO_JSON, JSON, JSON_LD, MERGE_PATCH
from mahakam.api.ngsild.entities import DEFAULT_LIMIT, FILTERS, MAX_LIMIT
from mahakam.api.ngsild.presentation import FORMS, READ_OPTIONS
from mahakam.api.ngsild.routes import ROUTES, Route
from mahakam.api.ngsild.temporal_reads import FORMS as EVOLUTION_FORMS
from mahakam.api.ngsild.temporal_reads import OPTIONS, TEMPORAL
from mahakam.api.openapi_conditions import condition_parameters, tag_headers, takes_conditions
from mahakam.api.openapi_subscription import subscription_schemas
from mahakam.broker.federation.operations import GROUPS, KNOWN
from mahakam.broker.federation.registration import MODES
from mahakam.broker.joining import MAX_LEVEL
from mahakam.ngsild.entity import VALUE_MEMBER
from mahakam.ngsild.geometry import GEOMETRY_TYPES
from mahakam.ngsild.temporal_aggregate import METHODS
from mahakam.ngsild.temporal_query import TIMEPROPERTIES, TIMERELS

_URI = {"type": "string", "format": "uri", "examples": ["urn:ngsi-ld:WeatherObserved:samarinda-1"]}
_NAME = {"type": "string", "minLength": 1, "examples": ["temperature"]}
_BOOLEAN = {"type": "boolean", "default": False}
_NAMES = {"type": "string", "description": "names, separated by commas", "examples": ["temperature,name"]}

_PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "id": ("Ids of the entities wanted, separated by commas", {"type": "string"}),
    "type": ("Entity-type selection: A,B or (A;B)", {"type": "string", "minLength": 1}),
    "idPattern": ("A regular expression that the id contains", {"type": "string", "maxLength": 256}),
    "attrs": ("Attributes of which an entity must have one; the answer has no others", _NAMES),
    "pick": ("Members that the answer has", _NAMES),
    "omit": ("Members that the answer does not have", _NAMES),
    "q": (
        "Query language of clause 4.9",
        {"type": "string", "examples": ['temperature>30;category=="BAIK"']},
    ),
    "jsonKeys": ("Attributes in q whose keys are plain JSON: here they always are", _NAMES),
    "expandValues": ("Attributes whose values in q are words of the @context", _NAMES),
    "scopeQ": ("Scope query", {"type": "string", "examples": ["/kaltim/#"]}),
    "georel": (
        "Relation to the reference geometry",
        {"type": "string", "examples": ["near;maxDistance==2000", "within"]},
    ),
    "geometry": ("Type of the reference geometry", {"enum": sorted(GEOMETRY_TYPES - {"GeometryCollection"})}),
    "coordinates": (
        "Coordinates of the reference geometry",
        {"type": "string", "examples": ["[117.15,-0.5]"]},
    ),
    "geoproperty": ("GeoProperty that is compared", {**_NAME, "default": "location"}),
    "bbox": ("west,south,east,north in degrees", {"type": "string", "examples": ["117.0,-0.7,117.3,-0.3"]}),
    "limit": (
        "Entities a page",
        {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    "offset": ("Entities before the page", {"type": "integer", "minimum": 0, "maximum": 2**53, "default": 0}),
    "cursor": (
        "Where the page begins, as the link to it says: nothing is left out or told twice while data changes",
        {"type": "integer", "minimum": 1},
    ),
    "count": ("Whether the header NGSILD-Results-Count is wanted", _BOOLEAN),
    "local": ("Only what this node stores, no context source", _BOOLEAN),
    "details": ("Whether the answer says more than names", _BOOLEAN),
    "lang": ("Preferred languages (RFC 4647)", {"type": "string", "examples": ["id,en;q=0.5"]}),
    "datasetId": ("The instance wanted of attributes that have several", _URI),
    "deleteAll": ("Whether all instances of the attribute go", _BOOLEAN),
    "geometryProperty": (
        "GeoProperty that becomes the geometry of GeoJSON",
        {**_NAME, "default": "location"},
    ),
    "observedAt": ("Time of what is merged", {"type": "string", "format": "date-time"}),
    "format": ("Representation of the answer", {"enum": sorted(FORMS)}),
    "orderBy": ("Keys of the order", {"type": "string", "examples": ["name;desc,temperature"]}),
    "orderFrom": (
        "Coordinates that distances are measured from",
        {"type": "string", "examples": ["[117.15,-0.5]"]},
    ),
    "collation": ("How texts are ordered: a language tag", {"type": "string", "examples": ["und"]}),
    "keep": ("Attributes that stay; the others go", _NAMES),
    "drop": ("Attributes that go", _NAMES),
    "entityMap": ("Whether the ids found are kept as an entity map", _BOOLEAN),
    "entityMapLifetime": ("How long the entity map is kept", {"type": "string", "examples": ["PT10M"]}),
    "join": ("Whether linked entities come too, and how", {"enum": ["inline", "flat", "@none"]}),
    "joinLevel": (
        "Over how many links",
        {"type": "integer", "minimum": 1, "maximum": MAX_LEVEL, "default": 1},
    ),
    "containedBy": ("Ids of entities that are not wanted again", {"type": "string"}),
    "csf": ("Condition on the registrations of the sources asked", {"type": "string"}),
    "splitEntities": (
        "Whether one entity may be spread over sources, so that filters are for the whole",
        _BOOLEAN,
    ),
    "timerel": ("Relation to a time", {"enum": list(TIMERELS)}),
    "timeAt": ("The time, UTC", {"type": "string", "format": "date-time"}),
    "endTimeAt": ("The end of between, UTC", {"type": "string", "format": "date-time"}),
    "timeproperty": ("Which time is meant", {"enum": list(TIMEPROPERTIES)}),
    "lastN": ("The newest so many instances of each attribute", {"type": "integer", "minimum": 1}),
    "aggrMethods": ("Methods of aggregatedValues", {"type": "string", "examples": ["avg,max"]}),
    "aggrPeriodDuration": ("How long a period is", {"type": "string", "examples": ["PT1H"]}),
    "kind": ("Contexts of one kind", {"enum": ["Hosted", "Cached", "ImplicitlyCreated"]}),
    "reload": ("Whether a cached context is fetched again, not deleted", _BOOLEAN),
}
_OPTIONS = {
    "GET": sorted(READ_OPTIONS),
    "/temporal/entities": sorted(OPTIONS),
    "/temporal/entities/{entityId}": sorted(OPTIONS),
    "/temporal/entityOperations/query": sorted(OPTIONS),
    "/entityOperations/query": sorted(READ_OPTIONS),
    "/csourceRegistrations": ["sysAttrs"],
    "/csourceRegistrations/{registrationId}": ["sysAttrs"],
    "/subscriptions": ["sysAttrs"],
    "/subscriptions/{subscriptionId}": ["sysAttrs"],
    "/entityOperations/upsert": ["replace", "update"],
    "/entityOperations/update": ["noOverwrite"],
    "POST": sorted(APPEND_OPTIONS),
    "PATCH": sorted(APPEND_OPTIONS - {"noOverwrite"}),
}
_BODIES = {
    "entity": "Entity",
    "fragment": "Fragment",
    "attribute": "Attribute",
    "entities": "Entities",
    "fragments": "Fragments",
    "ids": "Ids",
    "query": "Query",
    "subscription": "Subscription",
    "subscriptionFragment": "SubscriptionFragment",
    "context": "Context",
    "map": "EntityMap",
    "snapshot": "Snapshot",
    "snapshot-part": "SnapshotPart",
    "registration": "Registration",
    "evolution": "Evolution",
    "instances": "Instances",
    "temporalQuery": "TemporalQuery",
}
_LOCATED = ("entity", "subscription", "context", "registration", "snapshot", "snapshot-part", "evolution")
_REFUSALS = {
    "400": "The request is not valid; reasons name every fault",
    "401": "Sign in",
    "403": "Not allowed, or too much asked for",
    "404": "There is no such thing",
    "406": "No acceptable media type",
    "409": "It exists already",
    "411": "The request has no Content-Length",
    "413": "The body is too large",
    "415": "The media type of the body is not supported",
    "422": "Not served yet",
    "504": "The @context cannot be had",
}
_UNFULFILLED = "If-Match or If-None-Match is not fulfilled"


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mahakam: NGSI-LD",
            "version": mahakam.__version__,
            "description": "The part of ETSI GS CIM 009 that this node serves.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "description": (route.handler.__doc__ or "").strip(),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {
            **{str(status): _answer(route, status) for status in route.statuses},
            **{status: _refusal(why) for status, why in _REFUSALS.items()},
            **({"412": _refusal(_UNFULFILLED)} if takes_conditions(route) else {}),
        },
    }
    if route.body:
        schema = {"$ref": f"#/components/schemas/{_BODIES[route.body]}"}
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
        if route.method == "PATCH":
            operation["requestBody"]["content"][MERGE_PATCH] = {"schema": schema}
    if route.writes:
        operation["security"] = [{"key": []}, {}]
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    schemas = {
        "entityId": _URI,
        "subscriptionId": _URI,
        "contextId": _URI,
        "entityMapId": _URI,
        "snapshotId": _URI,
        "registrationId": _URI,
        "attrId": _NAME,
        "instanceId": _URI,
        "type": _NAME,
    }
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
        if f"{{{name}}}" in route.template
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    for name in sorted(route.parameters):
        if name == "options":
            allowed = _OPTIONS.get(route.template) or _OPTIONS[route.method]
            text, schema = "How the request is meant", {"type": "array", "items": {"enum": allowed}}
            found.append(_parameter(name, text, schema) | {"style": "form", "explode": False})
        elif name == "format" and route.template.startswith("/temporal/"):
            found.append(_parameter(name, _PARAMETERS[name][0], {"enum": list(EVOLUTION_FORMS)}))
        else:
            found.append(_parameter(name, *_PARAMETERS[name]))
    return found


def _parameter(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _headers(route: Route) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"}
    tenant = {"name": "NGSILD-Tenant", "in": "header", "description": "The tenant", "schema": schema}
    return [tenant, *condition_parameters(route)]


def _answer(route: Route, status: int) -> dict[str, Any]:
    if status == 204:
        return {"description": "Done"}
    if status == 304:
        return {"description": "The caller has it already", "headers": tag_headers(route)}
    if status == 206:
        header = {
            "content-range": {
                "schema": {"type": "string"},
                "description": "The times it has, and of how many",
            }
        }
        return {**_answer(route, 200), "description": "Found in part", "headers": header}
    if status == 207:
        return {"description": "Done in part", "content": {JSON: {"schema": {"type": "object"}}}}
    if status == 201 and route.method == "POST":
        if route.body in (
            "entity",
            "subscription",
            "context",
            "registration",
            "snapshot",
            "snapshot-part",
            "evolution",
        ):
            location = {"location": {"schema": {"type": "string"}, "description": "Path of what was made"}}
            return {"description": "Created", "headers": location}
        return {"description": "Created", "content": {JSON: {"schema": {"type": "array", "items": _URI}}}}
    if route.template == "/entities" or route.body == "query":
        many = {"type": "array", "items": {"type": "object", "properties": {"id": _URI}}}
        collection = {"type": "object", "required": ["type", "features"]}
        content = {JSON: {"schema": many}, JSON_LD: {"schema": many}, GEO_JSON: {"schema": collection}}
    elif route.template == "/entities/{entityId}":
        one = {"type": "object"}
        feature = {"type": "object", "required": ["type", "geometry", "properties"]}
        content = {JSON: {"schema": one}, JSON_LD: {"schema": one}, GEO_JSON: {"schema": feature}}
    else:
        content = {JSON: {"schema": {}}, JSON_LD: {"schema": {}}}
    headers = tag_headers(route)
    return {"description": "Found", "content": content} | ({"headers": headers} if headers else {})


def _refusal(why: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {"description": why, "content": {"application/problem+json": {"schema": schema}}}


def _schemas() -> dict[str, Any]:
    name = {"pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"}
    types = {"oneOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}
    members: dict[str, Any] = {
        "type": {"enum": list(VALUE_MEMBER)},
        "observedAt": {"type": "string", "format": "date-time"},
        "unitCode": {"type": "string", "minLength": 1},
        "datasetId": _URI,
        "value": {},
        "object": {"oneOf": [_URI, {"type": "array", "items": _URI}]},
        "languageMap": {"type": "object"},
    }
    attribute = {"type": "object", "properties": members}
    any_attribute = {"anyOf": [attribute, {"type": ["string", "number", "boolean", "array"]}]}
    attribute_instances = {"anyOf": [attribute, {"type": "array", "items": attribute, "minItems": 1}]}
    entity = {"id": _URI, "type": types, "scope": {"type": ["string", "array"]}}
    geo = {"georel": {"type": "string"}, "geometry": {"type": "string"}, "coordinates": {}}
    snapshot = {
        "id": _URI,
        "type": {"const": "Snapshot"},
        "snapshotPriority": {"type": "integer"},
        "snapshotLifetime": {"type": "string", "examples": ["P1D"]},
    }
    selector = {
        "type": "object",
        "properties": {part: {"type": "string"} for part in ("id", "idPattern", "type")},
    }
    lists = {part: {"type": "array", "items": {"type": "string"}} for part in ("attrs", "pick", "omit")}
    query: dict[str, Any] = {
        "type": {"const": "Query"},
        "entities": {"type": "array", "items": selector, "minItems": 1},
        "geoQ": {"type": "object", "properties": geo},
        "q": {"type": "string"},
        "scopeQ": {"type": "string"},
        **lists,
    }
    return {
        "ProblemDetails": {
            "type": "object",
            "required": ["type", "title", "status"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "reasons": {"type": "array", "items": {"type": "object"}},
            },
        },
        "Attribute": attribute,
        "Entity": {
            "type": "object",
            "required": ["id", "type"],
            "properties": entity,
            "propertyNames": name,
            "additionalProperties": any_attribute,
        },
        "Fragment": {"type": "object", "propertyNames": name, "additionalProperties": any_attribute},
        "Entities": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Entity"}},
        "Fragments": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Fragment"}},
        "Snapshot": {
            "type": "object",
            "required": ["type", "snapshotQueries"],
            "properties": snapshot
            | {
                "snapshotQueries": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"$ref": "#/components/schemas/Query"},
                }
            },
        },
        "SnapshotPart": {"type": "object", "required": ["type"], "properties": snapshot},
        "EntityMap": {
            "type": "object",
            "properties": {"expiresAt": {"type": "string", "format": "date-time"}},
        },
        "Context": {"type": "object", "required": ["@context"], "properties": {"@context": {}}},
        "Ids": {"type": "array", "minItems": 1, "items": _URI},
        "Registration": {
            "type": "object",
            "required": ["type", "information", "endpoint"],
            "properties": {
                "id": _URI,
                "type": {"const": "ContextSourceRegistration"},
                "information": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "entities": {"type": "array", "items": selector | {"required": ["type"]}},
                            "propertyNames": {"type": "array", "items": _NAME, "minItems": 1},
                            "relationshipNames": {"type": "array", "items": _NAME, "minItems": 1},
                        },
                    },
                },
                "endpoint": {"type": "string", "format": "uri"},
                "mode": {"enum": list(MODES)},
                "operations": {"type": "array", "items": {"enum": [*GROUPS, *sorted(KNOWN)]}, "minItems": 1},
                "tenant": {"type": "string"},
                "expiresAt": {"type": "string", "format": "date-time"},
                "contextSourceInfo": {"type": "array", "items": {"type": "object"}},
                "management": {
                    "type": "object",
                    "properties": {
                        "timeout": {"type": "integer", "minimum": 1, "description": "milliseconds"},
                        "cooldown": {"type": "integer", "minimum": 1, "description": "milliseconds"},
                        "cacheDuration": {"type": "string", "description": "ISO 8601 duration"},
                        "localOnly": {"type": "boolean"},
                    },
                },
            },
        },
        **subscription_schemas(),
        "Query": {
            "type": "object",
            "required": ["type"],
            "description": f"At least one of {', '.join(FILTERS)}",
            "properties": query,
        },
        "TemporalQuery": {
            "type": "object",
            "required": ["type", "temporalQ"],
            "description": f"A temporal query, and at least one of {', '.join(FILTERS)}",
            "properties": {
                **query,
                "temporalQ": {
                    "type": "object",
                    "required": ["timerel", "timeAt"],
                    "properties": {name: _PARAMETERS[name][1] for name in sorted(TEMPORAL)},
                },
                "aggrParams": {
                    "type": "object",
                    "required": ["aggrMethods"],
                    "properties": {
                        "aggrMethods": {"type": "array", "items": {"enum": list(METHODS)}, "minItems": 1},
                        "aggrPeriodDuration": _PARAMETERS["aggrPeriodDuration"][1],
                    },
                },
            },
        },
        "Evolution": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {"id": _URI, "type": types},
            "additionalProperties": attribute_instances,
        },
        "Instances": {"type": "object", "additionalProperties": attribute_instances},
    }
