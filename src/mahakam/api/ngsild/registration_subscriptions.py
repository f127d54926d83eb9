"""``/csourceSubscriptions``: to be told of the context sources there are (clause 5.11, 6.12, 6.13)."""

from __future__ import annotations

from mahakam.api.http import Response
from mahakam.api.ngsild import subscriptions
from mahakam.api.ngsild.call import Call
from mahakam.broker.federation.notices import introduce


async def create_registration_subscription(call: Call) -> Response:
    """Clause 5.11.2: all sources that match already are notified at once."""
    return await subscriptions.create(call, "registrations", introduce)


async def update_registration_subscription(call: Call) -> Response:
    """Clause 5.11.3: the sources that match now are notified."""
    return await subscriptions.update(call, "registrations", introduce)


async def retrieve_registration_subscription(call: Call) -> Response:
    """Clause 5.11.4."""
    return await subscriptions.retrieve(call, "registrations")


async def list_registration_subscriptions(call: Call) -> Response:
    """Clause 5.11.5."""
    return await subscriptions.listed(call, "registrations")


async def delete_registration_subscription(call: Call) -> Response:
    """Clause 5.11.6."""
    return await subscriptions.delete(call, "registrations")
