"""``/types`` and ``/attributes``: what there is in the store (clause 5.7.5-5.7.10, 6.25-6.28)."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from mahakam.api.http import Response
from mahakam.api.ngsild.call import Call, accepted
from mahakam.ngsild.context import Context
from mahakam.ngsild.core import absolute
from mahakam.ngsild.lexical import require_name
from mahakam.ngsild.problem import not_found

if TYPE_CHECKING:
    from mahakam.broker.broker import Broker

_DEFAULT_TYPES = ("Property",)


async def types(call: Call) -> Response:
    """Clause 5.7.5, 5.7.6: the types of entities; with ``details`` the attributes that they have."""
    return await _listed(call, _types)


def _types(broker: Broker, context: Context, details: bool) -> Any:
    names = sorted(broker.types(), key=context.compact)
    if not details:
        return _list("EntityTypeList", "typeList", [context.compact(name) for name in names])
    return [
        {
            "id": absolute(name),
            "type": "EntityType",
            "typeName": context.compact(name),
            "attributeNames": sorted(context.compact(attribute) for attribute in broker.attributes(name)),
        }
        for name in names
    ]


async def one_type(call: Call) -> Response:
    """Clause 5.7.7: one type, with the number of its entities and the attributes that they have."""
    accept = accepted(call.request.headers)
    broker = call.broker
    context = await call.context()
    name = require_name(call.args[0], context, "The entity type")
    count = (await call.off_loop(broker.types)).get(name)
    if not count:
        raise not_found(f"no entity has the type {call.args[0]}")
    found = await call.off_loop(partial(broker.attributes, name))
    info = {
        "id": absolute(name),
        "type": "EntityTypeInfo",
        "typeName": context.compact(name),
        "entityCount": count,
        "attributeDetails": [
            {
                "id": absolute(attribute),
                "type": "Attribute",
                "attributeName": context.compact(attribute),
                "attributeTypes": sorted(facts.get("attributeTypes", _DEFAULT_TYPES)),
            }
            for attribute, facts in sorted(found.items())
        ],
    }
    return call.answer(info, context, accept)


async def attributes(call: Call) -> Response:
    """Clause 5.7.8, 5.7.9: the attributes of entities; with ``details`` the types that have them."""
    return await _listed(call, _attributes)


def _attributes(broker: Broker, context: Context, details: bool) -> Any:
    found = broker.attributes()
    names = sorted(found, key=context.compact)
    if not details:
        return _list("AttributeList", "attributeList", [context.compact(name) for name in names])
    return [
        {
            "id": absolute(name),
            "type": "Attribute",
            "attributeName": context.compact(name),
            "typeNames": sorted(map(context.compact, found[name]["typeNames"])),
        }
        for name in names
    ]


async def one_attribute(call: Call) -> Response:
    """Clause 5.7.10: one attribute: how often, of which kinds, of which entity types."""
    accept = accepted(call.request.headers)
    broker = call.broker
    context = await call.context()
    name = require_name(call.args[0], context, "The attribute's name")
    facts = (await call.off_loop(broker.attributes)).get(name)
    if facts is None:
        raise not_found(f"no entity has the attribute {call.args[0]}")
    info = {
        "id": absolute(name),
        "type": "Attribute",
        "attributeName": context.compact(name),
        "attributeCount": facts["count"],
        "attributeTypes": sorted(facts["attributeTypes"]),
        "typeNames": sorted(map(context.compact, facts["typeNames"])),
    }
    return call.answer(info, context, accept)


async def _listed(call: Call, work: Any) -> Response:
    accept = accepted(call.request.headers)
    broker = call.broker
    details = call.flag("details")
    context = await call.context()
    value = await call.off_loop(partial(work, broker, context, details))
    return call.answer(value, context, accept)


def _list(kind: str, member: str, names: list[str]) -> dict[str, Any]:
    """A list object of clause 5.2.24, 5.2.27; its id tells one content from another."""
    digest = sha256("\n".join(names).encode()).hexdigest()[:16]
    return {"id": f"urn:ngsi-ld:{kind}:{digest}", "type": kind, member: names}
