"""Pairs of a dirty table and its truth: which cells of the dirty one are wrong."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
Cell = tuple[int, str]
"""Data row from 1, column of the dirty file."""


@dataclass(frozen=True)
class Pair:
    """``wrong``: the cells whose text is not the true one; ``cells``: how many the dirty table has."""

    name: str
    dirty: Path
    wrong: frozenset[Cell]
    cells: int

    @property
    def contract(self) -> Path:
        return HERE / "contracts" / f"{self.name}.yaml"


def pairs(folder: Path) -> Iterator[Pair]:
    """The pairs kept here, then those of ``folder``: ``NAME-dirty.csv`` beside ``NAME-clean.csv`` of the same
    rows and columns."""
    yield listed("hospital", HERE / "data/hospital-dirty.csv.gz", HERE / "data/hospital-truth.csv.gz")
    for dirty in sorted(folder.glob("*-dirty.csv")):
        clean = dirty.with_name(dirty.name.replace("-dirty", "-clean"))
        if clean.is_file():
            yield beside(dirty.name.removesuffix("-dirty.csv"), dirty, clean)


def listed(name: str, dirty: Path, truth: Path) -> Pair:
    """A truth that lists row (from 0), column and right value of every cell."""
    rows = _rows(dirty)
    head = {column: at for at, column in enumerate(rows[0])}
    wrong = {
        (int(row) + 1, column)
        for row, column, value in _rows(truth)[1:]
        if rows[int(row) + 1][head[column]] != value
    }
    return Pair(name, dirty, frozenset(wrong), (len(rows) - 1) * len(head))


def beside(name: str, dirty: Path, clean: Path) -> Pair:
    """A truth of the same shape as the dirty table."""
    rows, right = _rows(dirty), _rows(clean)
    if len(rows) != len(right) or len(rows[0]) != len(right[0]):
        raise SystemExit(f"{clean} has not the rows and columns of {dirty}")
    wrong = {
        (number, rows[0][at])
        for number, (ours, theirs) in enumerate(zip(rows[1:], right[1:], strict=True), 1)
        for at, value in enumerate(ours)
        if value != theirs[at]
    }
    return Pair(name, dirty, frozenset(wrong), (len(rows) - 1) * len(rows[0]))


def _rows(path: Path) -> list[list[str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
