"""What this is, and how a developer uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.web.language import _
from mahakam.web.render import render

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/about", about), Route("/developers", developers)]


def about(request: Request) -> Response:
    return render(request, "about.html", title=_("What this is"))


def developers(request: Request) -> Response:
    return render(request, "developers.html", title=_("For developers"))
