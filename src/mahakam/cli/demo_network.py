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
@click.option("--no-serve", is_flag=True, help="Load, and end.")
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
    if no_serve:
        return 2 if failed else 0
    with started(nodes):
        _join([node.settings for node in nodes])
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
    from mahakam.cli.demo_joining import join, wait_for_copies

    hub, *cities = nodes
    for member, own in zip(CITIES, cities, strict=True):
        join(hub, member.name, own, member.shares)
    wait_for_copies(hub, [(member.name, own) for member, own in zip(CITIES, cities, strict=True)])


def _say_where(nodes: Sequence[Child]) -> None:
    hub, kaltim, jakarta, kuala_lumpur = (node.settings.base for node in nodes)
    click.echo("\nReady. Links to look at:", err=True)
    for title, address in (
        ("The network, on its hub", f"{hub}/network"),
        ("Cities compared there", f"{hub}/network/indicators"),
        ("What Jakarta's node sent", f"{hub}/network/cities/jakarta"),
        ("All nodes asked at once", f"{hub}/ngsi-ld/v1/entities?type=PointOfInterest&options=keyValues"),
        ("A city on its own node", f"{kaltim}/cities/samarinda"),
        ("Jakarta on its own", f"{jakarta}/cities/jakarta"),
        ("Kuala Lumpur on its own", f"{kuala_lumpur}/cities/kuala-lumpur"),
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
