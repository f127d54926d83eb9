"""What context sources tell of the copies of subscriptions that they have, for who subscribed here (clause 5.8.6).

The id of a copy is known to its source alone: who names it may tell of what that source is registered for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from mahakam.api.http import Response
from mahakam.api.ngsild.call import JSON, JSON_LD, Call, tenant_name
from mahakam.api.ngsild.distributed_reads import parts_elsewhere
from mahakam.broker.federation.copies import COPY, source_in
from mahakam.broker.federation.matching import Match
from mahakam.broker.federation.registration import Registration
from mahakam.broker.linked import followed, has_links
from mahakam.broker.notification import Datum, of_state
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document, is_null
from mahakam.ngsild.lexical import is_uri
from mahakam.ngsild.merging import combined, limited, received
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.rewording import reworded
from mahakam.ngsild.subscription import Subscription
from mahakam.store.protocol import Transaction

MOST = 1_000
"""Entities of one notification."""


async def take(call: Call) -> Response:
    """200 once what is passed on is in the outbox; 404 for a copy that should not be there any more."""
    call.tenant = tenant_name(call.args[0]) if call.args else ""
    payload, context = await call.payload((JSON, JSON_LD))
    if payload.get("type") != "Notification":
        raise bad_request("The notification is not valid", 'type: "Notification" was expected')
    data = payload.get("data")
    if not isinstance(data, list) or len(data) > MOST:
        raise bad_request("The notification is not valid", f"data: a list of up to {MOST:,} was expected")
    broker = call.broker
    id = payload.get("subscriptionId")
    record = broker.store.record(COPY, id) if isinstance(id, str) else None
    subscription = broker.subscriptions.get(record["subscription"]) if record else None
    if record is None or subscription is None:
        raise not_found("no source has a copy of a subscription with this id")
    source = source_in(record)
    items = [_item(one) for one in data]
    if record["way"] == "as is":
        told = [_as_it_is(item, subscription, source, context) for item in items]
    else:
        told = [await _whole(call, item, subscription, source, context) for item in items]
    found = [datum for several in told for datum in several]
    pass_on = partial(broker.subscriptions.pass_on, subscription=subscription, data=found)

    def work(transaction: Transaction) -> None:
        pass_on(transaction)

    if found:
        await call.off_loop(partial(broker.store.write, work))
    return call.empty(200)


def _item(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not is_uri(value.get("id")) or "type" not in value:
        raise bad_request("The notification is not valid", "data: entities with id and type were expected")
    return {name: part for name, part in value.items() if name != "@context"}


def _owned(item: Mapping[str, Any], source: Registration, context: Context) -> frozenset[str] | None:
    """The attributes that a source is registered for of an entity: empty is all; None: it is not registered."""
    kinds = item["type"] if isinstance(item["type"], list) else [item["type"]]
    types = [context.expand(one) for one in kinds if isinstance(one, str)]
    found = [one for one in source.information if Match(source, one).holds(str(item["id"]), types)]
    if not found:
        return None
    if any(not one.attributes for one in found):
        return frozenset()
    return frozenset(name for one in found for name in one.attributes)


def _as_it_is(
    item: dict[str, Any], subscription: Subscription, source: Registration, context: Context
) -> list[Datum]:
    """In the words of the subscriber, otherwise as it came."""
    owned = _owned(item, source, context)
    if owned is None:
        if not subscription.join:
            return []
        owned = frozenset()  # an entity that is linked to those subscribed to
    kept = {
        name: part
        for name, part in item.items()
        if not owned or name in ENTITY_MEMBERS or context.expand(name) in owned
    }
    shown = reworded(kept, context, subscription.notified_in)
    return [Datum({"id": item["id"], "type": item["type"]}, shown)]


async def _whole(
    call: Call, item: dict[str, Any], subscription: Subscription, source: Registration, context: Context
) -> list[Datum]:
    """As part of the entity: what is stored here and what was told, and of other sources if that is not enough."""
    owned = _owned(item, source, context)
    if owned is None:
        return []
    broker = call.broker
    if "deletedAt" in item:
        return [Datum({"id": item["id"]}, reworded(item, context, subscription.notified_in))]
    gone = {name: part for name, part in item.items() if isinstance(part, dict) and is_null(part)}
    try:
        told = received({name: part for name, part in item.items() if name not in gone}, context)
    except Problem as problem:
        raise bad_request("The notification is not valid", f"data: {problem.detail}") from None
    told = limited(told, owned)
    id = told["id"]
    here = broker.get(id)
    document = combined([told, here] if here is not None else [told])
    if document is None or not _selected(broker.store.document, subscription, document):
        types = told["type"] if isinstance(told["type"], list) else [told["type"]]
        others = await parts_elsewhere(call, context, id, types, source.id)
        document = combined([told, *([here] if here is not None else ()), *others])
        if not others or document is None or not _selected(broker.store.document, subscription, document):
            return []
    data = await call.off_loop(partial(of_state, subscription, [document], broker.store.document))
    for name, part in reworded(gone, context, subscription.notified_in).items():
        data[0].shown.setdefault(name, part)
    return data


def _selected(get: Any, subscription: Subscription, document: Document) -> bool:
    condition = subscription.condition
    if condition is not None and has_links(condition):
        condition = followed(condition, document, get)
    return subscription.selects(document, condition)
