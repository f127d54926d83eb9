"""The body of a notification and the headers that go with it (clause 5.3.1, 5.8.6, 6.3.8)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mahakam import tracing
from mahakam.broker.changes import Changes, nulled
from mahakam.broker.joining import NO_JOIN, Graph, Join
from mahakam.ngsild import represent
from mahakam.ngsild.context import Context
from mahakam.ngsild.core import CORE_URL
from mahakam.ngsild.entity import VALUE_MEMBER, Document, instances
from mahakam.ngsild.projection import Projection
from mahakam.ngsild.represent import Form
from mahakam.ngsild.subscription import Subscription

JSON, JSON_LD, GEO_JSON = "application/json", "application/ld+json", "application/geo+json"
Get = Callable[[str], Document | None]
_CONTEXT_REL = "http://www.w3.org/ns/json-ld#context"
_PREVIOUS = {member: "previous" + member[0].upper() + member[1:] for member in VALUE_MEMBER.values()}

_VALUES = frozenset(_PREVIOUS)


@dataclass(frozen=True, slots=True)
class Datum:
    """An entity of a notification: the document, and how it is shown."""

    document: Document
    shown: dict[str, Any]


class _Shape:
    """How a subscription wants its entities."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self.form: Form = subscription.form
        self.projection: Projection = subscription.projection
        joined = subscription.join
        self.join: Join = Join(joined, subscription.join_level) if joined else NO_JOIN

    def entity(
        self, document: Document, context: Context, projection: Projection | None = None
    ) -> dict[str, Any]:
        subscription = self._subscription
        kept = projection or self.projection
        return represent.render(
            document,
            context,
            form=self.form,
            sys_attrs=subscription.sys_attrs,
            attrs=subscription.attributes if projection is None else (),
            pick=kept.pick,
            omit=kept.omit,
            lang=subscription.lang,
            datasets=subscription.datasets if projection is None else (),
        )


def of_change(subscription: Subscription, changes: Changes, at: str, get: Get) -> list[Datum]:
    """What a subscription is told of a change; ``at`` is the time of the write."""
    context = subscription.notified_in
    triggers = subscription.triggers
    deletions = "attributeDeleted" in triggers or "entityUpdated" in triggers
    if changes.after is None:
        gone = _gone(subscription, changes, at, deletions)
        shown = _Shape(subscription).entity(gone, context)
        if not subscription.projection.pick:
            shown["deletedAt"] = at
        data = [Datum(gone, shown)]
    else:
        document = changes.after
        if deletions and changes.deleted:
            document = dict(document)
            for name, nulls in nulled(changes, at, subscription.watched):
                left = list(instances(document[name])) if name in document else []
                document[name] = [*left, *nulls] if left or len(nulls) > 1 else nulls[0]
        data = of_state(subscription, [document], get)
    if subscription.show_changes and changes.before is not None:
        _show_changes(data[0].shown, changes, context)
    return data


def of_state(subscription: Subscription, documents: Sequence[Document], get: Get) -> list[Datum]:
    """Entities as a subscription wants them; those linked to them follow, or are inside (clause 4.5.23)."""
    context = subscription.notified_in
    shape = _Shape(subscription)

    def fetch(ids: Iterable[str]) -> list[Document]:
        return [found for found in map(get, ids) if found is not None]

    if subscription.join == "inline":
        inlined = Graph(fetch, shape, context).inline(documents)
        return [Datum(document, shown) for document, shown in zip(documents, inlined, strict=True)]
    data = [Datum(document, shape.entity(document, context)) for document in documents]
    if subscription.join == "flat":
        linked = Graph(fetch, shape, context).flat(documents)
        data += [Datum(one, shape.entity(one, context, projection)) for one, projection in linked]
    return data


def body(subscription: Subscription, data: Sequence[Datum], at: str, share: int = 0) -> bytes:
    """The notification; its id stays the same however often it is tried. ``share``: its version, for a hub."""
    context = subscription.notified_in
    accept = subscription.endpoint.accept
    found: dict[str, Any] = {
        "id": f"urn:ngsi-ld:Notification:{uuid.uuid4()}",
        "type": "Notification",
        "subscriptionId": subscription.id,
        "notifiedAt": at,
    }
    if share:
        found["share"] = share
    if accept == GEO_JSON:
        found["data"] = represent.collection(represent.feature(one.document, one.shown) for one in data)
        if not _linked_context(subscription):
            found["data"]["@context"] = context.with_core()
    elif accept == JSON_LD:
        whole = context.with_core()
        found = {"@context": whole, **found, "data": [{"@context": whole, **one.shown} for one in data]}
    else:
        found["data"] = [one.shown for one in data]
    return orjson.dumps(found)


def headers(subscription: Subscription, tenant: str) -> dict[str, str]:
    """What goes with a body: its type, the context where the body has none, the tenant, the trace, receiverInfo."""
    accept = subscription.endpoint.accept
    found = {"Content-Type": accept}
    if accept == JSON or (accept == GEO_JSON and _linked_context(subscription)):
        found["Link"] = context_header(subscription.notified_in)
    if tenant:
        found["NGSILD-Tenant"] = tenant
    if trace := tracing.carried():
        found[tracing.HEADER] = trace
    return found | dict(subscription.endpoint.receiver_info)


def context_header(context: Context) -> str:
    """The value of a Link header for a context."""
    return f'<{context.link or CORE_URL}>; rel="{_CONTEXT_REL}"; type="{JSON_LD}"'


def _linked_context(subscription: Subscription) -> bool:
    """Whether the receiver of GeoJSON wants the context beside the body (clause 6.3.15)."""
    infos = (*subscription.endpoint.receiver_info, *subscription.endpoint.notifier_info)
    return any((name.lower(), text.replace(" ", "")) == ("prefer", "body=json") for name, text in infos)


def _gone(subscription: Subscription, changes: Changes, at: str, deletions: bool) -> Document:
    """A deleted entity: its id, type and times; its attributes as Nulls if their deletion was asked for."""
    before = changes.before or {}
    gone: Document = {"id": before["id"], "type": before["type"]}
    if subscription.sys_attrs:
        gone |= {name: before[name] for name in ("createdAt", "modifiedAt") if name in before}
    gone["deletedAt"] = at
    if deletions or subscription.show_changes:
        for name, nulls in nulled(changes, at, subscription.watched):
            gone[name] = nulls if len(nulls) > 1 else nulls[0]
    return gone


def _show_changes(shown: dict[str, Any], changes: Changes, context: Context) -> None:
    """Beside every changed value the one before it (clause 5.2.14, showChanges)."""
    before = changes.before or {}
    for name in changes.updated | changes.deleted:
        key = context.compact(name)
        if key not in shown:
            continue
        was = represent.render({name: before[name]}, context)[key]
        old = {one.get("datasetId"): one for one in instances(was)}
        now = shown[key]
        if isinstance(now, list) and all(map(_is_instance, now)):
            shown[key] = [_with_previous(one, old.get(one.get("datasetId"))) for one in now]
        else:
            now = now if _is_instance(now) else {"value": now}
            shown[key] = _with_previous(now, old.get(now.get("datasetId")))


def _is_instance(value: Any) -> bool:
    return isinstance(value, dict) and not _VALUES.isdisjoint(value)


def _with_previous(now: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    if old is None:
        return now
    member = VALUE_MEMBER[old["type"]]
    return now if now.get(member) == old[member] else {**now, _PREVIOUS[member]: old[member]}
