"""``mahakam backup``, ``restore`` and ``verify``: what is on the disk, kept somewhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mahakam.cli.options import data_option
from mahakam.store.protocol import Store

if TYPE_CHECKING:
    from mahakam.store.backup.vault import Vault

F = TypeVar("F", bound=Callable[..., Any])
_FOLDER = click.Path(path_type=Path, file_okay=False)


def _store_option(function: F) -> F:
    return click.option("--store", "url", default="", envvar="MAHAKAM_STORE", metavar="URL",
                        help="The node's store. Default: SQLite in the data folder.")(function)  # fmt: skip


def _key_option(function: F) -> F:
    return click.option(
        "--key-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), envvar="MAHAKAM_BACKUP_KEY_FILE",
        help="File with the key of encrypted backups, 16 characters or more. Keep it elsewhere.")(function)  # fmt: skip


@click.command(short_help="Take a backup of a node, while it serves.")
@data_option
@_store_option
@click.option("--to", "folder", required=True, type=_FOLDER, help="Folder of backups, made when missing.")
@_key_option
@click.option("--keep", type=click.IntRange(1), help="Delete all backups but so many of the newest.")
def backup(data: Path, url: str, folder: Path, key_file: Path | None, keep: int | None) -> int:
    """Take a backup of the store and of the files beside it. The node goes on serving.

    A content that an older backup has is not kept twice. With a key everything is encrypted (AES-256-GCM).
    The folder of the configuration is yours, in a repository of its own: it is not part of it.

    \b
    mahakam backup --data /var/lib/mahakam --to /mnt/backups --keep 14
    """
    from mahakam.store.backup.make import backup as take
    from mahakam.store.backup.taken import note_taken
    from mahakam.store.backup.vault import Vault
    from mahakam.store.opening import open_store

    with _clear():
        if not data.is_dir():
            raise click.ClickException(f"{data}: there is no such folder; name the node's data with --data")
        if folder.resolve().is_relative_to(data.resolve()):
            raise click.ClickException(
                f"{folder}: lies inside of {data}; name another place, best another disk"
            )
        vault = Vault(folder, _key(key_file), make=True)
        store = open_store(url, data)
        try:
            with _progress("backing up") as told:
                made = take(store, data, vault, told)
            note_taken(store.tenant(), datetime.now(UTC))
            _audit(
                store,
                "backup",
                made.name,
                {"to": str(folder), "entities": made.entities, "files": made.files},
            )
        finally:
            store.close()
        old = vault.names()[:-keep] if keep else []
        vault.forget(old)
    click.echo(
        f"{made.name}: {made.entities:,} entities, {made.files:,} files, {made.bytes / 1e6:,.1f} MB"
        f" ({made.written / 1e6:,.1f} MB new)"
    )
    if old:
        click.echo(f"deleted {len(old)} older: {', '.join(old)}", err=True)
    return 0


@click.command(short_help="Put a backup back.")
@data_option
@_store_option
@click.option("--from", "folder", required=True, type=_FOLDER, help="Folder of backups.")
@click.option(
    "--at", "name", default="", metavar="NAME", help="Which one (verify lists them). Default: the newest."
)
@_key_option
def restore(data: Path, url: str, folder: Path, name: str, key_file: Path | None) -> int:
    """Put a backup into an empty data folder, and an empty --store of either kind; then compare all checksums.

    What the newest backup of the folder knows as forgotten (mahakam person forget) is forgotten again in an older one.

    \b
    mahakam restore --data /var/lib/mahakam --from /mnt/backups
    """
    from mahakam.store.backup.restore import restore as put
    from mahakam.store.backup.vault import Vault
    from mahakam.store.opening import open_store

    with _clear():
        vault = Vault(folder, _key(key_file))
        name = name or _newest(vault.names(), folder)
        with _progress("restoring") as told:
            listed = put(vault, name, data, url, told)
        store = open_store(url, data)
        try:
            _audit(store, "restore", name, {"from": str(folder)})
        finally:
            store.close()
        again = _forget_again(vault, name, data, url)
    rows = sum(one["rows"] for fact in listed["tenants"].values() for one in fact["tables"].values())
    click.echo(f"{name}: {rows:,} rows, {len(listed['files']):,} files restored; all checksums agree")
    if any(again):
        requests, tables = again
        also = f" and {tables:,} times in tables" if tables else ""
        click.echo(f"forgotten again, as before in the node, in {requests:,} requests{also}", err=True)
    return 0


@click.command(short_help="Look for damage in backups or in a node's data.")
@click.option("--data", type=_FOLDER, help="A node's data folder.")
@_store_option
@click.option("--from", "folder", type=_FOLDER, help="A folder of backups.")
@click.option("--at", "name", default="", metavar="NAME", help="One backup. Default: all.")
@_key_option
def verify(data: Path | None, url: str, folder: Path | None, name: str, key_file: Path | None) -> int:
    """Read every byte of backups (--from) or of a node (--data), and list them with what is damaged.

    Ends with 0 if all is well, 1 if something is damaged, 2 if it could not run.

    \b
    mahakam verify --from /mnt/backups
    """
    from mahakam.access.audit import verify as verify_trail
    from mahakam.store.backup.vault import Vault
    from mahakam.store.backup.verify import verify_backups, verify_data
    from mahakam.store.errors import StoreError
    from mahakam.store.opening import open_store

    if (data is None) == (folder is None):
        raise click.UsageError("name either --from, a folder of backups, or --data, a node's folder")
    problems: list[str] = []
    with _clear(), _progress("verifying") as told:
        if folder is not None:
            vault = Vault(folder, _key(key_file))
            names = [name] if name else vault.names()
            problems += verify_backups(vault, names, told)
            for one in names:
                click.echo(one)
        elif data is not None:
            if not data.is_dir():
                raise click.ClickException(f"{data}: there is no such folder")
            try:
                store = open_store(url, data)
            except StoreError as error:
                problems.append(str(error))
            else:
                try:
                    problems += verify_data(store, data, told)
                    told("audit trail")
                    for tenant in store.tenants():
                        faults = verify_trail(store.tenant(tenant).audit_chain()).faults
                        problems += [f"{tenant or '(default)'}: audit trail: {fault}" for fault in faults]
                finally:
                    store.close()
    for problem in problems:
        click.echo(problem)
    click.echo("damaged: restore a backup" if problems else "all is well", err=True)
    return 1 if problems else 0


def _audit(store: Store, action: str, name: str, detail: dict[str, Any]) -> None:
    store.tenant().write(lambda transaction: transaction.audit(action, f"backup/{name}", detail))


def _forget_again(vault: Vault, name: str, data: Path, url: str) -> tuple[int, int]:
    """In how many requests, and how many times in tables, something was forgotten that had been forgotten after this
    backup. The node's secrets are those of the newest, too."""
    from mahakam.access import secrets
    from mahakam.app import open_node
    from mahakam.config import Settings
    from mahakam.feeds.erased import KIND as ERASED
    from mahakam.feeds.parts import Parts
    from mahakam.operations import erasing
    from mahakam.services import forgotten
    from mahakam.store.backup.restore import records_of

    newest = vault.names()[-1]
    if newest == name:
        return 0, 0
    kinds = (forgotten.KIND, ERASED, secrets.KIND)
    records, erased, signing = (records_of(vault, newest, kind) for kind in kinds)
    if not records and not erased and not signing:
        return 0, 0
    node = open_node(Settings(data=data, config=(), store=url))
    try:
        secrets.carry(node.store.tenant(), signing)
        return forgotten.again(node.broker, data, records), erasing.again(Parts.of(node), erased)
    finally:
        node.close()


def _newest(names: list[str], folder: Path) -> str:
    if not names:
        raise click.ClickException(f"{folder}: has no finished backup")
    return names[-1]


def _key(path: Path | None) -> bytes:
    return path.read_bytes().strip() if path is not None else b""


@contextmanager
def _clear() -> Iterator[None]:
    """What cannot be done is said in one line."""
    from mahakam.store.errors import StoreError

    try:
        yield
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{where}{error.strerror or error}") from error


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[str], None]]:
    """What is being done now, on one line of a terminal; nothing where nobody looks."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status(doing) as status:
        yield lambda what: status.update(f"{doing} {what[:60]}")
