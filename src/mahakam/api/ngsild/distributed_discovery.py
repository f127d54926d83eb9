"""Types and attributes over context sources: what each knows, put together (clause 5.7.5-5.7.10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from mahakam.api.http import Response, problem_response
from mahakam.api.ngsild.call import Call, accepted
from mahakam.api.ngsild.forwarding import Forwarding, json_of
from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.context import Context
from mahakam.ngsild.lexical import require_name
from mahakam.ngsild.problem import Problem

Handler = Callable[[Call], Awaitable[Response]]
_NAMES = frozenset(("typeName", "attributeName", "typeList", "attributeList", "attributeNames", "typeNames"))
_COUNTS = frozenset(("entityCount", "attributeCount"))


async def discover(call: Call, handler: Handler, operations: tuple[str, str], path: str) -> Response | None:
    """The answers of this node and of its sources as one; None if no source is concerned.

    ``operations``: what a source must take, without and with ``details``; ``path`` is ``types`` or ``attributes``.
    """
    accept = accepted(call.request.headers)
    context = await call.context()
    operation = operations[call.flag("details")] if "details" in call.params else operations[0]
    name = require_name(call.args[0], context, "The name") if call.args else ""
    forwarding = Forwarding(call, context)
    named = (name,) if name else ()
    found = {
        match.registration.id: match
        for match in forwarding.matches(
            types=named if path == "types" else (), attributes=named if path == "attributes" else ()
        )
        if operation in match.registration.operations
    }
    if not found or forwarding.looped:
        return None

    async def ask(match: Match) -> Any:
        words = await forwarding.words(match.registration)
        target = f"/{path}/{quote(words.compact(name), safe='')}" if name else f"/{path}"
        params = {key: value for key, value in call.params.items() if key == "details"}
        answer = json_of(await forwarding.send(match.registration, "GET", target, params, words))
        if answer is not None and not isinstance(answer, dict | list):
            raise SourceError(111, "its answer is neither a list nor an object")
        return _worded(answer, words, context)

    answers = [value for _, value in await forwarding.each(list(found.values()), ask) if value is not None]
    missing: Problem | None = None
    try:
        answers.insert(0, _without_context(orjson.loads((await handler(call)).body)))
    except Problem as problem:
        if problem.kind != "ResourceNotFound":
            raise
        missing = problem
    if not answers:
        assert missing is not None
        return problem_response(missing, call.headers(*forwarding.warnings))
    whole = answers[0]
    for other in answers[1:]:
        whole = united(whole, other)
    return call.answer(whole, context, accept, *forwarding.warnings)


def united(one: Any, other: Any) -> Any:
    """Two answers about the same as one: lists add up by id, or by value; counts are summed."""
    if isinstance(one, list) and isinstance(other, list):
        return _joined(one, other)
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one
    result = dict(one)
    for key, value in other.items():
        if key not in result:
            result[key] = value
        elif key in _COUNTS and isinstance(value, int) and isinstance(result[key], int):
            result[key] += value
        elif isinstance(value, list) and isinstance(result[key], list):
            result[key] = _joined(result[key], value)
    return result


def _joined(one: list[Any], other: list[Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for value in (*one, *other):
        key = value.get("id") if isinstance(value, dict) else str(value)
        found[key] = united(found[key], value) if key in found else value
    if all(isinstance(value, str) for value in found.values()):
        return sorted(found.values())
    return list(found.values())


def _worded(value: Any, old: Context, new: Context) -> Any:
    """An answer whose names are those of the request's context."""
    value = _without_context(value)
    if old is new:
        return value
    if isinstance(value, list):
        return [_worded(one, old, new) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: _renamed(part, old, new) if key in _NAMES else _worded(part, old, new)
        for key, part in value.items()
    }


def _renamed(value: Any, old: Context, new: Context) -> Any:
    if isinstance(value, list):
        return [_renamed(one, old, new) for one in value]
    return new.compact(old.expand(value)) if isinstance(value, str) else value


def _without_context(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_context(one) for one in value]
    if isinstance(value, dict):
        return {key: part for key, part in value.items() if key != "@context"}
    return value
