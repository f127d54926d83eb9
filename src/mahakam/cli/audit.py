"""``mahakam audit``: who did or read what, and whether the trail of it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from mahakam.cli.options import data_option
from mahakam.store.protocol import EntityStore

F = TypeVar("F", bound=Callable[..., Any])
_PAGE = 1000


def _trail_options(function: F) -> F:
    url = click.option("--store", "url", default="", envvar="MAHAKAM_STORE", metavar="URL",
                       help="The node's store. Default: SQLite in the data folder.")  # fmt: skip
    tenant = click.option("--tenant", default="", metavar="NAME", help="Default: the default one.")
    return data_option(url(tenant(function)))


@click.group()
def audit() -> None:
    """The audit trail: verify, head, export, show, cut.

    \b
    Example:
      mahakam audit verify --data /var/lib/mahakam
    """


@audit.command("verify", short_help="Say whether anything in the trail was changed or removed.")
@click.option(
    "--head", metavar="HEAD|FILE", help="A head that was kept elsewhere, or the file that it is in."
)
@click.option("--from", "source", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="An export (JSON lines) instead of the node's store.")  # fmt: skip
@_trail_options
def verify_command(head: str | None, source: Path | None, data: Path, url: str, tenant: str) -> int:
    """Work out the digest of every entry anew, and say where the chain is broken first.

    That the newest entries are gone shows only against a --head that was kept elsewhere.
    Ends with 0 if all holds, 1 if something was changed or removed, 2 if it could not run.

    \b
    mahakam audit verify --data /var/lib/mahakam --head /mnt/elsewhere/head
    """
    from mahakam.access.audit import HeadError, parse_head, read_lines, verify

    try:
        known = parse_head(_text(head)) if head is not None else None
    except HeadError as error:
        raise click.UsageError(f"--head: {error}") from error
    if source is not None:
        try:
            with source.open("rb") as file:
                found = verify(read_lines(file), known)
        except ValueError as error:
            raise click.ClickException(f"{source}: {error}") from error
    else:
        with _store(data, url, tenant) as store:
            found = verify(store.audit_chain(), known)
    for fault in found.faults:
        click.echo(fault)
    if found.faults:
        click.echo("the trail is broken: compare it with an export that was kept elsewhere", err=True)
        return 1
    click.echo(f"{found.entries:,} entries, each as it was written" if found.entries else "no entries yet")
    if found.head:
        click.echo(found.head)
    return 0


@audit.command("head", short_help="Where the trail stands, to be kept elsewhere.")
@_trail_options
def head_command(data: Path, url: str, tenant: str) -> int:
    """Write LANE:NUMBER:DIGEST of the newest entry (with commas, where several processes write).

    Keep it where whoever runs this machine cannot change it: `audit verify --head` then finds that entries
    were removed, or the whole trail made anew.

    \b
    mahakam audit head --data /var/lib/mahakam > /mnt/elsewhere/head
    """
    from mahakam.access.audit import head_text, heads_of

    with _store(data, url, tenant) as store:
        found = head_text(heads_of(store))
    if not found:
        raise click.ClickException("the trail is empty: nothing was written yet")
    click.echo(found)
    return 0


@audit.command("export", short_help="Write the trail as JSON lines.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@_trail_options
def export_command(to: Path | None, data: Path, url: str, tenant: str) -> int:
    """Write every entry, one a line, and at the end the head. `audit verify --from` reads it.

    \b
    mahakam audit export --data /var/lib/mahakam --to /mnt/elsewhere/audit.jsonl
    """
    from mahakam.access.audit import lines
    from mahakam.cli.output import write

    with _store(data, url, tenant) as store:
        write(to, lines(store))
    return 0


@audit.command("cut", short_help="Remove what is older than it is kept.")
@click.option("--keep", required=True, metavar="DURATION", help="How long entries are kept: P5Y, P180D.")
@_trail_options
def cut_command(keep: str, data: Path, url: str, tenant: str) -> int:
    """Remove the entries that are older, up to a point from which the rest verifies; the cut has an entry itself.

    Export the trail first, and keep the head that is written afterwards: one from before cannot be compared any more.

    \b
    mahakam audit export --to /mnt/elsewhere/audit-2026.jsonl
    mahakam audit cut --keep P5Y
    """
    from mahakam.access.audit import cut_kept, head_text, heads_of, kept_seconds
    from mahakam.config import ConfigError

    try:
        seconds = kept_seconds(keep)
    except ConfigError as error:
        raise click.UsageError(f"--keep: {error.problem}") from error
    with _store(data, url, tenant) as store:
        removed = cut_kept(store, seconds) if seconds else 0
        head = head_text(heads_of(store))
    click.echo(f"{removed:,} entries are removed", err=True)
    if head:
        click.echo(head)
    return 0


@audit.command("show", short_help="Show entries, the newest first.")
@click.option(
    "--principal", default="", metavar="NAME", help="Of this person, key, command's user, or the node."
)
@click.option(
    "--object", "of", default="", metavar="ID", help="About this entity, account/NAME, PLACE/FEED, …"
)
@click.option(
    "--action", default="", help="Such as read, create, sign-in; quarantine is all of quarantine.…."
)
@click.option("--since", default="", metavar="TIME", help="From this time on (ISO 8601, UTC).")
@click.option("--until", default="", metavar="TIME", help="Before this time.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_lines", is_flag=True, help="As JSON lines.")
@_trail_options
def show(
    principal: str,
    of: str,
    action: str,
    since: str,
    until: str,
    limit: int,
    as_lines: bool,
    data: Path,
    url: str,
    tenant: str,
) -> int:
    """Show who did or read what.

    \b
    mahakam audit show --principal siti --since 2026-11-01
    mahakam audit show --object urn:ngsi-ld:Person:7 --action read
    """
    import orjson

    from mahakam.access.audit import as_json

    left, before = limit, None
    with _store(data, url, tenant) as store:
        while left:
            found = store.audit_entries(principal, of, action, since, until, before, min(left, _PAGE))
            for one in found:
                if as_lines:
                    click.echo(orjson.dumps(as_json(one)).decode())
                else:
                    more = f"  ({one.count})" if one.count > 1 else ""
                    click.echo(f"{one.at}  {one.principal or '-':20} {one.action:20} {one.object}{more}")
            left -= len(found)
            if len(found) < _PAGE:
                break
            before = found[-1].at, found[-1].lane, found[-1].n
    if left == limit:
        click.echo("no such entries", err=True)
    return 0


def _text(head: str) -> str:
    """The head itself, or what a file of that name has: a head, or an export, of which it is the last line."""
    import orjson

    path = Path(head)
    try:
        if ":" in head or not path.is_file():
            return head
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path}: cannot be read: {error}") from error
    if not text.startswith("{"):
        return text
    try:
        return str(orjson.loads(text.strip().rpartition("\n")[2])["head"])
    except (orjson.JSONDecodeError, KeyError) as error:
        raise click.ClickException(f"{path}: its last line has no head: the export is cut off") from error


@contextmanager
def _store(data: Path, url: str, tenant: str) -> Iterator[EntityStore]:
    from mahakam.store.errors import StoreError
    from mahakam.store.opening import open_store

    try:
        if not url and not data.is_dir():
            raise click.ClickException(f"{data}: there is no such folder; name the node's data with --data")
        store = open_store(url, data)
        try:
            yield store.tenant(tenant)
        except KeyError:
            raise click.ClickException(
                f"there is no tenant {tenant!r}; there are {', '.join(filter(None, store.tenants())) or 'none'}"
            ) from None
        finally:
            store.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
