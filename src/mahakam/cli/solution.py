"""``mahakam solution``: what cities did, checked and listed with what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.node import opened
from mahakam.cli.options import config_option, data_option, settings_for

if TYPE_CHECKING:
    from mahakam.solutions.definition import Solution
    from mahakam.solutions.evidence import Evidence

_FOLDERS = tuple[Path, ...]


@click.group()
def solution() -> None:
    """What cities did, and what came of it: check, list.

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
