"""What the Open311 API needs of a node, and what every request of it asks first: which city, in which format."""

from __future__ import annotations

from starlette.requests import Request

from mahakam.access import principal_of
from mahakam.access.identify import acts_for
from mahakam.access.keys import principal_of_key
from mahakam.access.rights import Sight
from mahakam.api.node import Node
from mahakam.api.open311.errors import Refusal
from mahakam.config import Place
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Desk


def parts_of(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


def desk_of(request: Request) -> Desk:
    """The requests as whoever asks sees them."""
    node = parts_of(request)
    return Desk(node.broker, node.places, node.settings.data, sight_of(request))


def sight_of(request: Request) -> Sight | None:
    """What whoever asks sees, by the Authorization header, the session or ``api_key``; None: all."""
    node = parts_of(request)
    if not node.rights.open.names:
        return None
    if not hasattr(request.state, "principal"):
        given = request.query_params.get("api_key", "")
        request.state.principal = (
            principal_of_key(node.store.tenant(), given) if given else principal_of(request.headers, node)
        )
        acts_for(request.state.principal, request.headers)
    sight = node.rights.sight(request.state.principal)
    return sight if sight.names else None


def jurisdictions(node: Node) -> dict[str, Place]:
    """The cities of the node that residents can ask something of, by id."""
    places = node.places
    return {place.id: place for place in places.values() if place.kind == "city" and catalogue(place, places)}


def jurisdiction(request: Request, given: str | None) -> Place:
    """The city that a request names with ``jurisdiction_id``; where the node has one, it need not be named.

    Raises Refusal 400 if it must be and is not, 404 if there is no such city.
    """
    cities = jurisdictions(parts_of(request))
    if not given:
        if len(cities) == 1:
            return next(iter(cities.values()))
        raise Refusal(400, f"jurisdiction_id is missing; it is one of {', '.join(sorted(cities))}")
    if given not in cities:
        raise Refusal(
            404,
            f"there is no jurisdiction {given[:80]!r}; jurisdiction_id is one of {', '.join(sorted(cities))}",
        )
    return cities[given]


def language(request: Request) -> str:
    """``locale``, else the first language that the request accepts: ``en`` or ``id``."""
    wanted = request.query_params.get("locale") or request.headers.get("accept-language", "")
    first = wanted.split(",")[0].strip().lower()[:2]
    return first if first in ("en", "id") else "en"
