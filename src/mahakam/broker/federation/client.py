"""Requests to context sources: in time, within limits, to allowed addresses; a dead source rests (clause 5.5)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

import aiohttp
from yarl import URL

from mahakam import tracing
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.federation.registration import Registration
from mahakam.broker.http_sender import CheckedResolver

TIMEOUT = 5.0
"""Seconds that a source is waited for, where its registration says nothing (management.timeout)."""
COOLDOWN = 10.0
"""Seconds for which a source that did not answer is not read, where its registration names no cooldown."""
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of a source's answer; more is refused like an answer that is not valid."""
MAX_KEPT = 1_000_000
"""Bytes of an answer that is kept where its registration allows it (management.cacheDuration)."""
_ANSWERS = 200
_CONNECTIONS = 100


class SourceError(Exception):
    """A source that did not answer as it should: ``code`` of the warning (clause 6.3.17), and why.

    ``status``: what the source, or this node in its place, answers to a write.
    """

    def __init__(self, code: int, reason: str, status: int = 504) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers``: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Connections to sources, kept open. To be used on one event loop at a time."""

    def __init__(self, *, private_addresses: bool = False) -> None:
        self._private = private_addresses
        self._http: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._resting: dict[str, float] = {}
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Answer]] = OrderedDict()

    async def send(
        self,
        registration: Registration,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Answer:
        """One request; ``target`` is path and query below the source's ``/ngsi-ld/v1``.

        Raises SourceError: 110 it rests, 112 it does not answer in time, 111 its answer is too large.
        """
        key = _key(registration, target, headers) if registration.cached and method == "GET" else ()
        kept = self._kept.get(key) if key else None
        if kept is not None and monotonic() < kept[0]:
            return kept[1]
        until = self._resting.get(registration.id)
        # A write is not given up for a guess: only a registration that names a cooldown holds it back.
        if until is not None and (registration.cooldown or method == "GET"):
            if monotonic() < until:
                raise SourceError(110, "it did not answer a moment ago, and is left alone for a while")
            del self._resting[registration.id]
        seconds = registration.timeout or TIMEOUT
        try:
            url = url_of(registration, target)
            with tracing.span("ask a source", {"server.address": url.host or ""}, kind="client"):
                async with asyncio.timeout(seconds):
                    answer = await self._exchange(url, method, headers, body)
            if key and answer.status == 200 and len(answer.body) <= MAX_KEPT:
                self._keep(key, monotonic() + registration.cached, answer)
            return answer
        except TimeoutError:
            reason = f"it did not answer within {seconds:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = f"it cannot be reached: {error or type(error).__name__}"
        if len(self._resting) > 10_000:
            self._resting.clear()
        self._resting[registration.id] = monotonic() + (registration.cooldown or COOLDOWN)
        raise SourceError(112, reason)

    def _keep(self, key: tuple[str, ...], until: float, answer: Answer) -> None:
        self._kept[key] = (until, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > _ANSWERS:
            self._kept.popitem(last=False)

    async def _exchange(self, url: URL, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        problem = endpoint_problem(str(url.origin()), private_addresses=self._private)
        if problem:
            raise OSError(problem)
        sent = dict(headers)
        if trace := tracing.carried():
            sent[tracing.HEADER] = trace
        async with self._session().request(
            method, url, headers=sent, data=body or None, allow_redirects=False
        ) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, found, await _read(response))

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._http is None or self._loop is not loop:
            # Names are looked up anew for each connection, and what they lead to is checked before it is connected to.
            connector = aiohttp.TCPConnector(
                resolver=CheckedResolver(self._private),
                use_dns_cache=False,
                limit=_CONNECTIONS,
                keepalive_timeout=60,
            )
            self._http = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                trust_env=False,
                headers={"User-Agent": "mahakam"},
            )
            self._loop = loop
        return self._http


def _key(registration: Registration, target: str, headers: Mapping[str, str]) -> tuple[str, ...]:
    """Requests that get the same answer: what is asked, and all headers but the way that it came."""
    said = sorted(f"{name.lower()}: {value}" for name, value in headers.items() if name.lower() != "via")
    return (registration.id, registration.endpoint, target, *said)


def url_of(registration: Registration, target: str) -> URL:
    """The address of a resource of a source, whose endpoint may end in ``/ngsi-ld/v1`` already."""
    base = registration.endpoint.removesuffix("/ngsi-ld/v1")
    return URL(f"{base}/ngsi-ld/v1{target}", encoded=True)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_ANSWER:
            raise SourceError(111, f"its answer is larger than {MAX_ANSWER:,} bytes", status=502)
        parts.append(part)
    return b"".join(parts)
