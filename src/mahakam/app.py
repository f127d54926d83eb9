"""Puts the rooms together: the node that commands and the server share, and the application it serves."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam import tracing
from mahakam.addresses import SETTING, hold
from mahakam.api.catalogue.negotiation import is_data
from mahakam.arriving import answer_on_arrival
from mahakam.config import ConfigError, Place, Settings, load_places
from mahakam.leading import Leader
from mahakam.operations.log import set_up
from mahakam.operations.probes import PROBES, answer
from mahakam.operations.shield import shield_of, shielded
from mahakam.proxies import Proxies
from mahakam.store.acting import Acting, act
from mahakam.store.opening import open_store
from mahakam.store.protocol import Store

if TYPE_CHECKING:
    from mahakam.access.provider.asking import Asking
    from mahakam.access.rights import Rights
    from mahakam.broker.broker import Broker
    from mahakam.broker.contexts import Contexts
    from mahakam.broker.contracts import ContractBook
    from mahakam.broker.history import Keeping

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
AtOnce = Callable[[Scope], tuple[list[tuple[bytes, bytes]], bytes] | None]

_READS = ("GET", "HEAD")
NGSI_LD, OPEN311, CATALOGUE, CKAN = "/ngsi-ld/", "/open311/", "/catalogue", "/api/"
NODES, JOIN_PAGE = "/nodes/", "/nodes/join"
OAUTH2 = ("/oauth2/", "/.well-known/oauth-authorization-server")


class Node:
    """A node with its parts, each made when first asked for, so that a command pays for what it uses."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError for a list of hosts that cannot be read: nothing may be asked without it."""
        self.settings = settings
        try:
            hold(settings.hosts)
        except ValueError as error:
            raise ConfigError(Path(SETTING), str(error)) from None

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Raises ConfigError."""
        return load_places(self.settings.config)

    @cached_property
    def store(self) -> Store:
        """All tenants. Raises StoreError."""
        settings = self.settings
        return open_store(settings.store, settings.data, settings.replica, audit=settings.audited)

    @cached_property
    def book(self) -> ContractBook:
        """Every contract of every place, read when first asked for."""
        from mahakam.broker.foreign import StoredKeys
        from mahakam.quality.book import Book
        from mahakam.services.contracts import WithRequests

        keys = StoredKeys(self.store.tenant())
        book = Book(self.places, entity_values=keys.values, entity_has=keys.has)
        return WithRequests(book, self.places, book.references)

    @cached_property
    def keeping(self) -> Keeping:
        """What is kept of changes. Raises ConfigError."""
        from mahakam.broker.history import Keeping

        try:
            return Keeping.parse(self.settings.history)
        except ValueError as error:
            raise ConfigError(Path("MAHAKAM_HISTORY"), str(error)) from None

    @cached_property
    def rights(self) -> Rights:
        """Who may read which attribute. Raises ConfigError."""
        from mahakam.access.rights import Rights

        return Rights(self.places, self.settings.folders)

    @cached_property
    def provider(self) -> Asking | None:
        """Who vouches for people, where ``signin.yaml`` names somebody. Raises ConfigError."""
        from mahakam.access.provider.configured import FILE, read_provider

        settings = self.settings
        if settings.open or not any((folder / FILE).is_file() for folder in settings.folders):
            return None
        found = read_provider(settings.folders, self.places, settings.signin_secret)
        if found is None:
            return None
        from mahakam.access.provider.asking import Asking

        return Asking(found, private_addresses=settings.private_addresses)

    @cached_property
    def broker(self) -> Broker:
        """The default tenant's entities; ``broker.tenant(name)`` leads to the others."""
        from mahakam.access.shares import share_with
        from mahakam.broker.broker import Broker
        from mahakam.services.queue import RequestLists
        from mahakam.services.transitions import RequestTransitions

        return Broker(
            self.store,
            self.book,
            self.places,
            private_addresses=self.settings.private_addresses,
            history=self.keeping,
            listing=RequestLists(),
            told=self.rights.open,
            pens=None if self.settings.open else self.rights.writing,
            transitions=RequestTransitions(lambda: self.places),
            shares=share_with,
        )

    @cached_property
    def contexts(self) -> Contexts:
        """The @context documents that requests name."""
        from mahakam.broker.contexts import Contexts

        return Contexts(self.store.tenant(), private_addresses=self.settings.private_addresses)

    @cached_property
    def proxies(self) -> Proxies:
        """Whose word on who asks is taken. Raises ConfigError."""
        try:
            return Proxies(self.settings.proxies)
        except ValueError as error:
            raise ConfigError(
                Path("MAHAKAM_PROXIES"), f"{error}; 10.0.0.7, or a network as 10.0.0.0/24"
            ) from None

    def check_mail(self) -> None:
        """Raises ConfigError if mail is set up in a way that cannot work."""
        if self.settings.smtp:
            from mahakam.services.outbox import MailError, Server, sender_of

            try:
                Server.parse(self.settings.smtp)
                sender_of(self.settings.mail_from)
            except MailError as error:
                raise ConfigError(Path("MAHAKAM_SMTP"), str(error)) from None

    def check_origins(self) -> None:
        """Raises ConfigError if they are none."""
        from mahakam.api.cross_origin import parse_origins

        try:
            parse_origins(self.settings.origins)
        except ValueError as error:
            raise ConfigError(Path("MAHAKAM_ORIGINS"), str(error)) from None

    def check_audit(self) -> None:
        """Raises ConfigError if the time for which the audit trail is kept is none."""
        if self.settings.audit_keep:
            from mahakam.access.audit import kept_seconds

            kept_seconds(self.settings.audit_keep)

    def check_log(self) -> None:
        """Raises ConfigError if the log cannot be written that way."""
        from mahakam.operations.log import FORMATS, LEVELS

        for variable, value, known in (
            ("MAHAKAM_LOG", self.settings.log, FORMATS),
            ("MAHAKAM_LOG_LEVEL", self.settings.log_level, tuple(LEVELS)),
        ):
            if value not in known:
                raise ConfigError(Path(variable), f"{value!r} is none of {', '.join(known)}")

    def check_lineage(self) -> None:
        """Raises ConfigError if ``openlineage`` names nothing that events can go to."""
        if self.settings.openlineage:
            from mahakam.feeds.openlineage.sending import Receiver, ReceiverError

            try:
                Receiver.parse(self.settings.openlineage)
            except ReceiverError as error:
                raise ConfigError(Path("MAHAKAM_OPENLINEAGE"), str(error)) from None

    def looks(self) -> tuple[Callable[[], object], ...]:
        """At each of the settings that a node looks at when it starts; mail and places are looked at apart.

        Each raises ConfigError.
        """
        return (
            lambda: self.keeping, lambda: self.proxies, lambda: self.settings.fewest_shown,
            lambda: self.settings.delivers, lambda: self.settings.audited, self.check_audit, self.check_log,
            self.check_origins, self.check_lineage, self.check_nats, self.check_second_step, self.check_traces,
        )  # fmt: skip

    def setting_faults(self) -> list[ConfigError]:
        """What is wrong with the settings that a node looks at when it starts."""
        found = []
        for look in self.looks():
            try:
                look()
            except ConfigError as error:
                found.append(error)
        return found

    def check_traces(self) -> None:
        """Raises ConfigError if ``traces`` names nothing that they can go to."""
        settings = self.settings
        if settings.traces and (problem := tracing.problem_of(settings.traces, settings.traces_share)):
            raise ConfigError(Path("MAHAKAM_TRACES"), problem)

    def check_nats(self) -> None:
        """Raises ConfigError if ``nats`` names no server of NATS."""
        if self.settings.nats:
            from mahakam.broker.endpoint import endpoint_problem

            if not self.settings.nats.startswith(("nats://", "tls://")) or endpoint_problem(
                self.settings.nats.rstrip("/") + "/x", private_addresses=True, configured=True
            ):
                raise ConfigError(
                    Path("MAHAKAM_NATS"), "nats://USER:PASSWORD@HOST:4222, or tls://…, was expected"
                )

    def check_second_step(self) -> None:
        """Raises ConfigError for a role that there is not."""
        if self.settings.second_step:
            from mahakam.access.second_step import required

            required(self.settings, ())

    def close(self) -> None:
        """Finish the writes that wait."""
        if "store" in self.__dict__:
            self.store.close()


