"""Open311 GeoReport v2 at ``/open311/``: the requests of a node as other cities' applications know them.

http://wiki.open311.org/GeoReport_v2. A jurisdiction is a city of the node by its id (``samarinda``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from mahakam.api.node import Node

PREFIX = "/open311"


def build(node: Node) -> Starlette:
    """The API of a node as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route

    from mahakam.api.open311 import discovery, intake, listing, services
    from mahakam.api.open311.errors import handlers

    routes = [
        Route("/discovery.{format}", discovery.show),
        Route("/services.{format}", services.show_all),
        Route("/services/{code}.{format}", services.show_one),
        Route("/requests.{format}", listing.show_all, methods=["GET"]),
        Route("/requests.{format}", intake.post, methods=["POST"]),
        Route("/requests/{id}.{format}", listing.show_one),
        Route("/tokens/{token}.{format}", intake.show_token),
        Route("/servicerequestupdates.{format}", listing.show_updates),
    ]
    app = Starlette(routes=[Mount(PREFIX, routes=routes)], exception_handlers=handlers())
    app.state.node = node
    return app
