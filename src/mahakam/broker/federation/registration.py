"""A context source registration (clause 5.2.9): names canonical, everything checked (``parse``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from mahakam.broker.federation.operations import DEFAULT, expanded
from mahakam.ngsild.duration import seconds_of

Mode = Literal["inclusive", "exclusive", "redirect", "auxiliary"]
MODES: tuple[Mode, ...] = ("inclusive", "exclusive", "redirect", "auxiliary")


NODES = "urn:ngsi-ld:ContextSourceRegistration:node:"
"""Begins the ids of registrations that come and go with a node's membership (``mahakam.nodes``): nobody changes them by
hand, and nobody is shown the key in them."""


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """Which entities (clause 5.2.8): of a type, and of them one by its id, or some by a pattern."""

    type: str
    id: str = ""
    id_pattern: str = ""


@dataclass(frozen=True, slots=True)
class Information:
    """What a source knows (clause 5.2.10). No ``entities``: any; no ``attributes``: all of them."""

    entities: tuple[EntityInfo, ...] = ()
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Registration:
    """``payload`` is the registration as answers show it, but with canonical names and the defaults left out.

    ``endpoint`` has no slash at its end. ``timeout`` and ``cooldown`` are seconds, 0 where the node's own
    hold; ``cached``: seconds for which an answer may be given again.
    ``info`` are the pairs of contextSourceInfo; ``expires`` is ISO 8601 UTC or "".
    """

    id: str
    payload: dict[str, Any] = field(compare=False, repr=False)
    information: tuple[Information, ...]
    endpoint: str
    mode: Mode = "inclusive"
    operations: frozenset[str] = frozenset()
    tenant: str = ""
    alias: str = ""
    info: tuple[tuple[str, str], ...] = ()
    local_only: bool = False
    timeout: float = 0.0
    cooldown: float = 0.0
    cached: float = 0.0
    expires: str = ""

    @property
    def proxied(self) -> bool:
        """Whether the source alone holds what it is registered for (clause 4.3.6.3)."""
        return self.mode in ("exclusive", "redirect")

    def alive(self, at: str) -> bool:
        """Whether it has not expired at a time (ISO 8601 UTC)."""
        return not self.expires or self.expires > at

    def setting(self, key: str) -> str:
        """The value of a pair of contextSourceInfo; "" if there is none."""
        return next((value for name, value in self.info if name.lower() == key.lower()), "")


def of_payload(payload: dict[str, Any]) -> Registration:
    """The registration of a payload that was checked before."""
    management = payload.get("management", {})
    return Registration(
        id=payload["id"],
        payload=payload,
        information=tuple(_information(part) for part in payload["information"]),
        endpoint=payload["endpoint"].rstrip("/"),
        mode=cast(Mode, payload.get("mode", "inclusive")),
        operations=expanded(payload.get("operations", (DEFAULT,))),
        tenant=payload.get("tenant", ""),
        alias=payload.get("contextSourceAlias", ""),
        info=tuple((pair["key"], pair["value"]) for pair in payload.get("contextSourceInfo", ())),
        local_only=bool(management.get("localOnly", payload.get("localOnly", False))),
        timeout=management.get("timeout", 0) / 1000,
        cooldown=management.get("cooldown", 0) / 1000,
        cached=seconds_of(management.get("cacheDuration", "")) or 0.0,
        expires=payload.get("expiresAt", ""),
    )


def _information(part: dict[str, Any]) -> Information:
    return Information(
        tuple(
            EntityInfo(one["type"], one.get("id", ""), one.get("idPattern", ""))
            for one in part.get("entities", ())
        ),
        frozenset((*part.get("propertyNames", ()), *part.get("relationshipNames", ()))),
    )
