"""The report form without a connection: the service worker, what it keeps, and the list of reports that wait."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.web import bundle, gate
from mahakam.web.language import _
from mahakam.web.render import render
from mahakam.web.site import Site

_NEEDED = (
    "app.css",
    "app.js",
    "report.js",
    "kept.js",
    "field.js",
    "maplibre.css",
    "maplibre-worker.js",
    "mark.svg",
    "font.woff2",
)
"""The browser files without which the form and the crew's jobs do not work; what they import comes with them."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/sw.js", worker),
        Route("/report/kept", kept),
        Route("/report/token.json", token),
        Route("/manifest.webmanifest", manifest),
    ]


def worker(_request: Request) -> Response:
    """The service worker of this build; at the root, because it may only look after what lies below it."""
    files = [bundle.asset(name) for name in (*_NEEDED, *bundle.chunks())]
    head = "self.MAHAKAM=" + json.dumps({"stamp": bundle.stamp(), "files": files}) + ";\n"
    body = head.encode() + (bundle.STATIC / bundle.manifest()["sw.js"]).read_bytes()
    return Response(body, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def kept(request: Request) -> Response:
    """The reports that wait on this phone; the page shows what the phone holds, the server knows nothing of it."""
    return render(request, "report-kept.html", title=_("Reports on this phone"), section="services")


def token(request: Request) -> Response:
    """A fresh token for a form that was filled in while there was no connection; only our own pages can read it."""
    return JSONResponse({"form": gate.token(request)}, headers={"Cache-Control": "no-store"})


def manifest(_request: Request) -> Response:
    """What a phone needs to put the site on its home screen."""
    icon = {"src": bundle.asset("mark.svg"), "type": "image/svg+xml", "sizes": "any", "purpose": "any"}
    document = {
        "name": "Mahakam",
        "short_name": "Mahakam",
        "start_url": "/",
        "display": "minimal-ui",
        "background_color": "#fbfaf6",
        "theme_color": "#0b6e75",
        "icons": [icon],
    }
    return JSONResponse(document, media_type="application/manifest+json")
