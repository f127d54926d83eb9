"""Subscriptions to registrations: who is told of which sources, through the same outbox (clause 5.11.7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import orjson

from mahakam.broker.clock import now
from mahakam.broker.federation.discovery import concerned, parse_filter, types_of
from mahakam.broker.federation.matching import Index
from mahakam.broker.federation.parsing import shown
from mahakam.broker.federation.registration import NODES, Registration, of_payload
from mahakam.broker.federation.registrations import KIND
from mahakam.broker.subscriptions import Records, Subscriptions
from mahakam.ngsild.context import Context
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.subscription import Subscription
from mahakam.ngsild.temporal_query import parse_period
from mahakam.store.protocol import Transaction

Reason = Literal["newlyMatching", "updated", "noLongerMatching"]


def notice(
    subscriptions: Subscriptions,
    transaction: Transaction,
    before: Registration | None,
    after: Registration | None,
) -> None:
    """Owe what a change of a registration means to those who watch registrations."""
    at = now()
    for subscription in subscriptions.of_registrations(transaction):
        if subscription.status(at) != "active" or subscription.interval:
            continue
        was = before is not None and bool(matching(subscription, [before], at))
        is_now = after is not None and bool(matching(subscription, [after], at))
        if was or is_now:
            reason: Reason = (
                "updated" if was and is_now else "newlyMatching" if is_now else "noLongerMatching"
            )
            one = after if after is not None else before
            assert one is not None
            transaction.owe(subscription.id, one.id, body(subscription, [one], reason, at))


def introduce(subscription: Subscription, transaction: Transaction) -> None:
    """A new or changed subscription is told of all sources that there are for it."""
    at = now()
    if subscription.status(at) == "active" and (found := matching(subscription, stored(transaction), at)):
        transaction.owe(subscription.id, "", body(subscription, found, "newlyMatching", at))


def of_sources(subscriptions: Subscriptions, subscription: Subscription, at: str) -> list[bytes]:
    """The periodic notification: all sources that there are for a subscription; none if there is none."""
    found = matching(subscription, stored(subscriptions.store), at)
    return [body(subscription, found, "newlyMatching", at)] if found else []


def stored(records: Records) -> list[Registration]:
    """Every registration, whether it has expired or not."""
    return [of_payload(record["payload"]) for record in records.records(KIND).values()]


def matching(
    subscription: Subscription, registrations: Iterable[Registration], at: str
) -> list[Registration]:
    """The registrations that a subscription is about; ``at``: ISO 8601 UTC, those that expired are left out."""
    index = Index(registrations)
    wanted = parse_filter(subscription.members.get("csf"), subscription.words)
    period = parse_period(subscription.members.get("temporalQ", {}))
    found: dict[str, Registration] = {}
    for selector in subscription.selectors or (Selection(),):
        selection = Selection(
            ids=selector.ids,
            id_pattern=selector.id_pattern,
            types=selector.types,
            attrs=tuple(subscription.watched),
            geo=subscription.geo,
            scopes=subscription.scopes,
        )
        conditions = (wanted,) if wanted is not None else ()
        for one in concerned(index, selection, at=at, conditions=conditions, period=period):
            found[one.id] = one
    return list(found.values())


def body(subscription: Subscription, found: Sequence[Registration], reason: Reason, at: str) -> bytes:
    """A notification about registrations (clause 5.3.2)."""
    context = subscription.notified_in
    notification: dict[str, Any] = {
        "id": f"urn:ngsi-ld:ContextSourceNotification:{uuid.uuid4()}",
        "type": "ContextSourceNotification",
        "subscriptionId": subscription.id,
        "notifiedAt": at,
        "triggerReason": reason,
        "data": [displayed(_relevant(one, subscription), context) for one in found],
    }
    if subscription.endpoint.accept == "application/ld+json":
        notification = {"@context": context.with_core(), **notification}
    return orjson.dumps(notification)


def _relevant(registration: Registration, subscription: Subscription) -> Registration:
    """The registration with only what the subscription is about; all of it if it is about nothing any more."""
    index = Index((registration,))
    wanted = {
        match.information
        for selector in subscription.selectors or (Selection(),)
        for match in index.find(
            at="",
            ids=selector.ids,
            id_pattern=selector.id_pattern or "",
            types=types_of(selector.types),
            attributes=subscription.watched,
        )
    }
    parts = zip(registration.payload["information"], registration.information, strict=True)
    kept = [part for part, information in parts if information in wanted]
    return (
        replace(registration, payload={**registration.payload, "information": kept}) if kept else registration
    )


def displayed(registration: Registration, context: Context) -> dict[str, Any]:
    """A registration as answers and notifications show it: with the defaults that hold for it."""
    found = {"mode": "inclusive", "operations": ["federationOps"], **shown(registration.payload, context)}
    if registration.id.startswith(NODES):
        found.pop("contextSourceInfo", None)
    return found
