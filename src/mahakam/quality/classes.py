"""Which attributes contracts call other than public: the class of each, by entity type and place."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mahakam.config import Place
from mahakam.quality.contract import INTERNAL, PERSONAL
from mahakam.quality.load import load_all
from mahakam.quality.odcs import ContractError

CLASSES = (INTERNAL, PERSONAL)
"""What is not public, the most open first."""

WHOLE = "*"
"""Stands for the entity itself where attributes are named."""


@dataclass(frozen=True, slots=True)
class Closing:
    """How an attribute is closed: its class ("": public), and who reads it instead of those who read the class."""

    kind: str = ""
    readers: frozenset[str] | None = None


OPEN = Closing()
Classes = dict[str, dict[str, dict[str, Closing]]]
"""Entity type → id of a place with a contract of its own ("": the policy file) → attribute → how it is closed."""

_NAME = re.compile(r"""\bname["']?\s*:\s*["']?([^\s"',}\]]+)""")
_log = logging.getLogger(__name__)


def attribute_classes(places: Mapping[str, Place]) -> Classes:
    """What all contracts of all places say.

    Of a contract that cannot be used every attribute is personal: what it protects is not known.
    """
    found: Classes = {}
    for place in places.values():
        for path in place.files("contracts").values():
            for type, attributes in _of_file(path).items():
                if attributes:
                    found.setdefault(type, {}).setdefault(place.id, {}).update(attributes)
    return found


def _of_file(path: Path) -> dict[str, dict[str, Closing]]:
    try:
        contracts = load_all(path)
    except ContractError as error:
        _log.error("%s; until it is mended, none of its attributes is public", error)
        names = _NAME.findall(path.read_text(encoding="utf-8", errors="replace"))
        return {name: dict.fromkeys(names, Closing(PERSONAL)) for name in names}
    classes: dict[str, dict[str, Closing]] = {}
    for contract in contracts:
        of_type = classes.setdefault(contract.entity, {})
        for field in contract.fields.values():
            if field.closed:
                of_type[field.name] = Closing(field.closed, field.readers)
    return classes
