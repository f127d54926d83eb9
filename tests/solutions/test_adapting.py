"""What of a component is one city's own, in another city."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mahakam.solutions.adapting import adapted

words = st.text("abcXYZ0123.", min_size=1, max_size=6)


def test_only_whole_words_are_replaced_and_no_address() -> None:
    text = (
        "where: \"code = '6472'\"\nother: 164720, 6472x, x-6472\nformula: 881225.0 / count(*)\n"
        "origin: https://example.org/6472/881225\ncity: Samarinda, not Samarindaku\n"
    )
    changes = [("6472", "6474"), ("881225", "191811"), ("Samarinda", "Bontang")]
    assert adapted(text, changes) == (
        "where: \"code = '6474'\"\nother: 164720, 6472x, x-6472\nformula: 191811.0 / count(*)\n"
        "origin: https://example.org/6472/881225\ncity: Bontang, not Samarindaku\n"
    )


def test_what_was_replaced_is_not_replaced_again() -> None:
    assert adapted("a b", [("a", "b"), ("b", "a")]) == "b a"
    assert adapted("64.72 64", [("64", "65"), ("64.72", "31")]) == "31 65", "the longer one first"


@given(st.text(max_size=60), words, words)
def test_a_text_without_the_word_stays_and_back_is_back(text: str, one: str, other: str) -> None:
    if one not in text:
        assert adapted(text, [(one, other)]) == text
    assert adapted(text, []) == text
    assert adapted(text, [(one, one)]) == text
    if (
        other not in text
        and one[0].isalnum()
        and one[-1].isalnum()
        and other[0].isalnum()
        and other[-1].isalnum()
    ):
        there = adapted(f"'{one}'", [(one, other)])
        assert there == f"'{other}'"
        assert adapted(there, [(other, one)]) == f"'{one}'"
