"""``mahakam indicator``: compute numbers from what is stored, list them, follow one down to its rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.node import opened
from mahakam.cli.options import config_option, data_option

if TYPE_CHECKING:
    from mahakam.broker.broker import Broker
    from mahakam.config import Place
    from mahakam.indicators.compute import Outcome, Progress
    from mahakam.indicators.trace import Page, Trace
    from mahakam.indicators.value import Value

_FOLDERS = tuple[Path, ...]


@click.group()
def indicator() -> None:
    """Numbers computed from what is stored: compute, list, trace.

    \b
    Example:
      mahakam indicator list
    """


@indicator.command("compute")
@click.argument("which", nargs=-1, metavar="[PLACE|PLACE/NAME]...")
@click.option("--force", is_flag=True, help="Also what nothing has changed for.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
@config_option
def compute(which: tuple[str, ...], force: bool, as_json: bool, data: Path, config: _FOLDERS) -> int:
    """Compute indicators whose inputs or definition changed: of every place, or of the ones named.

    Ends with 1 if one cannot be computed.

    \b
    Example:
      mahakam indicator compute
      mahakam indicator compute jakarta/unhealthy-days --force
    """
    from mahakam.indicators.compute import compute_all

    with opened(data, config) as node, _progress() as progress:
        outcomes: list[Outcome] = []
        for place, name in _named(which, node.places):
            only = (place,) if place else ()
            names = (name,) if name else ()
            found = compute_all(node.broker, only=only, names=names, force=force, progress=progress)
            if name and not found:
                raise click.ClickException(f"{place} has no indicator {name!r}; see mahakam indicator list")
            outcomes += found
    if as_json:
        _print_json([_plain(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            click.echo(_outcome_line(outcome))
    for outcome in outcomes:
        if outcome.problem:
            click.echo(f"mahakam: {outcome.problem}", err=True)
    return 1 if any(outcome.state == "failed" for outcome in outcomes) else 0


@indicator.command("list")
@click.argument("place", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, every period.")
@data_option
@config_option
def list_indicators(place: str | None, as_json: bool, data: Path, config: _FOLDERS) -> None:
    """Show the indicators of every place, or of one, with their latest values.

    \b
    Example:
      mahakam indicator list
      mahakam indicator list jakarta --json
    """
    from mahakam.indicators.series import all_series

    with opened(data, config) as node:
        chosen = [_place(place, node.places)] if place else list(node.places.values())
        listed = [one for each in chosen for one in all_series(node.broker, each, above=False)]
    if as_json:
        _print_json([value.row() for one in listed for value in one.values])
        return
    for one in listed:
        latest = one.latest
        said = (
            f"{_measured(latest)} in {latest.label} (confidence {one.confidence})"
            if latest and latest.value is not None
            else "no data yet"
            if not one.values
            else f"not enough data ({one.values[-1].reason} in {one.values[-1].label})"
        )
        click.echo(f"{one.place.id}/{one.definition.id}: {said}")


@indicator.command("trace")
@click.argument("which", metavar="PLACE/NAME")
@click.argument("period", required=False)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="Inputs shown.")
@click.option(
    "--offset", default=0, show_default=True, type=click.IntRange(0), help="Inputs left out before."
)
@click.option(
    "--only",
    type=click.Choice(["counted", "others"]),
    help="Only the inputs that make the number, or only the others.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
@config_option
def trace(
    which: str,
    period: str | None,
    limit: int,
    offset: int,
    only: str | None,
    as_json: bool,
    data: Path,
    config: _FOLDERS,
) -> None:
    """Follow a value down: formula, aggregates, feed runs, then the rows (PERIOD: the latest).

    \b
    Example:
      mahakam indicator trace jakarta/unhealthy-days 2023 --limit 3
    """
    from mahakam.config import ConfigError
    from mahakam.indicators.series import series
    from mahakam.indicators.trace import Only, inputs
    from mahakam.indicators.trace import trace as trace_of

    wanted: Only = "counted" if only == "counted" else "others" if only == "others" else ""
    with opened(data, config) as node:
        id, _, name = which.partition("/")
        if not name:
            raise click.ClickException(f"{which!r} is no PLACE/NAME, e.g. jakarta/unhealthy-days")
        found = series(node.broker, _place(id, node.places), name)
        if found is None:
            raise click.ClickException(f"{id} has no indicator {name!r}; see mahakam indicator list {id}")
        if not found.values:
            raise click.ClickException(f"{which} has no value yet; see mahakam indicator compute")
        last = found.latest or found.values[-1]
        value = next((one for one in found.values if one.label == period), None) if period else last
        if value is None:
            labels = ", ".join(one.label for one in found.values)
            raise click.ClickException(f"{which} has no value for {period!r}; there are {labels}")
        traced = trace_of(node.broker, value.id)
        if traced is None:
            raise click.ClickException(f"{value.id} has gone meanwhile; run the command again")
        try:
            page = inputs(node.broker, traced, limit=limit, offset=offset, only=wanted)
        except ConfigError as error:
            raise click.ClickException(str(error)) from error
        if as_json:
            _print_json(_trace_facts(traced, page))
            return
        _print_trace(node.broker, traced, page)


def _print_trace(broker: Broker, traced: Trace, page: Page) -> None:
    value = traced.value
    shown = "not enough data: " + value.reason if value.value is None else _measured(value)
    click.echo(f"{value.place}/{value.indicator} {value.label}: {shown}")
    click.echo(f"formula  {value.formula}")
    for term in value.terms:
        click.echo(
            f"         {term.text} = {'nothing' if term.value is None else format(term.value, '.12g')}"
        )
    of = "" if value.expected is None else f", {value.covered} of {value.expected} expected"
    counted = f", {value.counted} of them counted" if traced.definition.counted else ""
    click.echo(f"inputs   {value.inputs} {value.source}{counted}{of}")
    click.echo(
        f"worth    confidence {value.confidence or '-'}, {value.flagged:.1%} of the inputs with warnings"
    )
    for share in traced.runs:
        what = f"{share.run.place}/{share.run.feed} of {share.run.started}" if share.run else "a run now gone"
        held = f", {share.held} rows held in quarantine" if share.held else ""
        click.echo(f"run {share.id}    {what}: {share.inputs} inputs{held}")
    if traced.without_run:
        click.echo(f"live     {traced.without_run} inputs written without a feed")
    if traced.outdated:
        click.echo("The definition has changed since; run: mahakam indicator compute", err=True)
    for one in page.inputs:
        origin = broker.store.lineage(one.entity) if one.entity else None
        file, line = (origin.file, origin.line) if origin else (one.file, one.line)
        where = f"{file} line {line}".strip() if line else "live"
        mark = {True: "*", False: " ", None: "-"}[one.counted]
        cells = ", ".join(f"{name}={cell}" for name, cell in one.cells.items())
        click.echo(f"  {mark} {where}  {cells}")
    more = page.total - page.offset - len(page.inputs)
    if more > 0:
        click.echo(f"{more} more: --offset {page.offset + len(page.inputs)}", err=True)


def _trace_facts(traced: Trace, page: Page) -> dict[str, Any]:
    value = traced.value
    return {
        **value.row(),
        "terms": [{"expression": term.text, "value": term.value} for term in value.terms],
        "outdated": traced.outdated,
        "runs": [
            {
                "run": share.id,
                "feed": f"{share.run.place}/{share.run.feed}" if share.run else None,
                "started": share.run.started if share.run else None,
                "inputs": share.inputs,
                "held": share.held,
            }
            for share in traced.runs
        ],
        "total": page.total,
        "offset": page.offset,
        "rows": [
            {"entity": one.entity, "counted": one.counted, "row": one.row, "line": one.line, **one.cells}
            for one in page.inputs
        ],
    }


def _measured(value: Value) -> str:
    return f"{value.value:.12g} {value.unit}".rstrip()


def _outcome_line(outcome: Outcome) -> str:
    name = f"{outcome.place}/{outcome.indicator}"
    if outcome.state != "computed":
        words = {"unchanged": "unchanged", "noInputs": "no data yet", "failed": "cannot be computed"}
        return f"{name}: {words[outcome.state]}"
    text = f"{name}: {outcome.available} of {outcome.values} periods with a value, {outcome.written} written"
    return text + (f", {outcome.undated} inputs without a readable time" if outcome.undated else "")


def _plain(outcome: Outcome) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(outcome)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _named(which: tuple[str, ...], places: Mapping[str, Place]) -> Iterator[tuple[str, str]]:
    """(place, indicator) of each argument; ("", "") for all."""
    if not which:
        yield "", ""
    for one in which:
        place, _, name = one.partition("/")
        yield _place(place, places).id, name


def _place(id: str, places: Mapping[str, Place]) -> Place:
    if id not in places:
        raise click.ClickException(f"there is no place {id!r}; the places are {', '.join(sorted(places))}")
    return places[id]


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A bar on standard error, where a person looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Indicators", total=None)
        yield lambda done, of, name: bar.update(task, completed=done, total=of, description=name)
