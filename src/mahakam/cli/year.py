"""``mahakam year``: the list of data of a place and a year, its calendar, who is late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mahakam.cli.node import opened, user
from mahakam.cli.options import config_option, data_option
from mahakam.cli.output import csv_blocks, json_blocks, write

if TYPE_CHECKING:
    from mahakam.app import Node
    from mahakam.config import Place
    from mahakam.feeds.year.calendar import Due
    from mahakam.feeds.year.item import Item

_FOLDERS = tuple[Path, ...]
Record = dict[str, Any]


@click.group()
def year() -> None:
    """The steward's year: list, calendar, late, take, carry.

    \b
    Example:
      mahakam year list samarinda 2027
      mahakam year late samarinda 2026 --format csv --to late.csv
    """


def _listing(function: Callable[..., Any]) -> Callable[..., Any]:
    """What the commands that show something share."""
    for option in (
        click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file."),
        click.option(
            "--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True
        ),
        data_option,
        config_option,
        click.argument("in_year", metavar="YEAR", type=click.IntRange(2019, 2100)),
        click.argument("place"),
    ):
        function = option(function)
    return function


@year.command("list")
@_listing
def list_items(place: str, in_year: int, form: str, to: Path | None, data: Path, config: _FOLDERS) -> None:
    """Show the list of data of a year: each dataset with its agency, rhythm, priority and state.

    \b
    Example:
      mahakam year list samarinda 2027
      mahakam year list samarinda 2027 --format json
    """
    from mahakam.feeds.year.desk import items

    with opened(data, config) as node:
        found = items(node.store.tenant(), _place(node, place).id, in_year)
    _show([_facts(one) for one in found], form, to, f"no data is planned for {in_year}: mahakam year take")


@year.command("calendar")
@click.option("--month", type=click.IntRange(1, 12), help="Only what is due in this month.")
@_listing
def show_calendar(
    place: str, in_year: int, month: int | None, form: str, to: Path | None, data: Path, config: _FOLDERS
) -> None:
    """Show the release calendar: every release with its day, its state and with whom it lies.

    \b
    Example:
      mahakam year calendar samarinda 2027 --month 3
    """
    with opened(data, config) as node:
        found, day = _calendar(node, _place(node, place), in_year)
    rows = [_due_facts(one, day) for one in found if month in (None, one.due.month)]
    _show(rows, form, to, "nothing is due")


@year.command("late")
@_listing
def show_late(place: str, in_year: int, form: str, to: Path | None, data: Path, config: _FOLDERS) -> int:
    """Show what is late, the latest first: agency, dataset, with whom it lies, days. Ends with 1 if anything is.

    \b
    Example:
      mahakam year late samarinda 2026
    """
    with opened(data, config) as node:
        found, day = _calendar(node, _place(node, place), in_year)
    late = sorted((one for one in found if one.late(day)), key=lambda one: -one.late(day))
    _show([_due_facts(one, day) for one in late], form, to, "nothing is late")
    return 1 if late else 0


@year.command("take")
@click.argument("place")
@click.argument("in_year", metavar="YEAR", type=click.IntRange(2019, 2100))
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--listed", is_flag=True, help="Put them on the list at once, not as proposals.")
@data_option
@config_option
def take_file(
    place: str, in_year: int, file: Path | None, listed: bool, data: Path, config: _FOLDERS
) -> None:
    """Take a list of data from a YAML file (the place's plans/YEAR.yaml); what is there already is left as it is.

    \b
    Example:
      mahakam year take samarinda 2027
      mahakam year take samarinda 2027 list.yaml --listed
    """
    from mahakam.config import ConfigError
    from mahakam.feeds.year.taking import plans_of, take

    with opened(data, config) as node:
        known = _place(node, place)
        path = file or known.files("plans").get(str(in_year))
        if path is None:
            raise click.UsageError(f"{place} has no plans/{in_year}.yaml; name a file")
        try:
            plans = plans_of(path, in_year)
        except ConfigError as error:
            raise click.ClickException(str(error)) from error
        made = take(node.store.tenant(), known.id, in_year, plans, _steward(), _now(), listed=listed)
    click.echo(f"{len(made)} of {len(plans)} datasets are new on the list of {in_year}", err=True)


@year.command("carry")
@click.argument("place")
@click.argument("in_year", metavar="YEAR", type=click.IntRange(2019, 2100))
@data_option
@config_option
def carry(place: str, in_year: int, data: Path, config: _FOLDERS) -> None:
    """Propose for a year what stood on the list of the year before, each on the same day.

    \b
    Example:
      mahakam year carry samarinda 2027
    """
    from mahakam.feeds.year.desk import items
    from mahakam.feeds.year.taking import carried, take

    with opened(data, config) as node:
        known, store = _place(node, place), node.store.tenant()
        plans = carried(items(store, known.id, in_year - 1), in_year)
        made = take(store, known.id, in_year, plans, _steward(), _now())
    click.echo(f"{len(made)} of {len(plans)} datasets of {in_year - 1} are proposed for {in_year}", err=True)


def _place(node: Node, name: str) -> Place:
    if name not in node.places:
        raise click.UsageError(f"there is no place {name!r}; there are {', '.join(node.places)}")
    return node.places[name]


def _calendar(node: Node, place: Place, in_year: int) -> tuple[list[Due], date]:
    from mahakam.config import ConfigError
    from mahakam.feeds.year.calendar import allowed_of, year_of
    from mahakam.feeds.year.desk import items

    try:
        allowed = allowed_of(place)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    day = datetime.now(ZoneInfo(place.timezone)).date()
    return year_of(items(node.store.tenant(), place.id, in_year), allowed), day


def _steward() -> Any:
    from mahakam.feeds.year.item import Author

    return Author(user(), "steward")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _facts(one: Item) -> Record:
    plan = one.plan
    return {
        "number": one.key,
        "title": plan.title.get("id") or plan.title.get("en") or "",
        "producer": plan.producer,
        "feed": plan.feed,
        "frequency": plan.frequency,
        "first": plan.first,
        "access": plan.access,
        "priority": plan.priority,
        "state": one.state,
    }


def _due_facts(one: Due, day: date) -> Record:
    return {
        "due": one.due.isoformat(),
        "number": one.item.key,
        "period": one.period,
        "title": one.item.plan.title.get("id") or one.item.plan.title.get("en") or "",
        "producer": one.item.plan.producer,
        "state": one.state,
        "with": one.holder,
        "late": one.late(day),
    }


def _show(rows: Sequence[Record], form: str, to: Path | None, nothing: str) -> None:
    if form == "json":
        write(to, json_blocks(rows))
    elif form == "csv":
        header = list(rows[0]) if rows else ["number"]
        write(to, csv_blocks(header, (list(row.values()) for row in rows)))
    elif rows:
        write(to, _lines(rows))
    else:
        click.echo(nothing, err=True)


def _lines(rows: Sequence[Record]) -> Iterable[bytes]:
    shown = [[str(value) for value in row.values()] for row in rows]
    widths = [min(40, max(len(row[at]) for row in shown)) for at in range(len(shown[0]))]
    for row in shown:
        cells = (cell[:40].ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  ".join(cells).rstrip() + "\n").encode()
