"""``mahakam install``: have systemd run a node on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import click

from mahakam.cli.program import program_path

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(short_help="Have systemd run a node on this machine.")
@click.option("--data", type=_FOLDER, default=Path("/var/lib/mahakam"), show_default=True,
              help="Folder of the store, photos and archived files.")  # fmt: skip
@click.option("--config", type=_FOLDER, default=Path("/etc/mahakam"), show_default=True,
              help="Folder of the places and of mahakam.env, the settings.")  # fmt: skip
@click.option(
    "--user", default="mahakam", show_default=True, help="The system's user that runs it; made when missing."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
@click.option("--backups", type=_FOLDER, help="Take a backup a day into this folder, and keep fourteen.")
@click.option(
    "--root", type=_FOLDER, help="Write the files below this folder and touch nothing else (for images)."
)
@click.option("--start", is_flag=True, help="Enable and start the units.")
def install(
    data: Path,
    config: Path,
    user: str,
    host: str,
    port: int,
    backups: Path | None,
    root: Path | None,
    start: bool,
) -> int:
    """Write systemd units for the server, for feeds that are due and for backups, and a file of settings.

    Run it as root, again after an upgrade: files that are as they should be stay, and the settings are never
    overwritten.

    \b
    mahakam install --backups /mnt/backups --start
    mahakam install --root image/
    """
    from mahakam.operations.units import UNITS, Plan, environment, units, write

    if root is None and os.geteuid() != 0:
        raise click.ClickException("it writes to /etc: run it as root, or name a folder with --root")
    if root is not None and start:
        raise click.UsageError("--start goes without --root: what is below another folder does not run here")
    for name, path in (("--data", data), ("--config", config), ("--backups", backups)):
        if path is not None and not path.is_absolute():
            raise click.UsageError(f"{name} {path}: systemd needs a path from the root, as /var/lib/mahakam")
    if backups is not None and backups.is_relative_to(data):
        raise click.UsageError(
            f"--backups {backups}: lies inside of {data}; name another place, best another disk"
        )
    program = program_path()
    if root is None and any(program.is_relative_to(one) for one in ("/home", "/root")):
        raise click.ClickException(
            f"{program}: units may not look into people's folders; install Mahakam elsewhere, as in"
            " python3 -m venv /opt/mahakam && /opt/mahakam/bin/pip install mahakam"
        )
    plan = Plan(program, user, data, config, host, port, backups)
    below = root or Path("/")
    if root is None:
        _make_user(user, data)
    for folder in (data, config, *([backups] if backups else [])):
        _make_folder(below / folder.relative_to("/"), user if root is None else "")
    settings = below / plan.environment_file.relative_to("/")
    if not settings.exists():
        write(settings, environment(plan), 0o640)
        if root is None:
            shutil.chown(settings, "root", user)
        click.echo(f"wrote {settings}: look through it")
    for name, text in units(plan).items():
        path = below / (UNITS / name).relative_to("/")
        click.echo(f"{'wrote' if write(path, text, 0o644) else 'kept'} {path}")
    if root is None:
        _systemctl("daemon-reload")
    names = [name for name in units(plan) if name != "mahakam-backup.service"]
    if start:
        _systemctl("enable", "--now", *names)
    elif root is None:
        click.echo(
            f"Put your places into {config} (docs/add-your-city.md), then: systemctl enable --now {' '.join(names)}"
        )
    click.echo(f"What is still missing: mahakam doctor --data {data} --config {config}", err=True)
    return 0


def _make_user(user: str, home: Path) -> None:
    import pwd

    try:
        pwd.getpwnam(user)
    except KeyError:
        _run("useradd", "--system", "--user-group", "--home-dir", str(home), "--no-create-home",
             "--shell", "/usr/sbin/nologin", user)  # fmt: skip


def _make_folder(folder: Path, owner: str) -> None:
    if folder.exists():
        return
    folder.mkdir(parents=True, mode=0o750)
    folder.chmod(0o750)
    if owner:
        shutil.chown(folder, owner, owner)
    click.echo(f"made {folder}")


def _systemctl(*words: str) -> None:
    _run("systemctl", *words)


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise click.ClickException(f"{words[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise click.ClickException(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
