"""What is a URI: ASCII has a rule of its own, which must be the same as everybody's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mahakam.ngsild import lexical
from mahakam.ngsild.lexical import is_uri


def _slowly(text: str) -> bool:
    return (
        lexical._URI.fullmatch(text) is not None
        and lexical._NONCHARACTER.search(text) is None
        and len(text) <= lexical.MAX_URI
    )


def test_each_character_is_judged_by_the_same_rule() -> None:
    for number in range(0x3000):
        for text in (f"urn:{chr(number)}x", f"{chr(number)}rn:x", f"u{chr(number)}n:x"):
            assert is_uri(text) == _slowly(text), ascii(text)


@given(st.text(max_size=30) | st.from_regex(r"[a-z+]{1,9}:[!-~]{1,20}", fullmatch=True))
def test_any_text_is_judged_by_the_same_rule(text: str) -> None:
    assert is_uri(text) == _slowly(text)
