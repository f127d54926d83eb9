"""What of a tenant's writes is audited: entities, runs, quarantine and corrections always, small records by kind.

A kind that is not named here is audited: what a room adds is in the trail until somebody says why not.
"""

from __future__ import annotations

from typing import Any

BOOKKEEPING = frozenset({
    # counters, versions, and lists that are made anew from what is audited itself
    "csource-registrations", "data-plan-years", "product-hash", "queue-lists", "queue-filters", "request-counter",
    "request-given", "subscription-version", "transient", "transient-version",
    # what a node remembers of its own turns and of messages that it sends
    "backup-taken",
    "attempt", "context", "data-released", "document-files-doomed", "entity-map", "exchange-pulled", "exchange-pushed",
    "exchange-state", "feed-alert", "field-acts", "indicator", "mail",
    "mail-cursor", "mail-dead", "openlineage", "push", "push-cursor",
    "release-told", "request-rated", "requests", "session-seen", "sign-in-turn", "subscription-slots",
    "subscription-status", "subscription-turn", "upload", "draft", "node-contact", "sharing-contact",
    "sharing-backlog",
    # the trail's own
    "audit", "audit-cut",
})  # fmt: skip
"""Kinds of records that change nothing that anybody is responsible for."""
BOOKKEEPING_OF = (
    "appointment-slots ", "dated ", "queue ", "request-assigned ", "request-told ", "exchange-pulled ",
    "exchange-pushed ", "snapshot-entity ", "snapshot-evolution ", "subscription-late ", "subscription-status ",
    "turns-", "share-asked ", "node-copy ",
)  # fmt: skip
"""Beginnings of such kinds, where a kind names what it is of."""
OPENS = frozenset({
    "session", "key", "token", "kiosk", "request-push", "repair-link", "share-key", "node-key", "node-invitation",
})  # fmt: skip
"""Kinds whose keys come of what opens something: the trail has their beginnings."""
_SHOWN = 12


def of_record(kind: str, key: str, value: dict[str, Any] | None) -> tuple[str, str] | None:
    """(action, object) of a small record that is saved or (``value`` None) deleted; None: not audited."""
    if kind in BOOKKEEPING or kind.startswith(BOOKKEEPING_OF):
        return None
    if kind == "session":
        return (
            ("sign-in", f"account/{value['name']}") if value else ("session.end", f"session/{key[:_SHOWN]}")
        )
    shown = key[:_SHOWN] if kind in OPENS else key
    return f"{kind}.{'delete' if value is None else 'save'}", f"{kind}/{shown}" if shown else kind
