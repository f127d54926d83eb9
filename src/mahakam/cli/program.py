"""The ``mahakam`` program that belongs to this Python, for those who start it as another process."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click


def program_path() -> Path:
    """Raises ClickException where there is none."""
    beside = Path(sys.executable).with_name("mahakam")
    found = beside if beside.exists() else Path(shutil.which("mahakam") or "")
    if not found.name:
        raise click.ClickException("there is no mahakam program beside this Python; install the wheel there")
    return found
