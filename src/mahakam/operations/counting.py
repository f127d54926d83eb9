"""Where the workers of a server count together: prometheus_client looks for the folder when it is imported."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_between_workers(data: Path) -> None:
    """Before the workers start: an empty folder for what each of them counts."""
    folder = data / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[FOLDER] = str(folder)
