"""Text in another language than its page, marked as such for those who hear or translate the page (WCAG 3.1.2).

A text is a ``str`` like every other until it is escaped into a page; there two invisible characters stand around it,
which ``settled`` turns into ``<bdi lang="en">…</bdi>``, or takes out where no element may stand.
"""

from __future__ import annotations

import re
from typing import Self

from markupsafe import Markup

_OPEN, _CLOSE = "\u2063", "\u2064"
_TAG = r"<[a-zA-Z/!](?:\"[^\"]*\"|'[^']*'|[^\"'>])*>"
_PIECES = re.compile(
    rf"(?P<whole><(?P<name>title|textarea|option|script|style|svg)\b.*?</(?P=name)\s*>)|(?P<tag>{_TAG})"
    rf"|{_OPEN}(?P<lang>[a-z]{{2,3}})\u2062(?P<text>[^<{_OPEN}{_CLOSE}]*){_CLOSE}",
    re.S | re.I,
)
_MARKS = re.compile(rf"{_OPEN}(?:[a-z]{{2,3}}\u2062)?|{_CLOSE}")


class Foreign(str):
    """A text and its language (ISO 639)."""

    __slots__ = ("language",)
    language: str

    def __new__(cls, text: str, language: str) -> Self:
        made = super().__new__(cls, text)
        made.language = language
        return made

    def __html__(self) -> Markup:
        return Markup("{}{}\u2062{}{}").format(_OPEN, self.language, str(self), _CLOSE)


def settled(page: str) -> str:
    """A page with its marks made elements."""
    if _OPEN not in page:
        return page
    return unmarked(_PIECES.sub(_element, page))


def unmarked(text: str) -> str:
    """Text or markup without marks, for what is no page."""
    return _MARKS.sub("", text) if _OPEN in text else text


def text_of(markup: Markup) -> str:
    """The text of a piece of markup, for what is no page."""
    return unmarked(markup.striptags())


def _element(found: re.Match[str]) -> str:
    if found["text"] is None:
        return unmarked(found[0])
    return f'<bdi lang="{found["lang"]}">{found["text"]}</bdi>' if found["text"].strip() else found["text"]
