"""One request of the NGSI-LD API: its parameters, payload, context, tenant and rights (clause 6.3)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import unquote

import orjson

from mahakam.access.policy import Principal, allow, allow_somewhere
from mahakam.access.shares import PREFIX as SHARED
from mahakam.access.shares import ShareRevokedError
from mahakam.api.http import Headers, Request, Response
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.core import CORE_URL
from mahakam.ngsild.lexical import require_uri
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.store.acting import acting

if TYPE_CHECKING:
    from mahakam.access.rights import Rights
    from mahakam.access.shares import Share
    from mahakam.broker.broker import Broker
    from mahakam.broker.contexts import Contexts
    from mahakam.broker.disclosure import Disclosure
    from mahakam.broker.federation.client import Client
    from mahakam.broker.identity import Identity
    from mahakam.broker.sight import Sight

T = TypeVar("T")
Identify = Callable[[Headers], Principal | None]

BASE = "/ngsi-ld/v1"
JSON, JSON_LD, GEO_JSON = "application/json", "application/ld+json", "application/geo+json"
MERGE_PATCH = "application/merge-patch+json"
CONTEXT_REL = "http://www.w3.org/ns/json-ld#context"
MAX_BATCH = 10_000
_FETCHERS = 4
LARGE = 200_000
"""Bytes from which a payload is parsed off the event loop."""

_LINK = re.compile(r"\s*<([^>]*)>\s*((?:;[^,<]*)?)")
_REL = re.compile(r";\s*rel\s*=\s*\"?([^\";]+)\"?")
_MAX_PARAMETERS = 100
_TENANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")

WRITE = "data.write"
REVOKED = "ShareRevoked"
"""The kind of the refusal that a hub hears whose key was good once."""


class Node:
    """What every call needs: the default tenant's broker, the contexts, and who is asking."""

    __slots__ = (
        "_identity",
        "_sources",
        "address",
        "audited",
        "broker",
        "contexts",
        "fetchers",
        "identify",
        "rights",
    )

    def __init__(
        self,
        broker: Broker,
        contexts: Contexts,
        identify: Identify,
        fetchers: ThreadPoolExecutor | None = None,
        address: str = "",
        rights: Rights | None = None,
        *,
        audited: bool = False,
    ) -> None:
        """``address``: scheme and host by which other nodes reach this one. ``rights``: who may read which
        attribute; None: what the broker holds may be read by all. ``audited``: whether reading personal data has an
        entry in the audit trail."""
        self.rights = rights
        self.audited = audited
        self.address = address
        self.broker = broker
        self.contexts = contexts
        # Threads of their own: a slow server of contexts must not keep queries waiting.
        self.fetchers = fetchers or ThreadPoolExecutor(_FETCHERS, "contexts")
        self.identify = identify
        self._identity: Identity | None = None
        self._sources: Client | None = None

    @property
    def identity(self) -> Identity:
        """Who this node is to others; the first call reads the store."""
        if self._identity is None:
            from mahakam.broker.identity import Identity

            self._identity = Identity(self.broker.store)
        return self._identity

    @property
    def sources(self) -> Client:
        """How context sources are asked."""
        if self._sources is None:
            from mahakam.broker.federation.client import Client

            self._sources = Client(private_addresses=self.broker.private_addresses)
        return self._sources


