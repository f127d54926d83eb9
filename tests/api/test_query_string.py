"""Query strings are taken apart as the standard library does it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import example, given
from hypothesis import strategies as st

from mahakam.api.ngsild.call import _pairs

pieces = st.sampled_from(["a", "=", "&", "%", "%20", "%C3%A9", "%ff", "+", "é", "%2", ";", "[1,2]"])


def taken_apart(how, query: str):  # type: ignore[no-untyped-def]
    try:
        return how(query)
    except UnicodeDecodeError:
        return "not UTF-8"
    except ValueError:
        return "too many"


@given(st.lists(pieces).map("".join) | st.text())
@example("&" * 99)
@example("a&" * 100)
@example("a=b=c&a&=&+=%2B")
def test_pairs(query: str) -> None:
    known = taken_apart(
        lambda text: parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100), query
    )
    assert taken_apart(_pairs, query) == known
