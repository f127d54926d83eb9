"""``mahakam doctor``: what is wrong with an installation, and how to mend it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from mahakam.cli.options import config_option, data_option, settings_for


@click.command(short_help="Find what is wrong with an installation.")
@click.option("--deep", is_flag=True, help="Read the whole store too: damage shows, which takes minutes.")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@data_option
@config_option
def doctor(deep: bool, as_json: bool, data: Path, config: tuple[Path, ...]) -> int:
    """Look at settings, places, folder, store, access, mail, queues and feeds; say what is wrong and how to mend it.

    It may run beside the server: give it the same environment. Ends with 0 if nothing is wrong, with 1 if something is.

    \b
    mahakam doctor --data /var/lib/mahakam --config /etc/mahakam
    """
    from mahakam.app import Node
    from mahakam.operations.doctor import Finding, examine

    node = Node(settings_for(data, config))
    everything: list[Finding] = []
    try:
        for name, found in examine(node, deep=deep):
            everything += found
            if as_json:
                continue
            click.echo(f"{name}: {'nothing wrong' if not found else ''}".rstrip())
            for one in found:
                click.echo(f"  {one.level}: {one.where}: {one.what}\n    → {one.mend}")
    finally:
        node.close()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in everything], ensure_ascii=False, indent=1))
    return 1 if everything else 0
