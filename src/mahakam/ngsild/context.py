"""@context: from the names of a request to canonical names, and back (clause 4.4, 5.5.7; JSON-LD 1.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mahakam.ngsild.core import (
    CORE_PREFIXES,
    CORE_TERMS,
    CORE_URL,
    DEFAULT_VOCABULARY,
    NGSI_LD,
    absolute,
    canonical,
    is_core,
)
from mahakam.ngsild.problem import Problem, bad_request

Load = Callable[[str], dict[str, Any]]
"""Gives the JSON document behind a @context URL; raises Problem LdContextNotAvailable."""

_DEPTH = 8
_CACHE = 10_000
_GEN_DELIMS = (":", "/", "?", "#", "[", "]", "@")


class Context:
    """One @context of a request. ``source`` is how the request named it (None: the core alone); ``has_core``:
    the core context is part of it already.

    ``names`` and ``shapes`` may be used by parsers to remember what they have checked: a request's name →
    canonical name, and the names of a payload → what they are together.
    """

    __slots__ = (
        "_compacted", "_expanded", "_prefixes", "_reverse", "_terms", "has_core", "names", "shapes", "source",
    )  # fmt: skip

    def __init__(
        self, source: Any = None, terms: Mapping[str, str] | None = None, *, has_core: bool = False
    ) -> None:
        self.source = source
        self.has_core = has_core
        self.names: dict[str, str] = {}
        self.shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], Any] = {}
        self._expanded: dict[str, str] = {}
        self._compacted: dict[str, str] = {}
        self._terms = {
            term: iri
            for term, iri in (terms or {}).items()
            if term not in CORE_TERMS and term not in CORE_PREFIXES
        }
        self._reverse: dict[str, str] = {}
        for term, iri in self._terms.items():
            best = self._reverse.get(iri)
            if best is None or (len(term), term) < (len(best), best):
                self._reverse[iri] = term
        self._prefixes = {
            term: iri for term, iri in self._terms.items() if iri.endswith(_GEN_DELIMS) and ":" not in term
        }

    @property
    def terms(self) -> Mapping[str, str]:
        """Term → IRI, besides the core context's: with ``source`` all that makes this context again."""
        return self._terms

    @property
    def is_core(self) -> bool:
        """Whether this is the core context alone: then every name is already canonical."""
        return not self._terms and self.source is None

    @property
    def link(self) -> str:
        """The URL for a ``Link`` header, "" if the context is no single URL."""
        if self.source is None:
            return CORE_URL
        return self.source if isinstance(self.source, str) else ""

    def expand(self, term: str) -> str:
        """The canonical name of a term, compact IRI or IRI."""
        name = self._expanded.get(term)
        if name is None:
            if not self._terms and ":" not in term:
                return term
            name = canonical(self._iri(term))
            if len(self._expanded) > _CACHE:
                self._expanded.clear()
            self._expanded[term] = name
        return name

    def compact(self, name: str) -> str:
        """The shortest name by which this context knows a canonical name."""
        if not self._terms:
            return name
        term = self._compacted.get(name)
        if term is None:
            term = self._compact(name)
            if len(self._compacted) > _CACHE:
                self._compacted.clear()
            self._compacted[name] = term
        return term

    def with_core(self) -> Any:
        """The value of an answer's ``@context``."""
        if self.source is None:
            return CORE_URL
        if self.has_core:
            return self.source
        return [*self.source, CORE_URL] if isinstance(self.source, list) else [self.source, CORE_URL]

    def _iri(self, term: str) -> str:
        core = CORE_TERMS.get(term)
        if core is not None:
            return core
        iri = self._terms.get(term)
        if iri is not None:
            return iri
        prefix, colon, rest = term.partition(":")
        if not colon:
            return DEFAULT_VOCABULARY + term
        if not rest.startswith("//"):
            base = CORE_PREFIXES.get(prefix) or self._terms.get(prefix)
            if base is not None:
                return base + rest
        return term

    def _compact(self, name: str) -> str:
        if name in CORE_TERMS:
            return name
        iri = absolute(name)
        term = self._reverse.get(iri)
        if term is not None:
            return term
        if ":" not in name and name not in self._terms:
            return name
        best = iri
        if iri.startswith(NGSI_LD):
            best = "ngsi-ld:" + iri[len(NGSI_LD) :]
        for prefix, base in self._prefixes.items():
            if iri.startswith(base) and len(iri) > len(base):
                candidate = f"{prefix}:{iri[len(base) :]}"
                if candidate not in self._terms and self._iri(candidate) == iri:
                    best = min(best, candidate, key=len)
        return best


