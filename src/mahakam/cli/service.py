"""``mahakam service``: whether the services of a place and their workflows can be used; what a workflow allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mahakam.cli.options import config_option, data_option

if TYPE_CHECKING:
    from mahakam.config import Place


@click.group()
def service() -> None:
    """Public services and the workflows that their requests go through.

    \b
    mahakam service check --config cities
    mahakam service workflow licence
    mahakam service retention --config cities --data /var/lib/mahakam
    """


@service.command(
    epilog="""\b
Example:
  mahakam service check --config cities"""
)
@config_option
def check(config: tuple[Path, ...]) -> int:
    """Read every service and every workflow of the places in the folders; ends with 1 if one cannot be used.

    All that are wrong are named, each with what is wrong and what would be right.
    """
    from mahakam.config import ConfigError, load_places

    if not config:
        raise click.UsageError("--config names a folder with city.yaml files in it or below")
    try:
        places = load_places(config)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    good, wrong = 0, dict[str, None]()
    for read in _readings(places):
        try:
            click.echo(read())
            good += 1
        except ConfigError as error:
            wrong[str(error)] = None
    for said in wrong:
        click.echo(f"wrong  {said}", err=True)
    click.echo(f"{good} can be used" + (f", {len(wrong)} cannot" if wrong else ""))
    return 1 if wrong else 0


@service.command(
    epilog="""\b
Example:
  mahakam service workflow licence
  mahakam service workflow cities/town/workflows/permit.yaml"""
)
@click.argument("file", type=click.Path(path_type=Path))
def workflow(file: Path) -> int:
    """Read the workflow in FILE (or a shipped one, by its name) strictly, list its states and ways.

    Ends with 1 if it cannot be used.
    """
    from mahakam.config import ConfigError
    from mahakam.services.workflow_file import SHIPPED, read_workflow

    shipped = SHIPPED / f"{file}.yaml"
    try:
        found = read_workflow(shipped if not file.exists() and shipped.is_file() else file)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    for state in found.states.values():
        click.echo(f"{state.code}  ({state.status})")
        for way in found.transitions:
            if state.code in way.sources:
                more = [", ".join(sorted(way.by))]
                more += [f"needs {', '.join(way.needs)}"] if way.needs else []
                more += [f"does {', '.join(way.does)}"] if way.does else []
                more += ["once"] if way.once else []
                click.echo(f"  {way.code:<12} → {way.target:<12} {'; '.join(more)}")
    return 0


@service.command(
    epilog="""\b
Example:
  mahakam service retention --dry-run --config cities --data /var/lib/mahakam"""
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, remove nothing.")
@data_option
@config_option
def retention(dry_run: bool, data: Path, config: tuple[Path, ...]) -> None:
    """Remove the documents and contacts of settled requests that are kept no longer, as `retention:` says.

    The course of each request says what was deleted. A node that serves does the same once an hour.
    """
    import datetime as dt

    from mahakam.cli.node import opened
    from mahakam.services.desk import Desk
    from mahakam.services.retention import Retention

    with opened(data, config) as node:
        desk = Desk(node.broker, node.places, node.settings.data)
        runs = Retention(desk, desk.store, node.places, node.settings.data)
        if dry_run:
            now = dt.datetime.now(dt.UTC)
            due = {request.number: ["documents"] for request in runs.due(now)}
            for number in {request.number for request in runs.due_contacts(now)}:
                due.setdefault(number, []).append("contact")
            for number, what in sorted(due.items()):
                click.echo(f"{number}  {', '.join(what)}")
            click.echo(f"{len(due)} requests, nothing was removed")
            return
        done = runs.run()
        click.echo(
            f"documents of {done.requests} requests removed, {done.files} files deleted, "
            f"contact of {done.contacts} requests removed"
        )


def _readings(places: Mapping[str, Place]) -> Iterator[Callable[[], str]]:
    """One for each service in each place that offers it and each workflow of a place's own: reads it, says a line."""
    from mahakam.config import chain
    from mahakam.services.workflow_file import ROOM

    for place in places.values():
        for path in place.files(ROOM).values():
            yield partial(_workflow_line, place, path)
        offered = {
            code: (owner, path)
            for owner in reversed(chain(places, place))
            for code, path in owner.files("services").items()
        }
        for code, (owner, path) in offered.items():
            yield partial(_service_line, places, place, owner.id, code, path)


def _workflow_line(place: Place, path: Path) -> str:
    from mahakam.services.workflow_file import read_workflow

    found = read_workflow(path)
    return f"{place.id}/{found.code}  workflow, {len(found.states)} states, {len(found.transitions)} ways"


def _service_line(places: Mapping[str, Place], place: Place, owner: str, code: str, path: Path) -> str:
    from mahakam.services.catalogue import flow_of, read_service
    from mahakam.services.workflow_file import workflow_files

    found = read_service(code, owner, path)
    flow_of(found, path, workflow_files(place, places))
    return f"{place.id}/{code}  {found.workflow}"
