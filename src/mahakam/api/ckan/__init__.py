"""CKAN's action API, for reading (https://docs.ckan.org/en/2.11/api/): harvesters and clients of CKAN read this node.

``/api/3/action/NAME`` by GET or POST. An organization is an agency, a group is a theme, a package is an entry of the
catalogue, and its CSV resource is in the DataStore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from mahakam.api.node import Node

PREFIX = "/api/"


def build(node: Node) -> Starlette:
    """The API of a node as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    from mahakam.api.ckan.dispatch import about, act

    methods = ["GET", "POST"]
    routes = [
        Route("/api/3/action/{name}", act, methods=methods),
        Route("/api/action/{name}", act, methods=methods),
        Route("/api/3", about),
        Route("/api/3/", about),
    ]
    app = Starlette(routes=routes)
    app.state.node = node
    return app