CORE = Context()
"""The core context alone."""


def build(value: Any, load: Load) -> Context:
    """The context that a request names: a URL, an object of terms, or a list (last wins, core always).

    As JSON-LD has it with the core context last, a user's ``@vocab`` serves that context's own definitions: a
    term that nobody defines belongs to the default vocabulary.

    Raises Problem BadRequestData for something that is no context, LdContextNotAvailable from ``load``.
    """
    parts = value if isinstance(value, list) else [value]
    if all(part is None or part == {} or (isinstance(part, str) and is_core(part)) for part in parts):
        return CORE
    terms: dict[str, str] = {}
    try:
        has_core = _read(value, terms, load, 0)
    except RecursionError:
        raise _fault("its terms refer to each other too deeply") from None
    return Context(value, terms, has_core=has_core)


def _read(value: Any, terms: dict[str, str], load: Load, depth: int) -> bool:
    """Adds the terms of a context to ``terms``; says whether the core context is part of it."""
    if depth > _DEPTH:
        raise _fault(f"at most {_DEPTH} contexts may refer to each other")
    if isinstance(value, str):
        if is_core(value):
            return True
        if ":" not in value:
            raise _fault(f"{value[:200]!r} is no absolute URL")
        document = load(value)
        if not isinstance(document, dict) or "@context" not in document:
            raise _fault(f"{value[:200]} holds no object with an @context")
        return _read(document["@context"], terms, load, depth + 1)
    if isinstance(value, list):
        return True in [_read(part, terms, load, depth + 1) for part in value]
    if isinstance(value, dict):
        _define(value, terms)
    elif value is not None:
        raise _fault(f"a context is a URL, an object or a list, not {value!r}")
    return False


def _fault(detail: str) -> Problem:
    return bad_request("The @context is not valid", detail)


def _define(local: dict[str, Any], terms: dict[str, str]) -> None:
    vocabulary = local.get("@vocab")
    resolving: set[str] = set()
    done: dict[str, str] = {}

    def resolve(name: str) -> str | None:
        """The IRI of a value inside the context: a term, a compact IRI, an IRI, or relative to @vocab."""
        if name in CORE_TERMS:
            return CORE_TERMS[name]
        if name in local and name not in resolving:
            return define(name)
        if name in terms:
            return terms[name]
        prefix, colon, rest = name.partition(":")
        if colon:
            if rest.startswith("//") or prefix == "_":
                return name
            base = CORE_PREFIXES.get(prefix) or (
                define(prefix) if prefix in local and prefix not in resolving else terms.get(prefix)
            )
            return base + rest if base else name
        return (vocabulary if isinstance(vocabulary, str) else DEFAULT_VOCABULARY) + name

    def define(term: str) -> str | None:
        if term in done:
            return done[term]
        value = local[term]
        if isinstance(value, dict):
            if "@context" in value:
                raise bad_request(
                    "The @context is not valid",
                    f"{term!r} holds a scoped context; clause 5.5.7 has none of these",
                )
            value = value.get("@id", term)
        if value is None:
            return None
        if not isinstance(value, str):
            raise bad_request("The @context is not valid", f"{term!r} stands for an IRI, not for {value!r}")
        if value.startswith("@"):
            return None
        resolving.add(term)
        iri = resolve(value)
        resolving.discard(term)
        if iri is not None:
            done[term] = iri
        return iri

    for term in local:
        if not isinstance(term, str) or term.startswith("@"):
            continue
        iri = define(term)
        if iri is None:
            terms.pop(term, None)
        else:
            terms[term] = iri
