"""The rules of a contract in the form that both compilations read: what must hold, of which field, and how to
say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mahakam.quality.expression import Node
from mahakam.quality.finding import Finding, Severity
from mahakam.quality.inside import Shape

RULES: Final = (
    "required", "type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minLength", "maxLength", "inside",
    "pattern", "format", "enum", "unique", "primaryKey", "foreignKey", "insideBoundary", "notInFuture",
    "column", "rowCount",
    "nullValues", "marker",
    "determined", "spelling", "monotone", "gap", "frozen", "outlier", "total", "similar",
    "unit", "inDistrict", "mojibake", "totalRow",
    "fresh", "rowsSinceLast", "sameColumns", "sql",
)  # fmt: skip
"""The names of all rules; a custom expression may have a name of its own, otherwise it is ``expression``."""

EXPRESSION: Final = "expression"
DIMENSIONS: Final = (
    "accuracy",
    "completeness",
    "conformity",
    "consistency",
    "coverage",
    "timeliness",
    "uniqueness",
)


@dataclass(frozen=True, slots=True)
class Present:
    """The field has a value; text in ``missing`` counts as none."""

    field: str
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OfType:
    """What is there can be read as the field's logical type."""

    field: str
    geometry: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """``value operator bound``; operator is ``<=``, ``>=``, ``<`` or ``>``; the bound has the field's
    type."""

    field: str
    operator: str
    bound: Any


@dataclass(frozen=True, slots=True)
class MultipleOf:
    """A whole number of times ``step`` (within rounding of floating point, for type number)."""

    field: str
    step: int | float


@dataclass(frozen=True, slots=True)
class Length:
    """From ``least`` to ``most`` characters (Unicode code points), or items of an array, or members of an
    object."""

    field: str
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Shaped:
    """What stands inside the list or the object is of this shape."""

    field: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Matches:
    """The portable pattern matches somewhere in the text (all of it, where the pattern is anchored)."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these (of the field's type); with ``negated``, none of them."""

    field: str
    values: frozenset[Any]


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows have the same values of these fields; rows where one is missing are left out."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unmarked:
    """No text stands where there is no value: a file's missing mark is read as missing, and named all the same."""

    field: str


@dataclass(frozen=True, slots=True)
class Across:
    """The rows of a file beside each other (:mod:`mahakam.quality.across`): ``rule`` says how they are compared.

    ``by``: the fields whose values put rows together (a series, a key). ``order``: the field that orders them.
    ``more``: the rule's own settings.
    """

    rule: str
    field: str
    by: tuple[str, ...] = ()
    order: str = ""
    more: tuple[tuple[str, Any], ...] = ()

    def setting(self, name: str) -> Any:
        return dict(self.more)[name]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that is read, each once."""
        beside = [name for key, value in self.more if key in ("near", "in") for name in _listed(value)]
        names = (self.field, *self.by, self.order, *beside)
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True, slots=True)
class OfFile:
    """The file as a whole, beside the clock (``fresh``) or beside the last file (``rowsSinceLast``,
    ``sameColumns``)."""

    rule: str
    field: str = ""
    most: float = 0


@dataclass(frozen=True, slots=True)
class Query:
    """The answer of an SQL query over the file's typed values; ``fields``: those that it names."""

    sql: str
    entity: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refers:
    """The value, as text, is one that the target has (a code list ``name.column``, an entity type)."""

    field: str
    target: str


@dataclass(frozen=True, slots=True)
class Holds:
    """The expression is not false."""

    expression: Node


Check = (
    Present | OfType | Compared | MultipleOf | Length | Shaped | Matches | OneOf | Unique | Refers | Holds | Unmarked
    | Across | OfFile | Query
)  # fmt: skip


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many rows may fail: compare their number (or share in percent) with ``operator`` and ``bound``."""

    operator: str
    bound: tuple[float, ...]
    percent: bool = False

    def passes(self, failing: int, rows: int) -> bool:
        """Whether this many failing rows of all are allowed (no rows: a share of zero)."""
        value = self.measure(failing, rows)
        low, high = self.bound[0], self.bound[-1]
        return {
            "mustBe": value == low,
            "mustNotBe": value != low,
            "mustBeGreaterThan": value > low,
            "mustBeGreaterOrEqualTo": value >= low,
            "mustBeLessThan": value < low,
            "mustBeLessOrEqualTo": value <= low,
            "mustBeBetween": low <= value <= high,
            "mustNotBeBetween": not low <= value <= high,
        }[self.operator]

    def measure(self, failing: int, rows: int) -> float:
        return (100.0 * failing / rows if rows else 0.0) if self.percent else failing

    def expected(self, what: str) -> str:
        words = {
            "mustBe": "", "mustNotBe": "not ", "mustBeGreaterThan": "more than ",
            "mustBeGreaterOrEqualTo": "at least ",
            "mustBeLessThan": "fewer than ", "mustBeLessOrEqualTo": "at most ", "mustBeBetween": "",
            "mustNotBeBetween": "not ",
        }  # fmt: skip
        bounds = " to ".join(f"{b:g}" for b in self.bound)
        return f"{words[self.operator]}{bounds}{' %' if self.percent else ''} {what}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``number`` is its place in the order in which findings are given; ``field`` is where a person
    looks.

    ``threshold`` is set for rules that judge the file as a whole (finding in row 0): then ``check`` (None for
    the number of rows) says what is counted. ``message`` are the contract author's words, ``impact`` what a
    failure means for the work.
    """

    number: int
    name: str
    field: str
    expected: str
    check: Check | None
    severity: Severity = "error"
    dimension: str = "conformity"
    message: str = ""
    impact: str = ""
    threshold: Threshold | None = None
    reads: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it judges the file as a whole: its finding is in row 0."""
        return self.threshold is not None or isinstance(self.check, OfFile | Query)

    def finding(self, value: Any, row: int = 0, expected: str = "") -> Finding:
        """The finding that this rule gives for a value."""
        if not expected and isinstance(self.check, OfType) and self.check.geometry:
            from mahakam.quality.geometry import fault

            expected = f"{self.expected}: {why}" if (why := fault(value)) else ""
        return Finding(
            row, self.field, self.name, value, expected or self.expected, self.severity, self.message
        )


def bound_text(value: Any) -> str:
    """A bound as data says it: ``500``, ``0.5``, ``2010-01-01``."""
    if isinstance(value, float):
        return f"{value:.15g}"
    return value.isoformat() if isinstance(value, date) or hasattr(value, "isoformat") else str(value)
