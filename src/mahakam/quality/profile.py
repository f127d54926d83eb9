"""What the columns of a file hold: missing marks, the type that nearly every value follows, ranges, codes, slips.

A contract is inferred to find what is wrong, so one value in ten may deviate: what most values have in common is
the rule, and the others are its findings.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mahakam.quality.across import MOJIBAKE
from mahakam.quality.formula_errors import ERRORS
from mahakam.quality.functions import Functions
from mahakam.quality.lexical import Kind
from mahakam.quality.pattern import portable
from mahakam.quality.personal import LOOKED, suspected
from mahakam.quality.shapes import ENOUGH, MOST, Affixes, affix_pattern, affixes, dominant_pattern
from mahakam.quality.spelling import MOST_VALUES, misspelt
from mahakam.quality.totals import Totals
from mahakam.quality.typing_sql import full_match, identifier, text_literal, typed

MARKERS = (
    "---", "--", "-", "N/A", "n/a", "NA", "#N/A", "NULL", "null", "None", "NaN", "nan", "?", ".", "n.a.", "N.A.",
    *(sorted(ERRORS - {"#N/A"})), "(blank)", "Unspecified", "–", "—", "…", "...", "tad", "TAD", "t.a.d.", "T.A.D.",
    "tidak ada data", "Tidak ada data",
    "Tidak Ada Data", "belum ada data", "Belum ada data", "data tidak tersedia", "Data tidak tersedia",
)  # fmt: skip
"""Text that people and programs write where there is no value."""
FEW = 20
"""The most distinct values that are taken for a list of codes."""
_FOR_NOTHING = r"-?(8{3,}|9{3,})([.]0+)?"
"""Figures that instruments and offices write where nothing was measured."""
_TIMES = '"how often, said the profiler"'
"""A name that no column has."""
_FAR = 3
"""How many times every other number such a figure must be."""
_DATES = (
    "", "dd/MM/yyyy", "d/M/yyyy", "dd-MM-yyyy", "d-M-yyyy", "dd.MM.yyyy", "M/d/yyyy", "yyyy/MM/dd", "yyyyMMdd",
    "dd/MM/yy", "d/M/yy", "dd-MM-yy", "M/d/yy", "d MMMM yyyy", "d-MMM-yyyy", "d-MMM-yy",
)  # fmt: skip
CANDIDATES: tuple[Kind, ...] = (
    Kind("integer"),
    Kind("number"),
    Kind("integer", decimal=",", group="."),
    Kind("integer", group=","),
    Kind("number", decimal=",", group="."),
    Kind("number", group=","),
    Kind("boolean"),
    *(Kind("date", format=form) for form in _DATES),
    Kind("timestamp"),
    *(Kind("timestamp", format=f) for f in ("dd/MM/yyyy HH:mm:ss", "d/M/yyyy H:mm", "M/d/yyyy H:mm")),
    Kind("time"),
    Kind("object", geometry=True),
    Kind("object"),
    Kind("array"),
)
"""Kinds in the order in which they are preferred when as many values follow several."""

_NUMBERED = ("nik", "phone", "account")
"""Personal data (:mod:`mahakam.quality.personal`) that is written in figures."""
_GEOMETRY = r'(?s)[{]\s*"type"\s*:\s*"(Multi)?(Point|LineString|Polygon)"\s*,\s*"coordinates"\s*:\s*\[.*'
PLACE_NAMES = re.compile(r"(?i)^(lat|lon|lng|long|latitude|longitude|lintang|bujur)$")
_FEW_DATES = 5
"""Values from which on a column is taken for dates of several forms."""
_SAMPLE = 5_000
_SHORTLISTED = 0.5
_RAW_FENCE, _LOG_FENCE = 8, 3
"""How many distances of the quartiles from them a value may lie, as it is and in its logarithm (what holds for
counts and amounts, whose large values are many times the usual ones)."""
_FEW_OUTSIDE, _SOME_OUTSIDE = 0.01, 0.05
_DIFFERENT = 0.5
"""The share of more than a few that stand out which must differ: one value that does so many times is a code."""
_WIDE = 3
"""How many times the width of all others must be between them and more than a few that stand out."""
_NEAR_ZERO = 0.01
"""The share of the middle value below which a number is near zero: signs change there without an error."""
_DATE_FENCE = 0.3
"""The share of the time between most dates by which others must be away from it."""
_MANY = 50
"""Rows from which on so few are told from the others."""
_EPOCH = dt.date(1970, 1, 1)


@dataclass
class ColumnProfile:
    """One column. ``kind``: the type that nearly all its values follow, ``following`` of the ``present``.

    ``marked``: missing marks occur; ``errors``: among them those of formulas. ``low``, ``high``: typed, of the values
    that do not stand out. ``length``: of all values if it is one (a code), else 0. ``values``: the distinct values if
    they are few and each occurs often, without the slips. ``slips``: rare values that were meant to be a frequent
    one. ``units``: numbers have units beside them. ``pattern``: what nearly all texts look like. ``trimmed``,
    ``broken``: some have blanks around them, or were read in a wrong encoding, most not. ``blank``: the cells with
    nothing in them, of the ``missing``.
    """

    name: str
    rows: int
    missing: int
    distinct: int
    kind: Kind
    following: int = 0
    marked: bool = False
    errors: bool = False
    low: Any = None
    high: Any = None
    length: int = 0
    digits: bool = False
    values: list[str] = field(default_factory=list)
    slips: dict[str, str] = field(default_factory=dict)
    units: Affixes | None = None
    pattern: str = ""
    trimmed: bool = False
    broken: bool = False
    blank: int = 0
    suspected: str = ""
    """The kind of personal data that it seems to hold (:func:`mahakam.quality.personal.suspected`)."""

    @property
    def complete(self) -> bool:
        return self.rows > 0 and self.missing == 0

    @property
    def unique(self) -> bool:
        return self.complete and self.distinct == self.rows


@dataclass
class Profile:
    """A file: its rows, the missing marks that occur, its columns."""

    rows: int
    markers: list[str]
    columns: list[ColumnProfile]
    left_out: int = 0
    """Rows of totals that the columns were not looked at with."""
    totals: Totals = field(default_factory=Totals)
    remarks: list[str] = field(default_factory=list)
    """What is odd about columns as a whole; see :mod:`mahakam.quality.remarks`."""


def profile(connection: Any, relation: str, columns: Sequence[str]) -> Profile:
    """Look at a table or view of VARCHAR columns (``_row``, ``_line``, then ``columns``)."""
    return _Profiler(connection, relation, columns).run()


class _Profiler:
    def __init__(self, connection: Any, relation: str, columns: Sequence[str]) -> None:
        self.connection = connection
        self.columns = columns
        self.relation = identifier(relation)
        self.functions = Functions(None)
        self.step = 1

    def run(self) -> Profile:
        marked = self._markers()
        markers = [marker for marker in MARKERS if any(marker in found for found in marked.values())]
        for name, figures in self._figures_for_nothing().items():
            marked[name] += figures
            markers += [figure for figure in figures if figure not in markers]
        rows = self._query(["count(*)"], self.relation)[0]
        self.step = max(1, rows // _SAMPLE)
        made = [self._column(name, rows, markers) for name in self.columns]
        for column in made:
            column.marked = bool(marked[column.name])
            column.errors = not ERRORS.isdisjoint(marked[column.name])
        if any(self._has_decimal_commas(column, markers) for column in made):
            made = [self._regrouped(column, markers) for column in made]
        self._suspect(made, markers)
        return Profile(rows, markers, made)

    def _suspect(self, columns: Sequence[ColumnProfile], markers: list[str]) -> None:
        listed = ", ".join(identifier(column.name) for column in columns)
        if not columns:
            return
        rows = self.connection.execute(f"SELECT {listed} FROM {self.relation} LIMIT {LOOKED}").fetchall()  # noqa: S608
        for number, column in enumerate(columns):
            column.suspected = suspected(
                column.name, [value for row in rows if (value := row[number]) and value not in markers]
            )
            if column.suspected in _NUMBERED and column.kind.logical in ("integer", "number"):
                self._as_code(column, markers)

    def _as_code(self, column: ColumnProfile, markers: list[str]) -> None:
        """Numbers that name somebody are codes: as numbers they would lose the zeros before them."""
        column.kind, column.following = Kind("string"), column.rows - column.missing
        column.low = column.high = None
        self._texts(column, markers)

    def _query(self, values: Sequence[str], source: str) -> tuple[Any, ...]:
        """One row of aggregates."""
        self.functions.register(self.connection)
        try:
            sql = f"SELECT {', '.join(values)} FROM {source}"  # noqa: S608 - names and texts are quoted
            return tuple(self.connection.execute(sql).fetchall()[0])
        finally:
            self.functions.forget(self.connection)
            self.functions = Functions(None)

    def _markers(self) -> dict[str, list[str]]:
        """The marks of each column that holds other values too."""
        found: dict[str, list[str]] = {}
        for name in self.columns:
            column = identifier(name)
            counts = [f"count(*) FILTER (WHERE {column} = {text_literal(marker)})" for marker in MARKERS]
            row = self._query([f"count(nullif({column}, ''))", *counts], self.relation)
            marks = [(marker, number) for marker, number in zip(MARKERS, row[1:], strict=True) if number]
            others = sum(number for _, number in marks) < row[0]
            found[name] = [marker for marker, _ in marks] if others else []
        return found

    def _figures_for_nothing(self) -> dict[str, list[str]]:
        """The figures of each column that stand for no value (8888, 9999, -999): more than once, far beyond every other
        number there, and nowhere among numbers as one of them.
        """
        found: dict[str, list[str]] = {}
        among: set[str] = set()
        for name in self.columns:
            column = identifier(name)
            is_one = full_match(column, _FOR_NOTHING)
            number = f"abs(TRY_CAST({column} AS DOUBLE))"
            every, some, numbers, greatest = self._query(
                [
                    f"list(DISTINCT {column}) FILTER ({is_one})",
                    f"list_sort(list(DISTINCT {column}) FILTER ({is_one} AND {_TIMES} > 1))",
                    f"sum({_TIMES}) FILTER (NOT {is_one} AND {number} IS NOT NULL)",
                    f"max({number}) FILTER (NOT {is_one})",
                ],
                f"(SELECT {column}, count(*) AS {_TIMES} FROM {self.relation} GROUP BY 1)",  # noqa: S608 - quoted
            )
            figures = some or []
            far = (numbers or 0) >= ENOUGH and greatest is not None
            found[name] = [one for one in figures if far and abs(float(one)) > _FAR * max(greatest, 1)]
            among.update(one for one in every or () if one not in found[name])
        return {name: [one for one in some if one not in among] for name, some in found.items()}

    def _text(self, name: str, markers: list[str], step: int = 1) -> str:
        """The column's text as ``t``, missing values NULL; of every ``step``-th row."""
        column = identifier(name)
        missing = ", ".join(map(text_literal, ["", *markers]))
        where = f" WHERE _row % {step} = 0" if step > 1 else ""
        present = f"CASE WHEN {column} IN ({missing}) THEN NULL ELSE {column} END"
        return f"(SELECT {present} AS t FROM {self.relation}{where})"  # noqa: S608 - quoted

    def _column(self, name: str, rows: int, markers: list[str]) -> ColumnProfile:
        shape = [
            "count(t)",
            "count(DISTINCT t)",
            "min(length(t))",
            "max(length(t))",
            f"count(*) FILTER (WHERE {full_match('t', '[0-9]+')})",
            f"count(*) FILTER (WHERE {full_match('t', '0[0-9]+')})",
            "count(*) FILTER (WHERE t = trim(t))",
            f"count(*) FILTER (WHERE regexp_matches(t, {text_literal(portable(MOJIBAKE))}))",
        ]
        present, distinct, low, high, digits, zeros, trim, broken = self._query(
            shape, self._text(name, markers)
        )
        blank = self._query([f"count(*) - count(nullif({identifier(name)}, ''))"], self.relation)[0]
        code = (zeros > 0 and digits == present) or (zeros * 100 >= present > 0 and digits >= MOST * present)
        kind, following = (Kind("string"), present) if code else self._kind(name, markers, present)
        made = ColumnProfile(name, rows, rows - present, distinct, kind, following)
        made.blank = blank
        made.length = low if low == high and present else 0
        made.digits = bool(present) and digits == present
        made.trimmed = trim < present and trim >= MOST * present >= MOST * ENOUGH
        made.broken = 0 < broken <= (1 - MOST) * present
        if kind.logical == "string" or following < present:
            self._texts(made, markers)
        self._range(made, markers)
        return made

    def _kind(self, name: str, markers: list[str], present: int) -> tuple[Kind, int]:
        """The candidate that most values follow: shortlisted on a sample of the whole, then counted on all."""
        some = self._following(name, markers, list(CANDIDATES), self.step)
        listed = [kind for kind, share in some.items() if share >= _SHORTLISTED]
        every = self._following(name, markers, listed, 1)
        least = MOST if present >= ENOUGH else 1.0
        best = max(every, key=lambda kind: every[kind], default=None)
        if best is None or not present or every[best] < least:
            return self._dates(name, markers, present) or (Kind("string"), present)
        if best.group == ",":
            # a few commas among plain numbers are the findings
            plain = [
                k
                for k in every
                if k.logical in ("integer", "number") and k.plain_number and every[k] >= least
            ]
            best = max(plain, key=lambda kind: every[kind], default=best)
        if best == Kind("object") and self._are_geometries(name, markers):
            # in the wrong order or in metres: still what the column is, and each is a finding
            geometry = Kind("object", geometry=True)
            return geometry, round(self._following(name, markers, [geometry], 1)[geometry] * present)
        return best, round(every[best] * present)

    def _are_geometries(self, name: str, markers: list[str]) -> bool:
        shaped = full_match("t", _GEOMETRY)
        named, present = self._query(
            [f"count(*) FILTER ({shaped})", "count(t)"], self._text(name, markers, self.step)
        )
        return bool(present) and named >= MOST * present

    def _dates(self, name: str, markers: list[str], present: int) -> tuple[Kind, int] | None:
        """The usual one of several forms of dates, where nearly every value is a date of some form; else None.

        The values of the other forms are then the findings. Of two orders the usual one is that which more of the
        values allow alone.
        """
        if present < _FEW_DATES:
            return None
        kinds = [kind for kind in CANDIDATES if kind.logical == "date"]
        values = [typed("t", kind, self.functions) for kind in kinds]
        some = self._query(
            ["count(t)", f"count(coalesce({', '.join(values)}))"], self._text(name, markers, self.step)
        )
        if not some[0] or some[1] < MOST * some[0]:
            return None
        values = [typed("t", kind, self.functions) for kind in kinds]
        alone = [
            f"count(*) FILTER ({value} IS NOT NULL AND coalesce({', '.join(others)}) IS NULL)"
            for n, value in enumerate(values)
            if (
                others := [v for k, v in zip(kinds, values, strict=True) if _swapped(k, kinds[n])] or ["NULL"]
            )
        ]
        counts = self._query([*alone, *(f"count({value})" for value in values)], self._text(name, markers))
        pairs = list(zip(kinds, counts[: len(kinds)], counts[len(kinds) :], strict=True))
        best = max(pairs, key=lambda pair: (pair[1], pair[2]))
        return best[0], best[2]

    def _following(self, name: str, markers: list[str], kinds: list[Kind], step: int) -> dict[Kind, float]:
        """Kind → the share of values that follow it (1 if the sample has no values)."""
        if not kinds:
            return {}
        counts = [f"count({typed('t', kind, self.functions)})" for kind in kinds]
        row = self._query(["count(t)", *counts], self._text(name, markers, step))
        return {kind: number / row[0] if row[0] else 1.0 for kind, number in zip(kinds, row[1:], strict=True)}

    def _texts(self, column: ColumnProfile, markers: list[str]) -> None:
        """What the distinct texts of a column have in common."""
        sql = (
            f"SELECT t, count(*) FROM {self._text(column.name, markers)} WHERE t IS NOT NULL GROUP BY 1 "  # noqa: S608 - quoted
            f"ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}"
        )
        counted = self.connection.execute(sql).fetchall()
        if column.kind.logical != "string" or column.digits:
            return
        present = column.rows - column.missing
        column.units = affixes(counted)
        if column.units is not None and column.units.uniform is None:
            column.kind, column.following = self._number_beside_units(column.name, markers)
            return
        column.slips = misspelt(counted)
        right = [(value, number) for value, number in counted if value not in column.slips]
        if 0 < len(right) <= FEW and present >= 10 * len(right):
            column.values = sorted(value for value, _ in right)
        elif column.units is not None and column.units.uniform is not None:
            column.pattern = affix_pattern(column.units.uniform)
        else:
            column.pattern = dominant_pattern(counted)

    def _number_beside_units(self, name: str, markers: list[str]) -> tuple[Kind, int]:
        """The kind of the numbers themselves, in a column where some or all have units beside them."""
        bare = f"(SELECT regexp_extract(t, '[+-]?[0-9][0-9.,]*') AS t FROM {self._text(name, markers)})"  # noqa: S608
        kinds = [kind for kind in CANDIDATES if kind.logical in ("integer", "number")]
        row = self._query(["count(t)", *(f"count({typed('t', k, self.functions)})" for k in kinds)], bare)
        best = max(zip(kinds, row[1:], strict=True), key=lambda pair: pair[1])[0]
        return best, self._query([f"count({typed('t', best, self.functions)})"], self._text(name, markers))[0]

    def _range(self, column: ColumnProfile, markers: list[str]) -> None:
        if column.kind.logical not in ("integer", "number", "date", "timestamp", "time"):
            return
        if column.following < MOST * (column.rows - column.missing):
            return  # dates of several forms: the range of one says nothing of the others
        value = typed("t", column.kind, self.functions)
        source = self._text(column.name, markers)
        column.low, column.high = self._query([f"min({value})", f"max({value})"], source)
        if column.low is None:
            return
        if column.kind.logical in ("integer", "number"):
            self._leave_out_signs(column, source, value)
            if column.kind.logical == "number" or not column.unique:  # a running number has no outliers
                self._leave_out_outliers(column, source, value)
        elif column.kind.logical == "date":
            self._leave_out_dates(column, source, value)

    def _leave_out_signs(self, column: ColumnProfile, source: str, value: str) -> None:
        """Set the low end to the positive values if a few others are the same with a minus, and none is near zero."""
        if column.low >= 0 or column.rows < _MANY:
            return
        negative, least, middle, high, nearest, farthest = self._query(
            [
                "count(*) FILTER (v < 0)",
                "min(v) FILTER (v >= 0)",
                "median(v) FILTER (v >= 0)",
                "max(v) FILTER (v >= 0)",
                "min(abs(v)) FILTER (v < 0)",
                "max(abs(v)) FILTER (v < 0)",
            ],
            f"(SELECT CAST({value} AS DOUBLE) AS v FROM {source})",  # noqa: S608 - quoted
        )
        if least is None or negative > _SOME_OUTSIDE * column.rows:
            return
        if least >= _NEAR_ZERO * middle > 0 and nearest >= _NEAR_ZERO * middle and farthest <= high:
            column.low = int(least) if column.kind.logical == "integer" else least

    def _leave_out_dates(self, column: ColumnProfile, source: str, value: str) -> None:
        """Set the range to the time in which nearly all dates lie, if the few others are far from it."""
        if column.rows < _MANY:
            return
        days = f"(SELECT date_diff('day', DATE '1970-01-01', {value}) AS v FROM {source})"  # noqa: S608 - quoted
        first, last = self._query(
            [f"quantile_disc(v, {q})" for q in (_SOME_OUTSIDE, 1 - _SOME_OUTSIDE)], days
        )
        span = max(last - first, 1)
        low, high = first - _DATE_FENCE * span, last + _DATE_FENCE * span
        outside, least, most, below, above, different = self._query(_about(str(low), str(high)), days)
        if not outside or outside > _SOME_OUTSIDE * column.rows or different < _DIFFERENT * outside:
            return
        if below is not None and least - below > _DATE_FENCE * span:
            column.low = _EPOCH + dt.timedelta(days=least)
        if above is not None and above - most > _DATE_FENCE * span:
            column.high = _EPOCH + dt.timedelta(days=most)

    def _leave_out_outliers(self, column: ColumnProfile, source: str, value: str) -> None:
        """Set the range to what lies within the fences, if hardly anything lies outside of them."""
        values = f"(SELECT CAST({value} AS DOUBLE) AS v FROM {source})"  # noqa: S608 - quoted
        fences = [*_fence("v", "v", _RAW_FENCE)]
        if column.low >= 0:
            fences += _fence("ln(v)", "v > 0", _LOG_FENCE)
        found = self._query([f"{fence} " for fence in fences], values)
        bounds = [(low, high) for low, high in zip(found[::2], found[1::2], strict=True) if low is not None]
        if len(bounds) == 2:
            import math

            low, high = (math.exp(min(bound, 700)) for bound in bounds[1])
            bounds = [(min(bounds[0][0], 0 if column.low == 0 else low), max(bounds[0][1], high))]
        if not bounds or not bounds[0][0] < bounds[0][1]:
            return
        low, high = bounds[0]
        asked = _about(f"{float(low)!r}::DOUBLE", f"{float(high)!r}::DOUBLE")
        outside, least, most, below, above, different = self._query(asked, values)
        if not outside or least is None or outside > max(3, _SOME_OUTSIDE * column.rows):
            return
        # What follows on the others without a gap is a long tail, not an error; the gap of many is to be wide, and
        # they are to differ: one value that stands out many times is a code.
        few = outside <= max(3, _FEW_OUTSIDE * column.rows)
        if not few and different < _DIFFERENT * outside:
            return
        apart = (most - least) * (0.5 if few else _WIDE)
        whole = column.kind.logical == "integer"
        if below is not None and least - below > apart:
            column.low = int(least) if whole else least
        if above is not None and above - most > apart:
            column.high = int(most) if whole else most

    def _has_decimal_commas(self, column: ColumnProfile, markers: list[str]) -> bool:
        """Whether a column tells that its file writes decimals so: degrees have no thousands, which begin with no 0."""
        if column.kind.group != ",":
            return column.kind.decimal == ","
        below_one = f"count(*) FILTER ({full_match('t', '[+-]?0,[0-9]+')})"
        return bool(PLACE_NAMES.match(column.name)) or bool(
            self._query([below_one], self._text(column.name, markers))[0]
        )

    def _regrouped(self, column: ColumnProfile, markers: list[str]) -> ColumnProfile:
        """In a file with decimal commas, ``1.234`` is a thousand and some, and ``1,234`` one and some."""
        kind = Kind("integer", decimal=",", group=".")
        if column.kind.group == ",":
            kind = Kind("number", decimal=",", group=".")
        if column.kind.logical not in ("integer", "number") or column.kind.decimal == ",":
            return column
        if self._following(column.name, markers, [kind], 1)[kind] == 1:
            column.kind = kind
            self._range(column, markers)
        return column


