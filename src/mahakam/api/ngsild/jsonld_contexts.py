"""``/jsonldContexts``: the @contexts that a node keeps (clause 5.13, 6.29, 6.30)."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from mahakam.api.http import Response
from mahakam.api.ngsild.call import BASE, JSON, JSON_LD, Call, accepted, content_type
from mahakam.broker.broker import Broker
from mahakam.broker.library import KeptContext, Library
from mahakam.ngsild.problem import Problem, bad_request

PATH = f"{BASE}/jsonldContexts"
_KINDS = ("Hosted", "Cached", "ImplicitlyCreated")


async def add_context(call: Call) -> Response:
    """Clause 5.13.2: host a @context; 201 and ``location``."""
    content_type(call.request.headers, (JSON, JSON_LD))
    value = await call.json()
    if not isinstance(value, dict) or "@context" not in value:
        raise Problem("InvalidRequest", "The body is not valid", 'an object with "@context" was expected')
    call.authorised()
    library = _library(call, await call.broker_for_creation())
    document = {"@context": value["@context"]}
    kept = await call.off_loop(partial(library.add, document, call.address + PATH))
    return call.empty(201, ("location", f"{PATH}/{kept.id}"))


async def list_contexts(call: Call) -> Response:
    """Clause 5.13.3: their URLs; with ``details`` an object about each; ``kind`` chooses."""
    accepted(call.request.headers)
    kind = call.params.get("kind", "")
    if kind and kind not in _KINDS:
        raise bad_request("The parameter kind is not valid", f"one of {', '.join(_KINDS)}")
    details = _flag(call, "details")
    library = _library(call, call.broker)
    found = [one for one in await call.off_loop(lambda: list(library.all())) if kind in ("", one.kind)]
    return _json(call, [_details(one) if details else one.url for one in found])


async def serve_context(call: Call) -> Response:
    """Clause 5.13.4: the @context as it was given; with ``details`` an object about it."""
    details = _flag(call, "details")
    library = _library(call, call.broker)
    found = await call.off_loop(partial(library.find, call.args[0]))
    if details:
        return _json(call, _details(found))
    if found.kind == "Cached":
        raise Problem(
            "OperationNotSupported",
            "A cached @context is not served",
            f"ask {found.url} itself, or for details=true",
        )
    return _json(call, found.document)


async def delete_context(call: Call) -> Response:
    """Clause 5.13.5: the end of a @context; with ``reload`` a cached one is fetched again."""
    reload = _flag(call, "reload")
    call.authorised()
    library = _library(call, call.broker)
    await call.off_loop(partial(library.reload if reload else library.delete, call.args[0]))
    return call.empty()


def implicit_context(call: Call, broker: Broker, context: Any) -> str:
    """The URL of a @context that came inside a body: a context of the broker's own is made for it.

    May write: run it off the loop. "" if there is none; a single URL stands for itself.
    """
    if context is None or isinstance(context, str):
        return context or ""
    if isinstance(context, list) and len(context) == 1 and isinstance(context[0], str):
        return context[0]
    library = _library(call, broker)
    return library.add({"@context": context}, call.address + PATH, kind="ImplicitlyCreated").url


def _library(call: Call, broker: Broker) -> Library:
    return Library(call.node.contexts, broker.store, call.node.broker.store)


def _flag(call: Call, name: str) -> bool:
    text = call.params.get(name, "false")
    if text not in ("true", "false"):
        raise bad_request(f"The parameter {name} is not valid", f"true or false, not {text[:80]!r}")
    return text == "true"


def _details(kept: KeptContext) -> dict[str, Any]:
    """Clause 5.13.3.5."""
    return {"URL": kept.url, "localId": kept.id, "kind": kept.kind, "createdAt": kept.created}


def _json(call: Call, value: Any) -> Response:
    return Response(200, call.headers(("content-type", JSON)), orjson.dumps(value))
