"""Where the workers of a server count together: prometheus_client looks for the folder when it is imported."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def counted_together() -> Iterator[None]:
    """While the workers live: an empty folder for what each of them counts."""
    with tempfile.TemporaryDirectory(prefix="mahakam-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]
