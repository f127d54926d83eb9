"""Rows of a file that add up others of it: totals, subtotals under their group, means.

Counted with the rest they count everything twice; one that is not the sum of its rows tells that a row is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mahakam.quality.across import TOTAL_WORDS
from mahakam.quality.functions import Functions
from mahakam.quality.typing_sql import identifier, text_literal, typed

if TYPE_CHECKING:
    from mahakam.quality.profile import ColumnProfile, Profile

MOST_ROWS, MOST_COLUMNS = 50_000, 40
"""Larger files are records of events, in which nobody adds up by hand."""
_FEWEST = 4
_FEWEST_OF_ALL = 6
_MEAN = r"rata[ -]?rata|rerata|average|mean"
_SUM = r"grand[ -]?total|sub[ -]?total|total|jumlah|jml"
_said = re.compile(TOTAL_WORDS, re.IGNORECASE).match
_mean = re.compile(rf"[^A-Za-z0-9]*({_MEAN})", re.IGNORECASE).match
_bare = re.compile(rf"[^A-Za-z0-9]*({_SUM})\W*$", re.IGNORECASE).match


@dataclass(frozen=True, slots=True)
class TotalRow:
    """``row``: of the file's data rows, from 1. ``label``: its name in ``column``; "" where nothing names it."""

    row: int
    label: str
    column: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """How the totals are told from other rows: ``column`` has one of ``values``, has no value, or names a total."""

    column: str
    values: tuple[str, ...] = ()
    blank: bool = False

    @property
    def skip(self) -> dict[str, Any]:
        """As a feed leaves such rows out."""
        where: dict[str, Any] = {"column": self.column}
        if self.blank:
            where["blank"] = True
        elif self.values:
            where["in"] = list(self.values)
        else:
            where["pattern"] = f"(?i){TOTAL_WORDS}"
        return {"where": where, "reason": "total"}

    @property
    def rule(self) -> dict[str, Any]:
        """The same as a rule of a contract (:mod:`mahakam.quality.across`)."""
        made: dict[str, Any] = {"rule": "totalRow"}
        if self.blank:
            made["blank"] = True
        elif self.values:
            made["named"] = list(self.values)
        return made

    def condition(self) -> str:
        """The same as SQL over the file's columns: true of a row of totals."""
        text = f"coalesce(trim({identifier(self.column)}), '')"
        if self.blank:
            return f"{text} = ''"
        if self.values:
            return f"{text} IN ({', '.join(map(text_literal, self.values))})"
        return f"regexp_matches({text}, {text_literal('(?i)' + TOTAL_WORDS)})"


@dataclass(slots=True)
class Totals:
    """``wrong``: (row, its label, column, what stands there, what the rows add up to); ``named``: those of the ``rows``
    that are totals by their name alone."""

    rows: list[TotalRow] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    wrong: list[tuple[TotalRow, str, float, float]] = field(default_factory=list)
    named: list[TotalRow] = field(default_factory=list)

    def remarks(self) -> Iterator[str]:
        """What is to be said of them."""
        whole = [one for one in self.rows if one.whole]
        for one in whole:
            where = f"row {one.row} ({one.label})"
            yield f"{where} is the sum of all others in {one.column!r}: leave the total out, with skip"
        for one in self.named:
            yield f"row {one.row} ({one.label}) is named a total, but adds up no column: leave it out, with skip"
        parts = [one for one in self.rows if not one.whole and one not in self.named]
        if parts:
            named = ", ".join(f"{one.row} {one.label}".strip() for one in parts[:8])
            more = ", …" if len(parts) > 8 else ""
            yield f"{len(parts)} rows add up others (row {named}{more}): leave the totals out, with skip"
        for one, column, said, right in self.wrong[:20]:
            where = f"row {one.row} ({one.label})"
            yield f"{where} says {_figure(said)} in {column!r}, but its rows add up to {_figure(right)}"


def _figure(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.10g}"


def totals(connection: Any, table: str, seen: Profile) -> Totals:
    """The rows of a table that add up others."""
    numbers = [c for c in seen.columns if c.kind.logical in ("integer", "number") and c.low is not None]
    if not numbers or not _FEWEST <= seen.rows <= MOST_ROWS:
        return Totals()
    texts = [c for c in seen.columns if c.kind.logical == "string"][:MOST_COLUMNS]
    # "Jumlah" stands in the column of the running number as well
    texts += [c for c in numbers if c.following < c.rows - c.missing][:MOST_COLUMNS]
    numbers = numbers[:MOST_COLUMNS]
    found = _read(connection, table, seen, texts, numbers)
    made = _Search(texts, numbers, found).run()
    if not made.rows:
        made = _of_all(texts, numbers, found)
    if not made.rows:
        made = _by_name(texts, numbers, found)
    made.marks = _marks(made.rows, texts, found)
    return made


@dataclass(slots=True)
class _Row:
    number: int
    texts: Sequence[str]
    values: Sequence[float | None]


