"""``mahakam demo-network``: a hub and the nodes of cities, each a process of its own, with their real data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import click

from mahakam.cli.children import Child, started, watch
from mahakam.cli.options import settings_for
from mahakam.config import Settings, examples_folder

HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A node of the demo. ``config`` lies in the examples; ``shares`` are the entity types that it shows the hub."""

    name: str
    title: str
    config: str
    shares: tuple[str, ...] = ()


HUB = Member("hub", "The network's hub", "ascn/network.yaml")
CITIES = (
    Member(
        "kaltim",
        "East Kalimantan: Samarinda, Balikpapan, Bontang",
        "kaltim",
        ("KeyPerformanceIndicator", "PointOfInterest", "WeatherObserved"),
    ),
    Member(
        "jakarta",
        "Jakarta",
        "ascn/jakarta",
        ("KeyPerformanceIndicator", "PointOfInterest", "AirQualityObserved", "FloodMonitoring"),
    ),
    Member("kuala-lumpur", "Kuala Lumpur", "ascn/kuala-lumpur", ("KeyPerformanceIndicator", "GtfsStop")),
)
MEMBERS = (HUB, *CITIES)


@click.command("demo-network", short_help="A hub and the nodes of cities, each a process.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default="mahakam-demo-network",
              show_default=True, help="Folder of the demo; what is there is not loaded again.")  # fmt: skip
@click.option(
    "--port",
    default=8000,
    show_default=True,
    envvar="PORT",
    type=click.IntRange(1, 65535 - len(CITIES)),
    help="Port of the hub; the nodes take those after it.",
)
@click.option("--no-serve", is_flag=True, help="Load, join, and end.")
def demo_network(data: Path, port: int, no_serve: bool) -> int:
    """Load and start the network's hub, the node of East Kalimantan (three cities), Jakarta's and Kuala Lumpur's.

    Each is a process with a data folder and a port of its own; the hub has no data of a city and asks the nodes.
    A second start loads nothing twice. Ctrl-C ends them all.

    \b
    Example:
      mahakam demo-network --data ./network --port 9000
    """
    nodes = [Child(one.title, _settings(one, data, port + number)) for number, one in enumerate(MEMBERS)]
    if not no_serve and (problem := _port_problem(nodes)):
        click.echo(f"mahakam demo-network: {problem}", err=True)
        return 2
    failed = 0
    for number, node in enumerate(nodes, 1):
        click.echo(f"{node.title} ({number} of {len(nodes)})", err=True)
        failed += _loaded(node.settings)
    _join([node.settings for node in nodes])
    if no_serve:
        return 2 if failed else 0
    with started(nodes):
        _say_where(nodes)
        try:
            watch(nodes, _gone)
        except KeyboardInterrupt:
            click.echo("\nEnding all nodes …", err=True)
            return 0
    click.echo("mahakam demo-network: no node runs any more", err=True)
    return 2


def _settings(member: Member, data: Path, port: int) -> Settings:
    """Of its own in everything that nodes may not share, whatever the environment says."""
    return settings_for(
        data / member.name,
        (examples_folder() / member.config,),
        host=HOST,
        port=port,
        workers=1,
        demo=True,
        open=False,
        private_addresses=True,
        store="",
        replica="",
        url="",
    )


def _port_problem(nodes: Sequence[Child]) -> str:
    from mahakam.cli.serve import port_problem

    first = nodes[0].settings.port
    problems = filter(None, (port_problem(HOST, node.settings.port) for node in nodes))
    problem = next(problems, "")
    return (
        f"{problem}; it needs {len(nodes)} in a row, {first} to {first + len(nodes) - 1}" if problem else ""
    )


def _loaded(settings: Settings) -> int:
    from mahakam.cli.demo import load

    return load(settings)


def _join(nodes: Sequence[Settings]) -> None:
    """Have the hub know the nodes, each for what it shares; one that it knows already stays as it is."""
    from mahakam.app import open_node
    from mahakam.broker.clock import now
    from mahakam.broker.federation.parsing import parse
    from mahakam.broker.federation.registration import of_payload
    from mahakam.ngsild.context import CORE

    hub = open_node(nodes[0])
    try:
        registrations = hub.broker.registrations
        for member, settings in zip(CITIES, nodes[1:], strict=True):
            payload = {
                "id": f"urn:ngsi-ld:ContextSourceRegistration:{member.name}",
                "type": "ContextSourceRegistration",
                "information": [{"entities": [{"type": type} for type in member.shares]}],
                "endpoint": settings.base,
                "management": {"timeout": 3000},
            }
            registration = of_payload(parse(payload, CORE, at=now(), private_addresses=True))
            if registrations.get(registration.id) is None:
                registrations.create(registration)
            else:
                registrations.replace(registration)
    finally:
        hub.close()


def _say_where(nodes: Sequence[Child]) -> None:
    hub, kaltim, jakarta, kuala_lumpur = (node.settings.base for node in nodes)
    click.echo("\nReady. Links to look at:", err=True)
    for title, address in (
        ("The network, on its hub", f"{hub}/network"),
        ("A city on its own node", f"{kaltim}/cities/samarinda"),
        ("Another city's node", f"{jakarta}/cities/jakarta"),
        ("A third node", f"{kuala_lumpur}/cities/kuala-lumpur"),
    ):
        click.echo(f"  {title:<28} {address}", err=True)
    click.echo("\nTo see one off-line, end its process; Ctrl-C here ends them all.", err=True)
    for node in nodes:
        if node.process:
            click.echo(f"  kill {node.process.pid:<8} {node.title}", err=True)


def _gone(child: Child, how: str) -> None:
    """Say that a node has ended, why as far as it said, and how to have it back; the others run on."""
    import shlex

    words = child.last_words()
    click.echo(f"\n{child.title}: {how}. The others go on." + (f"\n{words}" if words else ""), err=True)
    environment = "MAHAKAM_DEMO=1 MAHAKAM_PRIVATE_ADDRESSES=1"
    click.echo(f"To start it again: {environment} {shlex.join(child.command)}", err=True)
