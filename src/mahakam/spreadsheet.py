"""Values as cells of a CSV file that people open in a spreadsheet: as text, and never run as a formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain(value: Any) -> str:
    """A value as text without a format: lists joined, mappings as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(plain(part) for part in value)
    if isinstance(value, Mapping):
        return orjson.dumps(value, default=str).decode()
    return str(value)


def guarded(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe; numbers stay numbers."""
    if isinstance(value, bool) or value is None or not isinstance(value, int | float):
        text = plain(value)
        return "'" + text if text.startswith(_FORMULA) and not _is_number(text) else text
    return value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text.strip() == text
    except ValueError:
        return False
