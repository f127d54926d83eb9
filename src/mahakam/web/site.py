"""The web room put together: what pages reach (places, store, broker), and the Starlette application.

How to add a page
-----------------
Put a module into ``web/pages/`` with a template of the same name in ``web/templates/``::

    def routes(site: Site) -> list[BaseRoute]:
        return [Route("/report", show), *table_routes("/requests", requests_table)]

    def show(request: Request) -> Response:                   # a plain function: runs in a worker thread
        site = site_of(request)                               # places, store, broker …
        return render(request, "report.html", title=_("Report a problem"), place=None, section="services")

It is found by itself. An endpoint that awaits (``await request.form()``) is ``async def`` and moves
store calls to a
thread with ``starlette.concurrency.run_in_threadpool``. Words: ``_("…")``, ``n_("%(n)s row", "%(n)s
rows", n)`` in
Python and templates (``mahakam.web.language``); then ``python -m mahakam.web.messages update`` and fill
in the Indonesian. A template extends ``base.html`` and fills ``{% block main %}`` (and ``{% block scripts
%}``); parts to reuse are in ``parts.html`` (``{% import "parts.html" as parts %}``): ``parts.table(table)``,
``parts.bar(share)``,
``parts.chip(word, kind)``, ``parts.empty(title, text, href, action)``, ``parts.crumbs(...)``. Tables are
``mahakam.web.tables.Table``: the same rows as page, ``.csv`` and ``.json``.

No inline ``style=`` or ``<script>``: the content security policy forbids both. Styles are in ``assets/css/``
(one file a subject, imported by ``app.css``), scripts are entry points ``assets/js/NAME.js`` loaded with
``<script type="module" src="{{ asset('NAME.js') }}"></script>``; build with ``python -m mahakam.web.build``.
Forms post as usual: a cross-site POST is refused by the middleware.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from mahakam.access import Principal, principal_of
from mahakam.broker.sight import Sighted
from mahakam.config import Place, Settings
from mahakam.store.protocol import EntityStore, Store
from mahakam.web import bundle, pages
from mahakam.web.language import _
from mahakam.web.middleware import PageMiddleware
from mahakam.web.router import NearRouter

if TYPE_CHECKING:
    from jinja2 import Environment

    from mahakam.access.provider.asking import Asking
    from mahakam.access.rights import Rights, Sight


class Node(Protocol):
    """What the application gives the pages: settings, places, the store, and the broker (the one way in)."""

    @property
    def settings(self) -> Settings: ...

    @property
    def places(self) -> Mapping[str, Place]: ...

    @property
    def store(self) -> Store: ...

    @property
    def broker(self) -> Any: ...

    @property
    def rights(self) -> Rights: ...

    @property
    def provider(self) -> Asking | None: ...


@dataclass(eq=False)
class Site:
    """What a page handler works with: entities as whoever asks sees them (``broker.sight``), one site a sight.

    What the node itself needs to know of them, whoever asks, is read through ``node``.
    """

    node: Node
    page_context: list[Callable[[Request], dict[str, Any]]] = field(default_factory=list)
    """Functions that add to the context of every page (e.g. who is signed in)."""

    sight: Sight | None = None
    """Whose it is; None: everything is seen."""
    _seen: WeakKeyDictionary[Sight, Site] = field(default_factory=WeakKeyDictionary)

    def seen(self, sight: Sight) -> Site:
        """The same site as somebody sees it."""
        found = self._seen.get(sight)
        if found is None:
            _ = self.templates
            found = copy(self)
            for name in ("broker", "store"):
                found.__dict__.pop(name, None)
            found.sight = sight
            self._seen[sight] = found
        return found

    @property
    def settings(self) -> Settings:
        return self.node.settings

    @property
    def places(self) -> Mapping[str, Place]:
        return self.node.places

    @cached_property
    def broker(self) -> Any:
        return self.node.broker if self.sight is None else self.node.broker.seen(self.sight)

    @cached_property
    def store(self) -> EntityStore:
        """The default tenant's entities."""
        store = self.node.store.tenant()
        return store if self.sight is None else cast("EntityStore", Sighted(store, self.sight))

    @cached_property
    def templates(self) -> Environment:
        from mahakam.web.render import environment

        return environment()

    def place(self, id: str) -> Place:
        """The place with this id.

        Raises HTTPException 404 for one that this node does not have.
        """
        try:
            return self.places[id]
        except KeyError:
            raise HTTPException(404, _("This node has no place named %(id)s", id=repr(id[:80]))) from None

    def children(self, id: str) -> list[Place]:
        """The places directly below a place, by name."""
        return [place for place in self.places.values() if place.parent == id]


def visitor(request: Request) -> Principal | None:
    """Who asks, None for a stranger; looked up once a request."""
    if not hasattr(request.state, "principal"):
        request.state.principal = principal_of(request.headers, request.app.state.site.node)
    found: Principal | None = request.state.principal
    return found


def site_of(request: Request) -> Site:
    """The site as the visitor sees it."""
    site: Site = request.app.state.site
    rights = site.node.rights
    if not rights.open.names:
        return site
    sight = rights.sight(visitor(request))
    return site.seen(sight) if sight.names else site


def build(node: Node) -> Starlette:
    """The pages of a node as an ASGI application. Nothing is read from the store until a page is asked
    for."""
    site = Site(node)
    routes: list[BaseRoute] = [Route("/static/{name:path}", bundle.serve)]
    for module in sorted(info.name for info in pkgutil.iter_modules(pages.__path__)):
        routes += importlib.import_module(f"{pages.__name__}.{module}").routes(site)
    from mahakam.web.pages import errors

    app = Starlette(
        middleware=[
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
            Middleware(PageMiddleware, timezone=_timezone(node.places)),
        ],
        exception_handlers=errors.handlers(),
    )
    app.router = NearRouter(routes)
    app.state.site = site
    return app


def _timezone(places: Mapping[str, Place]) -> str:
    """The zone for pages about no place: that of the first city."""
    return next((place.timezone for place in places.values() if place.kind == "city"), "UTC")
