"""``/subscriptions`` and their dead letters (clause 5.8.1-5.8.5, 6.10, 6.11); by the broker engineer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from mahakam.api.http import Response
from mahakam.api.ngsild.call import JSON, JSON_LD, MERGE_PATCH, Call, accepted
from mahakam.api.ngsild.jsonld_contexts import implicit_context
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.subscriptions import DEFAULT_TRIGGERS, TRIGGERS, Subscription
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.lexical import is_time, is_uri, require_name, require_uri
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.query import selection_from
from mahakam.ngsild.selection import Selection

PAGE = frozenset(("limit", "offset", "count"))
_MEMBERS = frozenset(
    (
        "id", "type", "subscriptionName", "description", "entities", "watchedAttributes", "q", "geoQ",
        "scopeQ", "notificationTrigger", "isActive", "notification", "expiresAt", "expires", "lang", "status",
        "createdAt", "modifiedAt", "jsonldContext",
    )
)  # fmt: skip
_NOTIFICATION = frozenset(
    ("attributes", "format", "endpoint", "sysAttrs", "status", "timesSent", "timesFailed", "lastNotification",
     "lastFailure", "lastSuccess")
)  # fmt: skip
_ENDPOINT = frozenset(("uri", "accept", "receiverInfo"))
_FORMS = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_OWN_HEADERS = frozenset(("host", "content-length", "content-type", "connection", "transfer-encoding"))


async def create_subscription(call: Call) -> Response:
    """Clause 5.8.1."""
    payload, context = await call.payload()
    author = call.authorised()
    broker = await call.broker_for_creation()
    private = call.node.broker.private_addresses
    if "jsonldContext" not in payload and context.source is not None:
        made = await call.off_loop(partial(implicit_context, call, broker, context.source))
        payload = {**payload, "jsonldContext": made}
    subscription = parse_subscription(payload, context, private_addresses=private, author=author)
    await call.off_loop(partial(broker.subscriptions.create, subscription))
    return call.empty(201, ("location", f"/ngsi-ld/v1/subscriptions/{subscription.id}"))


async def list_subscriptions(call: Call) -> Response:
    """Clause 5.8.4."""
    accept = accepted(call.request.headers)
    call.authorised()
    context = await call.context()
    subscriptions = call.broker.subscriptions
    every = await call.off_loop(subscriptions.all)
    limit, offset = _number(call, "limit", 20), _number(call, "offset", 0)
    shown = [_shown(one, subscriptions.status(one.id), context) for one in every[offset : offset + limit]]
    more = [("ngsild-results-count", str(len(every)))] if call.flag("count") else []
    return call.answer(shown, context, accept, *more)


async def retrieve_subscription(call: Call) -> Response:
    """Clause 5.8.3."""
    accept = accepted(call.request.headers)
    call.authorised()
    context = await call.context()
    subscriptions = call.broker.subscriptions
    found = subscriptions.get(_id(call))
    if found is None:
        raise not_found(f"no subscription {_id(call)}")
    return call.answer(_shown(found, subscriptions.status(found.id), context), context, accept)


async def update_subscription(call: Call) -> Response:
    """Clause 5.8.2: the members given are replaced; an NGSI-LD Null removes one."""
    payload, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    author = call.authorised()
    subscriptions = call.broker.subscriptions
    before = subscriptions.get(_id(call))
    if before is None:
        raise not_found(f"no subscription {_id(call)}")
    if not isinstance(payload, dict):
        raise bad_request("The subscription is not valid", "a JSON object was expected")
    # The stored one is in its author's words: it is read with its own context unless the new words bring one.
    merged = {**before.payload, **payload, "id": before.id}
    merged = {name: value for name, value in merged.items() if value not in (None, "urn:ngsi-ld:null")}
    private = call.node.broker.private_addresses
    chosen = before.context if context.is_core else context
    after = parse_subscription(merged, chosen, private_addresses=private, author=author)
    await call.off_loop(partial(subscriptions.replace, after))
    return call.empty()


async def delete_subscription(call: Call) -> Response:
    """Clause 5.8.5."""
    call.authorised()
    await call.off_loop(partial(call.broker.subscriptions.delete, _id(call)))
    return call.empty()


async def list_dead_letters(call: Call) -> Response:
    """Notifications of a subscription that were given up, the oldest first. Not part of the standard."""
    accept = accepted(call.request.headers)
    call.authorised()
    limit, offset = _number(call, "limit", 20), _number(call, "offset", 0)
    found = call.broker.subscriptions.dead_letters(_id(call), limit, offset)
    shown = [
        {"number": one.number, "entity": one.entity, "tries": one.tries, "error": one.error} for one in found
    ]
    return call.answer(shown, await call.context(), accept)


async def replay_dead_letters(call: Call) -> Response:
    """Send them again; the answer says how many. Not part of the standard."""
    call.authorised()
    subscriptions = call.broker.subscriptions
    accept = accepted(call.request.headers)
    numbers = [one.number for one in subscriptions.dead_letters(_id(call), 10_000)]
    count = await call.off_loop(partial(subscriptions.replay, numbers))
    return call.answer({"replayed": count}, await call.context(), accept)


def parse_subscription(
    payload: object, context: Context, *, private_addresses: bool, author: str = ""
) -> Subscription:
    """A subscription from the payload of a request (clause 5.2.12).

    Raises Problem BadRequestData with what is wrong, OperationNotSupported for members that are not served.
    """
    if not isinstance(payload, dict):
        raise bad_request("The subscription is not valid", "a JSON object was expected")
    _only(payload, _MEMBERS, "subscription")
    if payload.get("type") != "Subscription":
        raise bad_request("The subscription is not valid", 'type: "Subscription" was expected')
    id = payload.get("id") or f"urn:ngsi-ld:Subscription:{uuid.uuid4()}"
    if not isinstance(id, str) or not is_uri(id):
        raise bad_request("The subscription is not valid", f"id: {str(id)[:80]!r} is no URI")
    watched = _names(payload, "watchedAttributes", context)
    if not payload.get("entities") and not watched:
        raise bad_request("The subscription is not valid", "entities or watchedAttributes is needed, or both")
    expires = payload.get("expiresAt", payload.get("expires", ""))
    if expires and not is_time(expires):
        raise bad_request("The subscription is not valid", "expiresAt: an ISO 8601 UTC time was expected")
    active = payload.get("isActive", True)
    if not isinstance(active, bool):
        raise bad_request("The subscription is not valid", "isActive: true or false was expected")
    notification = _object(payload.get("notification"), "notification")
    _only(notification, _NOTIFICATION, "notification")
    form = notification.get("format", "normalized")
    if form not in _FORMS:
        raise bad_request("The subscription is not valid", f"notification.format: {', '.join(_FORMS)}")
    endpoint = _object(notification.get("endpoint"), "notification.endpoint")
    _only(endpoint, _ENDPOINT, "notification.endpoint")
    uri = endpoint.get("uri")
    problem = (
        endpoint_problem(uri, private_addresses=private_addresses) if isinstance(uri, str) else "is needed"
    )
    if problem:
        raise bad_request("The subscription is not valid", f"notification.endpoint.uri: {problem}")
    accept = endpoint.get("accept", JSON)
    if accept not in (JSON, JSON_LD):
        raise bad_request(
            "The subscription is not valid", f"notification.endpoint.accept: {JSON} or {JSON_LD}"
        )
    kept = {key: value for key, value in payload.items() if key not in ("status", "createdAt", "modifiedAt")}
    return Subscription(
        id=id,
        payload={**kept, "id": id},
        selections=_selections(payload, context),
        uri=str(uri),
        watched=frozenset(watched),
        attributes=_names(notification, "attributes", context),
        form=_FORMS[form],  # type: ignore[arg-type]
        sys_attrs=bool(notification.get("sysAttrs", False)),
        accept=accept,
        headers=_headers(endpoint.get("receiverInfo", [])),
        triggers=_triggers(payload.get("notificationTrigger", list(DEFAULT_TRIGGERS))),
        active=active,
        expires=str(expires),
        lang=str(payload.get("lang", "")),
        author=author,
        context=context,
    )


def _selections(payload: Mapping[str, Any], context: Context) -> tuple[Selection, ...]:
    """One for each member of ``entities``, each with the q, geoQ and scopeQ of the subscription."""
    common: dict[str, str] = {}
    for name in ("q", "scopeQ"):
        if name in payload:
            if not isinstance(payload[name], str):
                raise bad_request("The subscription is not valid", f"{name}: a text was expected")
            common[name] = payload[name]
    if "geoQ" in payload:
        geo = _object(payload["geoQ"], "geoQ")
        _only(geo, frozenset(("geometry", "coordinates", "georel", "geoproperty")), "geoQ")
        for name, value in geo.items():
            common[name] = value if isinstance(value, str) else _text(value)
    chosen = payload.get("entities") or [{}]
    if not isinstance(chosen, list) or len(chosen) > 1000:
        raise bad_request("The subscription is not valid", "entities: a list of at most 1000 was expected")
    found = []
    for selector in chosen:
        selector = _object(selector, "entities[]")
        _only(selector, frozenset(("id", "idPattern", "type")), "entities[]")
        if payload.get("entities") and "type" not in selector:
            raise bad_request("The subscription is not valid", "entities[].type is needed")
        for name, value in selector.items():
            if not isinstance(value, str) and not (name == "id" and isinstance(value, list)):
                raise bad_request("The subscription is not valid", f"entities[].{name}: a text was expected")
        if isinstance(selector.get("id"), list):
            selector = {**selector, "id": ",".join(map(str, selector["id"]))}
        found.append(selection_from({**common, **selector}, context))
    return tuple(found)


def _shown(subscription: Subscription, status: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """A subscription as an answer: names as the request's context has them, where the author's differs."""
    payload = dict(subscription.payload)
    if "watchedAttributes" in payload:
        payload["watchedAttributes"] = sorted(map(context.compact, subscription.watched))
    if "entities" in payload:
        rename = subscription.context
        payload["entities"] = [
            {**one, "type": context.compact(rename.expand(one["type"]))} for one in payload["entities"]
        ]
    notification = {**payload["notification"], **{k: v for k, v in status.items() if k != "lastError"}}
    if subscription.attributes:
        notification["attributes"] = [context.compact(name) for name in subscription.attributes]
    notification["status"] = "failed" if _failing(status) else "ok"
    payload["notification"] = notification
    payload["isActive"] = subscription.active
    payload["status"] = "active" if subscription.active else "paused"
    return payload


def _failing(status: Mapping[str, Any]) -> bool:
    return str(status.get("lastFailure", "")) > str(status.get("lastSuccess", ""))


def _id(call: Call) -> str:
    return require_uri(call.args[0], "The subscription id")


def _number(call: Call, name: str, default: int) -> int:
    text = call.params.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) > 100_000 or (name == "limit" and int(text) > 1000):
        raise bad_request(
            f"The parameter {name} is not valid", "a whole number was expected (limit: up to 1000)"
        )
    return int(text)


def _object(value: object, where: str) -> Document:
    if not isinstance(value, dict):
        raise bad_request("The subscription is not valid", f"{where}: an object was expected")
    return value


def _only(value: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(value.keys() - known)
    if unknown:
        raise Problem(
            "OperationNotSupported",
            "The subscription asks for what is not served",
            f"{where}.{unknown[0][:80]}; there are: {', '.join(sorted(known))}",
        )


def _names(value: Mapping[str, Any], name: str, context: Context) -> tuple[str, ...]:
    found = value.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise bad_request("The subscription is not valid", f"{name}: a list of names was expected")
    return tuple(require_name(one, context, name) for one in found)


def _triggers(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not TRIGGERS.issuperset(map(str, value)):
        raise bad_request(
            "The subscription is not valid", f"notificationTrigger: some of {', '.join(sorted(TRIGGERS))}"
        )
    return tuple(map(str, value))


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    """``receiverInfo``: ``{"key", "value"}`` pairs that are sent as headers (clause 5.2.22)."""
    found = []
    for pair in value if isinstance(value, list) else [value]:
        key, text = (pair.get("key"), pair.get("value")) if isinstance(pair, dict) else (None, None)
        fine = isinstance(key, str) and isinstance(text, str) and key.isascii() and (key + text).isprintable()
        if (
            not fine
            or not str(key).replace("-", "").replace("_", "").isalnum()
            or str(key).lower() in _OWN_HEADERS
        ):
            raise bad_request(
                "The subscription is not valid", 'receiverInfo: pairs {"key": header name, "value": text}'
            )
        found.append((str(key), str(text)))
    return tuple(found)


def _text(value: object) -> str:
    import orjson

    return orjson.dumps(value).decode()
