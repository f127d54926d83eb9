"""One folder for what a whole test run shares (the loaded demo), made by the first process and removed at the end."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ["MAHAKAM_TEST_RUN"] = tempfile.mkdtemp(prefix="mahakam-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop("MAHAKAM_TEST_RUN"), ignore_errors=True)
