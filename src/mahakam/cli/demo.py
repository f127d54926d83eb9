"""``mahakam demo``: the example cities with their real data, loaded once and served."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mahakam.cli.options import settings_for
from mahakam.config import Settings, examples_folder

if TYPE_CHECKING:
    from mahakam.app import Node

_LINKS = (
    ("A city", "/cities/samarinda"),
    ("What is wrong with the data", "/quality"),
    ("The network of cities", "/network"),
)


@click.command(short_help="Load the example cities and serve them.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default="mahakam-demo",
              show_default=True, help="Folder of the demo; what is there is not loaded again.")  # fmt: skip
@click.option(
    "--port",
    default=8000,
    show_default=True,
    envvar="PORT",
    type=click.IntRange(1, 65535),
    help="Port to listen on.",
)
@click.option("--no-serve", is_flag=True, help="Load, and end.")
def demo(data: Path, port: int, no_serve: bool) -> int:
    """Load the example cities (East Kalimantan, and three of the network) and serve them. Ctrl-C ends it.

    A second start loads nothing twice. Sign-in is one click for each role, from this machine only.

    \b
    Example:
      mahakam demo --data ./demo --port 9000
    """
    settings = settings_for(
        data, (examples_folder(),), port=port, host="127.0.0.1", demo=True, workers=1, open=False
    )
    if not no_serve:
        from mahakam.cli.serve import port_problem

        if problem := port_problem(settings.host, settings.port):
            click.echo(f"mahakam demo: {problem}", err=True)
            return 2
    failed = load(settings)
    if no_serve:
        return 2 if failed else 0
    from mahakam.cli.serve import run_server

    base = f"http://{settings.host}:{settings.port}"
    click.echo("\nReady. Three links to look at:", err=True)
    for title, path in _LINKS:
        click.echo(f"  {title:<28} {base}{path}", err=True)
    return run_server(settings)


def load(settings: Settings) -> int:
    """Run every feed and compute every indicator; returns how many could not."""
    from mahakam.app import open_node
    from mahakam.cli.feed import all_feeds, run_feeds
    from mahakam.feeds.parts import Parts
    from mahakam.indicators.compute import compute_all
    from mahakam.store.errors import StoreError

    try:
        node = open_node(dataclasses.replace(settings, open=False))
        try:
            parts = Parts.of(node)
            runs = run_feeds(parts, all_feeds(parts), author="mahakam demo")
            outcomes = compute_all(node.broker)
            _take_plans(node)
            take_action_plans(node)
        finally:
            node.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    for run in runs:
        if run.state == "failed":
            click.echo(f"mahakam: {run.place}/{run.feed}: {run.message}", err=True)
    for outcome in outcomes:
        if outcome.state == "failed":
            click.echo(f"mahakam: {outcome.place}/{outcome.indicator}: {outcome.problem}", err=True)
    stored = sum(run.stored for run in runs if run.state != "unchanged")
    held = sum(run.held for run in runs)
    click.echo(f"{len(runs)} feeds: {stored:,} rows loaded now, {held:,} held for a steward", err=True)
    return sum(run.state == "failed" for run in runs) + sum(one.state == "failed" for one in outcomes)


def _take_plans(node: Node) -> None:
    """Put every ``plans/YEAR.yaml`` of the places on the list of data of its year; a second start adds nothing."""
    from datetime import UTC, datetime

    from mahakam.feeds.year.item import Author
    from mahakam.feeds.year.taking import plans_of, take

    at = datetime.now(UTC).isoformat(timespec="seconds")
    for place in node.places.values():
        for name, path in place.files("plans").items():
            by = Author("mahakam demo", "steward")
            take(node.store.tenant(), place.id, int(name), plans_of(path, int(name)), by, at, listed=True)


def take_action_plans(node: Node) -> None:
    """Take in every ``plan.yaml`` of the places, for a city of the network that has no action plan yet."""
    from datetime import UTC, datetime

    from mahakam.network.plan import mark
    from mahakam.network.plan_taking import Taking
    from mahakam.network.plans import plan, seats_of
    from mahakam.network.recommendation import Author
    from mahakam.network.records import records_of
    from mahakam.network.register import register_of

    register = register_of(node.places)
    if register is None:
        return
    now = datetime.now(UTC)
    by = Author("mahakam demo", "mahakam demo", "", "")
    taking = Taking(register, frozenset(), by, now.isoformat(timespec="seconds"), now.date())
    store = node.store.tenant()
    for seat in seats_of(node.broker, records_of(node.broker, register)):
        path = node.places[seat.place].folder / "plan.yaml" if seat.place else None
        there = plan(store, seat.code)
        if path is not None and path.is_file() and not there.changes:
            taking.take(node.broker, store, seat.code, path.read_bytes(), "yaml", mark(there.text))
