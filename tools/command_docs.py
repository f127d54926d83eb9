"""Write docs/commands.md from the commands' own help, so that it cannot lie (``--print``: only print it)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mahakam.cli import cli

FILE = Path(__file__).parents[1] / "docs" / "commands.md"
_HEAD = """# Commands

Written from the commands' own `--help` by `python -m tools.command_docs`. Data goes to standard output,
talk to standard error. Every command ends with 0 (clean), 1 (something was held or failed a check) or
2 (could not run).
"""


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group with the words that call it, groups before what is in them."""
    context = click.Context(group, info_name=path[-1], **cli.context_settings)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for path, command in commands(cli, ("mahakam",)):
        context = click.Context(
            command,
            info_name=" ".join(path),
            max_content_width=100,
            terminal_width=100,
            **cli.context_settings,
        )
        parts.append(f"## {' '.join(path)}\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(page(), end="")
    else:
        FILE.write_text(page(), "utf-8")
