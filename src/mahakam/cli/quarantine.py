"""``mahakam quarantine``: the rows that a check held. Show them, put them right, send them through again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.node import opened, place_and_feed, user
from mahakam.cli.options import config_option, data_option
from mahakam.cli.output import csv_blocks, json_blocks, write

if TYPE_CHECKING:
    from mahakam.feeds.parts import Parts
    from mahakam.store.model import Held

_FOLDERS = tuple[Path, ...]
_PAGE = 1000
_POSITION = ("id", "file", "sheet", "row", "line")


@click.group()
def quarantine() -> None:
    """Rows that a check held: list, show, fix, dismiss, replay, export.

    \b
    Example:
      mahakam quarantine list
      mahakam quarantine list samarinda/rain
      mahakam quarantine fix 17 tanggal=2021-03-04 --reason "typing error" --replay
    """


@quarantine.command("list")
@click.argument("which", required=False, metavar="[PLACE/FEED]")
@click.option("--rule", default="", help="Only rows held for this rule.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Rows shown.")
@click.option("--offset", default=0, show_default=True, type=click.IntRange(0), help="Rows left out before.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
@config_option
def list_held(
    which: str | None, rule: str, limit: int, offset: int, as_json: bool, data: Path, config: _FOLDERS
) -> None:
    """Show how many rows of each feed are held and for what, or the held rows of one feed.

    \b
    Example:
      mahakam quarantine list
      mahakam quarantine list jakarta/fires --rule type
    """
    with _parts(data, config) as parts:
        if which is None:
            _list_feeds(parts, as_json)
            return
        place, feed = _known(parts, which)
        rows = parts.store.held(place, feed, rule=rule, limit=limit, offset=offset)
        total = parts.store.count_held(place, feed, rule=rule)
    if as_json:
        _print_json([_facts(row) for row in rows])
        return
    for row in rows:
        click.echo(f"{row.id:>7}  row {_where(row)}  {'; '.join(_sentences(row))}")
    more = total - offset - len(rows)
    if more > 0:
        click.echo(f"{more:,} more: --offset {offset + len(rows)}", err=True)
    elif not rows:
        click.echo("no row is held", err=True)


@quarantine.command("show")
@click.argument("id", type=int)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
@config_option
def show(id: int, as_json: bool, data: Path, config: _FOLDERS) -> None:
    """Show one held row: its cells as they came, what was put right, every reason, every change.

    \b
    Example:
      mahakam quarantine show 17
    """
    with _parts(data, config) as parts:
        row = _row(parts, id)
        changes = parts.store.changes(id)
    if as_json:
        _print_json({**_facts(row), "changes": [asdict(change) for change in changes]})
        return
    click.echo(f"{row.place}/{row.feed}, {row.file}, row {_where(row)}: {row.state} (run {row.run})")
    for sentence in _sentences(row):
        click.echo(f"  ! {sentence}")
    width = max((len(name) for name in row.raw), default=0)
    for name, value in row.raw.items():
        click.echo(f"  {name:<{width}}  {_cell(value)}{_fixed(row, name)}")
    for change in changes:
        why = f" ({change.reason})" if change.reason else ""
        what = f"{change.column}: {_cell(change.old)} → {_cell(change.new)}"
        click.echo(f"  {change.at[:16]} {change.author or 'somebody'}  {what}{why}")


@quarantine.command("fix")
@click.argument("id", type=int)
@click.argument("cells", nargs=-1, required=True, metavar="COLUMN=VALUE...")
@click.option("--reason", default="", help="Why; kept beside the change.")
@click.option(
    "--always", is_flag=True, help="Make it a rule of the feed: wherever the old value stands, read the new."
)
@click.option("--replay", "replayed", is_flag=True, help="Then send the feed's file through again.")
@data_option
@config_option
def fix(
    id: int, cells: tuple[str, ...], reason: str, always: bool, replayed: bool, data: Path, config: _FOLDERS
) -> int:
    """Put cells of a held row right; the row as it came is kept. COLUMN= makes a cell empty.

    \b
    Example:
      mahakam quarantine fix 17 tanggal=2021-03-04 --reason "typing error"
      mahakam quarantine fix 17 kota=Samarinda --always --replay
    """
    from mahakam.feeds import quarantine as desk

    changes = dict(_change(cell) for cell in cells)
    with _parts(data, config) as parts:
        row = _row(parts, id)
        for column in changes:
            if column not in row.raw:
                have = ", ".join(row.raw)
                raise click.ClickException(f"row {id} has no column {column!r}; it has {have}")
        if always:
            pairs = {(column, row.raw[column] or ""): new for column, new in changes.items()}
            for (column, old), new in pairs.items():
                if not old or new is None:
                    raise click.ClickException(
                        f"{column}: a rule replaces one text by another; neither may be empty"
                    )
            desk.correct(
                parts, row.place, row.feed, {key: new or "" for key, new in pairs.items()}, user(), reason
            )
            for (column, old), new in pairs.items():
                click.echo(
                    f"{row.place}/{row.feed}: {column} {_cell(old)} reads {_cell(new)} from now on", err=True
                )
        else:
            with _still_held(id):
                desk.fix(parts, id, changes, user(), reason)
            click.echo(
                f"row {id}: {len(changes)} changed; mahakam quarantine replay {row.place}/{row.feed}",
                err=True,
            )
        return _replay(parts, row.place, row.feed) if replayed else 0


@quarantine.command("dismiss")
@click.argument("id", type=int)
@click.option("--reason", required=True, help="Why the row is left out; kept beside it.")
@data_option
@config_option
def dismiss(id: int, reason: str, data: Path, config: _FOLDERS) -> None:
    """Leave a held row out for good; its words and the reason are kept.

    \b
    Example:
      mahakam quarantine dismiss 17 --reason "counted twice"
    """
    from mahakam.feeds import quarantine as desk

    with _parts(data, config) as parts:
        _row(parts, id)
        with _still_held(id):
            desk.dismiss(parts, id, user(), reason)
    click.echo(f"row {id} is left out", err=True)


@quarantine.command("replay")
@click.argument("which", metavar="PLACE/FEED")
@data_option
@config_option
def replay(which: str, data: Path, config: _FOLDERS) -> int:
    """Send a feed's last file through again, with the fixes and rules as they are now.

    Ends with 0 if nothing is held any more, 1 if something is, 2 if it could not run.

    \b
    Example:
      mahakam quarantine replay samarinda/rain
    """
    with _parts(data, config) as parts:
        return _replay(parts, *_known(parts, which))


@quarantine.command("export")
@click.argument("which", metavar="PLACE/FEED")
@click.option("--rule", default="", help="Only rows held for this rule.")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@data_option
@config_option
def export(which: str, rule: str, form: str, to: Path | None, data: Path, config: _FOLDERS) -> None:
    """Write the held rows as they came, each with its place in the file and all its reasons.

    \b
    Example:
      mahakam quarantine export jakarta/fires --to held.csv
    """
    with _parts(data, config) as parts:
        place, feed = _known(parts, which)
        if form == "json":
            write(to, json_blocks(_facts(row) for row in _rows(parts, place, feed, rule)))
            return
        columns = dict.fromkeys(name for row in _rows(parts, place, feed, rule) for name in row.raw)
        cells = (
            [
                *(getattr(row, name) for name in _POSITION),
                *(row.raw.get(name) for name in columns),
                " ".join(_sentences(row)),
            ]
            for row in _rows(parts, place, feed, rule)
        )
        write(to, csv_blocks([*_POSITION, *columns, "reasons"], cells))


def _list_feeds(parts: Parts, as_json: bool) -> None:
    found = []
    for place in parts.places:
        for feed in parts.places[place].files("feeds"):
            if held := parts.store.count_held(place, feed):
                rules = parts.store.held_rules(place, feed)
                found.append((f"{place}/{feed}", held, rules))
    if as_json:
        _print_json(
            [
                {
                    "feed": feed,
                    "held": held,
                    "reasons": [{"rule": r, "field": f, "rows": n} for r, f, n in rules],
                }
                for feed, held, rules in found
            ]
        )
        return
    for feed, held, rules in found:
        click.echo(f"{feed}: {held:,} held")
        for rule, field, rows in rules:
            click.echo(f"    {rows:>7,}  {rule} {field}".rstrip())
    if not found:
        click.echo("no row is held", err=True)


def _replay(parts: Parts, place: str, feed: str) -> int:
    from mahakam.cli.feed import exit_code, summary
    from mahakam.feeds import quarantine as desk

    try:
        run = desk.replay(parts, place, feed, user())
    except desk.Busy as error:
        raise click.ClickException(
            f"a run of {place}/{feed} is under way; try again when it has ended"
        ) from error
    click.echo(summary(run))
    return exit_code(run)


def _rows(parts: Parts, place: str, feed: str, rule: str) -> Iterator[Held]:
    offset = 0
    while rows := parts.store.held(place, feed, rule=rule, limit=_PAGE, offset=offset):
        yield from rows
        offset += len(rows)


@contextmanager
def _parts(data: Path, config: _FOLDERS) -> Iterator[Parts]:
    from mahakam.feeds.parts import Parts

    with opened(data, config) as node:
        yield Parts.of(node)


@contextmanager
def _still_held(id: int) -> Iterator[None]:
    from mahakam.feeds.quarantine import NoLongerHeld

    try:
        yield
    except NoLongerHeld as error:
        raise click.ClickException(
            f"row {id} is held no longer; mahakam quarantine show {id} says why"
        ) from error


def _known(parts: Parts, which: str) -> tuple[str, str]:
    place, feed = place_and_feed(which)
    if feed not in parts.place(place).files("feeds"):
        raise click.ClickException(f"{place} has no feed {feed!r}; mahakam feed list shows them")
    return place, feed


def _row(parts: Parts, id: int) -> Held:
    row = parts.store.held_row(id)
    if row is None:
        raise click.ClickException(
            f"there is no row {id} in quarantine; mahakam quarantine list PLACE/FEED shows them"
        )
    return row


def _change(cell: str) -> tuple[str, str | None]:
    column, equals, value = cell.partition("=")
    if not equals or not column:
        raise click.UsageError(f"{cell!r} is no COLUMN=VALUE, e.g. tanggal=2021-03-04")
    return column, value or None


def _facts(row: Held) -> dict[str, Any]:
    return asdict(row)


def _sentences(row: Held) -> list[str]:
    from mahakam.quality.wording import sentence

    return [sentence(reason) for reason in row.reasons]


def _where(row: Held) -> str:
    return f"{row.sheet}:{row.line}" if row.sheet else str(row.line)


def _cell(value: str | None) -> str:
    from mahakam.quality.wording import quoted

    return quoted(value) if value else "(empty)"


def _fixed(row: Held, name: str) -> str:
    fixed: Mapping[str, str | None] = row.fixed
    return f" → {_cell(fixed[name])}" if name in fixed and fixed[name] != row.raw[name] else ""


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))
