"""What a misspelt value probably meant, and when nothing is proposed."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.quality.repair.nearest import Nearest, letters_between

JAKARTA = Path(__file__).parents[2] / "examples" / "ascn" / "jakarta"


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        (["KEBON JERUK", "PAL MERAH"], "Kebun Jeruk", ("KEBON JERUK", 1)),
        (["KEBON JERUK", "PAL MERAH"], "Palmerah", ("PAL MERAH", 0)),
        (["SETIA BUDI"], " setia-budi ", ("SETIA BUDI", 0)),
        (["Café"], "cafe", ("Café", 0)),
        (["KEBON JERUK"], "Tangerang", None),
        (["Sungai Kapih", "Sungai Kapis"], "Sungai Kapi", None),
        (["A B", "AB"], "a-b", None),
        ([], "anything", None),
        (["KEBON JERUK"], "", None),
        (["KEBON JERUK"], "---", None),
    ],
)
def test_nearest(values: list[str], text: str, expected: tuple[str, int] | None) -> None:
    assert Nearest(values).of(text) == expected


@given(st.lists(st.text(min_size=1, max_size=12), max_size=8), st.text(max_size=14))
def test_a_proposal_is_always_one_of_the_values(values: list[str], text: str) -> None:
    found = Nearest(values).of(text)
    assert found is None or found[0] in values


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_letters_between_is_a_distance(a: str, b: str, c: str) -> None:
    assert letters_between(a, b) == letters_between(b, a)
    assert (letters_between(a, b) == 0) is (a == b)
    assert letters_between(a, c) <= letters_between(a, b) + letters_between(b, c)


def test_the_real_spellings_of_jakartas_fires_are_found() -> None:
    """The file's 182 wrong districts: five spellings are near a real one, three lie outside of Jakarta."""
    names = [
        row["name"] for row in csv.DictReader((JAKARTA / "codes" / "districts.csv").open(encoding="utf-8"))
    ]
    with gzip.open(JAKARTA / "data" / "jakarta-fires-2013.csv.gz") as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8", errors="replace")))
    fires = [row for row in rows if row["keterangan_jkb"] == "Bencana Kebakaran"]
    wrong = Counter(row["kecamatan"] for row in fires if row["kecamatan"].upper() not in names)
    near = Nearest(names)
    assert {old: near.of(old) for old in wrong} == {
        "Kalideres": ("KALI DERES", 0),
        "Kebun Jeruk": ("KEBON JERUK", 1),
        "Pulogadung": ("PULO GADUNG", 0),
        "Tamansari": ("TAMAN SARI", 0),
        "Setiabudi": ("SETIA BUDI", 0),
        "Tangerang": None,
        "Bekasi": None,
        "Depok": None,
    }
    assert sum(rows for old, rows in wrong.items() if near.of(old)) == 140
