"""The command line: the same words as the library. Each command lives in the module of its name."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import click

import mahakam

COMMANDS = {
    "audit": "audit:audit",
    "backup": "backup:backup",
    "breach": "breach:breach",
    "check": "check:check",
    "contract": "contract:contract",
    "deliver": "deliver:deliver",
    "demo": "demo:demo",
    "demo-network": "demo_network:demo_network",
    "doctor": "doctor:doctor",
    "evidence": "evidence:evidence",
    "exchange": "exchange:exchange",
    "export": "export:export",
    "feed": "feed:feed",
    "indicator": "indicator:indicator",
    "install": "install:install",
    "key": "user:key",
    "mail": "mail:mail",
    "node": "nodes:node",
    "person": "person:person",
    "quarantine": "quarantine:quarantine",
    "restore": "backup:restore",
    "serve": "serve:serve",
    "secret": "secret:secret",
    "service": "service:service",
    "solution": "solution:solution",
    "store": "store:store",
    "subscription": "subscription:subscription",
    "user": "user:user",
    "verify": "backup:verify",
    "year": "year:year",
}
"""Command → ``module:object`` in this folder; loaded only when it is called, so that each starts fast."""


_WORD = re.compile(r"[a-z-]{2,20}")
READER_GONE = 128 + 13
"""The exit code when whoever read the output has enough (``| head``): that of a tool that SIGPIPE ends."""


class _ReaderGoneError(Exception):
    """Nobody reads on; no OSError, which click would take for a failure."""


class Commands(click.Group):
    """The group of all commands, each imported when it is needed."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGoneError from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(f"mahakam.cli.{module}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mahakam.__version__, prog_name="mahakam")
def cli() -> None:
    """One validated picture of a city, and one network of cities.

    \b
    mahakam demo                      load the example cities and serve them
    mahakam check FILE                say what is wrong with a file, row by row
    mahakam serve --data DIR          serve a node

    Every command ends with 0 (clean), 1 (something was held or failed a check) or 2 (could not run).
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; whatever cannot run says why in one line and exits 2."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    code = run(words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = READER_GONE
    if words[:1] == ["check"]:
        # It leaves nothing behind; to take the interpreter and DuckDB apart costs as much as 4 % of a long check.
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code 0, 1 or 2."""
    return copy_context().run(_run, arguments)


def _run(arguments: Sequence[str] | None) -> int:
    from mahakam.config import ConfigError

    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _acts(words)
        result: Any = cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except _ReaderGoneError:
        return READER_GONE
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except ConfigError as error:
        click.echo(f"mahakam: {error}", err=True)
        return 2
    return result if isinstance(result, int) else 0


def _acts(words: Sequence[str]) -> None:
    """What the command writes is audited as whoever runs it."""
    from mahakam.store.acting import Acting, act

    named = [word for word in words[:2] if _WORD.fullmatch(word)]
    act(Acting(_user(), "command", route=" ".join(["mahakam", *named])))


def _user() -> str:
    """The name of the system's user, its number if it has none."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return str(getattr(os, "getuid", lambda: "")())
