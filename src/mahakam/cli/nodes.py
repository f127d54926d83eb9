"""``mahakam node``: a hub's invitations and its nodes; what a city's node shares with which hub."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.node import user
from mahakam.cli.options import config_option, data_option, settings_for

if TYPE_CHECKING:
    from mahakam.app import Node
    from mahakam.nodes.shares import Shares
    from mahakam.nodes.sharing import Offer

share_option = click.option(
    "--share",
    "share",
    multiple=True,
    metavar="TYPE[:FIELD,…]",
    help="A type to share, with these fields (all that are public when none is named); may be given again.",
)
push_option = click.option(
    "--push",
    multiple=True,
    metavar="TYPE",
    help="A shared type of which copies are sent, so that the hub has it while this node is off-line; may be given "
    "again. Default: indicator values, projects and solutions. `--push none`: no copies.",
)
reason_option = click.option(
    "--reason",
    "reasons",
    multiple=True,
    metavar="TYPE.FIELD=WHY",
    help="Why a field is shared that is not public by its contract; may be given again.",
)
private_option = click.option(
    "--private-addresses", is_flag=True, help="The hub may be at a private address, e.g. on this machine."
)


@click.group()
def node() -> None:
    """A hub and its nodes: invite, join, list, change, rotate, revoke.

    \b
    Example:
      mahakam node invite samarinda --url https://hub.example      (at the hub)
      mahakam node offers                                          (at the city)
      mahakam node join 'https://hub.example/nodes/join#mhi_…' --url https://samarinda.example \\
        --share KeyPerformanceIndicator --share BusStop:location,waiting
    """


@node.command("invite")
@click.argument("name")
@click.option("--url", default="", help="The hub's address as the node reaches it. Default: MAHAKAM_URL.")
@click.option("--place", default="", help="Only copies of this place of the hub are taken from the node.")
@click.option("--days", default=14, show_default=True, help="How long the invitation holds, 1 to 90 days.")
@click.option("--nats", default="", envvar="MAHAKAM_NODE_NATS", metavar="URL",
              help="The hub's NATS server as the node reaches it, with the user and password that the node has there:"
              " copies come over it.")  # fmt: skip
@config_option
@data_option
def invite_node(
    name: str, url: str, place: str, days: int, nats: str, config: tuple[Path, ...], data: Path
) -> None:
    """Invite a node by the NAME that the hub will have for it. The invitation is shown this once.

    \b
    Example:
      mahakam node invite samarinda --url https://hub.example --data hub
      mahakam node invite samarinda --nats tls://samarinda:PASSWORD@nats.hub.example:4222 --data hub
    """
    from mahakam.nodes.invitation import invite

    with _opened(data, config) as found:
        if place and place not in found.places:
            raise click.UsageError(f"--place: there is no place {place!r} here")
        text, made = invite(
            found.store.tenant(),
            name,
            url or found.settings.base,
            place=place,
            days=days,
            by=user(),
            nats=nats,
        )
    click.echo(text)
    click.echo(
        f"for {made.name}, once, until {_time(made.expires)}; `mahakam node take-back {made.id}` ends it",
        err=True,
    )


@node.command("take-back")
@click.argument("id")
@config_option
@data_option
def take_back_invitation(id: str, config: tuple[Path, ...], data: Path) -> None:
    """Take an invitation back, by its ID (`mahakam node list`): nobody joins with it any more.

    \b
    Example:
      mahakam node take-back 3f0c11aa77b2 --data hub
    """
    from mahakam.nodes.invitation import take_back

    with _opened(data, config) as found:
        made = take_back(found.store.tenant(), id)
    click.echo(f"the invitation for {made.name} is taken back")


@node.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@config_option
@data_option
def list_nodes(as_json: bool, config: tuple[Path, ...], data: Path) -> None:
    """Show the nodes that joined this one, its open invitations, and the hubs that this node shares with.

    \b
    Example:
      mahakam node list --data hub
    """
    with _opened(data, config) as found:
        facts = _facts(found)
    if as_json:
        import orjson

        click.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
        return
    for one in facts["nodes"]:
        click.echo(f"{one['name']}  {one['state']}  {one['address']}")
        click.echo(f"    {one['copies']:,} copies, {one['held']:,} refused; heard {_time(one['heard'])}")
        _list_types(one["shares"], one["push"])
        if one["error"]:
            click.echo(f"    off-line since {_time(one['off_since'])}: {one['error']}")
    for one in facts["invitations"]:
        click.echo(f"{one['name']}  invited  {one['id']}  until {_time(one['expires'])}")
    for one in facts["hubs"]:
        click.echo(f"{one['hub']}  {one['state']}  {one['url']}  as {one['node'] or '-'}")
        _list_types(one["shares"], one["push"])
        if not one["told"]:
            click.echo("    the hub has not heard of the last change yet")
        if one["error"]:
            click.echo(f"    {one['error']}")
    if not any(facts.values()):
        click.echo("no node, no invitation, no hub", err=True)


@node.command("end")
@click.argument("name")
@config_option
@data_option
def end_membership(name: str, config: tuple[Path, ...], data: Path) -> None:
    """At the hub: end the membership of the node of this NAME; what is registered and copied of it goes.

    \b
    Example:
      mahakam node end samarinda --data hub
    """
    from mahakam.nodes.hub import end

    with _opened(data, config) as found:
        end(found.broker, name, "hub")
    click.echo(f"{name} is no member any more; its copies and registrations are gone")


@node.command("look")
@click.argument("invitation")
@private_option
def look_at_invitation(invitation: str, private_addresses: bool) -> None:
    """Show who invites.

    \b
    Example:
      mahakam node look 'https://hub.example/nodes/join#mhi_…'
    """
    from mahakam.nodes.faults import NodeError
    from mahakam.nodes.sharing import look

    try:
        said = look(invitation, private_addresses=private_addresses or _settings().private_addresses)
    except NodeError as error:
        raise click.ClickException(str(error)) from error
    name = said["hub"]["name"].get("en") or next(iter(said["hub"]["name"].values()), "")
    click.echo(f"{name} ({said['hub']['url']}) invites this node as {said['node']}")
    click.echo(f"until {_time(said['expires'])}")


@node.command("offers")
@config_option
@data_option
def list_offers(config: tuple[Path, ...], data: Path) -> None:
    """Show the types that there are to share, with their fields; `*` marks a field that is not public.

    \b
    Example:
      mahakam node offers --data samarinda
    """
    from mahakam.nodes.sharing import offers

    with _opened(data, config) as found:
        _publish(found)
        for offer in offers(found.broker, found.rights):
            click.echo(f"{offer.type}  {offer.count:,}")
            fields = [one.name + (f"* ({one.kind})" if one.kind else "") for one in offer.fields]
            click.echo(f"    {', '.join(fields)}")


@node.command("join")
@click.argument("invitation")
@share_option
@push_option
@reason_option
@click.option("--url", default="", help="This node's address as the hub reaches it. Default: MAHAKAM_URL.")
@private_option
@config_option
@data_option
def join_hub(
    invitation: str, share: tuple[str, ...], push: tuple[str, ...], reasons: tuple[str, ...], url: str,
    private_addresses: bool, config: tuple[Path, ...], data: Path,
) -> None:  # fmt: skip
    """Join the hub that invites: from then on it may ask for what is shared here, and nothing else.

    The invitation is one text, in quotes. If it was broken off, the same command goes on.

    \b
    Example:
      mahakam node join 'https://hub.example/nodes/join#mhi_…' --url https://samarinda.example \\
        --share KeyPerformanceIndicator --share BusStop:location,waiting --data samarinda
    """
    from mahakam.nodes.naming import name_of
    from mahakam.nodes.sharing import join, offers

    with _opened(data, config, private_addresses) as found:
        _publish(found)
        shares = _chosen(offers(found.broker, found.rights), share, push)
        name = name_of(found)
        made = join(
            found.broker,
            found.rights,
            invitation,
            shares,
            address=url or found.settings.base,
            title=name.get("en") or next(iter(name.values())),
            reasons=_reasons(reasons),
            by=user(),
        )
        click.echo(f"joined {made.name.get('en') or made.id} as {made.record['node']}")
        _list_types(made.record["shares"], made.record["push"])


@node.command("change")
@click.argument("hub")
@share_option
@push_option
@reason_option
@private_option
@config_option
@data_option
def change_share(
    hub: str, share: tuple[str, ...], push: tuple[str, ...], reasons: tuple[str, ...],
    private_addresses: bool, config: tuple[Path, ...], data: Path,
) -> None:  # fmt: skip
    """Share exactly this with a HUB from now on; it holds at once, and the hub is told.

    \b
    Example:
      mahakam node change hub.example --share KeyPerformanceIndicator --data samarinda
    """
    from mahakam.nodes.sharing import change, offers
    from mahakam.nodes.telling import tell

    with _opened(data, config, private_addresses) as found:
        _publish(found)
        shares = _chosen(offers(found.broker, found.rights), share, push)
        made = change(found.broker, found.rights, hub, shares, reasons=_reasons(reasons))
        _list_types(made.record["shares"], made.record["push"])
        _say_told(tell(found.broker, hub))


@node.command("rotate")
@click.argument("hub")
@private_option
@config_option
@data_option
def rotate_keys(hub: str, private_addresses: bool, config: tuple[Path, ...], data: Path) -> None:
    """New keys with a HUB, in both directions; the old ones hold until the hub has the new ones.

    \b
    Example:
      mahakam node rotate hub.example --data samarinda
    """
    from mahakam.nodes.sharing import rotate
    from mahakam.nodes.telling import tell

    with _opened(data, config, private_addresses) as found:
        rotate(found.broker, hub)
        _say_told(tell(found.broker, hub))


@node.command("revoke")
@click.argument("hub")
@private_option
@config_option
@data_option
def revoke_share(hub: str, private_addresses: bool, config: tuple[Path, ...], data: Path) -> None:
    """Share nothing with a HUB from this moment; it is told, and deletes its copies.

    \b
    Example:
      mahakam node revoke hub.example --data samarinda
    """
    from mahakam.nodes.sharing import revoke
    from mahakam.nodes.telling import tell

    with _opened(data, config, private_addresses) as found:
        revoke(found.broker, hub)
        click.echo(f"{hub} opens nothing here any more")
        _say_told(tell(found.broker, hub))


def _publish(found: Node) -> None:
    """What there is to share has the node's solutions."""
    from mahakam.solutions.published import publish

    publish(found.broker, found.places, found.settings.base)


