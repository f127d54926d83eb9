"""``mahakam evidence``: what a place claims of itself, what evidence carries, and the package for an assessor."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from mahakam.cli.node import opened
from mahakam.cli.options import config_option, data_option

_FOLDERS = tuple[Path, ...]


@click.group()
def evidence() -> None:
    """Evaluations and their evidence: list, pack.

    \b
    Example:
      mahakam evidence list samarinda
    """


@evidence.command("list")
@click.argument("place")
@data_option
@config_option
def list_assessments(place: str, data: Path, config: _FOLDERS) -> int:
    """Show each assessment of a place: what it claims and what evidence carries. Ends with 1 if a file is wrong.

    \b
    Example:
      mahakam evidence list samarinda
    """
    from mahakam.config import ConfigError
    from mahakam.evaluation.files import framework_of
    from mahakam.evaluation.kept import all_assessments
    from mahakam.evaluation.standing import standing

    problems: list[ConfigError] = []
    with opened(data, config) as node:
        if place not in node.places:
            raise click.ClickException(
                f"there is no place {place!r}; the places are {', '.join(sorted(node.places))}"
            )
        at = node.places[place]
        for one in all_assessments(node.store.tenant(), at, problems):
            try:
                framework = framework_of(at, node.places, one.framework)
            except ConfigError as error:
                problems.append(error)
                continue
            if framework is None:
                problems.append(
                    ConfigError(one.path, f"framework: there is no frameworks/{one.framework}.yaml")
                )
                continue
            found = standing(node.broker, at, framework, one)
            bare = ", ".join(line.question.key for line in found.lines if line.bare)
            said = f"; more than evidence carries: {bare}" if bare else ""
            click.echo(f"{one.id}: claimed {found.claimed:.2f}, carried {found.carried:.2f}{said}")
    for problem in problems:
        click.echo(f"mahakam: {problem}", err=True)
    return 1 if problems else 0


@evidence.command("pack")
@click.argument("place")
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--language", type=click.Choice(["id", "en"]), default="id", show_default=True)
@data_option
@config_option
def pack(place: str, name: str, to: Path | None, language: str, data: Path, config: _FOLDERS) -> None:
    """Write the evidence of an assessment as one ZIP: index.html, figures, documents, manifest with SHA-256.

    \b
    Example:
      mahakam evidence pack samarinda pemdi-2026 --to pemdi.zip
    """
    from mahakam.evaluation.files import framework_of
    from mahakam.evaluation.kept import all_assessments
    from mahakam.evaluation.standing import standing
    from mahakam.web.evidence_package import package
    from mahakam.web.language import reading

    with opened(data, config) as node:
        if place not in node.places:
            raise click.ClickException(
                f"there is no place {place!r}; the places are {', '.join(sorted(node.places))}"
            )
        at = node.places[place]
        known = {one.id: one for one in all_assessments(node.store.tenant(), at, [])}
        if name not in known:
            raise click.ClickException(
                f"{place} has no assessment {name!r}; it has {', '.join(known) or 'none'}"
            )
        framework = framework_of(at, node.places, known[name].framework)
        if framework is None:
            raise click.ClickException(f"there is no frameworks/{known[name].framework}.yaml")
        with reading(language, at.timezone):
            made = datetime.now(ZoneInfo(at.timezone)).date().isoformat()
            found = standing(node.broker, at, framework, known[name])
            content = package(node.broker, at, found, made, node.settings.base)
    target = to or Path(f"{place}-{name}-{language}.zip")
    target.write_bytes(content)
    click.echo(f"{target}: {len(content):,} bytes")
