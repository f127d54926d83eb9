"""What a service hands out: a signed letter or licence, and which officers must have approved it (``product:``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mahakam.config import ConfigError, Text, as_text
from mahakam.services.workflow import Who

_FIELDS = ("title", "text", "approvals", "valid")
_MOST_APPROVALS, _LONGEST_DAYS = 5, 36_525
_NAMED = re.compile(r"\{([^{}]*)\}")
ALWAYS = ("number", "city", "agency")
"""What a letter's text may name in braces besides the answers to the service's questions, by their code."""
_EXAMPLE = (
    "product: {title: Business letter, text: '{owner} has a shop.', approvals: [Clerk, Head], valid: 365}"
)


@dataclass(frozen=True, slots=True)
class ApprovalStep:
    """One approval; ``by``: ``officer``, or ``head`` where only whoever decides for the agency may give it."""

    name: Text
    by: Who = "officer"


@dataclass(frozen=True, slots=True)
class Product:
    """``approvals`` are the approvals in order, every one by another officer; the letter is
    written in the first language of ``text``; ``valid`` is in days, 0 for ever."""

    title: Text
    text: Text
    approvals: tuple[ApprovalStep, ...]
    valid: int = 0

    def words(self, language: str, values: Mapping[str, str]) -> str:
        """The letter's text in a language (or the first one it has), with the request's values."""
        text = self.text.get(language) or next(iter(self.text.values()))
        return _NAMED.sub(lambda found: values.get(found[1], ""), text)


def read_product(path: Path, raw: object, questions: Sequence[str]) -> Product | None:
    """``product:`` of a service whose questions have these codes. Raises ConfigError."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        raise ConfigError(path, f"product is a mapping, e.g. {_EXAMPLE}")
    if unknown := sorted(str(key) for key in raw if key not in _FIELDS):
        raise ConfigError(path, f"product: unknown {unknown[0]!r}; it has {', '.join(_FIELDS)}")
    for name in ("title", "text"):
        if not raw.get(name) or isinstance(raw[name], (list, bool)):
            raise ConfigError(path, f"product needs a {name}, e.g. {_EXAMPLE}")
    text = as_text(raw["text"])
    known = {*ALWAYS, *questions}
    for said in text.values():
        if wrong := [name for name in _NAMED.findall(said) if name not in known]:
            raise ConfigError(
                path, f"product.text names {{{wrong[0]}}}; it may name {', '.join(sorted(known))}"
            )
    return Product(as_text(raw["title"]), text, _approvals(path, raw.get("approvals")), _valid(path, raw))


def _approvals(path: Path, raw: object) -> tuple[ApprovalStep, ...]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= _MOST_APPROVALS or not all(raw):
        raise ConfigError(
            path,
            f"product.approvals names 1 to {_MOST_APPROVALS} approvals in their order, "
            "e.g. approvals: [{en: Checked, id: Diperiksa}, {name: {en: Signed, id: Ditandatangani}, by: head}]",
        )
    return tuple(_approval(path, number, one) for number, one in enumerate(raw, 1))


def _approval(path: Path, number: int, raw: object) -> ApprovalStep:
    """A text, or ``{name: …, by: head}``."""
    if not isinstance(raw, Mapping) or not {"name", "by"} & set(raw):
        return ApprovalStep(as_text(raw))
    by = raw.get("by", "officer")
    if not raw.get("name") or set(raw) - {"name", "by"} or by not in ("officer", "head"):
        raise ConfigError(
            path,
            f"product.approvals, number {number}: a text, or {{name: {{en: …, id: …}}, by: head}} where by is officer "
            f"or head; not {raw!r}",
        )
    return ApprovalStep(as_text(raw["name"]), by)


def _valid(path: Path, raw: Mapping[Any, Any]) -> int:
    days = raw.get("valid", 0)
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _LONGEST_DAYS:
        raise ConfigError(
            path, f"product.valid is a number of days (0: for ever), at most {_LONGEST_DAYS}, not {days!r}"
        )
    return days
