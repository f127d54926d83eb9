"""``mahakam exchange``: requests pushed to other Open311 servers and pulled from them, once now."""

from __future__ import annotations

from pathlib import Path

import click

from mahakam.cli.options import config_option, data_option, settings_for


@click.command(short_help="Exchange requests with other Open311 servers, once now.")
@data_option
@config_option
def exchange(data: Path, config: tuple[Path, ...]) -> int:
    """One round with every server of the cities' exchange.yaml: push, look for news, pull.

    `serve` does it every 5 minutes.

    Ends with 1 if a server could not be reached or a request was refused.

    \b
    Example:
      mahakam exchange --data .node --config cities
    """
    from mahakam.app import open_node
    from mahakam.services.desk import Desk
    from mahakam.services.exchange import Exchange
    from mahakam.store.errors import StoreError

    try:
        node = open_node(settings_for(data, config))
        try:
            done = Exchange(
                Desk(node.broker, node.places, data), node.broker, node.places, node.settings.base
            ).run()
        finally:
            node.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{done.pushed} pushed, {done.news} with news, {done.pulled} pulled")
    for problem in done.problems:
        click.echo(problem, err=True)
    return 1 if done.problems else 0