def _chosen(offered: Sequence[Offer], share: Sequence[str], push: Sequence[str]) -> Shares:
    """What the options say. Raises UsageError."""
    from mahakam.nodes.faults import NodeError
    from mahakam.nodes.shares import OFFERED, parse_shares

    there = {offer.type: offer for offer in offered}
    wanted: dict[str, list[str]] = {}
    for text in share or [type for type in OFFERED if type in there]:
        type, names = _split(text, there)
        if not names and type not in there:
            known = ", ".join(sorted(there)) or "none yet"
            raise click.UsageError(f"--share {text}: there is no {type} here; there are {known}")
        wanted[type] = names or [one.name for one in there[type].fields if not one.kind]
        if not wanted[type]:
            raise click.UsageError(f"--share {type}: it has no public field; name those to share")
    if not wanted:
        known = ", ".join(sorted(there)) or "none yet"
        raise click.UsageError(f"--share: name what to share; there are {known}")
    pushed = [] if push == ("none",) else list(push) or [type for type in OFFERED if type in wanted]
    try:
        return parse_shares(wanted, pushed)
    except NodeError as error:
        raise click.UsageError(str(error)) from error


def _split(text: str, there: dict[str, Offer]) -> tuple[str, list[str]]:
    """A type with fields; a type that is an IRI has colons of its own."""
    if text in there:
        return text, []
    for type in sorted(there, key=len, reverse=True):
        if text.startswith(f"{type}:"):
            return type, [part.strip() for part in text[len(type) + 1 :].split(",") if part.strip()]
    type, _, names = text.partition(":")
    return type, [part.strip() for part in names.split(",") if part.strip()]


