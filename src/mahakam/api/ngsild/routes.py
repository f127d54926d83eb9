"""What is served under ``/ngsi-ld/v1``: one table, read by the router and by the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from mahakam.api.http import Response
from mahakam.api.ngsild import (
    attributes,
    batch,
    discovery,
    entities,
    entitymaps,
    identity,
    jsonld_contexts,
    posted,
    purge,
    registration_subscriptions,
    registrations,
    snapshots,
    subscriptions,
)
from mahakam.api.ngsild.call import Call
from mahakam.api.ngsild.presentation import READ_PARAMETERS

Body = Literal[
    "",
    "entity",
    "fragment",
    "attribute",
    "entities",
    "fragments",
    "ids",
    "query",
    "subscription",
    "context",
    "registration",
    "map",
    "snapshot",
    "snapshot-part",
]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. ``template`` is the path below the base; ``statuses`` its answers besides refusals."""

    method: str
    template: str
    handler: Callable[[Call], Awaitable[Response]]
    summary: str
    statuses: tuple[int, ...]
    parameters: frozenset[str] = frozenset()
    body: Body = ""
    writes: bool = False

    @property
    def operation(self) -> str:
        name: str = self.handler.__name__
        return name


_ENTITY = "/entities/{entityId}"
_ATTRS = "/entities/{entityId}/attrs"
_ATTR = "/entities/{entityId}/attrs/{attrId}"
_DETAILS = frozenset(("details", "local"))
_SOURCE_SUBSCRIPTION = "/csourceSubscriptions/{subscriptionId}"
_REGISTRATION = "/csourceRegistrations/{registrationId}"
_SNAPSHOT = "/snapshots/{snapshotId}"
_ENTITY_MAP = "/entityMaps/{entityMapId}"
_CONTEXT = "/jsonldContexts/{contextId}"
_SUBSCRIPTION = "/subscriptions/{subscriptionId}"
_DEAD_LETTERS = f"{_SUBSCRIPTION}/deadLetters"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/entities", entities.query, "Query entities", (200, 201, 203), entities.QUERY_PARAMETERS),
    Route(
        "POST",
        "/entities",
        entities.create,
        "Create an entity",
        (201,),
        frozenset(("local",)),
        "entity",
        True,
    ),
    Route(
        "DELETE",
        "/entities",
        purge.purge,
        "Purge entities",
        (204,),
        purge.PURGE_PARAMETERS,
        "",
        True,
    ),
    Route(
        "GET",
        _ENTITY,
        entities.retrieve,
        "Retrieve an entity",
        (200, 203),
        READ_PARAMETERS | entitymaps.MAP_PARAMETERS | {"type"},
    ),
    Route(
        "PUT", _ENTITY, entities.replace, "Replace an entity", (204,), frozenset(("local",)), "entity", True
    ),
    Route(
        "PATCH",
        _ENTITY,
        entities.merge_entity,
        "Merge a fragment into an entity",
        (204,),
        frozenset(("options", "observedAt", "lang", "type", "local")),
        "fragment",
        True,
    ),
    Route(
        "DELETE", _ENTITY, entities.delete, "Delete an entity", (204,), frozenset(("type", "local")), "", True
    ),
    Route(
        "POST",
        _ATTRS,
        attributes.append_attributes,
        "Append attributes",
        (204, 207),
        frozenset(("options", "type", "local")),
        "fragment",
        True,
    ),
    Route(
        "PATCH",
        _ATTRS,
        attributes.update_attributes,
        "Update attributes",
        (204, 207),
        frozenset(("options", "type", "local")),
        "fragment",
        True,
    ),
    Route(
        "PATCH",
        _ATTR,
        attributes.partial_update,
        "Change members of an attribute",
        (204,),
        frozenset(("options", "type", "local")),
        "attribute",
        True,
    ),
    Route(
        "PUT",
        _ATTR,
        attributes.replace_one,
        "Replace an attribute",
        (204,),
        frozenset(("type", "local")),
        "attribute",
        True,
    ),
    Route(
        "DELETE",
        _ATTR,
        attributes.delete_one,
        "Delete an attribute",
        (204,),
        frozenset(("datasetId", "deleteAll", "type", "local")),
        "",
        True,
    ),
    Route(
        "POST",
        "/entityOperations/create",
        batch.create_batch,
        "Create entities",
        (201, 207),
        frozenset(("local",)),
        "entities",
        True,
    ),
    Route(
        "POST",
        "/entityOperations/upsert",
        batch.upsert_batch,
        "Create or replace entities",
        (201, 204, 207),
        frozenset(("options", "local")),
        "entities",
        True,
    ),
    Route(
        "POST",
        "/entityOperations/update",
        batch.update_batch,
        "Add and change attributes of entities",
        (204, 207),
        frozenset(("options", "local")),
        "fragments",
        True,
    ),
    Route(
        "POST",
        "/entityOperations/merge",
        batch.merge_batch,
        "Merge fragments into entities",
        (204, 207),
        frozenset(("local",)),
        "fragments",
        True,
    ),
    Route(
        "POST",
        "/entityOperations/delete",
        batch.delete_batch,
        "Delete entities",
        (204, 207),
        frozenset(("local",)),
        "ids",
        True,
    ),
    Route(
        "POST",
        "/entityOperations/query",
        posted.query_by_post,
        "Query entities by an object",
        (200,),
        posted.PARAMETERS,
        "query",
    ),
    Route("GET", "/types", discovery.types, "The types there are", (200,), _DETAILS),
    Route("GET", "/types/{type}", discovery.one_type, "One type", (200,), frozenset(("local",))),
    Route("GET", "/attributes", discovery.attributes, "The attributes there are", (200,), _DETAILS),
    Route(
        "GET", "/attributes/{attrId}", discovery.one_attribute, "One attribute", (200,), frozenset(("local",))
    ),
    Route(
        "GET",
        "/subscriptions",
        subscriptions.list_subscriptions,
        "The subscriptions",
        (200,),
        subscriptions.PAGE | subscriptions.READ_PARAMETERS,
    ),
    Route(
        "POST",
        "/subscriptions",
        subscriptions.create_subscription,
        "Subscribe",
        (201,),
        frozenset(("local",)),
        "subscription",
        True,
    ),
    Route(
        "GET",
        _SUBSCRIPTION,
        subscriptions.retrieve_subscription,
        "One subscription",
        (200,),
        subscriptions.READ_PARAMETERS,
    ),
    Route(
        "PATCH",
        _SUBSCRIPTION,
        subscriptions.update_subscription,
        "Change a subscription",
        (204,),
        frozenset(("local",)),
        "subscription",
        True,
    ),
    Route(
        "DELETE",
        _SUBSCRIPTION,
        subscriptions.delete_subscription,
        "End a subscription",
        (204,),
        frozenset(("local",)),
        "",
        True,
    ),
    Route(
        "GET",
        _DEAD_LETTERS,
        subscriptions.list_dead_letters,
        "Notifications given up",
        (200,),
        subscriptions.PAGE,
    ),
    Route(
        "POST",
        f"{_DEAD_LETTERS}/replay",
        subscriptions.replay_dead_letters,
        "Send notifications that were given up again",
        (200,),
        frozenset(),
        "",
        True,
    ),
    Route(
        "GET",
        "/csourceRegistrations",
        registrations.query_registrations,
        "Find registrations of context sources",
        (200,),
        registrations.QUERY_PARAMETERS,
    ),
    Route(
        "POST",
        "/csourceRegistrations",
        registrations.create_registration,
        "Register a context source",
        (201,),
        frozenset(),
        "registration",
        True,
    ),
    Route(
        "GET",
        _REGISTRATION,
        registrations.retrieve_registration,
        "One registration",
        (200,),
        frozenset(("options",)),
    ),
    Route(
        "PATCH",
        _REGISTRATION,
        registrations.update_registration,
        "Change a registration",
        (204,),
        frozenset(),
        "registration",
        True,
    ),
    Route(
        "DELETE",
        _REGISTRATION,
        registrations.delete_registration,
        "End a registration",
        (204,),
        frozenset(),
        "",
        True,
    ),
    Route(
        "GET",
        "/entityMaps",
        entitymaps.create_map,
        "Keep the ids that a query finds",
        (201,),
        entitymaps.CREATE_PARAMETERS,
    ),
    Route("GET", _ENTITY_MAP, entitymaps.retrieve_map, "One entity map", (200,)),
    Route(
        "PATCH",
        _ENTITY_MAP,
        entitymaps.update_map,
        "Let an entity map live longer or shorter",
        (204,),
        frozenset(),
        "map",
    ),
    Route("DELETE", _ENTITY_MAP, entitymaps.delete_map, "Delete an entity map", (204,)),
    Route(
        "GET",
        "/csourceSubscriptions",
        registration_subscriptions.list_registration_subscriptions,
        "The subscriptions to registrations",
        (200,),
        subscriptions.PAGE | {"options"},
    ),
    Route(
        "POST",
        "/csourceSubscriptions",
        registration_subscriptions.create_registration_subscription,
        "Subscribe to registrations",
        (201,),
        frozenset(),
        "subscription",
        True,
    ),
    Route(
        "GET",
        _SOURCE_SUBSCRIPTION,
        registration_subscriptions.retrieve_registration_subscription,
        "One subscription to registrations",
        (200,),
        frozenset(("options",)),
    ),
    Route(
        "PATCH",
        _SOURCE_SUBSCRIPTION,
        registration_subscriptions.update_registration_subscription,
        "Change a subscription to registrations",
        (204,),
        frozenset(),
        "subscription",
        True,
    ),
    Route(
        "DELETE",
        _SOURCE_SUBSCRIPTION,
        registration_subscriptions.delete_registration_subscription,
        "End a subscription to registrations",
        (204,),
        frozenset(),
        "",
        True,
    ),
    Route(
        "POST",
        "/snapshots",
        snapshots.create_snapshot,
        "Freeze what queries find",
        (201,),
        frozenset(),
        "snapshot",
        True,
    ),
    Route(
        "DELETE",
        "/snapshots",
        snapshots.purge_snapshots,
        "Delete snapshots that a query selects",
        (204,),
        frozenset(("q",)),
        "",
        True,
    ),
    Route("GET", _SNAPSHOT, snapshots.retrieve_snapshot, "One snapshot", (200,)),
    Route(
        "PATCH",
        _SNAPSHOT,
        snapshots.update_snapshot,
        "Change a snapshot's priority or lifetime",
        (200,),
        frozenset(),
        "snapshot-part",
        True,
    ),
    Route("DELETE", _SNAPSHOT, snapshots.delete_snapshot, "Delete a snapshot", (204,), frozenset(), "", True),
    Route(
        "POST",
        f"{_SNAPSHOT}/clone",
        snapshots.clone_snapshot,
        "Copy a snapshot",
        (201,),
        frozenset(),
        "snapshot-part",
        True,
    ),
    Route("GET", "/info/sourceIdentity", identity.source_identity, "Who this node is", (200,)),
    Route(
        "GET",
        "/jsonldContexts",
        jsonld_contexts.list_contexts,
        "The @contexts kept",
        (200,),
        frozenset(("details", "kind")),
    ),
    Route(
        "POST",
        "/jsonldContexts",
        jsonld_contexts.add_context,
        "Host a @context",
        (201,),
        frozenset(),
        "context",
        True,
    ),
    Route(
        "GET",
        _CONTEXT,
        jsonld_contexts.serve_context,
        "One @context",
        (200,),
        frozenset(("details",)),
    ),
    Route(
        "DELETE",
        _CONTEXT,
        jsonld_contexts.delete_context,
        "Delete or reload a @context",
        (204,),
        frozenset(("reload",)),
        "",
        True,
    ),
)
