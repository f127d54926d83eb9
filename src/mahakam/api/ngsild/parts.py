"""What a source answered, entity by entity, of which no more is parsed and checked than is shown of it, and that once.

A hub asks each of its nodes for a whole page, and shows one page of them all: what is left over is known by its head,
and what is shown by its bytes, if they are those that were checked before.
"""

from __future__ import annotations

import msgspec
import orjson

from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.matching import Match
from mahakam.broker.federation.registration import Information
from mahakam.ngsild import represent
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.lexical import is_uri
from mahakam.ngsild.merging import limited, received
from mahakam.ngsild.problem import Problem


class _Head(msgspec.Struct, frozen=True):
    id: str
    type: str | list[str]


_head = msgspec.json.Decoder(_Head)
_raw = msgspec.json.Decoder(list[msgspec.Raw])

MOST = 32 * 1024 * 1024
"""Bytes of entities, and of what is shown of them, that are remembered at a time, whoever they came from."""
_LONGEST = 256 * 1024


class _Known:
    """What an entity's bytes say. ``body``: as they are answered, once they have been checked."""

    __slots__ = ("body", "held", "id")

    def __init__(self, id: str, held: bool) -> None:
        self.id = id
        self.held = held
        self.body: bytes | None = None


class _Memory:
    """What was found in entities' bytes, by the words they are in and what their source is registered for.

    It depends on nothing else, so that it is never out of date: a hub is sent the same bytes again and again, and
    reads only those that it has not seen.
    """

    def __init__(self) -> None:
        self._size = 0
        self._known: dict[tuple[Context, Information], dict[bytes, _Known]] = {}

    def of(self, words: Context, information: Information) -> dict[bytes, _Known]:
        return self._known.setdefault((words, information), {})

    def keep(self, known: dict[bytes, _Known], json: bytes, found: _Known) -> None:
        if len(json) <= _LONGEST and self._room(len(json)):
            known[json] = found

    def show(self, found: _Known, json: bytes, body: bytes) -> None:
        """``body`` is what is answered for ``json``."""
        if body == json:
            found.body = json
        elif len(body) <= _LONGEST and self._room(len(body)):
            found.body = body

    def _room(self, size: int) -> bool:
        """Whether so many bytes more may be kept: if not, all are forgotten first."""
        if self._size + size <= MOST:
            self._size += size
            return True
        for known in self._known.values():
            known.clear()
        self._known.clear()
        self._size = 0
        return False


_memory = _Memory()


class Part:
    """What one source has of one entity."""

    __slots__ = ("_document", "_json", "_known", "_words", "id", "match")

    def __init__(self, known: _Known, json: bytes, words: Context, match: Match) -> None:
        self.id = known.id
        self.match = match
        self._json = json
        self._known = known
        self._words = words
        self._document: Document | None = None

    def document(self) -> Document:
        """As far as the source is registered for it. Raises SourceError 111 for what is no entity."""
        if self._document is None:
            try:
                payload = orjson.loads(self._json)
                payload.pop("@context", None)
                document = received(payload, self._words)
            except (Problem, AttributeError, orjson.JSONDecodeError) as error:
                raise _no_entity(error) from None
            self._document = limited(document, self.match.information.attributes)
        return self._document

    def body(self) -> bytes:
        """The same as bytes, in the words of the core and without system attributes; raises SourceError likewise."""
        found = self._known.body
        if found is None:
            found = represent.body(self.document())
            _memory.show(self._known, self._json, found)
        return found


def parts_of(body: bytes, words: Context, match: Match) -> tuple[list[Part], int]:
    """The entities of a source's answer, as far as it is registered for them, and how many it answered.

    Raises SourceError 111 for what is no list of entities.
    """
    known = _memory.of(words, match.information)
    try:
        each = list(map(bytes, _raw.decode(body)))
        every = [known.get(json) or _looked_at(known, json, words, match) for json in each]
    except msgspec.DecodeError as error:
        raise _no_entity(error) from None
    found = [Part(one, json, words, match) for one, json in zip(every, each, strict=True) if one.held]
    return found, len(each)


def _looked_at(known: dict[bytes, _Known], json: bytes, words: Context, match: Match) -> _Known:
    head = _head.decode(json)
    if not is_uri(head.id):
        raise _no_entity(f"{head.id[:100]!r} is no URI")
    names = (head.type,) if isinstance(head.type, str) else head.type
    found = _Known(head.id, match.holds(head.id, [words.expand(name) for name in names]))
    _memory.keep(known, json, found)
    return found


def _no_entity(why: object) -> SourceError:
    return SourceError(111, f"its answer holds what is no entity: {str(why)[:200]}")