class Call:
    """A request on its way to a handler. ``args`` are the decoded parts of the path's template."""

    __slots__ = (
        "_by_file",
        "_principal",
        "_share",
        "args",
        "disclosure",
        "node",
        "open_only",
        "params",
        "request",
        "tenant",
    )

    def __init__(self, node: Node, request: Request, args: Sequence[str], known: frozenset[str]) -> None:
        self.node = node
        self.request = request
        self.args = args
        self.params = parameters(request.query, known) if request.query else _NONE
        self.tenant = tenant_of(request.headers)
        self._principal: Principal | Literal[False] | None = False
        self._by_file: bool | None = None
        self._share: Share | Literal[False] | None = False
        self.open_only = False
        self.disclosure: Disclosure | None = None
        """What was read of personal data, if anything may have been."""
        """Whether this call sees only what everybody does, whoever is asking: what it makes is for all."""

    @property
    def broker(self) -> Broker:
        """The broker of the tenant that the request names, as the caller sees it.

        Raises Problem NonexistentTenant.
        """
        tenant = self.tenant
        broker = self.node.broker.tenant(tenant) if tenant else self.node.broker
        share = self.share
        if share is not None:
            broker = broker.shared(share)
            return broker if self._unwatched() else broker.watched(self._disclosed())
        sight = self.sight
        if sight is not None:
            broker = broker.seen(sight)
        rights = self.node.rights
        if rights is None or self._unwatched():
            return broker
        if self.open_only or not rights.reads_personal(self.principal()):
            return broker
        return broker.watched(self._disclosed())

    def _unwatched(self) -> bool:
        rights = self.node.rights
        return rights is None or not self.node.audited or not rights.personal.names

    def _disclosed(self) -> Disclosure:
        if self.disclosure is None:
            from mahakam.broker.disclosure import Disclosure

            assert self.node.rights is not None
            self.disclosure = Disclosure(self.node.rights.personal)
        return self.disclosure

    @property
    def share(self) -> Share | None:
        """What the caller sees and nothing else, if it is a hub's key that they show.

        Raises Problem (401, 403) for a key that opens nothing, or nothing any more.
        """
        if self._share is False:
            authorization = self.request.headers.get("authorization")
            self._share = None if not authorization or SHARED not in authorization else self._shared()
        return self._share

    def _shared(self) -> Share | None:
        principal = self.principal()
        if principal is None:
            raise Problem("Unauthorized", "The key is none of this node's", "ask for a new share", status=401)
        if principal.share is not None and self.tenant:
            raise Problem("Forbidden", "Not shared", "what is shared is in the default tenant", status=403)
        return principal.share

    @property
    def sight(self) -> Sight | None:
        """What the caller sees; None: all."""
        rights = self.node.rights
        if rights is None or not rights.open.names:
            return None
        sight = rights.open if self.open_only else rights.sight(self.principal())
        return sight if sight.names else None

    async def broker_for_creation(self) -> Broker:
        """The same, where a tenant that does not exist yet is made (clause 4.14)."""
        try:
            return self.broker
        except Problem as problem:
            if problem.kind != "NonexistentTenant":
                raise
        self.authorised()
        await asyncio.to_thread(partial(self.node.broker.tenant, self.tenant, create=True))
        return self.broker

    @property
    def distributed(self) -> bool:
        """Whether context sources may have a part in the answer."""
        if self.params.get("local") == "true" or self.share is not None:
            return False
        try:
            return bool(self.broker.registrations.index())
        except Problem:  # a tenant that does not exist has no registrations
            return False

    @property
    def address(self) -> str:
        """Scheme and host by which the caller knows this node: ``http://127.0.0.1:8000``."""
        scheme = self.request.headers.get("x-forwarded-proto") or "http"
        return f"{scheme}://{self.request.headers.get('host') or 'localhost'}"

    @property
    def entity_id(self) -> str:
        """Raises Problem BadRequestData if the path's id is no URI."""
        return require_uri(self.args[0], "The entity id")

    async def disclose(self, disclosure: Disclosure, route: str) -> None:
        """Have the audit trail say what was read of personal data, before it is answered."""
        if disclosure.fields:
            who = acting()
            if who is not None:
                who.route = route
            broker = self.node.broker.tenant(self.tenant) if self.tenant else self.node.broker
            await broker.store.submit_async(disclosure.entry)

    def options(self, allowed: frozenset[str]) -> frozenset[str]:
        """The values of the parameter ``options``; raises Problem InvalidRequest for one not allowed."""
        return options_of(self.params, allowed)

    def flag(self, name: str) -> bool:
        """A parameter that is true or false; raises Problem InvalidRequest."""
        return flag_of(self.params, name)

    async def context(self) -> Context:
        """The context of a request without a payload: of its Link header (clause 6.3.5)."""
        url = link_context(self.request.headers)
        return CORE if url is None else await self.context_of(url)

    async def context_of(self, value: Any) -> Context:
        contexts = self.node.contexts
        tenant = self.tenant
        known = contexts.known(value, tenant)
        if known is not None:
            return known
        work = partial(contexts.of, value)
        if tenant:
            with suppress(Problem):  # one that does not exist yet has no contexts of its own
                work = partial(contexts.of, value, tenant, self.broker.store)
        return await asyncio.get_running_loop().run_in_executor(self.node.fetchers, work)

    async def payload(self, types: Iterable[str] = (JSON, JSON_LD)) -> tuple[Any, Context]:
        """The payload without its ``@context``, and the context of its names (clause 6.3.4, 6.3.5).

        Raises Problem InvalidRequest (415, or JSON that is none) or BadRequestData (a misplaced context).
        """
        kind = content_type(self.request.headers, types)
        value = await self.json()
        if not isinstance(value, dict):
            raise Problem("InvalidRequest", "The body is not valid", "a JSON object was expected")
        if kind == JSON_LD:
            return await self.linked(value)
        if "@context" in value:
            raise bad_request(
                "An @context in a body needs another media type",
                f"say content-type: {JSON_LD}, or name the context in a Link header",
            )
        return value, await self.context()

    async def linked(self, value: Any) -> tuple[Any, Context]:
        """The same for one JSON-LD object."""
        if link_context(self.request.headers) is not None:
            raise bad_request(
                "Two contexts", f"{JSON_LD} has its @context in the body; leave the Link header out"
            )
        if not isinstance(value, dict) or "@context" not in value:
            raise bad_request("The body has no @context", f"{JSON_LD} needs an @context; or send {JSON}")
        context = await self.context_of(value["@context"])
        return {name: part for name, part in value.items() if name != "@context"}, context

    async def json(self) -> Any:
        """The parsed body; raises Problem InvalidRequest with the position of the fault."""
        body = self.request.body
        if len(body) > LARGE:
            return await asyncio.to_thread(parse_json, body)
        return parse_json(body)

    def authorised(self) -> str:
        """The author's name; raises Problem (401, 403) if the caller may not write on the node as a whole."""
        return self._require(self.principal(), [""])

    def authorised_in(self, scopes: Any) -> str:
        """The same of an entity, where its scopes say."""
        return self.permit(self.principal(), scopes)

    def permit(self, principal: Principal | None, scopes: Any) -> str:
        """Raises Problem (401, 403) if there is no write of an entity with these scopes that the broker would take."""
        if self._listed(principal):
            return principal.name if principal else ""
        return self._require(principal, scopes if isinstance(scopes, list) else [scopes or ""])

    def _require(self, principal: Principal | None, scopes: list[str]) -> str:
        for scope in scopes:
            if not allow(principal, WRITE, scope):
                raise forbidden(principal, scope)
        return principal.name if principal else ""

    def _listed(self, principal: Principal | None) -> bool:
        """Whether it is ``rights.yaml`` alone that lets somebody write: then the types that it names, and no other."""
        if self._by_file is None:  # first asked on the task of the request: the store's thread knows of none
            writing = self.node.rights.writing if self.node.rights else None
            self._by_file = (
                principal is not None
                and writing is not None
                and not allow_somewhere(principal, WRITE)
                and writing.take(principal)
            )
        return self._by_file

    def principal(self) -> Principal | None:
        """Who is asking; None is a stranger."""
        if self._principal is False:
            try:
                self._principal = self.node.identify(self.request.headers)
            except ShareRevokedError:
                raise Problem(
                    REVOKED, "The share is revoked", "this node shares nothing with you any more", status=403
                ) from None
        return self._principal

    @property
    def author(self) -> str:
        principal = self.principal()
        return principal.name if principal else ""

    def require_writer(self) -> None:
        """Raises Problem (401, 403) if there is no place at all where the caller may write."""
        principal = self.principal()
        if not allow_somewhere(principal, WRITE) and not self._listed(principal):
            raise forbidden(principal, "")

    @staticmethod
    def everywhere(principal: Principal | None) -> bool:
        """Whether the caller may write whatever the scope."""
        return allow(principal, WRITE, "")

    def headers(self, *more: tuple[str, str]) -> list[tuple[str, str]]:
        """Headers of an answer: what is given, and the tenant's name where one was named."""
        return [*more, ("ngsild-tenant", self.tenant)] if self.tenant else list(more)

    def answer(
        self, value: Any, context: Context, accept: str, *more: tuple[str, str], status: int = 200
    ) -> Response:
        """An object or a list in the media type that was negotiated, with its context in the right place."""
        if accept == JSON_LD:
            whole = context.with_core()
            if isinstance(value, list):
                value = [{"@context": whole, **one} if isinstance(one, dict) else one for one in value]
            else:
                value = {"@context": whole, **value}
            headers = self.headers(("content-type", JSON_LD), *more)
        else:
            headers = self.headers(("content-type", accept), ("link", context_link(context)), *more)
        return Response(status, headers, orjson.dumps(value))

    def empty(self, status: int = 204, *more: tuple[str, str]) -> Response:
        return Response(status, self.headers(*more))

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Run work that may take long in a thread."""
        return await asyncio.to_thread(work)


_NONE: Mapping[str, str] = {}


def options_of(params: Mapping[str, str], allowed: frozenset[str]) -> frozenset[str]:
    """The values of the parameter ``options``; raises Problem InvalidRequest for one not allowed."""
    text = params.get("options")
    if not text:
        return frozenset()
    options = frozenset(part.strip() for part in text.split(",") if part.strip())
    unknown = options - allowed
    if unknown:
        there_are = f"there are: {', '.join(sorted(allowed))}" if allowed else "there are none here"
        raise Problem(
            "InvalidRequest",
            "The parameter options is not valid",
            f"{sorted(unknown)[0][:80]!r} is not known; {there_are}",
        )
    return options


def flag_of(params: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false; raises Problem InvalidRequest."""
    text = params.get(name, "false")
    if text not in ("true", "false"):
        raise Problem(
            "InvalidRequest", f"The parameter {name} is not valid", f"true or false, not {text[:80]!r}"
        )
    return text == "true"


