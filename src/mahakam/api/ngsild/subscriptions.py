"""``/subscriptions`` and their dead letters (clause 5.8.1-5.8.5, 6.10, 6.11)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from mahakam.api.http import Response
from mahakam.api.ngsild.call import BASE, JSON, JSON_LD, MERGE_PATCH, Call, accepted
from mahakam.api.ngsild.jsonld_contexts import implicit_context
from mahakam.api.ngsild.presentation import preferred
from mahakam.broker.clock import now
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.federation.copies import remember_origin, watches
from mahakam.broker.federation.headers import aliases
from mahakam.broker.subscriptions import Subscriptions, Then
from mahakam.ngsild import subscription as model
from mahakam.ngsild.context import Context
from mahakam.ngsild.lexical import require_uri
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.subscription import About, Subscription
from mahakam.ngsild.subscription_members import fault

PAGE = frozenset(("limit", "offset", "count"))
READ_PARAMETERS = frozenset(("options", "local"))
_PATHS: dict[About, str] = {"entities": "subscriptions", "registrations": "csourceSubscriptions"}
_OPTIONS = frozenset(("sysAttrs",))
MAX_LIMIT = 1000


async def create_subscription(call: Call) -> Response:
    """Clause 5.8.1; copies of it go to context sources (``broker.federation.spreading``)."""
    via = call.request.headers.get("via") or ""
    if via and (await call.off_loop(lambda: call.node.identity)).alias(call.tenant) in aliases(via):
        raise Problem(
            "LoopDetected", "A loop of context sources", "this node passed the subscription on", status=508
        )
    return await create(call, "entities", partial(remember_origin, via) if via else None)


async def create(call: Call, about: About, then: Then | None = None) -> Response:
    """A subscription to entities, or to registrations; ``then`` is done in the same transaction."""
    payload, context = await call.payload()
    author = call.authorised()
    broker = await call.broker_for_creation()
    id = f"urn:ngsi-ld:Subscription:{uuid.uuid4()}"

    def work() -> str:
        members = payload
        if about == "entities" and not context.link and "jsonldContext" not in payload:
            # Clause 5.13.1: a context that stands in the body is given a URL, so that notifications can name it.
            members = {**payload, "jsonldContext": implicit_context(call, broker, context.source)}
        made = model.create(
            members, context, now(), id=id, context_of=_contexts(call), author=author, about=about
        )
        require_endpoint(made, private_addresses=call.node.broker.private_addresses)
        broker.subscriptions.create(made, then)
        return made.id

    made = await call.off_loop(work)
    return call.empty(201, ("location", f"{BASE}/{_PATHS[about]}/{made}"))


async def list_subscriptions(call: Call) -> Response:
    """Clause 5.8.4."""
    return await listed(call, "entities")


async def listed(call: Call, about: About) -> Response:
    """All subscriptions of one kind, by pages."""
    accept = accepted(call.request.headers)
    call.authorised()
    context = await call.context()
    sys_attrs = "sysAttrs" in call.options(_OPTIONS)
    subscriptions = call.broker.subscriptions
    every = await call.off_loop(partial(_every, call, about))
    limit, offset = _number(call, "limit", 20), _number(call, "offset", 0)
    at = now()
    shown = [
        model.shown(one, context, at, subscriptions.status(one.id), sys_attrs=sys_attrs)
        for one in every[offset : offset + limit]
    ]
    pages = accept if about == "entities" else JSON_LD
    more = [*_paging(call, f"/{_PATHS[about]}", len(every), pages), *_preference(call)]
    return call.answer(shown, context, accept, *more)


def _every(call: Call, about: About) -> list[Subscription]:
    found = call.broker.subscriptions.all(about)
    return [*found, *_watches(call)] if about == "registrations" else found


def _watches(call: Call) -> list[Subscription]:
    """Those that the node has made for itself (clause 5.8.1.4)."""
    subscriptions = call.broker.subscriptions
    entities = {one.id: one for one in subscriptions.all("entities")}
    return watches(subscriptions.store, entities, call.node.address)


async def retrieve_subscription(call: Call) -> Response:
    """Clause 5.8.3."""
    return await retrieve(call, "entities")


async def retrieve(call: Call, about: About) -> Response:
    """One subscription of a kind."""
    accept = accepted(call.request.headers)
    call.authorised()
    context = await call.context()
    sys_attrs = "sysAttrs" in call.options(_OPTIONS)
    subscriptions = call.broker.subscriptions
    id = _id(call)
    found = subscriptions.get(id, about)
    if found is None and about == "registrations":
        found = next((one for one in await call.off_loop(partial(_watches, call)) if one.id == id), None)
    if found is None:
        raise not_found(f"no subscription {id}")
    await _answered(subscriptions, found.id)
    shown = model.shown(found, context, now(), subscriptions.status(found.id), sys_attrs=sys_attrs)
    return call.answer(shown, context, accept, *_preference(call))


async def update_subscription(call: Call) -> Response:
    """Clause 5.8.2: the members given are replaced; null, or an NGSI-LD Null, removes one."""
    return await update(call, "entities")


async def update(call: Call, about: About, then: Then | None = None) -> Response:
    """Change a subscription of a kind; ``then`` is done in the same transaction."""
    fragment, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    call.authorised()
    id = _id(call)
    contexts = _contexts(call)

    def change(before: Subscription) -> Subscription:
        after = model.update(before, fragment, context, now(), context_of=contexts)
        require_endpoint(after, private_addresses=call.node.broker.private_addresses)
        return after

    def work() -> None:
        subscriptions = call.broker.subscriptions
        before = subscriptions.get(id, about)
        if before is None:
            raise not_found(f"no subscription {id}")
        change(before)  # contexts are fetched here, and not in the transaction
        subscriptions.change(id, change, then)

    await call.off_loop(work)
    return call.empty()


async def delete_subscription(call: Call) -> Response:
    """Clause 5.8.5."""
    return await delete(call, "entities")


async def delete(call: Call, about: About) -> Response:
    """End a subscription of a kind."""
    call.authorised()
    id = _id(call)
    subscriptions = call.broker.subscriptions
    if subscriptions.get(id, about) is None:
        raise not_found(f"no subscription {id}")
    await call.off_loop(partial(subscriptions.delete, id))
    return call.empty()


async def list_dead_letters(call: Call) -> Response:
    """Notifications of a subscription that were given up, the oldest first. Not part of the standard."""
    accept = accepted(call.request.headers)
    call.authorised()
    subscriptions = call.broker.subscriptions
    limit, offset = _number(call, "limit", 20), _number(call, "offset", 0)
    found = subscriptions.dead_letters(_id(call), limit, offset)
    shown = [
        {"number": one.number, "entity": one.entity, "tries": one.tries, "error": one.error} for one in found
    ]
    count = subscriptions.store.count_dead(_id(call))
    more = _paging(call, f"/subscriptions/{call.args[0]}/deadLetters", count, accept)
    return call.answer(shown, await call.context(), accept, *more)


async def replay_dead_letters(call: Call) -> Response:
    """Send them again; the answer says how many. Not part of the standard."""
    call.authorised()
    subscriptions = call.broker.subscriptions
    accept = accepted(call.request.headers)
    numbers = [one.number for one in subscriptions.dead_letters(_id(call), 10_000)]
    count = await call.off_loop(partial(subscriptions.replay, numbers))
    return call.answer({"replayed": count}, await call.context(), accept)


def require_endpoint(subscription: Subscription, *, private_addresses: bool) -> None:
    """Raises Problem BadRequestData for an endpoint that this node does not send to."""
    endpoint = subscription.endpoint
    problem = endpoint_problem(
        endpoint.uri, private_addresses=private_addresses, notifier_info=endpoint.notifier_info
    )
    if problem:
        raise fault("notification.endpoint.uri", problem)


def _contexts(call: Call) -> Callable[[str], Context]:
    """The contexts that ``jsonldContext`` names; to be asked off the event loop."""
    tenant = call.tenant
    own = call.node.broker.tenant(tenant).store if tenant else None
    return lambda url: call.node.contexts.of(url, tenant, own)


async def _answered(subscriptions: Subscriptions, id: str) -> None:
    """Wait a moment for a receiver that is just answering, so that what it knows of its answer is told here."""
    for _ in range(20):
        if not subscriptions.under_way(id):
            return
        await asyncio.sleep(0.005)


def _preference(call: Call) -> list[tuple[str, str]]:
    """A subscription is the same in every version of the standard (clause 4.3.6.8): the wish is always met."""
    version = preferred(call, earliest=(1, 0))
    return [] if version is None else [("preference-applied", f"ngsi-ld={version[0]}.{version[1]}")]


def _id(call: Call) -> str:
    return require_uri(call.args[0], "The subscription id")


def _paging(call: Call, path: str, every: int, accept: str) -> list[tuple[str, str]]:
    """The count if it was asked for, and links to the next and the previous page (clause 6.3.10, 6.3.13)."""
    limit, offset = _number(call, "limit", 20), _number(call, "offset", 0)
    found = [("ngsild-results-count", str(every))] if call.flag("count") else []
    pages = []
    if limit and offset + limit < every:
        pages.append((offset + limit, "next"))
    if limit and offset:
        pages.append((max(0, offset - limit), "prev"))
    for start, relation in pages:
        query = urlencode({**call.params, "limit": limit, "offset": start})
        found.append(("link", f'<{BASE}{path}?{query}>; rel="{relation}"; type="{accept}"'))
    return found


def _number(call: Call, name: str, default: int) -> int:
    text = call.params.get(name)
    if text is None:
        return default
    largest = MAX_LIMIT if name == "limit" else 2**31
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or int(text) > largest:
        raise bad_request(
            f"The parameter {name} is not valid", f"a whole number up to {largest:,} was expected"
        )
    return int(text)
