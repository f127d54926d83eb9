"""The operations that a context source may take, and their groups (clause 4.20)."""

from __future__ import annotations

from collections.abc import Iterable

_RETRIEVE = ("retrieveEntity", "queryEntity")
_UPDATE = ("updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs")
_DISCOVERY = (
    "retrieveEntityTypes",
    "retrieveEntityTypeDetails",
    "retrieveEntityTypeInfo",
    "retrieveAttrTypes",
    "retrieveAttrTypeDetails",
    "retrieveAttrTypeInfo",
)
_SUBSCRIPTION = (
    "createSubscription",
    "updateSubscription",
    "retrieveSubscription",
    "querySubscription",
    "deleteSubscription",
)
_ENTITY_MAP = (
    "retrieveEntityMap",
    "updateEntityMap",
    "deleteEntityMap",
    "createEntityMapQueryEntity",
    "createEntityMapQueryTemporal",
)
_TEMPORAL = (
    "upsertTemporal",
    "appendAttrsTemporal",
    "deleteAttrsTemporal",
    "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal",
    "deleteTemporal",
    "retrieveTemporal",
    "queryTemporal",
)
_BATCH = ("createBatch", "upsertBatch", "updateBatch", "deleteBatch", "mergeBatch")
_REDIRECTION = (
    "createEntity",
    "updateEntity",
    "appendAttrs",
    "updateAttrs",
    "deleteAttrs",
    "deleteEntity",
    "mergeEntity",
    "replaceEntity",
    "replaceAttrs",
    "retrieveEntity",
    "queryEntity",
    "purgeEntity",
)
_ASSOCIATION = (*_RETRIEVE, "queryBatch", *_DISCOVERY, *_SUBSCRIPTION)

GROUPS: dict[str, tuple[str, ...]] = {
    "retrieveOps": _RETRIEVE,
    "updateOps": _UPDATE,
    "redirectionOps": _REDIRECTION,
    "associationOps": _ASSOCIATION,
    "federationOps": (*_ASSOCIATION, *_ENTITY_MAP[:4], "retrieveContextSourceIdentity"),
}
DEFAULT = "federationOps"
"""What a registration that names no operations takes (clause 5.2.9)."""
KNOWN = frozenset(
    (
        *_REDIRECTION,
        *_ASSOCIATION,
        *_BATCH,
        *_TEMPORAL,
        *_ENTITY_MAP,
        "retrieveContextSourceIdentity",
        "querySnapshot",
    )
)
AUXILIARY = frozenset(
    (*_ASSOCIATION, *_TEMPORAL[-2:], *_ENTITY_MAP, "retrieveContextSourceIdentity", *GROUPS)
) - {"updateOps", "redirectionOps"}
"""What an auxiliary source may be registered for: it is only ever read (clause 4.3.6.2)."""


def expanded(names: Iterable[str]) -> frozenset[str]:
    """The operations that names of operations and groups stand for."""
    return frozenset(operation for name in names for operation in GROUPS.get(name, (name,)))