def forbidden(principal: Principal | None, scope: str) -> Problem:
    """401 for a stranger, 403 for somebody who may not."""
    if principal is None:
        return Problem(
            "Unauthorized",
            "Sign in, or send an API key",
            "a write needs the role of a steward or a key with write: Authorization: Bearer KEY",
            status=401,
        )
    where = f"in {scope}" if scope else "without a scope (everywhere)"
    return Problem("Forbidden", "Not allowed", f"{principal.name} may not write {where}", status=403)


def parse_json(body: bytes) -> Any:
    """The value of a JSON body; raises Problem InvalidRequest with line and column."""
    if not body:
        raise Problem("InvalidRequest", "The body is empty", "JSON was expected")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(
            "InvalidRequest",
            "The body is not valid JSON",
            f"line {error.lineno}, column {error.colno}: {error.msg}",
        ) from None


@lru_cache(1024)
def parameters(query: str, known: frozenset[str]) -> Mapping[str, str]:
    """The parameters of a query string; raises Problem InvalidRequest for an unknown or doubled one."""
    try:
        pairs = _pairs(query)
    except (ValueError, UnicodeDecodeError):
        raise Problem(
            "InvalidRequest", "The query string is not valid", "percent-encoded UTF-8 was expected"
        ) from None
    params: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise Problem(
                "InvalidRequest", "Unknown parameter", f"{name[:80]!r} is not served here; there are: {names}"
            )
        if name in params:
            raise Problem("InvalidRequest", "A parameter stands twice", name)
        if "\x00" in value:
            raise Problem("InvalidRequest", "The query string is not valid", f"{name} holds a NUL character")
        params[name] = value
    return params


