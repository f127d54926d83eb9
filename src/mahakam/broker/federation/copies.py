"""Copies of subscriptions at context sources: which there should be, and what each says (clause 5.8.1.4).

A source tells this node of what it has, at an address that only it knows, and this node tells the subscriber.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mahakam.broker.clock import now
from mahakam.broker.federation.discovery import in_time, parse_filter, passes, types_of
from mahakam.broker.federation.headers import aliases
from mahakam.broker.federation.matching import Index, Match
from mahakam.broker.federation.registration import Registration, of_payload
from mahakam.broker.subscriptions import ORIGIN, Records
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.projection import EVERYTHING
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.subscription import Subscription, shown
from mahakam.store.protocol import Transaction

COPY = "subscription-copy"
"""Records of what sources were sent, by the id of the copy there."""
NOTIFY_PATH = "/ngsi-ld/ex/remote-notify"
Way = Literal["as is", "whole"]
"""How what a source tells is passed on: as it is, or as part of an entity that is shown, and chosen, here."""
_SENT = (
    "watchedAttributes", "notificationTrigger", "timeInterval", "throttling", "isActive", "expiresAt",
    "splitEntities",
)  # fmt: skip
_FILTERS = ("q", "expandValues", "geoQ", "scopeQ")


@dataclass(frozen=True, slots=True)
class Copy:
    """What a source should have: ``payload`` is without id and endpoint, in the words of ``context``."""

    subscription: str
    source: Registration
    payload: dict[str, Any]
    context: Context
    way: Way
    via: str = ""


def remember_origin(via: str, subscription: Subscription, transaction: Transaction) -> None:
    """Keep the way that a subscription came, so that its copies do not go back on it."""
    transaction.save_record(ORIGIN, subscription.id, {"via": via})


def copies_of(subscription: Subscription, index: Index, records: Records, alias: str) -> list[Copy]:
    """The copies that sources should have of a subscription; ``alias``: this node's own name."""
    at = now()
    if subscription.members.get("localOnly") or subscription.status(at) == "expired":
        return []
    via = (records.record(ORIGIN, subscription.id) or {}).get("via", "")
    seen = aliases(via)
    if alias in seen:
        return []
    found: dict[str, list[tuple[int, Match]]] = {}
    for number, match in _matches(subscription, index, at):
        registration = match.registration
        if "createSubscription" in registration.operations and registration.alias not in seen:
            found.setdefault(registration.id, []).append((number, match))
    return [replace(_copy(subscription, matches), via=via) for matches in found.values()]


def _matches(subscription: Subscription, index: Index, at: str) -> Iterable[tuple[int, Match]]:
    """The sources of the latest state that may have what is subscribed to, each with the number of a selector."""
    wanted = parse_filter(subscription.members.get("csf"), subscription.words)
    conditions = (wanted,) if wanted is not None else ()
    for number, selector in enumerate(subscription.selectors or (Selection(),)):
        for match in index.find(
            at=at,
            ids=selector.ids,
            id_pattern=selector.id_pattern or "",
            types=types_of(selector.types),
            attributes=subscription.watched,
        ):
            if in_time(match.registration, None) and passes(match.registration, conditions):
                yield number, match


def _copy(subscription: Subscription, matches: list[tuple[int, Match]]) -> Copy:
    """A subscription reduced to what a source is registered for, told to this node."""
    source = matches[0][1].registration
    owned = _attributes(match for _, match in matches)
    filtered = bool(subscription.condition or subscription.geo or subscription.scopes)
    split = bool(subscription.members.get("splitEntities", filtered and bool(owned)))
    context = subscription.words if subscription.words.link else CORE
    # A query in words that no Link header can name means something else there: it is applied here.
    pushed = not split and (context is subscription.words or not subscription.condition)
    plain = subscription.projection == EVERYTHING and subscription.endpoint.accept != "application/geo+json"
    way: Way = "as is" if plain and pushed else "whole"
    members = shown(subscription, context, now(), {})
    payload: dict[str, Any] = {"type": "Subscription"}
    entities = _entities(subscription, members, matches, context)
    if entities:
        payload["entities"] = entities
    names = (*_SENT, *(_FILTERS if pushed else ()), *(("lang", "datasetId") if way == "as is" else ()))
    payload |= {name: members[name] for name in names if name in members}
    if owned:
        watched = owned & subscription.watched if subscription.watched else owned
        payload["watchedAttributes"] = sorted(map(context.compact, watched))
        if "timeInterval" in payload:
            del payload["watchedAttributes"]
    payload["notification"] = _notification(subscription, members["notification"], owned, context, way)
    return Copy(subscription.id, source, payload, context, way)


def _attributes(matches: Iterable[Match]) -> frozenset[str]:
    """What a source is registered for; nothing named is everything."""
    found: frozenset[str] = frozenset()
    for match in matches:
        if not match.information.attributes:
            return frozenset()
        found |= match.information.attributes
    return found


def _entities(
    subscription: Subscription,
    members: Mapping[str, Any],
    matches: list[tuple[int, Match]],
    context: Context,
) -> list[dict[str, Any]]:
    """The selectors that concern a source; without any, what it is registered for."""
    found: list[dict[str, Any]] = []
    for number, match in matches:
        if subscription.selectors:
            selector = dict(members["entities"][number])
            if match.ids:
                selector = {
                    "type": selector["type"],
                    "id": list(match.ids) if len(match.ids) > 1 else match.ids[0],
                }
            elif match.id_pattern and "id" not in selector and "idPattern" not in selector:
                selector["idPattern"] = match.id_pattern
            found.append(selector)
            continue
        for one in match.information.entities:
            known: dict[str, Any] = {"type": context.compact(one.type)}
            if one.id or one.id_pattern:
                known["id" if one.id else "idPattern"] = one.id or one.id_pattern
            found.append(known)
    return [one for at, one in enumerate(found) if one not in found[:at]]


def _notification(
    subscription: Subscription, members: Mapping[str, Any], owned: frozenset[str], context: Context, way: Way
) -> dict[str, Any]:
    if way == "whole":
        return {"format": "normalized", "sysAttrs": True}
    kept = ("format", "sysAttrs", "showChanges", "join", "joinLevel", "attributes")
    found = {name: members[name] for name in kept if name in members}
    if owned:
        wanted = owned & frozenset(subscription.attributes) if subscription.attributes else owned
        found["attributes"] = sorted(map(context.compact, wanted or owned))
    return found


def watches(records: Records, subscriptions: Mapping[str, Subscription], address: str) -> list[Subscription]:
    """The subscriptions to registrations that this node has made for itself, one for each that sources have copies of
    (clause 5.8.1.4)."""
    copied = {record["subscription"] for record in records.records(COPY).values()}
    return [_watch(subscriptions[id], address) for id in sorted(copied & subscriptions.keys())]


def _watch(subscription: Subscription, address: str) -> Subscription:
    kept = ("type", "entities", "watchedAttributes", "csf", "geoQ", "scopeQ", "expiresAt")
    members = {name: subscription.members[name] for name in kept if name in subscription.members}
    members |= {
        "id": f"{subscription.id}:sources",
        "description": f"The sources of {subscription.id}: made by the node itself",
        "notification": {"endpoint": {"uri": f"{address}{NOTIFY_PATH}", "accept": "application/json"}},
    }
    return replace(subscription, id=members["id"], members=members, about="registrations")


def source_in(record: Mapping[str, Any]) -> Registration:
    """The source that a copy is at, as it was registered when the copy was sent."""
    return of_payload(record["source"])
