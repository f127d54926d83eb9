"""What a source answered, entity by entity, of which no more is parsed and checked than is shown of it.

A hub asks each of its nodes for a whole page, and shows one page of them all: what is left over is known by its head.
"""

from __future__ import annotations

import msgspec
import orjson

from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.lexical import is_uri
from mahakam.ngsild.merging import limited, received
from mahakam.ngsild.problem import Problem


class _Head(msgspec.Struct, frozen=True):
    id: str
    type: str | list[str]


_heads = msgspec.json.Decoder(list[_Head])
_raw = msgspec.json.Decoder(list[msgspec.Raw])


class Part:
    """What one source has of one entity."""

    __slots__ = ("_document", "_json", "_words", "id", "match")

    def __init__(self, id: str, json: msgspec.Raw, words: Context, match: Match) -> None:
        self.id = id
        self.match = match
        self._json = json
        self._words = words
        self._document: Document | None = None

    def document(self) -> Document:
        """As far as the source is registered for it. Raises SourceError 111 for what is no entity."""
        if self._document is None:
            try:
                payload = orjson.loads(memoryview(self._json))
                payload.pop("@context", None)
                document = received(payload, self._words)
            except (Problem, AttributeError, orjson.JSONDecodeError) as error:
                raise _no_entity(error) from None
            self._document = limited(document, self.match.information.attributes)
        return self._document


def parts_of(body: bytes, words: Context, match: Match) -> tuple[list[Part], int]:
    """The entities of a source's answer, as far as it is registered for them, and how many it answered.

    Raises SourceError 111 for what is no list of entities.
    """
    try:
        heads, each = _heads.decode(body), _raw.decode(body)
    except msgspec.DecodeError as error:
        raise _no_entity(error) from None
    found = []
    for head, json in zip(heads, each, strict=True):
        if not is_uri(head.id):
            raise _no_entity(f"{head.id[:100]!r} is no URI")
        names = (head.type,) if isinstance(head.type, str) else head.type
        if match.holds(head.id, [words.expand(name) for name in names]):
            found.append(Part(head.id, json, words, match))
    return found, len(heads)


def _no_entity(why: object) -> SourceError:
    return SourceError(111, f"its answer holds what is no entity: {str(why)[:200]}")
