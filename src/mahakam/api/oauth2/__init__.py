"""Tokens for applications: OAuth 2.0 client credentials (RFC 6749, 4.4), revocation (7009), metadata (8414)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from mahakam.api.node import Node


def build(node: Node) -> Starlette:
    """The endpoints of a node as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    from mahakam.api.oauth2.endpoints import METADATA, REVOKE, TOKEN, metadata, revoke, token

    app = Starlette(
        routes=[
            Route(METADATA, metadata, methods=["GET"]),
            Route(TOKEN, token, methods=["POST"]),
            Route(REVOKE, revoke, methods=["POST"]),
        ]
    )
    app.state.node = node
    return app
