"""The schema of a Subscription (clause 5.2.12-5.2.15, 5.2.22, 5.2.33) for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from mahakam.ngsild.subscription_members import ACCEPTED, FORMS, TRIGGERS

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_URI: dict[str, Any] = {"type": "string", "format": "uri"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_SECONDS: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0}
_NAMES: dict[str, Any] = {"type": "array", "items": _TEXT, "minItems": 1}
_PAIRS: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object", "required": ["key", "value"], "properties": {"key": _TEXT, "value": _TEXT}},
}


def subscription_schemas() -> dict[str, Any]:
    """``Subscription``, and ``SubscriptionFragment`` for changes, in which null removes a member."""
    members = _members()
    nullable = {name: {"anyOf": [schema, {"type": "null"}]} for name, schema in members.items()}
    return {
        "Subscription": {
            "type": "object",
            "required": ["type", "notification"],
            "anyOf": [{"required": ["entities"]}, {"required": ["watchedAttributes"]}],
            "properties": members,
        },
        "SubscriptionFragment": {"type": "object", "properties": nullable},
    }


def _members() -> dict[str, Any]:
    geo = {"georel": _TEXT, "geometry": _TEXT, "coordinates": {}, "geoproperty": _TEXT}
    temporal = {
        "timerel": {"enum": ["before", "after", "between"]},
        "timeAt": _TIME,
        "endTimeAt": _TIME,
        "timeproperty": _TEXT,
    }
    one_or_many = {"oneOf": [_URI, {"type": "array", "items": _URI, "minItems": 1}]}
    selector = {"id": one_or_many, "idPattern": _TEXT, "type": _TEXT}
    return {
        "id": _URI,
        "type": {"const": "Subscription"},
        "subscriptionName": _TEXT,
        "description": _TEXT,
        "entities": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["type"], "properties": selector},
        },
        "watchedAttributes": _NAMES,
        "notificationTrigger": {"type": "array", "minItems": 1, "items": {"enum": list(TRIGGERS)}},
        "timeInterval": _SECONDS,
        "q": _TEXT,
        "expandValues": _NAMES,
        "geoQ": {"type": "object", "required": ["georel", "geometry", "coordinates"], "properties": geo},
        "csf": _TEXT,
        "scopeQ": _TEXT,
        "temporalQ": {"type": "object", "required": ["timerel", "timeAt"], "properties": temporal},
        "lang": _TEXT,
        "isActive": {"type": "boolean", "default": True},
        "expiresAt": _TIME,
        "throttling": _SECONDS,
        "datasetId": one_or_many,
        "jsonldContext": _URI,
        "localOnly": {"type": "boolean"},
        "splitEntities": {"type": "boolean"},
        "notification": {"type": "object", "required": ["endpoint"], "properties": _notification()},
    }


def _notification() -> dict[str, Any]:
    milliseconds = {"type": "number", "exclusiveMinimum": 0, "maximum": 86_400_000}
    endpoint = {
        "uri": {**_URI, "description": "http, https, mqtt, mqtts, nats or tls (NATS over TLS)"},
        "accept": {"enum": list(ACCEPTED), "default": ACCEPTED[0]},
        "timeout": milliseconds,
        "cooldown": milliseconds,
        "receiverInfo": _PAIRS,
        "notifierInfo": _PAIRS,
    }
    return {
        "attributes": _NAMES,
        "pick": _NAMES,
        "omit": _NAMES,
        "format": {"enum": list(FORMS), "default": "normalized"},
        "sysAttrs": {"type": "boolean"},
        "showChanges": {"type": "boolean"},
        "join": {"enum": ["flat", "inline", "@none"]},
        "joinLevel": {"type": "integer", "minimum": 1, "maximum": 8},
        "endpoint": {"type": "object", "required": ["uri"], "properties": endpoint},
    }