def _read(
    connection: Any,
    table: str,
    seen: Profile,
    texts: Sequence[ColumnProfile],
    numbers: Sequence[ColumnProfile],
) -> list[_Row]:
    missing = ", ".join(text_literal(marker) for marker in ["", *seen.markers])
    functions = Functions(None)
    said = [f"coalesce(trim({identifier(c.name)}), '')" for c in texts]
    values = [
        f"CASE WHEN {identifier(c.name)} NOT IN ({missing}) THEN "
        f"CAST({typed(identifier(c.name), c.kind, functions)} AS DOUBLE) END"
        for c in numbers
    ]
    functions.register(connection)
    try:
        sql = f"SELECT {', '.join(['_row', *said, *values])} FROM {identifier(table)} ORDER BY _row"  # noqa: S608 - quoted
        rows = connection.execute(sql).fetchall()
    finally:
        functions.forget(connection)
    width = 1 + len(texts)
    return [_Row(row[0], row[1:width], row[width:]) for row in rows]


class _Search:
    """Each row that may be a total, beside the rows that it may add up."""

    def __init__(
        self, texts: Sequence[ColumnProfile], numbers: Sequence[ColumnProfile], rows: Sequence[_Row]
    ) -> None:
        self.texts = texts
        self.numbers = numbers
        self.rows = rows
        self.candidates = {n for n, row in enumerate(rows) if self._may_be(row)}

    def run(self) -> Totals:
        if not 0 < len(self.candidates) <= len(self.rows) / 2:
            return Totals()
        accepted, named, sure = [], [], False
        for n in sorted(self.candidates):
            added, several = self._adds_up(n)
            if added * 2 >= self._filled(n) > 0 or (added and self._label(n)):
                accepted.append(n)
                sure = sure or several
            elif self._filled(n) and self._is_named_after_its_group(n):
                named.append(n)
        if not accepted or not sure or len(named) > len(accepted):
            return Totals()
        made = Totals([self._total(n) for n in sorted([*accepted, *named])])
        for n in sorted([*accepted, *named]):
            made.wrong += self._wrong(n, accepted)
        return made

    def _may_be(self, row: _Row) -> bool:
        if not any(value is not None for value in row.values):
            return False
        if any(_said(text) for text in row.texts):
            return True
        return bool(row.texts) and not any(row.texts)

    def _filled(self, n: int) -> int:
        return sum(value is not None for value in self.rows[n].values)

    def _label(self, n: int) -> str:
        return next((text for text in self.rows[n].texts if _said(text)), "")

    def _total(self, n: int) -> TotalRow:
        for column, text in zip(self.texts, self.rows[n].texts, strict=True):
            if _said(text):
                return TotalRow(self.rows[n].number, text, column.name)
        return TotalRow(self.rows[n].number, "", "")

    def _is_named_after_its_group(self, n: int) -> bool:
        """ "Jumlah" alone, or with the name of the group above: it can only be a total, whatever it says."""
        label = self._label(n)
        if _bare(label):
            return True
        rest = re.sub(rf"(?i)^[^a-z0-9]*({_SUM})\W*", "", label).casefold()
        above = self.rows[n - 1].texts if n else ()
        return bool(rest) and rest in {text.casefold() for text in above}

    def _spans(self, n: int) -> Iterator[list[int]]:
        """The rows that a candidate may add up: since the one before; all; the totals themselves; those under it."""
        before = n - 1
        while before >= 0 and before not in self.candidates:
            before -= 1
        yield list(range(before + 1, n))
        plain = [at for at in range(n) if at not in self.candidates]
        yield plain
        yield [at for at in range(n) if at in self.candidates]
        after = n + 1
        while after < len(self.rows) and after not in self.candidates:
            after += 1
        yield list(range(n + 1, after))

    def _adds_up(self, n: int) -> tuple[int, bool]:
        """In how many columns the row is the sum (or, if it says so, the mean) of rows; whether of two that count."""
        best, several = 0, False
        for span in self._spans(n):
            held = 0
            of_two = False
            for column in range(len(self.numbers)):
                if self._holds(n, span, column):
                    held += 1
                    counting = [figure for figure in self._figures(span, column) if figure]
                    of_two = of_two or (bool(self.rows[n].values[column]) and len(counting) > 1)
            if (held, of_two) > (best, several):
                best, several = held, of_two
        return best, several

    def _figures(self, span: Sequence[int], column: int) -> list[float]:
        return [value for at in span if (value := self.rows[at].values[column]) is not None]

    def _is_sum(self, n: int, value: float, figures: Sequence[float]) -> bool:
        whole = math.fsum(figures)
        if _mean(self._label(n)):
            mean = whole / len(figures)
            return abs(value - mean) <= max(0.01 * abs(mean), 0.5)
        return abs(value - whole) <= _within(figures, value)

    def _wrong(self, n: int, accepted: Sequence[int]) -> Iterator[tuple[TotalRow, str, float, float]]:
        """Where a total says something else than its rows, in a column of which the other totals are sums."""
        if _mean(self._label(n)):
            return
        spans = [span for span in self._spans(n) if len(span) > 1]
        if not spans:
            return
        span = max(spans, key=lambda span: sum(self._holds(n, span, c) for c in range(len(self.numbers))))
        for column, profile in enumerate(self.numbers):
            value = self.rows[n].values[column]
            if value is None or self._sum_of_any(n, column):
                continue
            others = [at for at in accepted if at != n]
            if others and all(self._sum_of_any(at, column) for at in others):
                yield self._total(n), profile.name, value, math.fsum(self._figures(span, column))

    def _holds(self, n: int, span: Sequence[int], column: int) -> bool:
        value, figures = self.rows[n].values[column], self._figures(span, column)
        return value is not None and bool(figures) and self._is_sum(n, value, figures)

    def _sum_of_any(self, n: int, column: int) -> bool:
        return any(self._holds(n, span, column) for span in self._spans(n))


