"""The @contexts that a node keeps: hosted for its users, made implicitly, cached from elsewhere (clause 5.13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal
from uuid import uuid4

import orjson

from mahakam.broker.clock import now
from mahakam.broker.contexts import KIND, LOCAL, Contexts
from mahakam.ngsild.context import build
from mahakam.ngsild.core import CORE_PREFIXES, CORE_TERMS, CORE_URL, DEFAULT_VOCABULARY, is_core
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.store.protocol import EntityStore

Kind = Literal["Hosted", "Cached", "ImplicitlyCreated"]
MAX_LOCAL = 10_000
"""Contexts of its own that a tenant may have."""
MAX_BYTES = 1_000_000
_STARTED = now()
_CORE_DOCUMENT = {"@context": {**CORE_PREFIXES, **CORE_TERMS, "@vocab": DEFAULT_VOCABULARY}}


@dataclass(frozen=True, slots=True)
class KeptContext:
    """``id`` is the local identifier, ``created`` ISO 8601 UTC (of the core context: when the node started)."""

    id: str
    url: str
    kind: Kind
    created: str
    document: dict[str, Any]


class Library:
    """The contexts that one tenant sees: its own, and the documents that all tenants have cached."""

    def __init__(self, contexts: Contexts, own: EntityStore, cache: EntityStore) -> None:
        self._contexts = contexts
        self._own = own
        self._cache = cache

    def add(self, document: dict[str, Any], base: str, *, kind: Kind = "Hosted") -> KeptContext:
        """Keep ``{"@context": …}``; ``base`` is the URL under which this node hosts contexts.

        The same implicit context is kept once. Raises Problem BadRequestData for what is no context.
        """
        body = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        if len(body) > MAX_BYTES:
            raise bad_request("The @context is too large", f"at most {MAX_BYTES:,} bytes")
        check_context(document["@context"])
        name = f"urn:ngsi-ld:Context:{sha256(body).hexdigest()[:32] if kind != 'Hosted' else uuid4()}"
        found = self._own.record(LOCAL, name)
        if found is not None:
            return _own(name, found)
        if len(self._own.records(LOCAL)) >= MAX_LOCAL:
            raise Problem("TooManyResults", "There are too many contexts", f"at most {MAX_LOCAL:,}")
        record = {"document": document, "kind": kind, "created": now(), "url": f"{base}/{name}"}
        self._own.write(lambda work: work.save_record(LOCAL, name, record))
        return _own(name, record)

    def all(self) -> Iterator[KeptContext]:
        """The tenant's own, then the cached ones; of the core context the version that answers name."""
        for name, record in self._own.records(LOCAL).items():
            yield _own(name, record)
        yield _core(CORE_URL)
        for url, record in self._cache.records(KIND).items():
            yield _cached(url, record)

    def find(self, name: str) -> KeptContext:
        """By local identifier, or a cached one by its URL. Raises Problem ResourceNotFound."""
        if is_core(name):
            return _core(name)
        record = self._own.record(LOCAL, name)
        if record is not None:
            return _own(name, record)
        record = self._cache.record(KIND, name)
        if record is not None:
            return _cached(name, record)
        for one in self.all():
            if one.id == name or one.url == name:
                return one
        raise not_found(f"there is no @context {name[:200]}")

    def delete(self, name: str) -> None:
        """Clause 5.13.5. Raises Problem ResourceNotFound, or BadRequestData for the core context."""
        found = self.find(name)
        if is_core(found.url):
            raise bad_request("The core @context cannot be deleted", found.url)
        if found.kind == "Cached":
            self._cache.write(lambda work: work.save_record(KIND, found.url, None))
        else:
            self._own.write(lambda work: work.save_record(LOCAL, found.id, None))
        self._contexts.forget()

    def reload(self, name: str) -> None:
        """Clause 5.13.5 with reload: fetch a cached context again; the core context is part of the program.

        Raises Problem BadRequestData for one that is not cached, LdContextNotAvailable.
        """
        try:
            found = self.find(name)
        except Problem as problem:
            raise bad_request("Only cached contexts are reloaded", problem.detail) from None
        if found.kind != "Cached":
            raise bad_request("Only cached contexts are reloaded", f"{found.id} is {found.kind}")
        if not is_core(found.url):
            self._contexts.reload(found.url)


def check_context(value: Any) -> None:
    """Raises Problem BadRequestData for what is no @context; documents elsewhere are not looked at."""
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, str | dict):
            raise bad_request(
                "The @context is not valid",
                f"a context is a URL, an object or a list of them, not {str(part)[:80]!r}",
            )
    own = [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict)]
    build(own, _unused)


def _unused(url: str) -> dict[str, Any]:
    raise AssertionError(url)  # there are objects alone, which name no documents


def _own(name: str, record: dict[str, Any]) -> KeptContext:
    return KeptContext(name, record["url"], record["kind"], record["created"], record["document"])


def _cached(url: str, record: dict[str, Any]) -> KeptContext:
    return KeptContext(local_id(url), url, "Cached", record["fetched"], record["document"])


def _core(url: str) -> KeptContext:
    return KeptContext(local_id(url), url, "Cached", _STARTED, _CORE_DOCUMENT)


def local_id(url: str) -> str:
    """The local identifier of a cached document."""
    return f"urn:ngsi-ld:Context:{sha256(url.encode()).hexdigest()[:32]}"
