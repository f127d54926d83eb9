"""A new entity on its way into the store: its bytes, and its document when somebody asks for it."""

from __future__ import annotations

from typing import Any

import orjson

from mahakam.ngsild.entity import Document
from mahakam.ngsild.represent import body


class Draft:
    """``body`` is what a read will answer. ``head`` holds id, type, scope and location as the document does;
    whatever attribute it lacks is as old as the entity. ``plain``: made from bytes in which nothing expires.
    """

    __slots__ = ("_document", "body", "head", "plain")

    def __init__(self, head: dict[str, Any], body: bytes, document: Document | None = None) -> None:
        self.head = head
        self.body = body
        self._document = document
        self.plain = document is None

    @classmethod
    def of(cls, document: Document) -> Draft:
        return cls(document, body(document), document)

    @property
    def id(self) -> str:
        return self.head["id"]  # type: ignore[no-any-return]

    @property
    def document(self) -> Document:
        if self._document is None:
            self._document = orjson.loads(self.body)
        return self._document