def _within(figures: Sequence[float], value: float) -> float:
    """How far a sum may be off: nothing for whole numbers, else what each was rounded by."""
    digits = max(
        (
            len(text.partition(".")[2])
            for figure in (*figures, value)
            if "e" not in (text := f"{figure:.10g}")
        ),
        default=0,
    )
    rounded = 0.5 * 10**-digits * (len(figures) + 1) if digits else 0.0
    return max(rounded, 1e-9 * abs(value))


def _of_all(texts: Sequence[ColumnProfile], numbers: Sequence[ColumnProfile], rows: Sequence[_Row]) -> Totals:
    """A row whose figure is the sum of all others, whatever it is called."""
    label = next((n for n, column in enumerate(texts) if column.distinct > 1), None)
    made = Totals()
    for column, profile in enumerate(numbers):
        figures = [value for row in rows if (value := row.values[column]) is not None]
        if len(figures) < _FEWEST_OF_ALL or min(figures) < 0:
            continue
        whole = math.fsum(figures)
        for row in rows:
            value = row.values[column]
            if value and abs(2 * value - whole) <= 1e-9 * whole:
                name = row.texts[label] if label is not None else ""
                made.rows.append(TotalRow(row.number, name, profile.name, whole=True))
    return made


def _by_name(
    texts: Sequence[ColumnProfile], numbers: Sequence[ColumnProfile], rows: Sequence[_Row]
) -> Totals:
    """A last row that says nothing but "Jumlah" beside its figures: a total, whatever it adds up."""
    last = rows[-1]
    said = [n for n, text in enumerate(last.texts) if text]
    others = [row.texts for row in rows[:-1]]
    made = Totals()
    if len(said) != 1 or not any(value is not None for value in last.values):
        return made
    label, column = last.texts[said[0]], texts[said[0]]
    if not _bare(label) or any(_said(text) for text_row in others for text in text_row):
        return made
    total = TotalRow(last.number, label, column.name)
    made.rows, made.named = [total], [total]
    for at, profile in enumerate(numbers):
        value = last.values[at]
        if value is not None and profile.kind.logical == "integer" and profile is not column:
            figures = [figure for row in rows[:-1] if (figure := row.values[at]) is not None]
            made.wrong.append((total, profile.name, value, math.fsum(figures)))
    return made


def _marks(found: Sequence[TotalRow], texts: Sequence[ColumnProfile], rows: Sequence[_Row]) -> list[Mark]:
    """How a feed can leave these rows out, and no other; empty if there is no sure way."""
    numbers = {one.row for one in found}
    by_column: dict[str, list[TotalRow]] = {}
    label = next((column.name for column in texts if column.distinct > 1), "")
    for one in found:
        by_column.setdefault(label if one.whole else one.column, []).append(one)
    marks = []
    for name, here in by_column.items():
        at = next((n for n, column in enumerate(texts) if column.name == name), None)
        if at is None:
            blank = _blank_mark(numbers, texts, rows)
            if blank is None:
                return []
            marks.append(blank)
            continue
        others = [row.texts[at] for row in rows if row.number not in numbers]
        if all(_said(one.label) for one in here) and not any(map(_said, others)):
            marks.append(Mark(name))
        elif all(one.label for one in here) and not {one.label for one in here} & set(others):
            marks.append(Mark(name, tuple(dict.fromkeys(one.label for one in here))))
        else:
            return []
    return marks


def _blank_mark(numbers: set[int], texts: Sequence[ColumnProfile], rows: Sequence[_Row]) -> Mark | None:
    for n, column in enumerate(texts):
        blank = {row.number for row in rows if not row.texts[n]}
        if blank and blank <= numbers:
            return Mark(column.name, blank=True)
    return None


__all__: Sequence[str] = ("Mark", "TotalRow", "Totals", "totals")
