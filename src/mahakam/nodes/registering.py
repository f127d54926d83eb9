"""The registrations that a hub keeps of a node: one a type, with what is shared of it and the key to ask with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from mahakam.broker.broker import Broker
from mahakam.broker.clock import now
from mahakam.broker.federation.parsing import parse
from mahakam.broker.federation.registration import NODES, Registration, of_payload
from mahakam.ngsild.context import CORE
from mahakam.ngsild.problem import Problem
from mahakam.nodes.member import Member

OPERATIONS = [
    "retrieveEntity", "queryEntity", "queryBatch", "retrieveEntityTypes", "retrieveEntityTypeDetails",
    "retrieveEntityTypeInfo", "retrieveAttrTypes", "retrieveAttrTypeDetails", "retrieveAttrTypeInfo",
    "retrieveTemporal", "queryTemporal",
]  # fmt: skip
"""A node is read; nothing is written to it, and it is asked for no subscriptions: it sends copies itself."""


def prefix(node: str) -> str:
    """The beginning of the ids of a node's registrations."""
    return f"{NODES}{node}:"


def registrations_of(node: Member, *, private_addresses: bool) -> list[Registration]:
    """What is registered of a member; nothing of one that has ended."""
    if not node.active:
        return []
    return [
        of_payload(
            parse(
                {
                    "id": prefix(node.name) + quote(type, safe=""),
                    "type": "ContextSourceRegistration",
                    "registrationName": node.title or node.name,
                    "information": [{"entities": [{"type": type}], "propertyNames": sorted(names)}],
                    "endpoint": node.address,
                    "operations": OPERATIONS,
                    "contextSourceInfo": [{"key": "Authorization", "value": f"Bearer {node.key}"}],
                    **({"contextSourceAlias": node.alias} if node.alias else {}),
                },
                CORE,
                at=now(),
                private_addresses=private_addresses,
            )
        )
        for type, names in sorted(node.shares.attributes.items())
    ]


def settle(broker: Broker, node: Member) -> None:
    """Have exactly the registrations that a member has; may be done again at any time, and by the hub's rounds and by
    who joins at once. Raises Problem.
    """
    wanted = {one.id: one for one in registrations_of(node, private_addresses=broker.private_addresses)}
    registrations = broker.registrations
    there = {one.id: one for one in registrations.all() if one.id.startswith(prefix(node.name))}
    for id in there.keys() - wanted.keys():
        with _done_elsewhere("ResourceNotFound"):
            registrations.delete(id)
    for id, one in wanted.items():
        if id not in there:
            with _done_elsewhere("AlreadyExists"):
                registrations.create(one)
        elif there[id].payload != one.payload:
            with _done_elsewhere("ResourceNotFound"):
                registrations.replace(one)


@contextmanager
def _done_elsewhere(kind: str) -> Iterator[None]:
    """A problem of this kind says that another has done it meanwhile, from the same record of the member."""
    try:
        yield
    except Problem as problem:
        if problem.kind != kind:
            raise
