"""The report of a check: what was read, what is wrong, grouped by rule and field, worst first; as JSON
too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.quality.columns import ColumnCheck
from mahakam.quality.contract import Contract
from mahakam.quality.finding import Finding
from mahakam.quality.repair.proposals import Proposal
from mahakam.quality.rule import Rule
from mahakam.quality.score import Score, score

STRUCTURE = "structure"
"""The rule of a row whose shape is broken: too few cells, a quote that never closes."""


@dataclass(frozen=True, slots=True)
class Group:
    """All findings of one rule on one field. ``examples`` are (row, line in the file, raw value); row 0: the
    whole file.

    ``common``: the most frequent values that fail, with their number. ``share``: of all rows, from 0 to 1.
    """

    rule: str
    field: str
    severity: str
    dimension: str
    count: int
    share: float
    expected: str
    message: str = ""
    impact: str = ""
    examples: list[tuple[int, int, Any]] = dataclasses.field(default_factory=list)
    common: list[tuple[Any, int]] = dataclasses.field(default_factory=list)
    repairs: list[Proposal] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """One entry of the JSON's ``summary``."""
        out = {
            "field": self.field,
            "rule": self.rule,
            "severity": self.severity,
            "dimension": self.dimension,
            "count": self.count,
            "expected": self.expected,
        }
        if self.message:
            out["message"] = self.message
        if self.repairs:
            out["repairs"] = [proposal.as_dict() for proposal in self.repairs]
        return out


@dataclass
class Report:
    """A check of a file, ready to be told. ``source`` says how the file was read, ``notes`` what else a
    reader should know."""

    file: str
    contract: Contract
    check: ColumnCheck
    groups: list[Group]
    score: Score
    source: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    inferred: bool = False

    @property
    def rows(self) -> int:
        return self.check.rows

    @property
    def clean_rows(self) -> int:
        return self.rows - self.check.failed_rows - self.check.warned_rows

    @property
    def total(self) -> int:
        """The number of findings."""
        return sum(group.count for group in self.groups)

    @property
    def failed(self) -> bool:
        """Whether a rule of severity error failed, in a row or for the file."""
        return any(group.severity == "error" for group in self.groups)

    def as_dict(self, limit: int | None = 1000) -> dict[str, Any]:
        """The JSON report; at most ``limit`` failures are listed (None: all), counts are always complete."""
        failures = [finding.as_dict() for finding in self.check.findings(limit)]
        return {**self._head(), "listed": len(failures), "failures": failures}

    def json_parts(self, limit: int | None) -> Iterator[bytes]:
        """The JSON report in pieces, so that a million failures need no memory."""
        import orjson

        listed = self.total if limit is None else min(limit, self.total)
        head = orjson.dumps({**self._head(), "listed": listed}, option=orjson.OPT_INDENT_2)
        yield head[:-2] + b',\n  "failures": ['
        separator = b"\n    "
        for finding in self.check.findings(limit):
            yield separator + orjson.dumps(finding.as_dict())
            separator = b",\n    "
        yield b"\n  ]\n}\n"

    def _head(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "contract": {
                "id": self.contract.id,
                "version": self.contract.version,
                "entity": self.contract.entity,
                "inferred": self.inferred,
            },
            "rows": self.rows,
            "failed_rows": self.check.failed_rows,
            "warned_rows": self.check.warned_rows,
            "findings": self.total,
            "score": self.score.as_dict(),
            "summary": [group.as_dict() for group in self.groups],
            "source": dict(self.source),
            "notes": self.notes,
        }


def make_report(
    file: str,
    check: ColumnCheck,
    source: Mapping[str, Any],
    notes: list[str],
    *,
    inferred: bool = False,
    examples: int = 3,
    repairs: Mapping[int, list[Proposal]] | None = None,
) -> Report:
    """Group the findings of a check: errors before warnings, those on the file first, then the most frequent.

    ``examples``: how many rows to show for a rule; 0: neither rows nor frequent values are looked up.
    """
    groups = [
        *_file_groups(check),
        *_structure_groups(check, examples),
        *_row_groups(check, examples, repairs or {}),
    ]
    groups.sort(key=lambda g: (g.severity != "error", g.share > 0, -g.count, g.field, g.rule))
    return Report(
        file, check.contract, check, groups, score(check.rows, check.by_dimension), source, notes, inferred
    )


def _file_groups(check: ColumnCheck) -> Iterator[Group]:
    rules = {(rule.name, rule.field): rule for rule in check.contract.file_rules}
    for finding in check.file_findings:
        rule = rules.get((finding.rule, finding.field))
        yield _group(finding, rule.dimension if rule else "completeness", rule.impact if rule else "")


def _group(finding: Finding, dimension: str, impact: str) -> Group:
    return Group(
        finding.rule,
        finding.field,
        finding.severity,
        dimension,
        1,
        0.0,
        finding.expected,
        finding.message,
        impact,
        common=[] if finding.value is None else [(finding.value, 1)],
    )


def _structure_groups(check: ColumnCheck, examples: int) -> Iterator[Group]:
    by_rule: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in check.extra:
        by_rule.setdefault((finding.rule, finding.field, finding.severity), []).append(finding)
    for (rule, name, severity), found in by_rule.items():
        first = [(f.row, f.row, f.value) for f in found[:examples]]
        share = len(found) / check.rows if check.rows else 0.0
        yield Group(
            rule,
            name,
            severity,
            "conformity",
            len(found),
            share,
            found[0].expected,
            found[0].message,
            "",
            first,
        )


def _row_groups(check: ColumnCheck, examples: int, repairs: Mapping[int, list[Proposal]]) -> Iterator[Group]:
    rules: dict[int, Rule] = {rule.number: rule for rule in check.contract.rules}
    first = check.examples(examples)
    for number, count in check.counts.items():
        rule = rules[number]
        yield Group(
            rule.name,
            rule.field,
            rule.severity,
            rule.dimension,
            count,
            count / check.rows,
            rule.expected,
            rule.message,
            rule.impact,
            first.get(number, []),
            check.common(rule) if examples and count > examples else [],
            repairs.get(number, []),
        )
