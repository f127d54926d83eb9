"""GET requests to addresses that a feed names: checked after they were resolved, limited, tried again with patience."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from mahakam.addresses import host_problem, is_public
from mahakam.feeds.sources.model import SourceError

SECONDS = 30.0
MAX_BYTES = 1024 * 1024 * 1024
TRIES = 4
MAX_WAIT = 60.0
_AGAIN = (429, 500, 502, 503, 504)
_ELSEWHERE = (301, 302, 303, 307, 308)
_REFUSED = {
    401: ": it wants a key or password, or refuses the one that was sent; see headers",
    403: ": it refuses this key, or this node; ask who runs it",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` by small letters."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Web:
    """``feed`` is named in errors; ``wait``: seconds before the second try, doubled for each further one."""

    feed: str
    private_addresses: bool
    wait: float = 1.0
    most: int = MAX_BYTES

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The answer (2xx or 304); redirects are followed, secrets only to the same host.

        Raises SourceError for another answer, an address that is not allowed, too much, or none after ``TRIES``.
        """
        said, pause = "", 0.0
        for attempt in range(TRIES):
            if attempt:
                time.sleep(pause)
            pause = self.wait * 2**attempt
            try:
                answer = self._followed(url, headers)
            except http.client.IncompleteRead:
                said = "sends an answer that is cut off before its end"
                continue
            except (OSError, http.client.HTTPException) as error:
                said = f"cannot be reached: {str(error) or type(error).__name__}"
                continue
            if answer.status < 300 or answer.status == 304:
                return answer
            said = f"answered {answer.status}{_REFUSED.get(answer.status) or _reason(answer)}"
            if answer.status not in _AGAIN:
                break
            after = answer.headers.get("retry-after", "")
            pause = min(float(after), MAX_WAIT) if after.isdigit() else pause
        raise SourceError(self.feed, f"{_shown(url)} {said}")

    def _followed(self, url: str, headers: Mapping[str, str]) -> Answer:
        for _ in range(6):
            answer = self._once(url, headers)
            target = answer.headers.get("location")
            if answer.status not in _ELSEWHERE or not target:
                return answer
            following = urljoin(url, target)
            if urlsplit(following).netloc != urlsplit(url).netloc:
                headers = {k: v for k, v in headers.items() if k.lower() in ("accept", "user-agent")}
            url = following
        raise SourceError(self.feed, f"{_shown(url)} leads from one address to another without end")

    def _once(self, url: str, headers: Mapping[str, str]) -> Answer:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise SourceError(self.feed, f"{_shown(url)} is no URL") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(self.feed, f"{_shown(url)} is no http or https URL")
        secure = parts.scheme == "https"
        address = address_of(
            self.feed, parts.hostname, port or (443 if secure else 80), self.private_addresses
        )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        started = time.monotonic()
        with closing(
            _Connection(parts.hostname, port or (443 if secure else 80), address, secure)
        ) as connection:
            connection.request("GET", target, headers={"user-agent": "mahakam", **headers})
            answer = connection.getresponse()
            body = bytearray()
            while chunk := answer.read(1 << 20):
                body += chunk
                if len(body) > self.most:
                    raise SourceError(self.feed, f"{_shown(url)} answers more than {self.most:,} bytes")
                if time.monotonic() - started > 20 * SECONDS:
                    raise SourceError(self.feed, f"{_shown(url)} takes longer than {20 * SECONDS:.0f} s")
            if answer.length:  # less came than Content-Length promised
                raise http.client.IncompleteRead(bytes(body), answer.length)
            lowered = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(url, answer.status, lowered, bytes(body))


def as_json(feed: str, answer: Answer) -> Any:
    """The JSON of an answer. Raises SourceError for none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        media = answer.headers.get("content-type", "").partition(";")[0]
        raise SourceError(
            feed, f"{_shown(answer.url)} answers no JSON{f' but {media}' if media else ''}"
        ) from error


def address_of(feed: str, host: str, port: int, private_addresses: bool) -> str:
    """The address of a host. Raises SourceError for one that this node does not ask, OSError for none."""
    if problem := host_problem(host):
        raise SourceError(feed, problem)
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not private_addresses and not is_public(address):
            raise SourceError(
                feed,
                f"{host} is at the private address {address}, which this node does not ask; "
                "MAHAKAM_PRIVATE_ADDRESSES=1 allows it",
            )
    return found[0]


def _shown(url: str) -> str:
    """A URL without what may be secret in it."""
    return url.partition("?")[0][:200]


def _reason(answer: Answer) -> str:
    """What a server says of a request that it finds wrong, without what was secret in it; "" if that is a page."""
    media = answer.headers.get("content-type", "").partition(";")[0].strip()
    if answer.status not in (400, 404, 422) or not (media.endswith("json") or media == "text/plain"):
        return ""
    text = " ".join(answer.body[:2000].decode("utf-8", "replace").split())
    for _, value in parse_qsl(urlsplit(answer.url).query):
        text = text.replace(value, "…") if len(value) > 3 else text
    return f": {text[:200]}" if text else ""


class _Connection(http.client.HTTPConnection):
    """A connection to an address, in the name of a host."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._to = address
        self._secure = secure

    def connect(self) -> None:
        plain = socket.create_connection((self._to, self.port), self.timeout)
        context = ssl.create_default_context() if self._secure else None
        self.sock = context.wrap_socket(plain, server_hostname=self.host) if context else plain