def _swapped(one: Kind, other: Kind) -> bool:
    """Whether two forms of dates differ in the order of day and month."""
    first, second = one.format.lower(), other.format.lower()
    return bool(first) and bool(second) and first[0] != second[0] and {first[0], second[0]} == {"d", "m"}


def _about(low: str, high: str) -> list[str]:
    """SQL of what lies about a range: how many values are outside of it, the least and the greatest inside, the nearest
    below and above, how many different ones are outside."""
    inside = f"v BETWEEN {low} AND {high}"
    return [
        f"count(*) FILTER (NOT {inside})",
        f"min(v) FILTER ({inside})",
        f"max(v) FILTER ({inside})",
        f"max(v) FILTER (v < {low})",
        f"min(v) FILTER (v > {high})",
        f"count(DISTINCT v) FILTER (NOT {inside})",
    ]


def _fence(value: str, where: str, times: int) -> tuple[str, str]:
    """SQL of the lower and upper bound of what does not stand out; NULL where half of the values are one."""
    where = "true" if where == value else where
    first, third = (f"quantile_cont({value}, {q}) FILTER ({where})" for q in (0.25, 0.75))
    if "ln" in value:
        first, third = (f"ln(quantile_cont(v, {q}) FILTER ({where}))" for q in (0.25, 0.75))
    spread = f"nullif({third} - {first}, 0)"
    return f"{first} - {times} * {spread}", f"{third} + {times} * {spread}"


def pairs(columns: Sequence[ColumnProfile]) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
    """Pairs of complete columns that could be a key together, the first columns first."""
    whole = [c for c in columns if c.complete and c.kind.logical not in ("number", "object", "array")][:6]
    for i, first in enumerate(whole):
        for second in whole[i + 1 :]:
            if first.distinct * second.distinct >= first.rows:
                yield first, second
