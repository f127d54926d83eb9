"""``/temporal/entities``: writing temporal evolutions themselves (clause 5.6.11-16, 6.18-6.22)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from mahakam.api.http import Response
from mahakam.api.ngsild.call import BASE, JSON, JSON_LD, MERGE_PATCH, Call
from mahakam.api.ngsild.entities import same_id
from mahakam.broker.clock import now
from mahakam.broker.history import History
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ENTITY_MEMBERS
from mahakam.ngsild.lexical import is_uri, require_name, require_uri
from mahakam.ngsild.problem import bad_request, not_found
from mahakam.ngsild.temporal import number_of, parse_evolution, parse_instance

PATH = f"{BASE}/temporal/entities/"


async def create_evolution(call: Call) -> Response:
    """Clause 5.6.11: a new evolution (201), or more instances for the one there is (204)."""
    broker = await call.broker_for_creation()
    payload, context = await call.payload()
    head, moments = parse_evolution(payload, context, now())
    call.authorised_in(head.get("scope"))
    _permit(call, broker.history, head["id"])
    created = await call.off_loop(partial(broker.history.create, head, moments))
    location = PATH + quote(head["id"], safe=":@!$&*+,;=-._~")
    return call.empty(201, ("location", location)) if created else call.empty()


async def delete_evolution(call: Call) -> Response:
    """Clause 5.6.16: the end of an evolution; the entity itself stays as it is."""
    return await _change(call, lambda history, id: history.delete(id))


async def append_instances(call: Call) -> Response:
    """Clause 5.6.12: more attribute instances."""
    payload, context = await call.payload()
    id = call.entity_id
    same_id(payload, id)
    head, moments = parse_evolution(payload, context, now(), id)
    if not moments:
        raise bad_request("The payload is not valid", "one attribute at least was expected")
    return await _change(call, lambda history, _: history.append(head, moments))


async def delete_instances(call: Call) -> Response:
    """Clause 5.6.13: all instances of an attribute: of the default dataset, of ``datasetId``, or of all."""
    dataset = call.params.get("datasetId", "")
    if dataset and not is_uri(dataset):
        raise bad_request("The parameter datasetId is not valid", f"{dataset[:80]!r} is no URI")
    whole = call.flag("deleteAll")
    name = _name(call, await call.context())
    return await _change(
        call, lambda history, id: history.delete_attribute(id, name, None if whole else dataset)
    )


async def update_instance(call: Call) -> Response:
    """Clause 5.6.14: change members of one attribute instance, found by its instanceId."""
    payload, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    name = _name(call, context)
    number = number_of(require_uri(call.args[2], "The instance id"))
    part = payload.get(call.args[1], payload)
    if isinstance(part, list) and len(part) == 1:
        part = part[0]
    fragment = parse_instance(part, context, call.args[1], partial=True)
    return await _change(call, lambda history, id: history.change_instance(id, name, number, fragment))


async def delete_instance(call: Call) -> Response:
    """Clause 5.6.15: the end of one attribute instance, found by its instanceId."""
    name = _name(call, await call.context())
    number = number_of(require_uri(call.args[2], "The instance id"))
    return await _change(call, lambda history, id: history.delete_instance(id, name, number))


async def _change(call: Call, work: Callable[[History, str], None]) -> Response:
    id = call.entity_id
    history = call.broker.history
    if not _permit(call, history, id):
        raise not_found(f"{id} has no temporal evolution")
    await call.off_loop(partial(work, history, id))
    return call.empty()


def _permit(call: Call, history: History, id: str) -> bool:
    """Whether there is an evolution; raises Problem if the caller may not write where its scope says."""
    head = history.get(id)
    if head is not None:
        call.permit(call.principal(), head.get("scope"))
    return head is not None


def _name(call: Call, context: Context) -> str:
    name = require_name(call.args[1], context, "The attribute's name")
    if name in ENTITY_MEMBERS and name != "scope":
        raise bad_request("The attribute's name is not valid", f"{name} is a member of the entity itself")
    return name
