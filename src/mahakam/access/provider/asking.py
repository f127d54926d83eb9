"""Asking the provider: over addresses that are allowed, in time, within limits. What it says of itself is kept."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from authlib.oidc.discovery import OpenIDProviderMetadata

from mahakam.access.provider.configured import LOCAL, Provider, address_problem
from mahakam.access.provider.refused import Refused
from mahakam.addresses import is_public, require_host

SECONDS = 10.0
"""For one answer, from the first byte sent to the last one read."""
MOST = 512 * 1024
LASTS = 600.0
"""Seconds for which what a provider says of itself, and its keys, are taken from memory."""
LOOK_AGAIN = 5.0
"""Seconds after which an unknown key makes a node ask for the keys anew."""
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


class Asking:
    """What one provider is asked. Threads share it."""

    def __init__(self, provider: Provider, *, private_addresses: bool = False) -> None:
        self.provider = provider
        self._private = private_addresses
        self._lock = threading.Lock()
        self._metadata: tuple[float, dict[str, Any]] = (0.0, {})
        self._keys: tuple[float, dict[str, Any]] = (0.0, {})

    def metadata(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, 4). Raises Refused."""
        with self._lock:
            until, kept = self._metadata
            if time.monotonic() < until:
                return kept
        issuer = self.provider.issuer
        found = self.json("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            OpenIDProviderMetadata(found).validate_issuer()
        except ValueError as error:
            raise Refused("provider", f"discovery: {error}") from error
        if found.get("issuer") != issuer:  # 4.3: exactly
            raise Refused(
                "provider", f"discovery: it calls itself {found.get('issuer')!r:.200}, not {issuer}"
            )
        for name in (*_NEEDED, *_OPTIONAL):
            problem = address_problem(found.get(name)) if name in found or name in _NEEDED else ""
            if problem:
                raise Refused("provider", f"discovery: {name}: {problem}")
        with self._lock:
            self._metadata = time.monotonic() + LASTS, found
        return found

    @property
    def end_session(self) -> str:
        """Where people sign out there, as far as it is known without asking; "" if it is not."""
        with self._lock:
            return str(self._metadata[1].get("end_session_endpoint") or "")

    def keys(self, *, anew: bool = False) -> dict[str, Any]:
        """The provider's signing keys (JWK Set, RFC 7517); ``anew``: one was not among them. Raises Refused."""
        with self._lock:
            until, kept = self._keys
        left = until - time.monotonic()
        if left > 0 and not (anew and left < LASTS - LOOK_AGAIN):
            return kept
        found = self.json("GET", self.metadata()["jwks_uri"])
        if not isinstance(found.get("keys"), list):
            raise Refused("provider", "jwks_uri: it answers no JWK Set")
        with self._lock:
            self._keys = time.monotonic() + LASTS, found
        return found

    def json(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str = ""
    ) -> dict[str, Any]:
        """The JSON object of an answer 200. Raises Refused: ``away``, or ``code`` for a refused request (4xx)."""
        try:
            status, content = self._exchange(method, url, dict(headers or {}), body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Refused("away", f"{_shown(url)}: {error or type(error).__name__}") from error
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError:
            found = None
        if 400 <= status < 500 and method == "POST":
            why = found.get("error") if isinstance(found, dict) else ""
            raise Refused("code", f"{_shown(url)} answered {status} {str(why or '')[:100]}")
        if status != 200 or not isinstance(found, dict):
            raise Refused(
                "away", f"{_shown(url)} answered {status}" + ("" if status != 200 else ", but no JSON")
            )
        return found

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: str) -> tuple[int, bytes]:
        problem = address_problem(url)
        if problem:
            raise Refused("provider", problem)
        target = httpx.URL(url)
        until = time.monotonic() + SECONDS
        sent = {"accept": "application/json", "user-agent": "mahakam"} | headers
        sent["host"] = target.netloc.decode("ascii")
        checked = target.copy_with(host=self._address(target))
        with (
            httpx.Client(trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
            client.stream(
                method, checked, headers=sent, content=body or None, extensions={"sni_hostname": target.host}
            ) as answer,
        ):
            content = bytearray()
            for chunk in answer.iter_bytes(64 * 1024):
                content += chunk
                if len(content) > MOST:
                    raise OSError(f"it answers more than {MOST // 1024} KiB")
                if time.monotonic() > until:
                    raise OSError(f"it takes longer than {SECONDS:g} s")
            return answer.status_code, bytes(content)

    def _address(self, url: httpx.URL) -> str:
        """The address that is connected to, checked after it was resolved, so that DNS cannot change it after.

        A document of the provider that names a host inside the node's own network would else make the node ask it.
        """
        require_host(url.host)
        port = url.port or (443 if url.scheme == "https" else 80)
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)]
        own = urlsplit(self.provider.issuer).hostname
        allowed = self._private or (url.host == own and (self.provider.private or own in LOCAL))
        for address in found:
            if not allowed and not is_public(address):
                raise OSError(
                    f"{url.host} is at the private address {address}, which this node does not ask;"
                    " private: true in signin.yaml allows it for the issuer's host"
                )
        return found[0]


def _shown(url: str) -> str:
    return url.partition("?")[0][:200]
