"""A service's letter as configuration, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mahakam.config import ConfigError
from mahakam.services.product import read_product

FILE = Path("services/letter.yaml")
GOOD: dict[str, Any] = {
    "title": {"en": "Letter", "id": "Surat"},
    "text": {"id": "{owner} di {city}", "en": "{owner} in {city}"},
    "approvals": ["Checked", {"en": "Signed"}],
    "valid": 30,
}


def test_a_letter_says_what_it_was_told_and_nothing_is_filled_in_twice() -> None:
    product = read_product(FILE, GOOD, ["owner"])
    assert product is not None
    assert product.words("en", {"owner": "{city}", "city": "Bontang"}) == "{city} in Bontang"
    assert product.words("fr", {"owner": "Ani", "city": "Bontang"}) == "Ani di Bontang"
    assert (len(product.approvals), product.valid) == (2, 30)
    assert read_product(FILE, None, []) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"titel": "x"}, "unknown 'titel'; it has title, text, approvals, valid"),
        ({"title": None}, "product needs a title"),
        ({"text": ["x"]}, "product needs a text"),
        ({"text": "{owmer}"}, r"names \{owmer\}; it may name agency, city, number, owner"),
        ({"approvals": []}, "names 1 to 5 approvals"),
        ({"approvals": ["a"] * 6}, "names 1 to 5 approvals"),
        ({"approvals": 2}, "names 1 to 5 approvals"),
        ({"valid": -1}, "number of days"),
        ({"valid": True}, "number of days"),
    ],
)
def test_a_wrong_one_is_told_what_would_be_right(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_product(FILE, GOOD | change, ["owner"])


def test_it_is_a_mapping() -> None:
    with pytest.raises(ConfigError, match="product is a mapping"):
        read_product(FILE, "letter", [])