def _pairs(query: str) -> list[tuple[str, str]]:
    """As ``parse_qsl`` has them, which takes three times as long; raises ValueError, UnicodeDecodeError."""
    parts = query.split("&")
    if len(parts) > _MAX_PARAMETERS:
        raise ValueError("too many parameters")
    if "%" not in query and "+" not in query:
        return [part.partition("=")[::2] for part in parts if part]
    return [
        (_unquoted(name), _unquoted(value))
        for name, _, value in (part.partition("=") for part in parts if part)
    ]


def _unquoted(text: str) -> str:
    return unquote(text.replace("+", " "), errors="strict") if "%" in text or "+" in text else text


def tenant_of(headers: Headers) -> str:
    """The tenant that a request names, "" for the default; raises Problem BadRequestData (clause 6.3.14)."""
    return tenant_name(headers.get("ngsild-tenant"))


def tenant_name(name: str | None) -> str:
    """A name that a tenant may have, "" for the default; raises Problem BadRequestData."""
    if not name:
        return ""
    if _TENANT.fullmatch(name) is None:
        raise bad_request("NGSILD-Tenant is not valid", "1 to 64 letters of a-z, A-Z, 0-9, _, -")
    return name


def link_context(headers: Headers) -> str | None:
    """The context URL of the Link header; raises Problem BadRequestData if there are several."""
    link = headers.get("link")
    if not link:
        return None
    found: str | None = None
    for match in _LINK.finditer(link):
        relation = _REL.search(match[2])
        if relation is not None and relation[1].strip() == CONTEXT_REL:
            if found is not None:
                raise bad_request("Two contexts", "the Link header names more than one @context")
            found = match[1].strip()
    if found is not None and not found:
        raise bad_request("The @context is not valid", "the Link header holds an empty URL")
    return found


