"""What a call sends to context sources: in which words, with which headers, and what came back (clause 4.3.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from mahakam.api.ngsild.call import JSON_LD, REVOKED, Call, context_link
from mahakam.broker.clock import now
from mahakam.broker.federation.client import Answer, SourceError
from mahakam.broker.federation.discovery import in_time, parse_filter, passes, recorded
from mahakam.broker.federation.headers import aliases, source_headers
from mahakam.broker.federation.matching import Match
from mahakam.broker.federation.registration import NODES, Registration
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.core import is_core
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.temporal_query import Period

T = TypeVar("T")


class Forwarding:
    """The requests of one call. ``context``: that of its names; ``warnings``: what went wrong, for the answer."""

    def __init__(self, call: Call, context: Context) -> None:
        self.call = call
        self.context = context
        self.warnings: list[tuple[str, str]] = []
        self._alias = call.node.identity.alias(call.tenant)
        self._via = call.request.headers.get("via") or ""
        self._seen = aliases(self._via)

    @property
    def looped(self) -> bool:
        """Whether this node has forwarded the request already (clause 6.3.18)."""
        return self._alias in self._seen

    def matches(
        self,
        *,
        ids: Sequence[str] = (),
        id_pattern: str = "",
        types: Iterable[str] = (),
        attributes: Iterable[str] = (),
    ) -> list[Match]:
        """The sources of the latest state that the request concerns and that it has not come from."""
        found = self._found(ids, id_pattern, types, attributes)
        return [match for match in found if in_time(match.registration, None)]

    def temporal(
        self,
        operation: str,
        *,
        period: Period | None = None,
        ids: Sequence[str] = (),
        id_pattern: str = "",
        types: Iterable[str] = (),
        attributes: Iterable[str] = (),
    ) -> list[Match]:
        """The same of the sources of histories: those that are registered for the temporal operation by its name."""
        return [
            match
            for match in self._found(ids, id_pattern, types, attributes)
            if operation in match.registration.operations and recorded(match.registration, period)
        ]

    def _found(
        self, ids: Sequence[str], id_pattern: str, types: Iterable[str], attributes: Iterable[str]
    ) -> list[Match]:
        wanted = parse_filter(self.call.params.get("csf"), self.context)
        conditions = (wanted,) if wanted is not None else ()
        found = self.call.broker.registrations.index().find(
            at=now(), ids=ids, id_pattern=id_pattern, types=tuple(types), attributes=tuple(attributes)
        )
        return [
            match
            for match in found
            if match.registration.alias not in self._seen and passes(match.registration, conditions)
        ]

    async def words(self, registration: Registration) -> Context:
        """The context of what is sent to a source: one that a Link header can name."""
        wanted = registration.setting("jsonldContext")
        if wanted:
            return await self.call.context_of(wanted)
        if self.context.link:
            return self.context
        # A list of one URL says what the URL says; all else a Link header cannot name: then names are whole.
        source = self.context.source
        urls = (
            [one for one in source if not (isinstance(one, str) and is_core(one))]
            if isinstance(source, list)
            else []
        )
        return await self.call.context_of(urls[0]) if len(urls) == 1 and isinstance(urls[0], str) else CORE

    async def send(
        self,
        registration: Registration,
        method: str,
        path: str,
        params: Mapping[str, str],
        words: Context,
        body: Any = None,
    ) -> Answer:
        """One request to a source; ``path`` is encoded. Raises SourceError, Problem (a context out of reach)."""
        query = dict(params)
        if registration.local_only:
            query["local"] = "true"
        headers = self._headers(registration, words)
        data = b""
        if body is not None:
            if headers["Content-Type"] == JSON_LD:
                del headers["Link"]
                whole = words.with_core()
                many = isinstance(body, list) and body and isinstance(body[0], dict)
                body = [{"@context": whole, **one} for one in body] if many else body
                if isinstance(body, dict):
                    body = {"@context": whole, **body}
            data = orjson.dumps(body)
        else:
            del headers["Content-Type"]
        text = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in query.items())
        target = path + (f"?{text}" if text else "")
        answer = await self.call.node.sources.send(registration, method, target, headers, data)
        if answer.status == 403 and _REVOKED in answer.body and registration.id.startswith(NODES):
            from mahakam.nodes.watching import revoked

            await self.call.off_loop(partial(revoked, self.call.node.broker, registration.id))
        return answer

    def _headers(self, registration: Registration, words: Context) -> dict[str, str]:
        return source_headers(
            registration,
            via=self._via,
            alias=self._alias,
            link=context_link(words),
            of_request=self.call.request.headers.get,
        )

    def warn(self, registration: Registration, error: SourceError) -> None:
        """Note for the answer what a source did not do (clause 6.3.17)."""
        text = f"{registration.id}: {error.reason}"
        safe = "".join(
            one if one.isprintable() and one.isascii() and one not in '"\\' else "?" for one in text
        )
        self.warnings.append(("ngsild-warning", f'{error.code} {self._alias} "{safe[:400]}"'))

    async def each(
        self, matches: Sequence[Match], ask: Callable[[Match], Coroutine[Any, Any, T]]
    ) -> list[tuple[Match, T]]:
        """Ask all at once; what went wrong is noted as warnings, and left out."""
        answers = await asyncio.gather(*(ask(match) for match in matches), return_exceptions=True)
        found: list[tuple[Match, T]] = []
        for match, answer in zip(matches, answers, strict=True):
            if isinstance(answer, SourceError):
                self.warn(match.registration, answer)
            elif isinstance(answer, Problem):
                self.warn(match.registration, SourceError(111, str(answer)))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found.append((match, answer))
        return found


_REVOKED = REVOKED.encode()
_SAFE = ":*,;=@!$()~/"


def good(answer: Answer, statuses: Collection[int] = (200,)) -> bytes | None:
    """The body of a good answer; None for 404. Raises SourceError 299, a refusal."""
    if answer.status == 404:
        return None
    if answer.status not in statuses:
        raise SourceError(299, f"it answered {answer.status}")
    return answer.body


def told_count(answer: Answer) -> int | None:
    """How many a source says there are in all; None if it does not say (clause 6.3.13)."""
    count = answer.headers.get("ngsild-results-count", "")
    return int(count) if count.isascii() and count.isdigit() else None


def json_of(answer: Answer, statuses: Collection[int] = (200,)) -> Any:
    """The JSON of a good answer; None for 404. Raises SourceError: 299 a refusal, 111 no JSON."""
    body = good(answer, statuses)
    if body is None:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise SourceError(111, "its answer is not valid JSON") from None
