"""What changed between two versions of a text, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

What = Literal["same", "added", "removed"]
_PARTS = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")


def differences(old: str, new: str) -> list[tuple[What, str]]:
    """Stretches in reading order: those kept, removed (of ``old``) and added (of ``new``).

    All that is not removed, put together, is ``new``; all that is not added is ``old``.
    """
    before, after = _PARTS.findall(old), _PARTS.findall(new)
    found: list[tuple[What, str]] = []
    for change, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if change == "equal":
            found.append(("same", "".join(before[i:j])))
            continue
        if i < j:
            found.append(("removed", "".join(before[i:j])))
        if k < m:
            found.append(("added", "".join(after[k:m])))
    return found
