"""Which column of a file is which field of a contract."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mahakam.quality.contract import Contract


@dataclass(frozen=True, slots=True)
class Matching:
    """``rename``: field → column, where names differ; ``extra``: columns that the contract does not know."""

    rename: dict[str, str]
    extra: list[str]
    guessed: dict[str, str]
    """Field → column, where only case, blanks or punctuation differ."""


def match_columns(contract: Contract, columns: Sequence[str]) -> Matching:
    """Columns to fields: by the field's name, its physicalName, then both without case and punctuation."""
    rename: dict[str, str] = {}
    guessed: dict[str, str] = {}
    free = list(columns)
    for exact in (True, False):
        for name, field in contract.fields.items():
            if name in rename:
                continue
            for wanted in (name, field.physical):
                column = next((c for c in free if wanted and _same(c, wanted, exact)), None)
                if column is not None:
                    rename[name] = column
                    free.remove(column)
                    if not exact:
                        guessed[name] = column
                    break
    return Matching({name: column for name, column in rename.items() if name != column}, free, guessed)


def _same(column: str, wanted: str, exact: bool) -> bool:
    return column == wanted if exact else _plain(column) == _plain(wanted) != ""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
