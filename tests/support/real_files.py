"""Real files as agencies publish them: the collection that the project was given, else the examples' own data."""

from __future__ import annotations

import os
from pathlib import Path

GIVEN = Path(os.environ.get("MAHAKAM_REAL_FILES", "/work/shared/data"))
EXAMPLES = Path(__file__).parents[2] / "examples"
ROOT = GIVEN if GIVEN.is_dir() else EXAMPLES


def real_files() -> list[Path]:
    """Every data file: no descriptions, no configuration, no schemas of the Smart Data Models."""
    left_out = {".md", ".yaml", ".jsonld"}
    return sorted(
        path
        for path in ROOT.rglob("*")
        if path.is_file() and path.suffix not in left_out and "sdm" not in path.parts
    )
