"""One record against a contract: the compilation for live writes. The other is
:mod:`mahakam.quality.columns`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from typing import Any

from mahakam.quality import lexical
from mahakam.quality.contract import Contract
from mahakam.quality.evaluate import Evaluate, compile_expression
from mahakam.quality.expression import Call, Literal
from mahakam.quality.finding import Finding
from mahakam.quality.geometry import Area
from mahakam.quality.inside import follows
from mahakam.quality.lexical import INVALID, Reader
from mahakam.quality.odcs import ContractError
from mahakam.quality.pattern import for_python
from mahakam.quality.references import References, UnknownTarget
from mahakam.quality.rule import (
    Across,
    Compared,
    Holds,
    Length,
    Matches,
    MultipleOf,
    OfFile,
    OfType,
    OneOf,
    Present,
    Query,
    Refers,
    Rule,
    Shaped,
    Unique,
    Unmarked,
)
from mahakam.quality.undeclared import Watch

Test = Callable[[Any], bool]


class Checker:
    """Compiled rules of one contract for records of one place.

    ``unique``, ``primaryKey`` and the rules across rows are not checked here: they speak of a file; live, the
    entity's id is the key. Raises ContractError if the references lack what the contract needs.
    """

    def __init__(self, contract: Contract, references: References) -> None:
        self.contract = contract
        self.area = area_of(contract, references)
        for target in contract.targets:
            known_target(contract, references, target)
        known_districts(contract, references)
        self.references = references
        self._watch = Watch(contract)
        self._json = _Compiled(contract, references, self.area, text=False)
        self._text = _Compiled(contract, references, self.area, text=True)

    @property
    def history(self) -> bool | None:
        """Whether the contract wants changes of its entities kept; None if it says nothing."""
        return self.contract.history

    @property
    def attributes(self) -> Set[str]:
        """The names of the fields of the contract."""
        return self.contract.fields.keys()

    def check(self, record: Mapping[str, Any], lexical: bool = False) -> list[Finding]:
        """Everything that is wrong with a record, in the order of the contract's rules; empty if nothing is.

        ``lexical``: values are text as from files and forms; otherwise JSON values. None and an absent field
        are missing, and in text the empty string and the contract's missing markers too. Fields that the
        contract does not know are left alone.
        """
        return (self._text if lexical else self._json).check(record)

    def personal(self, record: Mapping[str, Any]) -> list[Finding]:
        """Personal data in attributes that the contract does not declare so; see :class:`.undeclared.Watch`."""
        return self._watch.findings(record)

    def typed(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A text record as typed values; what cannot be read is None. Timestamps are naive UTC."""
        return {name: None if value is INVALID else value for name, value in self._text.read(record).items()}


class _Compiled:
    """Rules as closures: per field a reader and its tests, then the expressions over several fields."""

    def __init__(self, contract: Contract, references: References, area: Area | None, text: bool) -> None:
        self.missing: frozenset[Any] = frozenset({""}) | contract.missing if text else frozenset()
        self.fields: list[tuple[str, Reader, Rule | None, list[Rule], list[tuple[Rule, Test]]]] = []
        self.markers: list[tuple[Rule, str, frozenset[str]]] = []
        self.unmarked: list[tuple[Rule, str]] = []
        self.expressions: list[tuple[Rule, Evaluate]] = []
        for field in contract.fields.values():
            kind = field.kind.in_zone(references.zone)
            reader = lexical.text_reader(kind) if text else lexical.json_reader(kind)
            rules = [r for r in contract.row_rules if r.reads == (field.name,)]
            of_type = next((r for r in rules if isinstance(r.check, OfType)), None)
            present = [r for r in rules if isinstance(r.check, Present)]
            tests = [(r, test) for r in rules if (test := _test(r, references)) is not None]
            self.fields.append(
                (field.name, reader, of_type or _json_type(field.name, kind, text), present, tests)
            )
        for rule in contract.row_rules:
            if isinstance(rule.check, Holds):
                self.expressions.append((rule, compile_expression(rule.check.expression, references, area)))
            if isinstance(rule.check, Present) and rule.check.missing:
                self.markers.append((rule, rule.check.field, rule.check.missing))
            if isinstance(rule.check, Unmarked) and text:
                self.unmarked.append((rule, rule.check.field))

    def read(self, record: Mapping[str, Any]) -> dict[str, Any]:
        missing = self.missing
        values: dict[str, Any] = {}
        for name, reader, *_ in self.fields:
            raw = record.get(name)
            values[name] = None if raw is None or (isinstance(raw, str) and raw in missing) else reader(raw)
        return values

    def check(self, record: Mapping[str, Any]) -> list[Finding]:
        missing = self.missing
        found: list[tuple[int, Finding]] = []
        values: dict[str, Any] = {}
        for name, reader, of_type, present, tests in self.fields:
            raw = record.get(name)
            if raw is None or (isinstance(raw, str) and raw in missing):
                values[name] = None
                for rule in present:
                    found.append((rule.number, rule.finding(raw)))
                continue
            value = reader(raw)
            if value is INVALID:
                values[name] = None
                if of_type is not None:
                    found.append((of_type.number, of_type.finding(raw)))
                continue
            values[name] = value
            for rule, test in tests:
                if not test(value):
                    found.append((rule.number, rule.finding(raw)))
        for rule, field, markers in self.markers:
            raw = record.get(field)
            if isinstance(raw, str) and raw in markers and raw not in missing:
                found.append((rule.number, rule.finding(raw)))
        for rule, field in self.unmarked:
            if (raw := record.get(field)) and isinstance(raw, str) and raw in missing:
                found.append((rule.number, rule.finding(raw)))
        for rule, holds in self.expressions:
            if holds(values) is False:
                found.append((rule.number, rule.finding(record.get(rule.field))))
        if len(found) > 1:
            found.sort(key=lambda item: item[0])
        return [finding for _, finding in found]


