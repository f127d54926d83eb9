"""A data contract: the fields of an entity type and the rules that its values must follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mahakam.quality.inside import Shape
from mahakam.quality.lexical import Kind
from mahakam.quality.rule import Rule

PERSONAL, INTERNAL = "personal", "internal"
"""The classes of what is not public."""


@dataclass(frozen=True, slots=True)
class Field:
    """One property: an attribute of the entity, a field of the record, a column of a file (``physical``: its
    name there)."""

    name: str
    kind: Kind
    required: bool = False
    key: int = 0
    physical: str = ""
    title: str = ""
    description: str = ""
    personal: bool = False
    internal: bool = False
    declared: bool = False
    inside: Shape | None = None
    """Whether the contract says of which class it is, if only that it is public."""
    readers: frozenset[str] | None = None
    """Who reads it, roles as a policy file names them (custom property ``readers``); None: as its class says."""
    values: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def closed(self) -> str:
        """Its class where it is not public: personal or internal; else "". With readers of its own it is internal."""
        return PERSONAL if self.personal else INTERNAL if self.internal or self.readers is not None else ""


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of one entity type (one object of the document's ``schema``).

    ``missing``: text that stands for "no value" in files (custom property ``missing``). ``history``: whether changes
    of its entities are kept (custom property ``history``); None: as their tenant says. ``rules`` are in the
    order of findings: field by field as the document lists them, then the rules across fields, then the rules
    on the whole file.
    """

    id: str
    version: str
    status: str
    entity: str
    source: Path | str
    fields: Mapping[str, Field]
    rules: tuple[Rule, ...]
    name: str = ""
    title: str = ""
    description: str = ""
    missing: frozenset[str] = frozenset()
    history: bool | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The fields of the primary key, in the order of their positions."""
        return tuple(f.name for f in sorted((f for f in self.fields.values() if f.key), key=lambda f: f.key))

    @property
    def row_rules(self) -> tuple[Rule, ...]:
        """The rules that judge each record."""
        return tuple(rule for rule in self.rules if not rule.whole)

    @property
    def file_rules(self) -> tuple[Rule, ...]:
        """The rules that judge a file as a whole."""
        return tuple(rule for rule in self.rules if rule.whole)

    @property
    def targets(self) -> frozenset[str]:
        """What foreign keys refer to."""
        from mahakam.quality.rule import Refers

        return frozenset(rule.check.target for rule in self.rules if isinstance(rule.check, Refers))
