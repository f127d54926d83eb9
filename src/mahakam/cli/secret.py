"""``mahakam secret``: the secret by which a node signs cookies, forms and links; changing it."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mahakam.access.secrets import LINKS_DAYS, LONGEST_DAYS
from mahakam.cli.node import opened_store
from mahakam.cli.options import config_option, data_option

_FOLDERS = tuple[Path, ...]


@click.group()
def secret() -> None:
    """The node's signing secret: info, change.

    \b
    Example:
      mahakam secret change
    """


@secret.command("info", short_help="How old it is, and which earlier ones are still taken.")
@data_option
@config_option
def info(data: Path, config: _FOLDERS) -> None:
    """How old the secret is, and until when links of earlier ones open. No secret is shown.

    \b
    mahakam secret info
    """
    from mahakam.access.secrets import secrets_of

    with opened_store(data, config) as store:
        found = secrets_of(store.tenant())
    made = _day(found.signing.made) if found.signing.made else "before November 2026"
    click.echo(f"signs since  {made}")
    for one in found.taken[1:]:
        assert one.until is not None
        click.echo(f"an earlier one opens links until  {_day(one.until)}")


@secret.command("change", short_help="Sign with a new secret from now on.")
@click.option("--links-days", type=click.IntRange(0, LONGEST_DAYS), default=LINKS_DAYS, show_default=True,
              help="For how long links that were given out go on opening; 0: they end now.")  # fmt: skip
@data_option
@config_option
def change(links_days: int, data: Path, config: _FOLDERS) -> None:
    """Sign with a new secret from now on, while the node runs. Everybody signs in anew, and a form that lies open is
    sent a second time; nothing that the node holds is lost.

    Links of residents to their requests, links by which agencies repair rows, and workbooks of held rows open for as
    long as --links-days says. If somebody else may know the secret, give 0: the next letter about a request brings its
    resident a new link, and an agency is sent another.

    \b
    mahakam secret change
    mahakam secret change --links-days 0
    """
    from mahakam.access import secrets, sessions

    ended: list[int] = []
    with opened_store(data, config) as store:
        found = secrets.change(
            store.tenant(), links_days, lambda transaction: ended.append(sessions.end_all(transaction))
        )
    click.echo(f"The node signs with a new secret; {ended[-1]} sessions ended.")
    for one in found.taken[1:]:
        assert one.until is not None
        click.echo(f"Links of an earlier one open until {_day(one.until)}.")
    if not links_days:
        click.echo("Links that were given out open no more.")
    click.echo("Take a backup: without a newer one, one from before brings the old secret back.", err=True)


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
