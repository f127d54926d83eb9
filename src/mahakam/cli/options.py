"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mahakam.config import Settings

F = TypeVar("F", bound=Callable[..., Any])


def _folders(_ctx: click.Context, _parameter: click.Parameter, value: tuple[Path, ...]) -> tuple[Path, ...]:
    if value:
        return value
    return tuple(Path(part) for part in os.environ.get("MAHAKAM_CONFIG", "").split(os.pathsep) if part)


def data_option(function: F) -> F:
    """``--data DIR``: where the store and the archived files are."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("mahakam-data"),
        show_default=True,
        envvar="MAHAKAM_DATA",
        help="Folder of the store, photos and archived files.",
    )(function)


def config_option(function: F) -> F:
    """``--config DIR`` (several times): folders of places; MAHAKAM_CONFIG when not given."""
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path),
        multiple=True,
        callback=_folders,
        help="Folder with city.yaml files in it or below, or one such file for that place alone;"
        " may be given again. Default: MAHAKAM_CONFIG.",
    )(function)


def settings_for(data: Path, config: tuple[Path, ...], **more: Any) -> Settings:
    """Settings from these options and, for everything else, the environment."""
    from dataclasses import replace

    return replace(Settings.from_environment(), data=data, config=config, **more)
