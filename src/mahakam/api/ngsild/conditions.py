"""Conditional requests on entities: ETag, If-Match, If-None-Match (RFC 9110, sections 8.8.3 and 13).

A tag is ``"VERSION"`` for the entity as a read without options shows it, and ``"VERSION.FORM"`` for every other
representation. VERSION stands for what the caller may see of the entity, so it tells nothing of what is hidden;
``If-Match`` compares it alone, so that a writer may have read any representation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b

import orjson

from mahakam.api.http import Headers, Response
from mahakam.api.ngsild.call import Call
from mahakam.broker.sight import masked
from mahakam.broker.writes import Patch
from mahakam.ngsild import represent
from mahakam.ngsild.entity import Document
from mahakam.ngsild.patch import Change
from mahakam.ngsild.problem import Problem

_BYTES, _FORM_BYTES = 12, 6
_TAG = re.compile(r'(W/)?"([!#-~\x80-\xff]*)"')
_LIST = re.compile(rf"[\s,]*{_TAG.pattern}(\s*,\s*({_TAG.pattern})?)*\s*")

Tags = frozenset[str] | None
"""The tags of a header, quotes taken off; None stands for ``*``: any."""


def version_of(document: Document) -> str:
    """The version of an entity, as its reader sees it: changes when anything but the system times does."""
    return _digest(represent.body(document), _BYTES)


def tagged(call: Call, response: Response, version: str, *, plain: bool = False) -> Response:
    """The answer to a read with its tag; or 304 if the caller has it already.

    ``version`` is "" for what is put together from several nodes, which has no version to change.
    ``plain``: it is what a read without options answers. Raises Problem (412) if ``If-Match`` is not fulfilled.
    """
    headers = call.request.headers
    _require_match(headers, version)
    tag = version if plain else f"{version}.{_form(response)}"
    given = tags_of(headers, "if-none-match")
    named = ("etag", f'"{tag}"')
    if given is None or tag in given:
        return Response(304, call.headers(named))
    return Response(response.status, [*response.headers, named], response.body)


def precondition(call: Call) -> Callable[[Document], None] | None:
    """What a stored entity must fulfil for a write to go on: it raises Problem (412) if the entity does not.

    None if the request says nothing of the kind. Raises Problem InvalidRequest for a header that is not valid.
    """
    headers = call.request.headers
    if headers.get("if-match") is None and headers.get("if-none-match") is None:
        return None
    tags_of(headers, "if-match")
    unwanted = {tag.partition(".")[0] for tag in tags_of(headers, "if-none-match") or ()}
    any_unwanted = tags_of(headers, "if-none-match") is None
    sight = call.sight

    def check(stored: Document) -> None:
        version = version_of(stored if sight is None else masked(stored, sight))
        _require_match(headers, version)
        if any_unwanted or version in unwanted:
            raise _failed("If-None-Match", f"the entity is there, as {version}")

    return check


def conditional(call: Call, patch: Patch) -> Patch:
    """A patch that is applied only if the stored entity fulfils the request's precondition."""
    check = precondition(call)
    if check is None:
        return patch

    def work(stored: Document, at: str) -> Change:
        check(stored)
        return patch(stored, at)

    return work


def refuse_new(headers: Headers) -> None:
    """Raises Problem (412) for a new entity that must match: there is nothing yet."""
    if headers.get("if-match") is not None:
        raise _failed("If-Match", "an entity that is to be created has no tag yet; leave the header out")


def refuse_existing(headers: Headers) -> None:
    """Raises Problem (412) if nothing must be there, and something is."""
    if headers.get("if-none-match") is not None and tags_of(headers, "if-none-match") is None:
        raise _failed("If-None-Match", "there is an entity with this id already")


def refuse_spread(call: Call) -> None:
    """Raises Problem OperationNotSupported for a condition on what several nodes write, none of them for all."""
    headers = call.request.headers
    for name in ("If-Match", "If-None-Match"):
        if headers.get(name.lower()) is not None:
            raise Problem(
                "OperationNotSupported",
                f"{name} is for what this node holds alone",
                "context sources have a part of this entity; say local=true to write this node's part",
            )


def tags_of(headers: Headers, name: str) -> Tags:
    """The tags of a header: none if it is not there. Weak ones begin with ``W/`` for If-Match, which they never
    fulfil; for If-None-Match they are as good as strong ones. Raises Problem InvalidRequest."""
    text = headers.get(name)
    if text is None:
        return frozenset()
    if text.strip() == "*":
        return None
    if _LIST.fullmatch(text) is None:
        raise Problem(
            "InvalidRequest",
            f"The header {name} is not valid",
            f'tags in quotes with commas between were expected, or *, not {text[:80]!r}: {name}: "TAG"',
        )
    strong = name == "if-match"
    return frozenset(f"W/{tag}" if weak and strong else tag for weak, tag in _TAG.findall(text))


def _require_match(headers: Headers, version: str) -> None:
    if headers.get("if-match") is None:
        return
    wanted = tags_of(headers, "if-match")
    if wanted is not None and (not version or version not in {tag.partition(".")[0] for tag in wanted}):
        raise _failed("If-Match", "the entity is another one by now: read it again, and decide anew")


def _failed(header: str, why: str) -> Problem:
    return Problem("PreconditionFailed", f"{header} is not fulfilled", why)


def _form(response: Response) -> str:
    told = orjson.dumps([response.status, *(pair for pair in response.headers if pair[0] in _TELLING)])
    return _digest(told + response.body, _FORM_BYTES)


_TELLING = frozenset(("content-type", "link", "preference-applied"))


def _digest(content: bytes, size: int) -> str:
    return blake2b(content, digest_size=size).hexdigest()
