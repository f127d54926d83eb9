"""mahakam serve: a node as an HTTP server."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import nullcontext
from pathlib import Path

import click

from mahakam.cli.options import config_option, data_option, settings_for
from mahakam.config import Settings


@click.command(short_help="Serve a node over HTTP.")
@data_option
@config_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, envvar="MAHAKAM_HOST", help="Address to listen on."
)
@click.option("--port", default=8000, show_default=True, envvar=["MAHAKAM_PORT", "PORT"],
              type=click.IntRange(1, 65535), help="Port to listen on.")  # fmt: skip
@click.option("--workers", default=1, show_default=True, envvar="MAHAKAM_WORKERS", type=click.IntRange(1, 64),
              help="Processes that serve.")  # fmt: skip
@click.option("--store", default="", envvar="MAHAKAM_STORE", metavar="URL",
              help="Where entities rest: postgresql://USER@HOST/DATABASE or sqlite:///FOLDER."
              " Default: SQLite in the data folder.")  # fmt: skip
@click.option("--replica", default="", envvar="MAHAKAM_REPLICA", metavar="URL",
              help="A PostgreSQL server that follows --store and answers queries.")  # fmt: skip
@click.option("--open", "open_", is_flag=True, envvar="MAHAKAM_OPEN",
              help="No sign-in: everybody may do everything. Only on a loopback address.")  # fmt: skip
@click.option("--private-addresses", is_flag=True, envvar="MAHAKAM_PRIVATE_ADDRESSES",
              help="Notify and fetch @contexts from private addresses too.")  # fmt: skip
@click.option("--history", default="on", show_default=True, envvar="MAHAKAM_HISTORY", metavar="POLICY",
              help="What is kept of changes: on, off, or for how long (P2Y); TENANT=… for one tenant.")  # fmt: skip
def serve(
    data: Path,
    config: tuple[Path, ...],
    host: str,
    port: int,
    workers: int,
    store: str,
    replica: str,
    open_: bool,
    private_addresses: bool,
    history: str,
) -> int:
    """Serve a node: pages, NGSI-LD and tables. An empty data folder is a fresh, empty node. Ctrl-C ends it.

    \b
    mahakam serve --data /var/lib/mahakam --config /etc/mahakam/samarinda --port 8000
    """
    settings = settings_for(
        data,
        config,
        host=host,
        port=port,
        workers=workers,
        store=store,
        replica=replica,
        open=open_,
        private_addresses=private_addresses,
        history=history,
    )
    return run_server(settings)


def run_server(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code: 0, or 2 with the reason on standard error.

    Raises ConfigError if the places cannot be read, or for ``open`` on an address that others can reach.
    """
    from mahakam.access.identify import check_open
    from mahakam.app import open_node
    from mahakam.operations.counting import counted_together
    from mahakam.store.errors import StoreError

    check_open(settings)
    problem = port_problem(settings.host, settings.port)
    if problem:
        return _refuse(problem)
    try:
        open_node(settings).close()  # what cannot work is said here, once, and not by every worker
    except (StoreError, OSError) as error:
        return _refuse(str(error))
    os.environ.update(settings.environment())
    from granian import Granian
    from granian.constants import Interfaces, Loops, RuntimeModes
    from granian.log import LogLevels

    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    click.echo(f"Mahakam at http://{shown}:{settings.port}  (Ctrl-C ends it)", err=True)
    server = Granian(
        "mahakam.app:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        interface=Interfaces.ASGI,
        loop=Loops.auto,
        runtime_mode=RuntimeModes.st,  # its threads and SQLite's wait for the interpreter: a third less CPU
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=30,
    )
    with counted_together() if settings.workers > 1 else nullcontext():
        server.serve()
    return 0


def port_problem(host: str, port: int) -> str:
    """Why the server could not listen there, with what to do about it; "" if it could."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} on {host} is taken by another program; choose another with --port or PORT=…"
        if error.errno == errno.EACCES:
            return f"port {port} may not be used by this user; choose one above 1023 with --port or PORT=…"
        return f"cannot listen on {host}: {error.strerror or error}; choose another address with --host"
    return ""


def _refuse(reason: str) -> int:
    click.echo(f"mahakam serve: {reason}", err=True)
    return 2
