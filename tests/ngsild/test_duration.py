"""Durations as ISO 8601 writes them."""

from __future__ import annotations

import pytest

from mahakam.ngsild.duration import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1S", 1),
        ("PT1.5S", 1.5),
        ("PT1H30M", 5400),
        ("P1D", 86_400),
        ("P1W", 604_800),
        ("P1Y2M3DT4H5M6S", 31_536_000 + 2 * 2_592_000 + 3 * 86_400 + 4 * 3600 + 306),
        ("PT0S", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1h", "PT1", "P1H", "-PT1S", "PT" + "1" * 100 + "S"])
def test_what_is_none(text: str) -> None:
    assert seconds_of(text) is None