def _reasons(said: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in said:
        name, equals, why = one.partition("=")
        if not equals or "." not in name:
            raise click.UsageError(f"--reason {one}: TYPE.FIELD=WHY was expected")
        found[name.strip()] = why.strip()
    return found


def _facts(found: Node) -> dict[str, list[dict[str, Any]]]:
    from mahakam.nodes import copies
    from mahakam.nodes.invitation import invitations
    from mahakam.nodes.member import contact, members
    from mahakam.nodes.sharing import contact as hub_contact
    from mahakam.nodes.sharing import sharings

    store = found.store.tenant()
    nodes = []
    for one in members(store):
        known = contact(store, one.name)
        nodes.append(
            {
                "name": one.name, "state": one.state, "address": one.address, "version": one.version,
                "copies": copies.count(store, one.name), "held": len(copies.held(store, one.name)),
                "heard": max(known.get("heard", 0.0), known.get("answered", 0.0)),
                "error": known.get("error", ""), "off_since": known.get("off_since", 0.0),
                **one.shares.as_json(),
            }
        )  # fmt: skip
    hubs = [
        {
            "hub": one.id, "url": one.hub, "state": one.state, "node": one.record.get("node", ""),
            "version": one.version, "told": one.told, "error": hub_contact(store, one.id).get("error", ""),
            **one.shares.as_json(),
        }
        for one in sharings(store)
    ]  # fmt: skip
    invited = [
        {"id": one.id, "name": one.name, "place": one.place, "expires": one.expires}
        for one in invitations(store)
        if one.open
    ]
    return {"nodes": nodes, "invitations": invited, "hubs": hubs}


def _list_types(shares: dict[str, list[str]], push: Sequence[str]) -> None:
    for type, names in sorted(shares.items()):
        click.echo(f"    {type}{' (copies)' if type in push else ''}: {', '.join(names)}")


def _say_told(told: bool) -> None:
    if not told:
        click.echo("the hub does not answer; the node tells it as soon as it does, if it is served", err=True)


def _time(seconds: float) -> str:
    if not seconds or seconds > time.time() + 10 * 365 * 86400:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _settings() -> Any:
    from mahakam.config import Settings

    return Settings.from_environment()


@contextmanager
def _opened(data: Path, config: tuple[Path, ...], private_addresses: bool = False) -> Iterator[Node]:
    """The node in a data folder; a fault of this room is said in one line."""
    from mahakam.app import open_node
    from mahakam.nodes.faults import NodeError
    from mahakam.store.errors import StoreError

    more = {"private_addresses": True} if private_addresses else {}
    try:
        found = open_node(settings_for(data, config, **more))
        try:
            yield found
        finally:
            found.close()
    except (NodeError, StoreError) as error:
        raise click.ClickException(str(error)) from error
