"""Who was refused what: without a right, with a key or a form that does not hold, or too often."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mahakam.store.acting import acting

STATUSES = frozenset({401, 403, 429})
_log = logging.getLogger("mahakam.refused")


def note_refusal(room: str, path: str, scope: Mapping[str, Any], status: int) -> None:
    """A warning. ``path``: as far as it may be noted."""
    who, client = acting(), scope.get("client")
    facts = {
        "room": room, "method": scope["method"], "path": path, "status": status,
        "principal": who.principal if who else "", "kind": who.kind if who else "stranger",
        "address": client[0] if client else "",
    }  # fmt: skip
    _log.warning(
        "%s %s %d refused to %s (%s)", facts["method"], path, status, facts["principal"] or facts["kind"],
        facts["address"], extra={"facts": facts},
    )  # fmt: skip
