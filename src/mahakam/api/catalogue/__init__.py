"""The catalogue as linked data: DCAT 3 with DQV and Satu Data Indonesia's metadata, CSVW for tables, and the tables.

``/catalogue`` and ``/catalogue/PLACE/FEED`` answer with a page, Turtle or JSON-LD, as ``Accept`` asks; with the ending
``.ttl`` or ``.jsonld`` whatever it asks. ``/catalogue/PLACE/FEED.csv`` (``.json``, ``.parquet``, ``.xlsx``) is the
table, ``….csv-metadata.json`` its CSVW. Pages are the web room's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from mahakam.api.node import Node

PREFIX = "/catalogue"


def build(node: Node) -> Starlette:
    """The API of a node as an ASGI application."""
    from starlette.applications import Starlette

    from mahakam.api.catalogue.routes import handlers, routes

    app = Starlette(routes=routes(), exception_handlers=handlers())
    app.state.node = node
    return app
