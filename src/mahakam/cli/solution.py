"""``mahakam solution``: what cities did, checked, listed with what came of it, and taken over by another city."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mahakam.cli.node import opened
from mahakam.cli.options import config_option, data_option, settings_for

if TYPE_CHECKING:
    from mahakam.app import Node
    from mahakam.config import Place
    from mahakam.solutions.definition import Solution
    from mahakam.solutions.evidence import Evidence

_FOLDERS = tuple[Path, ...]


@click.group()
def solution() -> None:
    """What cities did, and what came of it: check, list, adopt.

    \b
    Example:
      mahakam solution list
    """


@solution.command("check")
@config_option
def check(config: _FOLDERS) -> int:
    """Look whether every solutions/NAME.yaml can be used, and what it names is there. Ends with 1 if one is not.

    \b
    Example:
      mahakam solution check --config examples
    """
    from mahakam.config import ConfigError, load_places
    from mahakam.solutions.definition import all_solutions

    problems: list[ConfigError] = []
    found = all_solutions(load_places(settings_for(Path(), config).config), problems)
    for problem in problems:
        click.echo(f"mahakam: {problem}", err=True)
    click.echo(f"{len(found)} solutions can be used, {len(problems)} cannot")
    return 1 if problems else 0


@solution.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
@config_option
def list_solutions(as_json: bool, data: Path, config: _FOLDERS) -> int:
    """Show every solution with its evidence. Ends with 1 if a file cannot be used.

    \b
    Example:
      mahakam solution list
      mahakam solution list --json
    """
    from mahakam.config import ConfigError
    from mahakam.solutions.definition import all_solutions
    from mahakam.solutions.evidence import Measures, evidence

    problems: list[ConfigError] = []
    with opened(data, config) as node:
        measures = Measures(node.broker)
        rows = [
            (one, evidence(measures, node.places[one.place], one.indicator, one.started))
            for one in all_solutions(node.places, problems).values()
        ]
    if as_json:
        click.echo(json.dumps([_plain(one, found) for one, found in rows], ensure_ascii=False, indent=1))
    else:
        for one, found in rows:
            click.echo(f"{one.key} (since {one.started}): {_said(found)}")
    for problem in problems:
        click.echo(f"mahakam: {problem}", err=True)
    return 1 if problems else 0


@solution.command("pack")
@click.argument("which", metavar="PLACE/NAME")
@click.option(
    "--to", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
@config_option
def pack(which: str, to: Path, config: _FOLDERS) -> int:
    """Put a solution with its components into one file that another node can bring.

    \b
    Example:
      mahakam solution pack samarinda/health-centres --to health-centres.zip
    """
    from mahakam.config import load_places
    from mahakam.solutions.bundle import packed
    from mahakam.solutions.definition import all_solutions

    settings = settings_for(Path(), config)
    places = load_places(settings.config)
    solutions = all_solutions(places, [])
    if which not in solutions:
        have = ", ".join(solutions) or "none"
        raise click.ClickException(f"there is no solution {which!r} (solutions: {have})")
    day = dt.datetime.now(ZoneInfo(places[solutions[which].place].timezone)).date().isoformat()
    content = packed(solutions[which], places, settings.base, day)
    to.write_bytes(content)
    click.echo(f"{to}: {which}, version {solutions[which].version}, {len(content)} bytes")
    return 0


@solution.command("bring")
@click.argument("source", metavar="FILE|ADDRESS")
@data_option
@config_option
def bring_solution(source: str, data: Path, config: _FOLDERS) -> int:
    """Bring a solution of another node here: from its file, or from the address of its page there. Then adopt it.

    \b
    Example:
      mahakam solution bring health-centres.zip
      mahakam solution bring https://node.samarinda.example/network/solutions/samarinda/health-centres
    """
    from mahakam.nodes.faults import NodeError
    from mahakam.nodes.fetching import fetch
    from mahakam.solutions.bundle import LARGEST, BundleError, archive_of, bring

    with opened(data, config) as node:
        try:
            if source.startswith(("https://", "http://")):
                private = node.settings.private_addresses
                content = fetch(archive_of(source), LARGEST, private_addresses=private)
            else:
                content = Path(source).read_bytes()
            found = bring(data, content, node.places)
        except (NodeError, BundleError, OSError) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{found.key}, version {found.version}; adopt it: mahakam solution adopt {found.key} CITY")
    return 0


@solution.command("adopt")
@click.argument("which", metavar="PLACE/NAME")
@click.argument("city")
@click.option("--set", "given", multiple=True, metavar="TEXT=VALUE",
              help="What a text of the components is in the city, where its city.yaml does not say it.")  # fmt: skip
@click.option("--keep", multiple=True, metavar="FILE", help="A file of the city's own that stays as it is.")
@click.option("--preview", "only_preview", is_flag=True, help="Only show what would be written.")
@data_option
@config_option
def adopt_solution(
    which: str,
    city: str,
    given: tuple[str, ...],
    keep: tuple[str, ...],
    only_preview: bool,
    data: Path,
    config: _FOLDERS,
) -> int:
    """Install a solution's contract, feed, indicator and service into the folder of another city of the node.

    Each file is adapted to the city's codes and shown; nothing that is there is overwritten. Then its feeds are run and
    its indicators computed. What is left to do is said. Ends with 1 if it cannot be adopted, and writes nothing.

    \b
    Example:
      mahakam solution adopt samarinda/health-centres bontang --preview
      mahakam solution adopt samarinda/health-centres bontang --set 881225=191811
    """
    from mahakam.broker.clock import now
    from mahakam.cli.node import user
    from mahakam.faults import Changed
    from mahakam.feeds.parts import Parts
    from mahakam.solutions.adoption import Refusal, adopt, check
    from mahakam.solutions.bundle import reachable
    from mahakam.solutions.definition import solutions_of
    from mahakam.solutions.left import left
    from mahakam.solutions.preview import cities_for, preview

    origin, _slash, name = which.partition("/")
    with opened(data, config) as node:
        parts = Parts.of(node)
        places = reachable(parts.data, node.places)
        solutions = solutions_of(places.get(origin) or parts.place(origin), places, [])
        if name not in solutions:
            have = ", ".join(solutions) or "none"
            raise click.ClickException(f"{origin} has no solution {name!r} (solutions: {have})")
        place = parts.place(city)
        if place not in cities_for(solutions[name], node.places):
            raise click.ClickException(f"{city} cannot adopt {which}: it is its own, or {city} is no city")
        found = preview(solutions[name], place, places, _values(given))
        for piece in found.pieces:
            click.echo(f"{piece.state:<8} {piece.name}")
            for line in piece.difference():
                click.echo(f"         {line}")
        try:
            check(found, node.places, keep)
            if not only_preview:
                adopt(parts, found, keep=keep, by=user(), at=now(), seen=found.mark)
        except Refusal as refusal:
            click.echo(f"mahakam: nothing was written: {refusal}", err=True)
            return 1
        except Changed:
            click.echo("mahakam: nothing was written: the folder was changed meanwhile; try again", err=True)
            return 1
        for one in left(found, node.places):
            click.echo(f"left to do: {one.name}: {_LEFT[one.code].format(what=one.what)}")
        if not only_preview:
            _first_values(node, place, solutions[name])
    return 0


_LEFT = {
    "file": "put the city's own file at {what}",
    "address": "write the city's own address ({what})",
    "source": "write whose data it is ({what})",
    "ids": "see that the ids ({what}) are not those of the other city's rows",
    "codes": "put the city's codes into {what}",
    "boundary": "name the city's boundary in {what}",
    "fact": "the figure of {what} has another source in this city; see what the texts say of it",
    "words": "add the texts that are missing ({what})",
}


def _values(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        text, sign, value = one.partition("=")
        if not sign or not text or not value:
            raise click.UsageError(f"--set {one!r} is no TEXT=VALUE, e.g. --set 881225=191811")
        found[text] = value
    return found


def _first_values(node: Node, place: Place, solution: Solution) -> None:
    from mahakam.indicators.series import series

    for name in solution.components.indicators:
        found = series(node.broker, place, name)
        latest = found.latest if found else None
        said = f"{latest.value:.12g} {latest.unit} ({latest.label})" if latest else "no value yet"
        click.echo(f"{place.id}/{name}: {said}")


def _said(found: Evidence) -> str:
    if found.effect is None:
        return f"{found.verdict}{f' ({found.reason})' if found.reason else ''}"
    change = found.effect
    sure = (
        f", 95 % interval {change.low:.6g} to {change.high:.6g}"
        if change.low is not None
        else ", no interval"
    )
    beside = ", ".join(one.place.id for one in found.others)
    counts = f"{change.before_n} values before, {change.after_n} after"
    return f"{found.verdict}: {change.difference:+.6g} beside {beside}{sure} ({counts})"


def _plain(one: Solution, found: Evidence) -> dict[str, Any]:
    def figures(change: Any) -> dict[str, Any] | None:
        names = ("before", "after", "difference", "low", "high", "before_n", "after_n", "months")
        return {name: getattr(change, name) for name in names} if change else None

    return {
        "place": one.place,
        "id": one.id,
        "name": dict(one.name),
        "started": one.started.isoformat(),
        "version": one.version,
        "indicator": one.indicator,
        "verdict": found.verdict,
        "reason": found.reason,
        "own": figures(found.own),
        "effect": figures(found.effect),
        "beside": [other.place.id for other in found.others],
        "components": [f"{room}/{name}" for room, name in one.components],
    }
