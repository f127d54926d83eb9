"""Conditional requests in the OpenAPI document: who takes If-Match and If-None-Match, and what comes of it."""

from __future__ import annotations

from typing import Any

from mahakam.api.ngsild.routes import Route

_TAGS = {"type": "string", "examples": ['"2f1c0a9be6d14f0c7a55e1b3"', "*"]}
_TAG = {
    "schema": {"type": "string"},
    "description": "What the answer is told by: for If-None-Match, If-Match",
}
_WHY = {
    "If-Match": "Tags of the entity as it must still be: the write is refused (412) once it is another one",
    "If-None-Match": "Tags of what the caller has already: 304 instead of it (a write: 412)",
}
_ENTITY = "/entities/{entityId}"


def takes_conditions(route: Route) -> bool:
    """Whether the operation is about one entity, or creates one."""
    return route.template.startswith(_ENTITY) or (route.method, route.template) == ("POST", "/entities")


def condition_parameters(route: Route) -> list[dict[str, Any]]:
    """The headers that a request may have."""
    if not takes_conditions(route):
        return []
    return [{"name": name, "in": "header", "description": why, "schema": _TAGS} for name, why in _WHY.items()]


def tag_headers(route: Route) -> dict[str, Any]:
    """The header of an answer that has a tag."""
    return {"etag": _TAG} if (route.method, route.template) == ("GET", _ENTITY) else {}
