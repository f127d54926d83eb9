"""The HTTP binding of NGSI-LD (ETSI GS CIM 009 clause 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from mahakam.access.rights import Rights
    from mahakam.broker.broker import Broker
    from mahakam.broker.contexts import Contexts
    from mahakam.config import Settings
    from mahakam.store.protocol import Store

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Parts(Protocol):
    """What the API needs of a node."""

    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> Store: ...

    @property
    def broker(self) -> Broker: ...

    @property
    def contexts(self) -> Contexts: ...

    @property
    def rights(self) -> Rights: ...


class Built(NamedTuple):
    """An ASGI application, and what it can answer without an event loop (headers and body of a 200)."""

    application: Callable[[_Scope, _Receive, _Send], Awaitable[None]]
    at_once: Callable[[_Scope], tuple[list[tuple[bytes, bytes]], bytes] | None]


def build(node: Parts) -> Built:
    """The API of a node."""
    from mahakam.access.identify import principal_of
    from mahakam.api.cross_origin import cross_origin, parse_origins
    from mahakam.api.http import Application
    from mahakam.api.ngsild.call import Node
    from mahakam.api.ngsild.direct import Direct
    from mahakam.api.ngsild.router import NgsiLd
    from mahakam.operations.metrics import Room
    from mahakam.operations.shield import shield_of

    identify = partial(principal_of, node=node, hubs=True)
    served = Node(
        node.broker,
        node.contexts,
        identify,
        address=node.settings.base,
        rights=node.rights,
        audited=node.settings.audited,
    )
    shield = shield_of(node.settings)
    application = Application(NgsiLd(served), Direct(served, shield), Room("ngsi-ld", parts=3), shield)
    origins = parse_origins(node.settings.origins)
    # Of what a page of elsewhere asks nothing is answered at once.
    return Built(cross_origin(application, origins) if origins else application, application.at_once)
