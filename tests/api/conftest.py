"""A fresh, open node for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api import Api, running


@pytest.fixture
def api(tmp_path: Path, store_url: str) -> Iterator[Api]:
    with running(tmp_path / "data", store=store_url) as found:
        yield found
