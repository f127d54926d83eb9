"""mahakam deliver: a process that delivers notifications, beside those that serve."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from mahakam.cli.options import config_option, data_option, settings_for


@click.command(short_help="Deliver notifications, beside the processes that serve.")
@data_option
@config_option
@click.option("--store", default="", envvar="MAHAKAM_STORE", metavar="URL",
              help="The node's store: postgresql://USER@HOST/DATABASE.")  # fmt: skip
@click.option("--private-addresses", is_flag=True, envvar="MAHAKAM_PRIVATE_ADDRESSES",
              help="Notify private addresses too.")  # fmt: skip
def deliver(data: Path, config: tuple[Path, ...], store: str, private_addresses: bool) -> int:
    """Deliver notifications, and nothing else, until SIGINT or SIGTERM. The store is on PostgreSQL, and at least one
    process serves it. What is owed is divided among all processes that deliver, as they come and go; with
    MAHAKAM_DELIVER=off those that serve leave it to these.

    \b
    mahakam deliver --store postgresql://mahakam@127.0.0.1/mahakam --config /etc/mahakam/samarinda
    """
    from mahakam import tracing
    from mahakam.app import open_node
    from mahakam.delivering import Deliverer
    from mahakam.operations.log import set_up
    from mahakam.store.errors import StoreError

    settings = settings_for(data, config, store=store, private_addresses=private_addresses)
    try:
        node = open_node(settings)
    except (StoreError, OSError) as error:
        click.echo(f"mahakam deliver: {error}", err=True)
        return 2
    if node.store.kind == "sqlite":
        node.close()
        click.echo(
            "mahakam deliver: a store on SQLite is delivered by the process that serves it; this goes with"
            " --store postgresql://…",
            err=True,
        )
        return 2
    set_up(settings.log, settings.log_level)
    tracing.begin(settings.traces, settings.traces_key, settings.traces_share)
    ended = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    deliverer = Deliverer(node)
    deliverer.start()
    click.echo("delivers notifications  (Ctrl-C ends it)", err=True)
    ended.wait()
    deliverer.stop()
    node.close()
    tracing.end()
    return 0