def content_type(headers: Headers, types: Iterable[str]) -> str:
    """The media type of the body; raises Problem InvalidRequest (415) for another one."""
    kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind not in types:
        raise Problem(
            "InvalidRequest",
            "The media type of the body is not supported",
            f"{kind[:80] or 'none'}: expected {' or '.join(types)}",
            status=415,
        )
    return kind


def accepted(headers: Headers, offered: Sequence[str] = (JSON, JSON_LD)) -> str:
    """The media type of the answer: the best of those offered; raises Problem InvalidRequest (406)."""
    accept = headers.get("accept")
    if not accept or accept == "*/*":
        return offered[0]
    return negotiate(accept, tuple(offered))


@lru_cache(256)
def negotiate(accept: str, offered: tuple[str, ...]) -> str:
    """RFC 9110 section 12.5.1; between equals the first one offered."""
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        kind, *parameters = (piece.strip() for piece in part.lower().split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = min(max(float(parameter[2:]), 0.0), 1.0)
                except ValueError:
                    continue
        ranges[kind] = weight
    best, best_weight = "", 0.0
    for kind in offered:
        weight = ranges.get(kind, ranges.get(kind.partition("/")[0] + "/*", ranges.get("*/*", 0.0)))
        if weight > best_weight:
            best, best_weight = kind, weight
    if not best:
        raise Problem(
            "InvalidRequest",
            "No acceptable media type",
            f"{accept[:80]!r} asks for none of {', '.join(offered)}",
            status=406,
        )
    return best


def context_link(context: Context) -> str:
    """The value of an answer's Link header for its context (clause 6.3.6)."""
    return f'<{context.link or CORE_URL}>; rel="{CONTEXT_REL}"; type="{JSON_LD}"'
