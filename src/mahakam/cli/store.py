"""``mahakam store``: what a store holds, and moving it into another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mahakam.cli.options import data_option

if TYPE_CHECKING:
    from mahakam.store.protocol import Store


@click.group()
def store() -> None:
    """Stores: info, compact, migrate.

    \b
    Example:
      mahakam store info --data /var/lib/mahakam
    """


@store.command("info", short_help="What the store holds.")
@data_option
@click.option("--store", "url", default="", envvar="MAHAKAM_STORE", metavar="URL",
              help="Default: SQLite in the data folder.")  # fmt: skip
def info(data: Path, url: str) -> None:
    """Kind and schema version of a store; for each tenant its entities, its size, and what its outbox owes.

    \b
    mahakam store info --data /var/lib/mahakam
    """
    from mahakam.store.urls import redacted

    with _opened(url, data) as found:
        click.echo(f"{found.kind}  {redacted(url) or data}")
        for name in found.tenants():
            facts = found.tenant(name).info()
            click.echo(
                f"  {name or '(default)'}: {facts['entities']:,} entities · {facts['bytes'] / 1e6:,.1f} MB"
                f" · {facts['owed']:,} notifications owed · {facts['dead']:,} dead letters"
                f" · schema {facts['version']}"
            )


@store.command("compact", short_help="Leave nothing of what was deleted in the store's files.")
@data_option
@click.option("--store", "url", default="", envvar="MAHAKAM_STORE", metavar="URL",
              help="Default: SQLite in the data folder.")  # fmt: skip
def compact(data: Path, url: str) -> None:
    """Write the files of a store anew: nothing of what was deleted is in them any more.

    After `mahakam person forget`, for instance. Needs as much room again for a while; whoever writes waits meanwhile,
    on PostgreSQL whoever reads too. PostgreSQL's own log (WAL) and its archive pass with time.

    \b
    mahakam store compact --data /var/lib/mahakam
    """
    with _opened(url, data) as found:
        for name in found.tenants():
            tenant = found.tenant(name)
            before = tenant.info()["bytes"]
            tenant.compact()
            click.echo(
                f"{name or '(default)'}: {before / 1e6:,.1f} MB, now {tenant.info()['bytes'] / 1e6:,.1f} MB"
            )


@store.command("migrate", short_help="Move a store into an empty one.")
@click.option("--from", "source", required=True, metavar="URL", help="The store to read.")
@click.option("--to", "target", required=True, metavar="URL", help="An empty one, of either kind.")
def migrate(source: str, target: str) -> None:
    """Copy every tenant into another store, then count both sides and compare their SHA-256.

    End what writes to either store first. A tenant arrives as a whole or not at all; a move that broke off is
    begun again with the same command. The source is left as it is.

    \b
    mahakam store migrate --from sqlite:////var/lib/mahakam --to postgresql://mahakam@127.0.0.1/mahakam
    """
    from mahakam.store.transfer import Moved, move

    def told(one: Moved) -> None:
        if one.rows:
            name = one.tenant or "(default)"
            click.echo(f"  {name} {one.table}: {one.rows:,} rows  sha256 {one.checksum[:16]}")

    with _opened(source) as here, _opened(target) as there:
        moved = move(here, there, told)
    tenants = len({one.tenant for one in moved})
    click.echo(f"moved {sum(one.rows for one in moved):,} rows of {tenants} tenants; both sides agree")


@contextmanager
def _opened(url: str, data: Path = Path()) -> Iterator[Store]:
    """A store by its URL; what is wrong with it is said in one line."""
    from mahakam.store.errors import StoreError
    from mahakam.store.opening import open_store

    try:
        found = open_store(url, data)
        try:
            yield found
        finally:
            found.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
