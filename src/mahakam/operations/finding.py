"""What is wrong with an installation: one finding of ``mahakam doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``check``: the word for what was looked at; ``where``: a file, folder, feed, setting; ``mend``: what to do."""

    check: str
    level: Level
    where: str
    what: str
    mend: str
