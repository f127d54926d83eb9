"""How long a letter holds."""

from __future__ import annotations

import datetime as dt

from mahakam.services.issued import Issued

LETTER = Issued("SMD-2026-000001-1", "shop", "samarinda", "2026-01-01", "2026-12-31")


def test_it_holds_to_the_end_of_its_last_day() -> None:
    assert LETTER.status(dt.date(2026, 12, 31)) == "valid"
    assert LETTER.status(dt.date(2027, 1, 1)) == "expired"


def test_one_without_an_end_does_not_expire() -> None:
    assert (
        Issued("SMD-2026-000001-1", "shop", "samarinda", "2026-01-01").status(dt.date(2126, 1, 1)) == "valid"
    )
