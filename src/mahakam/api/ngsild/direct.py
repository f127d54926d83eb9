"""Reads that ask for stored bytes and nothing else, answered before a request is taken apart.

Most reads are of this kind. Whatever is not (an option, another representation, a fault) goes the whole way.
"""

from __future__ import annotations

from functools import lru_cache

from mahakam.access.shares import PREFIX as SHARED
from mahakam.access.shares import ShareRevokedError, share_of_key
from mahakam.api.http import AsgiHeaders, encoded
from mahakam.api.ngsild.call import BASE, JSON, Node, accepted, context_link, parameters
from mahakam.api.ngsild.entities import JSON_HEADERS, QUERY_PARAMETERS, Plan, core_plan
from mahakam.api.ngsild.presentation import ENTITY_MEDIA
from mahakam.broker.sight import asks
from mahakam.ngsild.context import CORE
from mahakam.ngsild.problem import Problem
from mahakam.nodes.asked import note as note_asked
from mahakam.store.errors import StoreError, TakesLong

_ENTITIES = f"{BASE}/entities".encode()
_ENTITY = _ENTITIES + b"/"
_START = len(_ENTITY)
_ASIDE = frozenset(
    b"host user-agent connection accept accept-encoding accept-language cache-control pragma dnt".split()
)
"""Headers that leave the answer as it is, but for the media type."""
_OF_HUBS = frozenset((b"authorization", b"via", b"link"))
"""What a hub sends besides: its key, the way of the question, and the context of its words."""
_LINK = context_link(CORE).encode()

Pairs = list[tuple[bytes, bytes]]


class Direct:
    """Answers a GET whose answer is in the store as it stands."""

    def __init__(self, node: Node, shield: Pairs) -> None:
        """``shield``: headers that every answer has besides."""
        self._node = node
        self._rights = node.rights
        self._headers = [*encoded(JSON_HEADERS), *shield]
        self._plain: Pairs | None = None
        """The headers of the last request that asked for plain JSON: a client sends them alike each time."""
        self._heads: dict[tuple[bytes, int, int | None], Pairs] = {}

    def __call__(self, path: bytes, query: bytes, headers: Pairs) -> tuple[Pairs, bytes] | None:
        """Headers and body of a 200; None if the request must go the whole way."""
        if headers != self._plain:
            if not path.startswith(_ENTITIES):
                return None
            secret = _asked_with(tuple(headers))
            if secret is None:
                return None
            if secret:
                return self._shared(query, secret) if path == _ENTITIES and query else None
            self._plain = headers
        elif not path.startswith(_ENTITIES):
            return None
        try:
            broker = self._node.broker
            if broker.registrations.index().all:
                return None  # other nodes may have a part in the answer
            if query:
                return self._page(query) if path == _ENTITIES else None
            if path.startswith(_ENTITY) and b"%" not in path and b"/attrs" not in path:
                body = broker.body(path[_START:].decode("latin-1"), at_once=True)
                if body is not None and self._open(body):
                    return self._headers, body
        except StoreError:
            pass
        return None

    def _page(self, query: bytes) -> tuple[Pairs, bytes] | None:
        try:
            plan = core_plan(self._node, query.decode("latin-1"))
        except Problem:
            return None  # the whole way says what is wrong
        if not plan.direct or self._asks(plan):
            return None
        key = (query, self._node.contexts.generation)
        try:
            body, follows = self._node.broker.page(
                plan.selection, plan.limit, plan.skipped, plan.start, at_once=True
            )
        except TakesLong:
            return None
        if not self._open(body):
            return None
        return self._heads.get((*key, follows)) or self._head(key, plan, follows), body

    def _shared(self, query: bytes, secret: str) -> tuple[Pairs, bytes] | None:
        """The page that a hub with this key is shown."""
        node, rights = self._node, self._rights
        if node.audited and rights is not None and rights.personal.names:
            return None  # what is read of personal data is audited on the way
        text = query.decode("latin-1")
        try:
            share = share_of_key(node.broker.store, secret)
            plan = core_plan(node, text)
            if share is None or not plan.direct:
                return None
            body, follows = node.broker.shared(share).page(
                plan.selection, plan.limit, plan.skipped, plan.start, at_once=True
            )
        except (Problem, StoreError, ShareRevokedError):
            return None
        note_asked(node.broker.store, share.hub, "query", parameters(text, QUERY_PARAMETERS).get("type", ""))
        key = (query, node.contexts.generation)
        return self._heads.get((*key, follows)) or self._head(key, plan, follows), body

    def _open(self, body: bytes) -> bool:
        """Whether the stored bytes hold nothing that is hidden from anybody."""
        rights = self._rights
        return rights is None or not rights.open.names or rights.open.pattern.search(body) is None

    def _asks(self, plan: Plan) -> bool:
        """Whether a query names what is hidden from strangers, who alone come here."""
        rights = self._rights
        return rights is not None and bool(rights.open.names and asks(plan.selection, rights.open))

    def _head(self, key: tuple[bytes, int], plan: Plan, follows: int | None) -> Pairs:
        if len(self._heads) > 1024:
            self._heads.clear()
        found = self._heads[(*key, follows)] = [*self._headers, *encoded(plan.links(follows))]
        return found


@lru_cache(1024)
def _asked_with(headers: tuple[tuple[bytes, bytes], ...]) -> str | None:
    """The key of a hub with which headers ask for plain JSON, "" if there is none; None if they ask for more."""
    more = {name: value for name, value in headers if name not in _ASIDE}
    if more and (more.keys() - _OF_HUBS or b"authorization" not in more or more.get(b"link", _LINK) != _LINK):
        return None
    try:
        if accepted(AsgiHeaders(headers), ENTITY_MEDIA) != JSON:
            return None
    except Problem:
        return None
    if not more:
        return ""
    scheme, _, secret = more[b"authorization"].decode("latin-1").partition(" ")
    secret = secret.strip()
    return secret if scheme.lower() == "bearer" and secret.startswith(SHARED) else None
