"""What goes on to a context source is held to this node's policy as what stays is (``broker.pen``).

The source has a policy of its own. What it holds of an entity is not known here: an attribute that a write brings
may be new there or not, and needs the right that the operation names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mahakam.api.ngsild.call import Call
from mahakam.broker.federation.matching import Match
from mahakam.broker.pen import Verb

_UNKNOWN = "an unknown type"
_CREATES = ("createEntity", "createBatch")


def require_pen(
    call: Call, operation: str, types: Sequence[str], scope: Any, names: Iterable[str], found: Iterable[Match]
) -> None:
    """Raises Problem (401, 403) if the caller may not write these attributes (none: the entity as a whole).

    ``types``: canonical names; where the request and this node know none, those that the sources are registered for.
    """
    known = [one.type for match in found for one in match.information.entities]
    wanted = list(types) or known or [_UNKNOWN]
    verbs: tuple[Verb, ...] = ("change",)
    asked = list(names)
    if operation in _CREATES:
        verbs, asked = ("create",), ["", *asked]
    elif operation == "upsertBatch":
        verbs, asked = ("create", "change"), ["", *asked]
    elif operation.startswith(("delete", "purge")):
        verbs = ("delete",)
    head = {"type": wanted} | ({"scope": scope} if scope else {})
    call.broker.require_pen(head, [(name, verb) for name in asked or [""] for verb in verbs])
