"""Paths of the query language as names of what an index holds."""

from __future__ import annotations

from mahakam.ngsild.selection import Path

SUB, KEY = "\x1f", "\x1e"
"""What comes before a sub-attribute's name, and before a key inside a value."""


def text_of(path: Path) -> str:
    """The path as one text."""
    return path.attribute + "".join(SUB + sub for sub in path.sub) + "".join(KEY + key for key in path.trail)


def path_of(text: str) -> Path:
    """The other way round, for a path with one step below the attribute at most."""
    attribute, sub, name = text.partition(SUB)
    if sub:
        return Path(attribute, sub=(name,))
    attribute, key, name = text.partition(KEY)
    return Path(attribute, trail=(name,)) if key else Path(attribute)
