"""What a hub and its nodes say to each other over HTTP: join, share, copies, standing (``mahakam.nodes``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from mahakam.api.node import Node


def build(node: Node) -> Starlette:
    """The endpoints of a node as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    from mahakam.api.nodes import endpoints

    app = Starlette(
        routes=[
            Route("/nodes/look", endpoints.look, methods=["POST"]),
            Route("/nodes/join", endpoints.join, methods=["POST"]),
            Route("/nodes/notify", endpoints.notify, methods=["POST"]),
            Route("/nodes/standing", endpoints.standing, methods=["GET"]),
            Route("/nodes/share", endpoints.share, methods=["GET"]),
            Route("/nodes/share", endpoints.change, methods=["PUT"]),
            Route("/nodes/share", endpoints.leave, methods=["DELETE"]),
        ]
    )
    app.state.node = node
    return app
