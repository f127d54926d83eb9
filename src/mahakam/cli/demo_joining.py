"""How the demo's nodes join its hub: by invitation, as any city does; what is so already stays as it is."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from mahakam.app import Node, open_node
from mahakam.config import Settings
from mahakam.nodes import copies, hub, pushing, sharing
from mahakam.nodes.faults import NodeError
from mahakam.nodes.invitation import invite
from mahakam.nodes.member import member
from mahakam.nodes.naming import name_of
from mahakam.nodes.shares import OFFERED, Shares

BY = "mahakam demo"
WAIT = 60.0
"""Seconds that the first copies are waited for."""


def join(at: Settings, name: str, own: Settings, types: Sequence[str]) -> None:
    """Have a node be a member of the hub, which is running, with all public fields of these types.

    One that is a member already keeps what it shares, unless hub or node have another address since: then it joins
    anew. Raises ClickException.
    """
    inviting, joining = open_node(at), open_node(own)
    try:
        if not _joined(inviting, name, joining):
            _leave(inviting, name, joining)
            _join(inviting, name, joining, types)
    except NodeError as error:
        raise click.ClickException(f"{name} cannot join {at.base}: {error}") from error
    finally:
        joining.close()
        inviting.close()


def _joined(inviting: Node, name: str, joining: Node) -> bool:
    known = member(inviting.store.tenant(), name)
    there = {one.hub: one for one in sharing.sharings(joining.store.tenant()) if one.state == "joined"}
    held = there.get(inviting.settings.base)
    return bool(
        known and known.active and held and known.address == held.record["address"] == joining.settings.base
    )


def _leave(inviting: Node, name: str, joining: Node) -> None:
    """End what there was by other addresses, on both sides."""
    store = inviting.store.tenant()
    known = member(store, name)
    if known is not None and known.active:
        hub.end(inviting.broker, name, "hub")
    for one in sharing.sharings(joining.store.tenant()):
        if one.state != "ended":
            sharing.revoke(joining.broker, one.id, by_hub=True)


def _join(inviting: Node, name: str, joining: Node, types: Sequence[str]) -> None:
    text, _ = invite(inviting.store.tenant(), name, inviting.settings.base, by=BY)
    there = {one.type: one for one in sharing.offers(joining.broker, joining.rights)}
    shared = {
        type: frozenset(field.name for field in there[type].fields if not field.kind)
        for type in types
        if type in there
    }
    shares = Shares(
        {type: names for type, names in shared.items() if names}, frozenset(OFFERED) & shared.keys()
    )
    title = name_of(joining)
    sharing.join(
        joining.broker,
        joining.rights,
        text,
        shares,
        address=joining.settings.base,
        title=title.get("en") or next(iter(title.values())),
        by=BY,
    )


def wait_for_copies(at: Settings, nodes: Sequence[tuple[str, Settings]]) -> None:
    """Return when the hub has what the nodes, which are running, owe it; or after WAIT seconds."""
    until = time.monotonic() + WAIT
    inviting = open_node(at)
    try:
        for name, own in nodes:
            sending = open_node(own)
            try:
                store, id = sending.store.tenant(), sharing.hub_id(at.base)
                owed = pushing.subscription_id(id)
                while time.monotonic() < until:
                    if not pushing.waiting(store, id) and not store.owed(owed, 1):
                        break
                    time.sleep(0.2)
            finally:
                sending.close()
            click.echo(
                f"  {name}: the hub has {copies.count(inviting.store.tenant(), name):,} copies", err=True
            )
    finally:
        inviting.close()
