"""``mahakam person``: what a node holds of one person; a copy for them; forgetting them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mahakam.cli.options import config_option, data_option
from mahakam.services.purposes import PURPOSES

if TYPE_CHECKING:
    from mahakam.app import Node
    from mahakam.operations.standing import Standing
    from mahakam.services.data_subject import Held
    from mahakam.services.retention import Retention

_FOLDERS = tuple[Path, ...]


@click.group()
def person() -> None:
    """A person's right to their data: find it, hand over a copy, put it right, forget it.

    WHO is an e-mail address or a telephone number.

    \b
    mahakam person find ani@example.id
    mahakam person export ani@example.id --to ani.zip
    mahakam person consents ani@example.id
    mahakam person withdraw ani@example.id photos
    mahakam person correct ani@example.id --to ani.wijaya@example.id
    mahakam person forget 0812-3456-7890
    """


@person.command()
@click.argument("who")
@data_option
@config_option
def find(who: str, data: Path, config: _FOLDERS) -> int:
    """List the requests that WHO sent or follows, and where WHO stands in the tables of agencies: held rows, personal
    attributes of entities, kept versions of datasets, notifications; and the feeds that leave WHO out since they were
    erased. Ends with 1 if there is nothing.

    In tables a NIK is found too.

    \b
    mahakam person find 0812-3456-7890
    """
    from mahakam.feeds.erased import feeds_that_know
    from mahakam.services import data_subject

    with _opened(data, config) as (runs, node):
        held = data_subject.find(runs.store, who)
        _audit(runs, "read.person", held)
        found = _standing(node, who)
        empty = feeds_that_know(runs.store, who)
    for number in held.sent:
        click.echo(f"{number}  sent")
    for number in held.followed:
        click.echo(f"{number}  follows")
    _stands(found)
    for feed in empty:
        click.echo(f"{feed}  was erased from: left empty in new files")
    if not held.sent and not held.followed and not found and not empty:
        click.echo(f"nothing is held of {who}", err=True)
        return 1
    return 0


@person.command()
@click.argument("who")
@click.option("--to", "file", required=True, type=click.Path(path_type=Path, dir_okay=False),
              help="The zip to write; only you may read it.")  # fmt: skip
@data_option
@config_option
def export(who: str, file: Path, data: Path, config: _FOLDERS) -> int:
    """Write a copy of all that is held of WHO: person.json, and the photos and documents that they sent.

    Make sure first that who asks is who they say. Ends with 1 if nothing is held.

    \b
    mahakam person export ani@example.id --to ani.zip
    """
    from mahakam.services import data_subject

    with _runs(data, config) as runs:
        try:
            held = data_subject.export(runs, who, file)
            _audit(runs, "export.person", held)
        except FileExistsError:
            raise click.ClickException(f"{file}: is there already; name another file") from None
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror}") from error
    click.echo(f"{file}: {len(held.sent)} requests sent, {len(held.followed)} followed")
    return 0 if held.sent or held.followed else 1


@person.command()
@click.argument("who")
@data_option
@config_option
def consents(who: str, data: Path, config: _FOLDERS) -> int:
    """List what WHO agreed to: request, purpose, legal basis, version of the words, when, how, and when it was taken
    back. Ends with 1 if there is nothing.

    \b
    mahakam person consents ani@example.id
    """
    from mahakam.services import data_subject

    with _runs(data, config) as runs:
        held = data_subject.find(runs.store, who)
        rows = [
            (number, one)
            for number in (*held.sent, *held.followed)
            for one in data_subject.consents(runs.store, who, number)
        ]
        _audit(runs, "read.person", held)
    for number, one in rows:
        ended = f"  taken back {one.withdrawn} ({one.withdrawn_how})" if one.withdrawn else ""
        said = f"{number}  {one.purpose:8} {one.basis:12} words {one.version:6}"
        click.echo(f"{said} {one.at} ({one.how}){ended}")
    if not rows:
        click.echo(f"{who} agreed to nothing", err=True)
        return 1
    return 0


@person.command()
@click.argument("who")
@click.argument("purpose", type=click.Choice(PURPOSES))
@click.option("--number", help="Only for this request; otherwise for all that WHO sent or follows.")
@data_option
@config_option
def withdraw(who: str, purpose: str, number: str | None, data: Path, config: _FOLDERS) -> int:
    """Take back, for WHO, the consent to a PURPOSE; what was done by it ends at once.

    contact: the address is forgotten, and news with it. updates, push: no more news. photos: they are deleted.
    survey: no more answers are taken. Ends with 1 if no such consent holds.

    \b
    mahakam person withdraw ani@example.id photos
    mahakam person withdraw ani@example.id contact --number SMD-2026-000123
    """
    from mahakam.broker.clock import now
    from mahakam.services import data_subject
    from mahakam.services.consent import NotByConsent

    done, kept = list[str](), list[str]()
    with _runs(data, config) as runs:
        held = data_subject.find(runs.store, who)
        wanted = [one for one in (*held.sent, *held.followed) if number in (None, one)]
        for one in wanted:
            try:
                if data_subject.withdraw(runs, who, one, purpose, now()):
                    done.append(one)
            except NotByConsent as error:
                kept.append(f"{one}  stays: {error}")
    for line in (*(f"{one}  taken back" for one in done), *kept):
        click.echo(line)
    if not done:
        click.echo(f"no consent of {who} to {purpose} holds", err=True)
    return 0 if done else 1


@person.command()
@click.argument("who")
@click.option("--to", default="", help="The right address or number, in the place of WHO.")
@click.option("--first-name", default="", help="The right first name.")
@click.option("--last-name", default="", help="The right last name.")
@data_option
@config_option
def correct(who: str, to: str, first_name: str, last_name: str, data: Path, config: _FOLDERS) -> int:
    """Put right how WHO is reached or called, in every request that they sent or follow.

    News and letters that wait go to the right address; links in older mails end. The name is put right in what they
    sent. What the words of a request say is put right in its course, by the agency. Ends with 1 if nothing is held.

    \b
    mahakam person correct ani@example.id --to ani.wijaya@example.id
    mahakam person correct 0812-3456-7890 --last-name Wijaya
    """
    from mahakam.services import correction

    with _runs(data, config) as runs:
        names = {"first_name": first_name, "last_name": last_name}
        held = correction.correct(runs.store, who, to, names)
    click.echo(f"put right in {len(held.sent)} requests sent and {len(held.followed)} followed")
    return 0 if held.sent or held.followed else 1


@person.command()
@click.argument("who")
@click.option(
    "--tables", is_flag=True, help="In what agencies handed in, too: rows, attributes, versions, kept files."
)
@data_option
@config_option
def forget(who: str, tables: bool, data: Path, config: _FOLDERS) -> int:
    """Forget WHO where no open request needs them: contact, letters, private words, photos, documents.

    They follow nothing any more, and nobody follows what they sent. The course of each request says that its contact
    was forgotten. Requests that are still open are named and left. So are the words of those that are public: they
    may name somebody. So is where WHO stands in the tables of agencies, or, with --tables, it is erased: from held
    rows, from entities with their histories, from every kept version of a dataset; kept copies of the files go. In
    new files of these feeds the cells of WHO are left empty (until: mahakam person admit), and each row says so. Then:
    mahakam store compact. Ends with 1 if anything is left but public words.

    \b
    mahakam person forget ani@example.id
    mahakam person forget 6472015501900001 --tables
    """
    from mahakam.cli.node import user
    from mahakam.feeds.parts import Parts
    from mahakam.feeds.sources.model import SourceError
    from mahakam.operations.erasing import Erased, erase
    from mahakam.services import data_subject

    erased = Erased()
    with _opened(data, config) as (runs, node):
        done = data_subject.forget(runs, who)
        if tables:
            try:
                erased = erase(Parts.of(node), node.rights, who, author=user())
            except SourceError as error:
                raise click.ClickException(f"{error}; the rest waits for it") from error
        found = _standing(node, who)
    if erased:
        click.echo(
            f"erased in {len(erased.rows)} held rows, {len(erased.entities)} entities, {len(erased.versions)} "
            f"versions of datasets, and {len(erased.files)} kept files"
        )
    click.echo(f"forgotten in {len(done.sent)} requests sent and {len(done.followed)} followed")
    for number in done.left:
        click.echo(f"{number}  is still open: settle it, then forget again")
    for number in done.public:
        click.echo(f"{number}  its words are public: look whether they name anybody")
    for number in done.photos:
        click.echo(f"{number}  its photos stay: they are not there by consent")
    for number in done.failed:
        click.echo(f"{number}  was written at the same time: forget again")
    _stands(found)
    return 1 if done.left or done.failed or found else 0


@person.command()
@click.argument("who")
@data_option
@config_option
def admit(who: str, data: Path, config: _FOLDERS) -> int:
    """Let agencies hand WHO in again, who was erased from their tables: because they asked for it, or a law wants it.

    New files of the feeds that are named bring WHO as anybody. Ends with 1 if WHO was erased from none.

    \b
    mahakam person admit 6472015501900001
    """
    from mahakam.feeds.parts import Parts
    from mahakam.operations.erasing import admit as admitted

    with _opened(data, config) as (_runs_of, node):
        feeds = admitted(Parts.of(node), who)
    for feed in feeds:
        click.echo(f"{feed}  takes new rows as they come")
    if not feeds:
        click.echo(f"{who} was erased from no table", err=True)
    return 0 if feeds else 1


def _audit(runs: Retention, action: str, held: Held) -> None:
    """Whose requests they are is not said: the trail outlives what is forgotten."""
    from mahakam.services.request import entity_id

    found = [[action, entity_id(number)] for number in (*held.sent, *held.followed)]
    if found:
        runs.store.write(lambda transaction: transaction.audit(action, found[0][1], {"objects": found[:100]}))


def _standing(node: Node, who: str) -> list[Standing]:
    from mahakam.feeds.parts import Parts
    from mahakam.operations.standing import standings

    return list(standings(Parts.of(node), node.rights, who))


def _stands(found: Iterable[Standing]) -> None:
    words = {
        "held": "quarantine row {0.of} {0.detail}: put the agency's file right, and forget with --tables",
        "entity": "{0.of} {0.detail}: put the agency's file right, and forget with --tables",
        "dataset": "dataset {0.of}, {0.detail} rows: put the agency's file right, and forget with --tables",
        "notification": "notification {0.detail} of {0.of}: forget with --tables",
        "unread": "{0.of} could not be looked at: {0.detail}",
    }  # fmt: skip
    for one in found:
        click.echo(words[one.kind].format(one))


@contextmanager
def _runs(data: Path, config: _FOLDERS) -> Iterator[Retention]:
    with _opened(data, config) as (runs, _node):
        yield runs


@contextmanager
def _opened(data: Path, config: _FOLDERS) -> Iterator[tuple[Retention, Node]]:
    from mahakam.cli.node import opened
    from mahakam.services.desk import Desk
    from mahakam.services.retention import Retention

    with opened(data, config) as node:
        desk = Desk(node.broker, node.places, node.settings.data)
        try:
            yield Retention(desk, desk.store, node.places, node.settings.data), node
        except ValueError as error:
            raise click.ClickException(str(error)) from error
