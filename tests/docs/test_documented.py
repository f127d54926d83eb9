"""Every command and every setting is documented, and what the pages say of commands is what the commands say."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tools.command_docs import commands

from mahakam.cli import cli
from mahakam.config import Settings
from mahakam.feeds import definition, origins
from mahakam.feeds.sources import formats

DOCS = Path(__file__).parents[2] / "docs"
ALL = list(commands(cli, ("mahakam",)))


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    # In a process of its own: click keeps the help option of a command from its first call in the process.
    said = subprocess.run(
        [sys.executable, "-m", "tools.command_docs", "--print"],
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (DOCS / "commands.md").read_text("utf-8") == said.stdout, "run: python -m tools.command_docs"


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_every_command_shows_an_example(path: tuple[str, ...], command: click.Command) -> None:
    if isinstance(command, click.Group):
        return
    text = command.get_help(click.Context(command, info_name=" ".join(path), **cli.context_settings))
    after_usage = text.split("Usage:")[1].split("\n", 1)[1]
    example = re.compile(rf"^ +{' '.join(path)}( |$)", re.MULTILINE)
    assert example.search(after_usage), f"{' '.join(path)} --help has no example"


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Settings)])
def test_every_setting_is_documented(field: str) -> None:
    assert f"`MAHAKAM_{field.upper()}`" in (DOCS / "settings.md").read_text("utf-8")


def test_settings_travel_through_the_environment(tmp_path: Path) -> None:
    settings = Settings(
        tmp_path, (tmp_path / "a", tmp_path / "b"), "127.0.0.9", 1234, 3, "sqlite:///x", True, True, True
    )
    assert Settings.from_environment(settings.environment()) == settings


def said_in_feeds(name: str) -> bool:
    """Whether a table row of docs/feeds.md is about it."""
    page = (DOCS / "feeds.md").read_text("utf-8")
    return any(f"`{name}`" in line.split("|")[1] for line in page.splitlines() if line.startswith("|"))


@pytest.mark.parametrize(
    "name",
    [
        *formats.names(),
        *origins.names(),
        *(option for origin in origins.names() for option in origins.named(origin).options),
        *definition._FEED,
        *definition._SOURCE,
        *definition._FIELD,
    ],
)
def test_every_kind_and_option_of_a_feed_is_documented(name: str) -> None:
    assert said_in_feeds(name), f"docs/feeds.md has no table row for {name}"
