"""``/info/sourceIdentity``: who this node is to those that register it (clause 5.15.1, 6.33)."""

from __future__ import annotations

from mahakam.api.http import Response
from mahakam.api.ngsild.call import Call, accepted
from mahakam.broker.clock import now


async def source_identity(call: Call) -> Response:
    """Clause 5.2.40: the node's name in a Via header, how long it runs, and its clock."""
    accept = accepted(call.request.headers)
    identity = await call.off_loop(lambda: call.node.identity)
    context = await call.context()
    value = {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{identity.alias(call.tenant)}",
        "type": "ContextSourceIdentity",
        "contextSourceAlias": identity.alias(call.tenant),
        "contextSourceUptime": identity.uptime(),
        "contextSourceTimeAt": now(),
    }
    return call.answer(value, context, accept)
