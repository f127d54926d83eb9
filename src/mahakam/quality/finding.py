"""One failed check: which row and field, which rule, what stood there and what would be right."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning"]


class Finding(NamedTuple):
    """``row`` counts data rows from 1 (0: the whole file or a single live record); ``value`` is the raw
    value.

    ``rule`` is one of :data:`RULES`; ``expected`` says in data terms what would pass (``"0 to 500"``, ``"A,
    B, C"``).
    ``message`` is the contract author's own words for this rule, if it gave any (``description`` in ODCS).
    """

    row: int
    field: str
    rule: str
    value: Any
    expected: str
    severity: Severity = "error"
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "row": self.row,
            "field": self.field,
            "rule": self.rule,
            "value": self.value,
            "expected": self.expected,
            "severity": self.severity,
        }
        if self.message:
            out["message"] = self.message
        return out