def open_node(settings: Settings) -> Node:
    """The node with its places read and its store open.

    Raises ConfigError or StoreError, which say what to put right.
    """
    node = Node(settings)
    for look in node.looks():
        look()
    _ = (node.places, node.store, node.provider)
    node.check_mail()
    return node


class Application:
    """The ASGI application: NGSI-LD first and without a framework, then pages.

    ASGI and not RSGI, though RSGI costs 5 to 15 µs less a request here: RSGI gives the path decoded, and
    an entity id with an encoded slash could not be told from a longer path.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self._ngsild: Asgi | None = None
        self._stored: AtOnce | None = None
        self._open311: Asgi | None = None
        self._catalogue: Asgi | None = None
        self._ckan: Asgi | None = None
        self._oauth2: Asgi | None = None
        self._nodes: Asgi | None = None
        self._pages: Asgi | None = None
        self._leader = Leader(node)
        self._shield = shield_of(node.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.handled(scope, receive, send)

    def handled(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """The room's own coroutine, without one more around it."""
        if scope["type"] == "http":
            path: str = scope["path"]
            # Nobody yet on the fast path, and never who is inherited: the command that serves, or another reader.
            reads = scope["method"] in _READS and path.startswith(NGSI_LD)
            if not reads:
                self.node.proxies.unmask(scope)
            act(None if reads else Acting(scope=scope))
            if path.startswith(NGSI_LD):  # which shields its answers itself
                return (self._ngsild or self._make_ngsild())(scope, receive, send)
            send = shielded(send, self._shield)
            if path in PROBES:
                return answer(PROBES[path], self.node, scope, send)
            if path.startswith(OPEN311):
                return (self._open311 or self._make_open311())(scope, receive, send)
            if path.startswith(CATALOGUE) and is_data(path, scope["headers"]):
                return (self._catalogue or self._make_catalogue())(scope, receive, send)
            if path.startswith(CKAN):
                return (self._ckan or self._make_ckan())(scope, receive, send)
            if path.startswith(NODES) and (path != JOIN_PAGE or scope["method"] not in _READS):
                return (self._nodes or self._make_nodes())(scope, receive, send)
            if path.startswith(OAUTH2):
                return (self._oauth2 or self._make_oauth2())(scope, receive, send)
            return (self._pages or self._make_pages())(scope, receive, send)
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        return send({"type": "websocket.close"})

    def at_once(self, scope: Scope) -> tuple[list[tuple[bytes, bytes]], bytes] | None:
        """Headers and body of a 200 that needs no event loop, on whatever thread; None: the request is to be handled.

        Asked from the second request on: the first makes the rooms.
        """
        if self._stored is None or not scope["path"].startswith(NGSI_LD):
            return None
        return self._stored(scope)

    def _make_ngsild(self) -> Asgi:
        from mahakam.api import ngsild

        self._ngsild, self._stored = ngsild.build(self.node)
        return self._ngsild

    def _make_open311(self) -> Asgi:
        from mahakam.api import open311

        self._open311 = self._metered(open311.build(self.node), "open311", parts=3)
        return self._open311

    def _make_catalogue(self) -> Asgi:
        from mahakam.api import catalogue

        self._catalogue = self._metered(catalogue.build(self.node), "catalogue")
        return self._catalogue

    def _make_ckan(self) -> Asgi:
        from mahakam.api import ckan

        self._ckan = self._metered(ckan.build(self.node), "ckan", parts=4)
        return self._ckan

    def _make_oauth2(self) -> Asgi:
        from mahakam.api import oauth2

        self._oauth2 = self._metered(oauth2.build(self.node), "oauth2", parts=2)
        return self._oauth2

    def _make_nodes(self) -> Asgi:
        from mahakam.api import nodes

        self._nodes = self._metered(nodes.build(self.node), "nodes", parts=2)
        return self._nodes

    @staticmethod
    def _metered(room: Asgi, name: str, parts: int = 1) -> Asgi:
        from mahakam.operations.metered import metered
        from mahakam.operations.metrics import Room

        return metered(Room(name, parts), room)

    def _make_pages(self) -> Asgi:
        from mahakam.web import site

        self._pages = self._metered(site.build(self.node), "pages")
        return self._pages

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await asyncio.to_thread(self._leader.start)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(self._leader.stop)
                await asyncio.to_thread(self.node.close)
                await asyncio.to_thread(tracing.end)
                await send({"type": "lifespan.shutdown.complete"})
                return


def application() -> Asgi:
    """What a worker process serves (a factory): the node of the environment's settings."""
    settings = Settings.from_environment()
    set_up(settings.log, settings.log_level)
    node = open_node(settings)
    tracing.begin(settings.traces, settings.traces_key, settings.traces_share)
    found = Application(node)
    answer_on_arrival(found.at_once)
    # What is here now stays: looking through it for cycles at every 700 new objects cost 4 % of a write.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return found.handled