def _json_type(name: str, kind: lexical.Kind, text: bool) -> Rule | None:
    """Text is always a string, so the contract has no rule for it; JSON may hold something else."""
    return None if text or kind.logical != "string" else Rule(-1, "type", name, "text", OfType(name))


def area_of(contract: Contract, references: References) -> Area | None:
    """The boundary that the contract's rules need, prepared; None if no rule needs one.

    Raises ContractError if a rule needs a boundary that the place has not.
    """
    if not any(rule.name == "insideBoundary" or _asks_boundary(rule) for rule in contract.rules):
        return None
    boundary = references.boundary()
    if boundary is None:
        raise ContractError(
            contract.source,
            "",
            "a rule asks for inside_boundary, but there is no boundary; set boundary: in the place's file",
        )
    return Area(boundary)


def _asks_boundary(rule: Rule) -> bool:
    return isinstance(rule.check, Holds) and "inside_boundary" in repr(rule.check.expression)


def known_districts(contract: Contract, references: References) -> None:
    """Raises ContractError if the areas that a rule asks for are not there."""
    for rule in contract.rules:
        if isinstance(rule.check, Holds) and (call := rule.check.expression) and isinstance(call, Call):
            target = call.arguments[-1] if call.operation == "in_district" else None
            try:
                if isinstance(target, Literal):
                    references.districts(target.value)
            except UnknownTarget as error:
                raise ContractError(contract.source, "", f"inDistrict asks for {error.args[0]}") from error


def known_target(contract: Contract, references: References, target: str) -> None:
    """Raises ContractError if a foreign key's target is not there."""
    try:
        references.has(target, "")
    except UnknownTarget as error:
        raise ContractError(contract.source, "", f"a foreign key refers to {error.args[0]}") from error


def _test(rule: Rule, references: References) -> Test | None:
    """Whether a typed value passes; None for rules that are no test of a single present value."""
    match rule.check:
        case Compared(_, operator, bound):
            return {
                "<=": lambda value: value <= bound,
                ">=": lambda value: value >= bound,
                "<": lambda value: value < bound,
                ">": lambda value: value > bound,
            }[operator]
        case MultipleOf(_, step):
            return _multiple(step)
        case Length(_, least, most):
            return (
                (lambda value: len(value) >= least)
                if most is None
                else (lambda value: least <= len(value) <= most)
            )
        case Shaped(_, shape):
            return lambda value: follows(value, shape)
        case Matches(_, pattern):
            search = for_python(pattern).search
            return lambda value: search(value) is not None
        case OneOf(_, values):
            return lambda value: value in values
        case Refers(_, target):
            has = references.has
            return lambda value: has(target, value if isinstance(value, str) else str(value))
        case Present() | OfType() | Unique() | Holds() | Unmarked() | Across() | OfFile() | Query() | None:
            return None


def _multiple(step: int | float) -> Test:
    if isinstance(step, int):
        return lambda value: value % step == 0

    def near(value: float) -> bool:
        quotient = value / step
        if not math.isfinite(quotient):
            return False
        return abs(quotient - math.floor(quotient + 0.5)) <= 1e-9 * max(1.0, abs(quotient))

    return near
