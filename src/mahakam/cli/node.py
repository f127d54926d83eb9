"""The node that a command works on: opened, closed, and what is wrong with it said in one line."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mahakam import tracing
from mahakam.cli.options import settings_for

if TYPE_CHECKING:
    from mahakam.app import Node
    from mahakam.store.protocol import Store


@contextmanager
def opened_store(data: Path, config: tuple[Path, ...] = ()) -> Iterator[Store]:
    """The store in a data folder, or the one that the environment names, without the rest of the node. One that cannot
    be opened, read or written is a ClickException that says why."""
    from mahakam.store.errors import StoreError
    from mahakam.store.opening import open_store

    settings = settings_for(data, config)
    try:
        store = open_store(settings.store, settings.data)
        try:
            yield store
        finally:
            store.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def opened(data: Path, config: tuple[Path, ...]) -> Iterator[Node]:
    """The node in a data folder, with its places. Whatever cannot be opened is a ClickException that says why."""
    from mahakam.app import open_node
    from mahakam.feeds.sources.model import SourceError
    from mahakam.quality.odcs import ContractError
    from mahakam.store.errors import StoreError

    try:
        node = open_node(settings_for(data, config))
        try:
            if not node.places:
                raise click.ClickException(
                    "no place is configured; --config names a folder with city.yaml files"
                )
            settings = node.settings
            with tracing.kept(settings.traces, settings.traces_key, settings.traces_share):
                yield node
        finally:
            node.close()
    except (StoreError, ContractError, SourceError) as error:
        raise click.ClickException(str(error)) from error


def place_and_feed(which: str) -> tuple[str, str]:
    """``samarinda/rain`` as its two names. Raises UsageError for anything else."""
    place, slash, name = which.partition("/")
    if not slash or not name:
        raise click.UsageError(f"{which!r} is no PLACE/FEED; mahakam feed list shows them")
    return place, name


def user() -> str:
    """Who runs the command, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
