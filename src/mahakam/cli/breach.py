"""``mahakam breach``: the register of failures to protect personal data, and the clock of their notices."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mahakam.cli.node import opened
from mahakam.cli.options import config_option, data_option
from mahakam.services.breach import ADDRESSEES, OUTCOMES

if TYPE_CHECKING:
    from mahakam.app import Node

_FOLDERS = tuple[Path, ...]


@click.group()
def breach() -> None:
    """Breaches of personal data: record, list, text, notify, close.

    From the moment at which it was known the persons and the authority have a notice within 3 x 24 hours.

    \b
    mahakam breach list
    mahakam breach text 2026-001 --to persons
    """


@breach.command("record")
@click.option("--place", default="", help="Whose data they are; without it the node as a whole.")
@click.option("--found", required=True, help="When it was known, with its zone: 2026-11-27T08:30+08:00.")
@click.option("--happened", required=True, help="What happened, when and how.")
@click.option("--what", "data_words", required=True, help="Which data.")
@click.option("--whose", required=True, help="Whose data.")
@click.option("--done", required=True, help="What was done and is being done.")
@click.option("--persons", type=int, help="How many persons, if it is known.")
@click.option("--specific", is_flag=True, help="Health, biometrics, children, crime or money are among them.")
@data_option
@config_option
def record_command(
    place: str,
    found: str,
    happened: str,
    data_words: str,
    whose: str,
    done: str,
    persons: int | None,
    specific: bool,
    data: Path,
    config: _FOLDERS,
) -> None:
    """Enter a breach; its number is said on standard output.

    \b
    mahakam breach record --place samarinda --found 2026-11-27T08:30+08:00 --happened "A list was sent …" ...
    """
    from mahakam.services.breach import record

    words = {"happened": happened, "data": data_words, "concerned": whose, "handling": done}
    with _node(data, config) as node:
        if place and place not in node.places:
            raise click.ClickException(f"there is no place {place!r}; there are {', '.join(node.places)}")
        made = record(
            node.store.tenant(), place, found, words, getpass.getuser(), persons=persons, specific=specific
        )
    click.echo(made.id)
    click.echo(f"The notices are due until {made.due:%Y-%m-%d %H:%M} UTC.", err=True)


@breach.command("list")
@data_option
@config_option
def list_command(data: Path, config: _FOLDERS) -> int:
    """List the breaches with their clocks. Ends with 1 while a clock has run out and a notice is owed.

    \b
    mahakam breach list
    """
    from mahakam.services.breach import breaches
    from mahakam.web.breach_words import clock_words

    now = dt.datetime.now(dt.UTC)
    with _node(data, config) as node:
        rows = breaches(node.store.tenant())
    for one in rows:
        owed = f"  owed: {', '.join(one.owed)}" if one.owed else ""
        click.echo(f"{one.id}  {one.found}  {one.state(now):8} {clock_words(one, now)}{owed}  {one.place}")
    if not rows:
        click.echo("no breach is in the register", err=True)
    return 1 if any(one.state(now) == "over" for one in rows) else 0


@breach.command("text")
@click.argument("id")
@click.option("--to", "addressee", type=click.Choice(ADDRESSEES), required=True)
@click.option("--language", type=click.Choice(["id", "en"]), default="id", show_default=True)
@data_option
@config_option
def text_command(id: str, addressee: str, language: str, data: Path, config: _FOLDERS) -> None:
    """Write the text of a notice, as article 46 wants it, to standard output.

    \b
    mahakam breach text 2026-001 --to authority
    """
    from mahakam.services.breach import breach as find
    from mahakam.web.breach_words import notice_text
    from mahakam.web.language import reading

    with _node(data, config) as node:
        one = find(node.store.tenant(), id)
        if one is None:
            raise click.ClickException(f"there is no breach {id!r}; `mahakam breach list` shows them")
        place = node.places.get(one.place)
        with reading(language, place.timezone if place else "UTC"):
            click.echo(notice_text(one, addressee, place), nl=False)


@breach.command("notify")
@click.argument("id")
@click.option("--to", "addressee", type=click.Choice(ADDRESSEES), required=True)
@click.option("--how", required=True, help="letter, mail, portal of the authority …")
@click.option("--at", help="When it was sent, with its zone. Default: now.")
@data_option
@config_option
def notify_command(id: str, addressee: str, how: str, at: str | None, data: Path, config: _FOLDERS) -> None:
    """Note that a notice was sent.

    \b
    mahakam breach notify 2026-001 --to persons --how "letter by post"
    """
    from mahakam.services.breach import notify

    when = at or dt.datetime.now(dt.UTC).isoformat()
    with _node(data, config) as node:
        one = notify(node.store.tenant(), id, addressee, getpass.getuser(), how, when)
    click.echo("late" if one.late(addressee) else "in time")


@breach.command("close")
@click.argument("id")
@click.option("--lessons", required=True, help="What was learnt, and what is different now.")
@click.option("--outcome", type=click.Choice(OUTCOMES), default=OUTCOMES[0], show_default=True)
@data_option
@config_option
def close_command(id: str, lessons: str, outcome: str, data: Path, config: _FOLDERS) -> None:
    """Close a breach with what was learnt; both notices must have been noted, unless it was none.

    \b
    mahakam breach close 2026-001 --lessons "Lists go out without NIK now"
    """
    from mahakam.services.breach import close

    with _node(data, config) as node:
        close(node.store.tenant(), id, getpass.getuser(), lessons, outcome)
    click.echo(f"{id} is closed", err=True)


@contextmanager
def _node(data: Path, config: _FOLDERS) -> Iterator[Node]:
    """What is wrong with an entry becomes the command's refusal."""
    from mahakam.services.breach import BreachError
    from mahakam.web.breach_words import fault_words
    from mahakam.web.language import reading

    with opened(data, config) as node:
        try:
            with reading("en"):
                yield node
        except BreachError as error:
            with reading("en"):
                said = "; ".join(f"{field}: {words}" for field, words in fault_words(error).items())
            raise click.ClickException(said) from error
