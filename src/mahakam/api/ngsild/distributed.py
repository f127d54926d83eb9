"""The operations that context sources take part in, where there are any (clause 4.3.6, 5.5.13)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from mahakam.api.http import Response
from mahakam.api.ngsild import (
    attributes,
    batch,
    discovery,
    distributed_batch,
    distributed_discovery,
    distributed_maps,
    distributed_reads,
    distributed_temporal_reads,
    distributed_temporal_writes,
    distributed_writes,
    entities,
    entitymaps,
    posted,
    purge,
    temporal,
    temporal_reads,
)
from mahakam.api.ngsild.call import Call

Handler = Callable[[Call], Awaitable[Response]]
Spread = Callable[[Call], Awaitable[Response | None]]
"""Like a handler; None if no source is concerned, and the handler may go on alone."""


def _entity(handler: Handler, operation: str, path: str = "", *, creates: bool = False) -> Spread:
    return partial(
        distributed_writes.entity, handler=handler, operation=operation, creates=creates, path=path
    )


def _attribute(handler: Handler, operation: str) -> Spread:
    return partial(distributed_writes.attribute, handler=handler, operation=operation)


def _batch(handler: Handler, operation: str, *, deletes: bool = False) -> Spread:
    return partial(distributed_batch.batch, handler=handler, operation=operation, deletes=deletes)


def _discovery(handler: Handler, operations: tuple[str, str], path: str) -> Spread:
    return partial(distributed_discovery.discover, handler=handler, operations=operations, path=path)


def _evolution(handler: Handler, operation: str, *, creates: bool = False) -> Spread:
    return partial(
        distributed_temporal_writes.evolution, handler=handler, operation=operation, creates=creates
    )


def _deletion(handler: Handler, operation: str) -> Spread:
    return partial(distributed_temporal_writes.deletion, handler=handler, operation=operation)


def _instance(handler: Handler, operation: str) -> Spread:
    return partial(distributed_temporal_writes.instance, handler=handler, operation=operation)


_SPREAD: dict[Handler, Spread] = {
    entities.retrieve: distributed_reads.retrieve,
    entities.query: distributed_reads.query,
    entitymaps.create_map: distributed_maps.create_map,
    posted.query_by_post: distributed_reads.query_by_post,
    discovery.types: _discovery(
        discovery.types, ("retrieveEntityTypes", "retrieveEntityTypeDetails"), "types"
    ),
    discovery.one_type: _discovery(discovery.one_type, ("retrieveEntityTypeInfo",) * 2, "types"),
    discovery.attributes: _discovery(
        discovery.attributes, ("retrieveAttrTypes", "retrieveAttrTypeDetails"), "attributes"
    ),
    discovery.one_attribute: _discovery(discovery.one_attribute, ("retrieveAttrTypeInfo",) * 2, "attributes"),
    entities.create: _entity(entities.create, "createEntity", creates=True),
    entities.replace: _entity(entities.replace, "replaceEntity"),
    entities.merge_entity: _entity(entities.merge_entity, "mergeEntity"),
    entities.delete: partial(distributed_writes.delete, handler=entities.delete, operation="deleteEntity"),
    purge.purge: partial(distributed_writes.purge, handler=purge.purge, operation="purgeEntity"),
    batch.create_batch: _batch(batch.create_batch, "createBatch"),
    batch.upsert_batch: _batch(batch.upsert_batch, "upsertBatch"),
    batch.update_batch: _batch(batch.update_batch, "updateBatch"),
    batch.merge_batch: _batch(batch.merge_batch, "mergeBatch"),
    batch.delete_batch: _batch(batch.delete_batch, "deleteBatch", deletes=True),
    attributes.append_attributes: _entity(attributes.append_attributes, "appendAttrs", "/attrs"),
    attributes.update_attributes: _entity(attributes.update_attributes, "updateEntity", "/attrs"),
    attributes.partial_update: _attribute(attributes.partial_update, "updateAttrs"),
    attributes.replace_one: _attribute(attributes.replace_one, "replaceAttrs"),
    attributes.delete_one: _attribute(attributes.delete_one, "deleteAttrs"),
    temporal_reads.retrieve_evolution: distributed_temporal_reads.retrieve,
    temporal_reads.query_evolutions: distributed_temporal_reads.query,
    temporal_reads.create_map_of_evolutions: distributed_temporal_reads.create_map,
    temporal_reads.query_evolutions_by_post: distributed_temporal_reads.query_by_post,
    temporal.create_evolution: _evolution(temporal.create_evolution, "upsertTemporal", creates=True),
    temporal.append_instances: _evolution(temporal.append_instances, "appendAttrsTemporal"),
    temporal.delete_evolution: _deletion(temporal.delete_evolution, "deleteTemporal"),
    temporal.delete_instances: _deletion(temporal.delete_instances, "deleteAttrsTemporal"),
    temporal.update_instance: _instance(temporal.update_instance, "updateAttrInstanceTemporal"),
    temporal.delete_instance: _instance(temporal.delete_instance, "deleteAttrInstanceTemporal"),
}


async def answer(handler: Handler, call: Call) -> Response:
    """The answer of this node and of the sources that are registered with it."""
    spread = _SPREAD.get(handler)
    if spread is not None:
        response = await spread(call)
        if response is not None:
            return response
    return await handler(call)
