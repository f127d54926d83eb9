"""``mahakam mail``: the letters that wait for the mail server, and those that were given up."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.node import opened_store
from mahakam.cli.options import data_option

if TYPE_CHECKING:
    from mahakam.store.protocol import EntityStore


@click.group()
def mail() -> None:
    """Mail to residents that waits or was given up: list, replay.

    \b
    Example:
      mahakam mail list
      mahakam mail replay
    """


@mail.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def list_letters(as_json: bool, data: Path) -> None:
    """Show what waits and what was given up, with the mail server's last words. Addresses are shortened.

    \b
    Example:
      mahakam mail list --data .demo
    """
    from mahakam.services.outbox import DEAD, KIND

    with _opened(data) as store:
        rows = [
            _facts(state, raw)
            for kind, state in ((KIND, "waiting"), (DEAD, "given up"))
            for raw in store.records(kind).values()
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['state']:<9}{row['due']}  {row['to']}  {row['subject']}  {row['error']}".rstrip())
    click.echo(f"{len(rows)} letters")


@mail.command("replay")
@data_option
def replay(data: Path) -> None:
    """Try again to send the letters that were given up.

    \b
    Example:
      mahakam mail replay --data .demo
    """
    from mahakam.services.outbox import revive

    with _opened(data) as store:
        click.echo(f"{revive(store)} letters wait again")


def _facts(state: str, raw: dict[str, Any]) -> dict[str, Any]:
    name, _at, host = str(raw["to"]).partition("@")
    due = dt.datetime.fromtimestamp(raw["due"], dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "state": state,
        "due": due,
        "to": f"{name[:2]}…@{host}",
        "subject": raw["subject"],
        "tries": raw["tries"],
        "error": raw["error"],
    }


@contextmanager
def _opened(data: Path) -> Iterator[EntityStore]:
    with opened_store(data) as store:
        yield store.tenant()
