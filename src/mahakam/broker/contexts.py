"""@context documents of others: fetched once, kept in the store, within limits of size, time and address."""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from mahakam.addresses import require_host
from mahakam.broker.clock import now
from mahakam.broker.well_known import well_known
from mahakam.ngsild import context as contexts
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.core import is_core
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.store.protocol import EntityStore

KIND = "context"
"""The store's records of fetched contexts: URL → ``{"document": …, "fetched": time}``."""
LOCAL = "local-context"
"""A tenant's own records: id → ``{"document", "kind": "Hosted" or "ImplicitlyCreated", "created", "url"}``."""
HOSTED = re.compile(r"https?://[^/]+/ngsi-ld/v1/jsonldContexts/([^/?#]+)")
"""The URL of a context that a node hosts."""
MAX_BYTES = 1_000_000
SECONDS = 5.0
MAX_REDIRECTS = 3
MAX_KEPT = 1_000
"""Documents that one process puts into the store."""
_REMEMBERED = 500
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_ACCEPT = "application/ld+json, application/json;q=0.9"

Resolve = Callable[[str, int], list[str]]
"""Host and port → its addresses."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class Contexts:
    """The contexts that requests name. Safe to use from several threads."""

    def __init__(
        self, store: EntityStore, *, private_addresses: bool = False, resolve: Resolve = resolve
    ) -> None:
        self._store = store
        self._private = private_addresses
        self._resolve = resolve
        self._kept = 0
        self.generation = 0
        self._known: OrderedDict[Any, Context] = OrderedDict()
        self._lock = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}

    def known(self, value: Any, tenant: str = "") -> Context | None:
        """The context if it takes no fetching: the core, or one used lately."""
        if value is None or (isinstance(value, str) and is_core(value)):
            return CORE
        return self._known.get(_key(value, tenant))

    def of(self, value: Any, tenant: str = "", own: EntityStore | None = None) -> Context:
        """The context of an ``@context`` value or a Link URL; may wait for the network.

        ``own``: the store of the tenant, whose hosted contexts are its alone.

        Raises Problem LdContextNotAvailable, BadRequestData.
        """
        found = self.known(value, tenant)
        if found is not None:
            return found
        store = own or self._store
        built = contexts.build(value, lambda url: self.local(url, store) or self.load(url))
        with self._lock:
            self._known[_key(value, tenant)] = built
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return built

    def forget(self) -> None:
        """Build every context anew: a document has changed or gone."""
        with self._lock:
            self.generation += 1
            self._known.clear()

    @staticmethod
    def local(url: str, store: EntityStore) -> dict[str, Any] | None:
        """The document of a context that this node hosts; None for any other."""
        match = HOSTED.fullmatch(url)
        kept = store.record(LOCAL, match[1]) if match is not None else None
        return None if kept is None else kept["document"]

    def reload(self, url: str) -> None:
        """Fetch a cached document again; what is kept stays if that fails.

        Raises Problem LdContextNotAvailable, BadRequestData.
        """
        document = self._fetch(url)
        self._keep(url, document)
        self.forget()

    def load(self, url: str) -> dict[str, Any]:
        """The JSON document behind a URL, from the store's records, the package, or the network.

        Raises Problem LdContextNotAvailable.
        """
        with self._lock:
            turn = self._fetching.setdefault(url, threading.Lock())
        with turn:
            try:
                kept = self._store.record(KIND, url)
                if kept is not None:
                    document: dict[str, Any] = kept["document"]
                    return document
                packed = well_known(url)
                if packed is not None:
                    return packed
                document = self._fetch(url)
                self._keep(url, document)
                return document
            finally:
                with self._lock:
                    self._fetching.pop(url, None)

    def _keep(self, url: str, document: dict[str, Any]) -> None:
        """A reader may name any URL: what readers make a node keep has a limit."""
        if self._kept < MAX_KEPT:
            self._kept += 1
            record = {"document": document, "fetched": now()}
            self._store.write(lambda work: work.save_record(KIND, url, record))

    def _fetch(self, url: str) -> dict[str, Any]:
        deadline = monotonic() + SECONDS
        for _ in range(MAX_REDIRECTS + 1):
            try:
                status, location, body = self._get(url, deadline)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _unavailable(url, str(error) or type(error).__name__) from error
            if status in _REDIRECTS and location:
                url = urljoin(url, location)
                continue
            if status != 200:
                raise _unavailable(url, f"the server answered {status}")
            try:
                document = orjson.loads(body)
            except ValueError as error:
                raise bad_request("The @context is not valid", f"{url[:500]} is no JSON: {error}") from error
            if not isinstance(document, dict) or "@context" not in document:
                raise bad_request(
                    "The @context is not valid", f"{url[:500]} holds no object with an @context"
                )
            return document
        raise _unavailable(url, f"more than {MAX_REDIRECTS} redirects")

    def _get(self, url: str, deadline: float) -> tuple[int, str, bytes]:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("only http and https URLs are fetched")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = self._address(parts.hostname, port)
        with closing(_Pinned(parts.scheme, parts.hostname, port, address, _left(deadline))) as connection:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"accept": _ACCEPT, "user-agent": "mahakam"})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("location", ""), _read(answer, connection, deadline)

    def _address(self, host: str, port: int) -> str:
        """The address that is connected to: resolved once and checked, so that DNS cannot change it after."""
        require_host(host)
        found = self._resolve(host, port)
        if not found:
            raise OSError(f"{host} has no address")
        if not self._private:
            for address in found:
                if not _is_public(address):
                    raise OSError(f"{host} is at the private address {address}, which is not allowed")
        return found[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to an address, in the name of a host."""

    def __init__(self, scheme: str, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._scheme = scheme
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        if self._scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        else:
            self.sock = plain


def _read(answer: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if connection.sock is not None:
            connection.sock.settimeout(_left(deadline))
        part = answer.read1(65_536)
        if not part:
            return b"".join(parts)
        size += len(part)
        if size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
        parts.append(part)
        _left(deadline)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError(f"it did not arrive within {SECONDS:g} s")
    return left


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    plain = mapped or ip
    return plain.is_global and not plain.is_multicast


def _unavailable(url: str, why: str) -> Problem:
    return Problem("LdContextNotAvailable", "The @context cannot be had", f"{url[:500]}: {why}")


def _key(value: Any, tenant: str) -> Any:
    key = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return (tenant, key) if tenant else key
