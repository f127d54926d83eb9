"""The city that the tests of indicators share the making of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.indicators import City


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path)
    yield city
    city.close()
