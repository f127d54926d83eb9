"""``mahakam user`` and ``mahakam key``: who may do what on a node."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from mahakam.access.policy import EVERYWHERE, PEOPLE
from mahakam.cli.node import opened_store
from mahakam.cli.options import config_option, data_option
from mahakam.store.protocol import EntityStore

_FOLDERS = tuple[Path, ...]
_agency_option = click.option(
    "--agency",
    "agencies",
    multiple=True,
    metavar="PLACE/CODE",
    help="The agency they work for, as routing.yaml of the place has it: for rights.yaml's ROLE@CODE; a key of the "
    "scope work opens its requests alone.",
)


@click.group()
def user() -> None:
    """Accounts of people: add, list, password, second-step, sign-out, remove.

    \b
    Example:
      mahakam user add siti --role officer --place samarinda
    """


@user.command("add")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(PEOPLE), help="May be given twice."
)
@click.option(
    "--place", "places", multiple=True, help="Where the role holds (and below it). Admin: everywhere."
)
@_agency_option
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking."
)
@data_option
@config_option
def add(
    name: str,
    roles: tuple[str, ...],
    places: tuple[str, ...],
    agencies: tuple[str, ...],
    password_stdin: bool,
    data: Path,
    config: _FOLDERS,
) -> None:
    """Make an account; the password is asked for.

    \b
    Example:
      mahakam user add budi --role admin
      mahakam user add siti --role officer --place samarinda --agency samarinda/public-works
    """
    from mahakam.access.accounts import add_account

    with _store(data, config) as store:
        _known(places, agencies, config)
        made = add_account(store, name, _password(password_stdin), roles, places, agencies, _words(config))
        where = "everywhere" if made.places == (EVERYWHERE,) else ", ".join(made.places)
        click.echo(f"{made.name} is {' and '.join(made.roles)}, {where}. Sign in at /signin.", err=True)


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
@config_option
def list_users(as_json: bool, data: Path, config: _FOLDERS) -> None:
    """Show the accounts.

    \b
    Example:
      mahakam user list
    """
    from mahakam.access.accounts import accounts

    with _store(data, config) as store:
        rows = accounts(store)
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "name": a.name,
                        "roles": a.roles,
                        "places": a.places,
                        "agencies": a.agencies,
                        "created": a.created,
                    }
                    for a in rows
                ]
            )
        )
        return
    for row in rows:
        click.echo(
            f"{row.name:24} {','.join(row.roles):20} {','.join(row.places):30} {row.created}"
            + (f"  {','.join(row.agencies)}" if row.agencies else "")
            + ("" if row.password else "  (by the provider)")
        )
    if not rows:
        click.echo("no accounts yet; make one: mahakam user add NAME --role admin", err=True)


@user.command("password")
@click.argument("name")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking."
)
@data_option
@config_option
def password(name: str, password_stdin: bool, data: Path, config: _FOLDERS) -> None:
    """Give an account another password; its sessions end.

    \b
    Example:
      mahakam user password siti
    """
    from mahakam.access.accounts import set_password

    with _store(data, config) as store:
        set_password(store, name, _password(password_stdin), _words(config))
    click.echo(f"{name} has a new password; whoever was signed in is signed out.", err=True)


@user.command("second-step")
@click.argument("name")
@click.option("--reset", is_flag=True, help="Take it away: the password is enough until it is set up again.")
@data_option
@config_option
def second_step_command(name: str, reset: bool, data: Path, config: _FOLDERS) -> None:
    """Say whether an account signs in with a code from a telephone, too; or take that away (--reset).

    For somebody who has lost both the telephone and the recovery codes. Make sure that it is them. Their sessions
    end; if their role needs the second step, they set it up at the next sign-in.

    \b
    Example:
      mahakam user second-step siti --reset
    """
    from mahakam.access.accounts import account, normal_name
    from mahakam.access.second_step import remove, second_step

    name = normal_name(name)
    with _store(data, config) as store:
        if account(store, name) is None:
            raise click.ClickException(f"there is no account {name!r}; `mahakam user list` shows them")
        if reset:
            gone = remove(store, name)
            click.echo(
                f"{name} signs in with the password alone." if gone else f"{name} had no second step.",
                err=True,
            )
            return
        found = second_step(store, name)
    if found is None:
        click.echo(f"{name} signs in with the password alone")
    else:
        click.echo(f"{name} has a second step since {found.since}; {found.left} recovery codes are left")


@user.command("sign-out")
@click.argument("name", required=False)
@click.option("--all", "everybody", is_flag=True, help="Everybody who is signed in.")
@data_option
@config_option
def sign_out(name: str | None, everybody: bool, data: Path, config: _FOLDERS) -> None:
    """End the sessions of an account, or (--all) of everybody: a telephone was lost, a machine was not signed out.

    \b
    Example:
      mahakam user sign-out siti
      mahakam user sign-out --all
    """
    from mahakam.access.accounts import account, normal_name
    from mahakam.access.sessions import end_sessions

    if bool(name) == everybody:
        raise click.UsageError("name one account, or say --all")
    of = normal_name(name or "")
    with _store(data, config) as store:
        if of and account(store, of) is None:
            raise click.ClickException(f"there is no account {of!r}; `mahakam user list` shows them")
        ended = end_sessions(store, of)
    click.echo(f"{ended} session{'' if ended == 1 else 's'} ended.", err=True)


@user.command("remove")
@click.argument("name")
@data_option
@config_option
def remove(name: str, data: Path, config: _FOLDERS) -> None:
    """Remove an account; its sessions end.

    \b
    Example:
      mahakam user remove siti
    """
    from mahakam.access.accounts import remove_account

    with _store(data, config) as store:
        if not remove_account(store, name):
            raise click.ClickException(f"there is no account {name!r}; `mahakam user list` shows them")
    click.echo(f"{name} is removed.", err=True)


@click.group()
def key() -> None:
    """API keys of programs: add, list, revoke.

    \b
    Example:
      mahakam key add "rain gauges" --scope write --place samarinda
    """


@key.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "write", "work", "monitor"]),
    default=("read",),
    show_default=True,
)
@click.option(
    "--place", "places", multiple=True, default=(EVERYWHERE,), help="Where it may write. Default: everywhere."
)
@_agency_option
@click.option(
    "--days", type=click.IntRange(1, 3660), default=365, show_default=True, help="How long it lasts."
)
@data_option
@config_option
def add_key_command(
    name: str,
    scopes: tuple[str, ...],
    places: tuple[str, ...],
    agencies: tuple[str, ...],
    days: int,
    data: Path,
    config: _FOLDERS,
) -> None:
    """Make a key for a program NAME; it is shown this once, on standard output.

    \b
    Example:
      mahakam key add "rain gauges" --scope write --place samarinda --days 90
    Use it as a header:
      Authorization: Bearer mhk_…
    """
    from mahakam.access.keys import add_key

    with _store(data, config) as store:
        _known(places, agencies, config)
        secret, made = add_key(store, name, scopes, places, days, agencies)
    click.echo(secret)
    until = time.strftime("%Y-%m-%d", time.gmtime(made.expires))
    click.echo(
        f"Key {made.id} may {' and '.join(made.scopes)} until {until}. It is not shown again.", err=True
    )


@key.command("list")
@data_option
@config_option
def list_keys(data: Path, config: _FOLDERS) -> None:
    """Show the keys (not what they are: only their ids, names, scopes and ends).

    \b
    Example:
      mahakam key list
    """
    from mahakam.access.keys import keys

    with _store(data, config) as store:
        rows = keys(store)
    for row in rows:
        until = time.strftime("%Y-%m-%d", time.gmtime(row.expires)) + (" (over)" if row.over else "")
        click.echo(f"{row.id}  {row.name:24} {','.join(row.scopes):12} {','.join(row.places):24} {until}")
    if not rows:
        click.echo("no keys yet; make one: mahakam key add NAME --scope read", err=True)


@key.command("revoke")
@click.argument("id")
@data_option
@config_option
def revoke(id: str, data: Path, config: _FOLDERS) -> None:
    """Revoke the key with this id; it stops at once.

    \b
    Example:
      mahakam key revoke 3f2a9c01b7de
    """
    from mahakam.access.keys import revoke_key

    with _store(data, config) as store:
        made = revoke_key(store, id)
    click.echo(f"The key {made.id} ({made.name}) is revoked.", err=True)


@contextmanager
def _store(data: Path, config: _FOLDERS) -> Iterator[EntityStore]:
    """The node's store; what is wrong with an account or a key becomes the command's refusal."""
    from mahakam.access.accounts import AccountError

    with opened_store(data, config) as store:
        try:
            yield store.tenant()
        except AccountError as error:
            raise click.ClickException(str(error)) from error


def _known(places: tuple[str, ...], agencies: tuple[str, ...], config: _FOLDERS) -> None:
    """A slip in a place's or an agency's name would give a role that holds nowhere."""
    from mahakam.access.accounts import checked_agencies
    from mahakam.config import load_places
    from mahakam.services.routing import routing_of

    known = load_places(config)
    agencies = checked_agencies(agencies)
    named = [*places, *(agency.partition("/")[0] for agency in agencies)]
    wrong = [place for place in named if known and place != EVERYWHERE and place not in known]
    if wrong:
        raise click.ClickException(
            f"there is no place {wrong[0]!r}; the places are {', '.join(sorted(known))}"
        )
    for agency in agencies if known else ():
        place, _, code = agency.partition("/")
        routing = routing_of(known[place], known)
        if routing is not None and code not in routing.agencies:
            there = ", ".join(sorted(routing.agencies))
            raise click.ClickException(f"{place} has no agency {code!r}; its agencies are {there}")


def _words(config: _FOLDERS) -> set[str]:
    from mahakam.access.passwords import words_of
    from mahakam.config import load_places

    return words_of(load_places(config))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = click.prompt("Password", type=str, hide_input=True, confirmation_prompt=True, err=True)
    return asked
