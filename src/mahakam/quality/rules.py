"""The rules that a contract's document states, in the order in which findings are given."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from mahakam.quality import across, lexical
from mahakam.quality.contract import Field
from mahakam.quality.expression import Call, columns_of
from mahakam.quality.finding import Severity
from mahakam.quality.inside import said
from mahakam.quality.lexical import INVALID
from mahakam.quality.odcs import ContractError, nearest
from mahakam.quality.parse import ExpressionError, parse
from mahakam.quality.pattern import FORMATS, PatternError, portable
from mahakam.quality.rule import (
    DIMENSIONS,
    EXPRESSION,
    Across,
    Check,
    Compared,
    Holds,
    Length,
    Matches,
    MultipleOf,
    OfType,
    OneOf,
    Present,
    Query,
    Refers,
    Rule,
    Shaped,
    Threshold,
    Unique,
    bound_text,
)  # fmt: skip

METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
_ARGUMENTS = {
    "nullValues": (), "missingValues": ("missingValues",), "invalidValues": ("validValues", "pattern"),
    "duplicateValues": ("properties",), "rowCount": (),
}  # fmt: skip
OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
    "mustBeLessOrEqualTo", "mustBeBetween",
    "mustNotBeBetween",
)  # fmt: skip
_COMPARISONS = (("minimum", ">="), ("maximum", "<="), ("exclusiveMinimum", ">"), ("exclusiveMaximum", "<"))
_WHOLE_FORMATS = {f"{sign}{2**n}": sign for n in range(3, 8) for sign in "iu"}
_FLOAT_FORMATS = {"f32": 3.4028234663852886e38, "f64": 1.7976931348623157e308}
_FUNCTION_RULES = {
    "not_in_future": ("notInFuture", "timeliness"),
    "inside_boundary": ("insideBoundary", "accuracy"),
}


class RuleBuilder:
    """Collects the rules of one schema object; :meth:`finish` numbers them."""

    def __init__(self, source: Path | str, fields: Mapping[str, Field], entity: str = "data") -> None:
        self.source = source
        self.entity = entity
        self.fields = fields
        self.rules: list[Rule] = []

    def finish(self) -> list[Rule]:
        """All rules: on rows first, then on the file as a whole, numbered from 0."""
        ordered = [r for r in self.rules if not r.whole] + [r for r in self.rules if r.whole]
        return [replace(rule, number=number, reads=reads(rule.check)) for number, rule in enumerate(ordered)]

    def add_property(self, field: Field, prop: Mapping[str, Any], where: str) -> None:
        """The rules that stand with one property: its own fields, its options, its relationships and its
        quality."""
        at = f"{where}.logicalTypeOptions"
        if field.required:
            self._add("required", field, "a value", Present(field.name), dimension="completeness")
        if field.kind.logical != "string":
            self._add("type", field, type_text(field), OfType(field.name, field.kind.geometry))
        for option, operator in _COMPARISONS:
            if field.options.get(option) is not None:
                self._add_bound(field, option, operator, at)
        self._check_bounds(field, at)
        self._add_sizes(field, at)
        if field.options.get("pattern") is not None:
            self._add_pattern(field, field.options["pattern"], f"{at}.pattern")
        if field.options.get("format") is not None:
            self._add_format(field, f"{at}.format")
        if field.values:
            self._add_enum(field, field.values, f"{where}.enum", {})
        if prop.get("unique"):
            self._add(
                "unique", field, "a value that occurs once", Unique((field.name,)), dimension="uniqueness"
            )
        for index, relationship in enumerate(prop.get("relationships") or []):
            self._add_relationship(field, relationship, f"{where}.relationships[{index}]")
        for index, quality in enumerate(prop.get("quality") or []):
            self._add_quality(field, quality, f"{where}.quality[{index}]")

    def add_schema(self, item: Mapping[str, Any], where: str) -> None:
        """The primary key, and the rules that stand with the schema object."""
        keyed = sorted((f for f in self.fields.values() if f.key), key=lambda f: f.key)
        if keyed:
            names = tuple(f.name for f in keyed)
            expected = f"a key that occurs once ({', '.join(names)})"
            self._add("primaryKey", keyed[0], expected, Unique(names), dimension="uniqueness")
        for index, relationship in enumerate(item.get("relationships") or []):
            self._add_schema_relationship(relationship, f"{where}.relationships[{index}]")
        for index, quality in enumerate(item.get("quality") or []):
            self._add_quality(None, quality, f"{where}.quality[{index}]")

    def _add(self, name: str, field: Field | None, expected: str, check: Check | None, **more: Any) -> None:
        self.rules.append(Rule(0, name, field.name if field else "", expected, check, **more))

    def _add_bound(self, field: Field, option: str, operator: str, where: str) -> None:
        raw = field.options[option]
        bound = self._value_of(field, raw, f"{where}.{option}")
        words = {
            "minimum": "at least",
            "maximum": "at most",
            "exclusiveMinimum": "more than",
            "exclusiveMaximum": "less than",
        }
        low, high = field.options.get("minimum"), field.options.get("maximum")
        if option in ("minimum", "maximum") and low is not None and high is not None:
            expected = f"{bound_text(low)} to {bound_text(high)}"
        else:
            expected = f"{words[option]} {bound_text(raw)}"
        if field.kind.logical == "integer":
            rounded = math.ceil(bound) if operator in (">=", "<") else math.floor(bound)
            bound = max(-(2**64), min(2**64, rounded))
        self._add(option, field, expected, Compared(field.name, operator, bound))

    def _value_of(self, field: Field, raw: Any, where: str) -> Any:
        """A bound or option in the field's type, from YAML."""
        if field.kind.logical in ("integer", "number"):
            if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
                raise ContractError(self.source, where, f"must be a number, not {raw!r}")
            return raw if field.kind.logical == "integer" else float(raw)
        text = raw.isoformat() if hasattr(raw, "isoformat") else str(raw)
        value = lexical.json_reader(field.kind)(text)
        if value is INVALID:
            example = {"date": "2025-02-28", "time": "07:30:00", "timestamp": "2025-02-28T07:30:00+08:00"}[
                field.kind.logical
            ]
            raise ContractError(
                self.source, where, f"must be a {field.kind.logical} as {example!r}, not {raw!r}"
            )
        return value

    def _check_bounds(self, field: Field, where: str) -> None:
        bounds = {
            r.name: r.check.bound
            for r in self.rules
            if r.field == field.name and isinstance(r.check, Compared)
        }
        for low in ("minimum", "exclusiveMinimum"):
            for high in ("maximum", "exclusiveMaximum"):
                if low not in bounds or high not in bounds:
                    continue
                strict = "exclusive" in low or "exclusive" in high
                if bounds[low] > bounds[high] or (strict and bounds[low] == bounds[high]):
                    said = (
                        f"{low} {bound_text(field.options[low])} and {high} {bound_text(field.options[high])}"
                    )
                    raise ContractError(
                        self.source, where, f"no value can pass: {said} leave nothing between them"
                    )

    def _add_sizes(self, field: Field, where: str) -> None:
        options = field.options
        step = options.get("multipleOf")
        if step is not None:
            if (
                isinstance(step, bool)
                or not isinstance(step, int | float)
                or not step > 0
                or not math.isfinite(step)
            ):
                raise ContractError(
                    self.source, f"{where}.multipleOf", f"must be a number above 0, not {step!r}"
                )
            if field.kind.logical == "integer" and step != int(step):
                raise ContractError(
                    self.source, f"{where}.multipleOf", f"must be a whole number for an integer, not {step!r}"
                )
            exact = int(step) if field.kind.logical == "integer" else float(step)
            self._add("multipleOf", field, f"a multiple of {bound_text(step)}", MultipleOf(field.name, exact))
        units = {
            "string": ("Length", "characters"),
            "array": ("Items", "items"),
            "object": ("Properties", "members"),
        }
        if field.kind.logical not in units:
            return
        suffix, unit = units[field.kind.logical]
        low, high = (
            self._size(options.get(f"{end}{suffix}"), f"{where}.{end}{suffix}") for end in ("min", "max")
        )
        if low is not None and high is not None and low > high:
            raise ContractError(
                self.source, where, f"no value can pass: min{suffix} {low} is more than max{suffix} {high}"
            )
        if low:
            self._add("minLength", field, f"at least {low} {unit}", Length(field.name, least=low))
        if high is not None:
            self._add("maxLength", field, f"at most {high} {unit}", Length(field.name, most=high))
        if not isinstance(options.get("uniqueItems", False), bool):
            raise ContractError(self.source, f"{where}.uniqueItems", "must be true or false")
        listed = options.get("required") or []
        if field.kind.logical == "object" and not (
            isinstance(listed, list) and all(isinstance(name, str) for name in listed)
        ):
            raise ContractError(self.source, f"{where}.required", "must be a list of the members' names")
        if field.kind.logical != "string" and field.inside is not None and field.inside.asks:
            expected = said(field.inside, field.kind.logical)
            self._add("inside", field, _shortened(expected), Shaped(field.name, field.inside))

    def _size(self, value: Any, where: str) -> int | None:
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31
        ):
            raise ContractError(self.source, where, f"must be a whole number from 0, not {value!r}")
        return value

    def _add_pattern(self, field: Field, pattern: Any, where: str, **more: Any) -> None:
        if field.kind.logical != "string":
            raise ContractError(
                self.source, where, f"a pattern goes with a string; {field.name!r} is a {field.kind.logical}"
            )
        if not isinstance(pattern, str):
            raise ContractError(self.source, where, f"must be text in quotes, not {pattern!r}")
        try:
            check = Matches(field.name, portable(pattern))
        except PatternError as error:
            raise ContractError(self.source, where, str(error)) from error
        self._add("pattern", field, f"text that matches {pattern}", check, **more)

    def _add_format(self, field: Field, where: str) -> None:
        form, logical = field.options["format"], field.kind.logical
        if not isinstance(form, str):
            raise ContractError(self.source, where, f"must be text, not {form!r}")
        if logical == "string":
            if form not in FORMATS:
                raise ContractError(self.source, where, f"unknown format {form!r}{nearest(form, FORMATS)}")
            if FORMATS[form]:
                self._add(
                    "format",
                    field,
                    f"text in the format {form}",
                    Matches(field.name, f"\\A(?:{FORMATS[form]})\\z"),
                )
        elif logical == "integer":
            if form not in _WHOLE_FORMATS:
                raise ContractError(
                    self.source, where, f"unknown format {form!r}{nearest(form, _WHOLE_FORMATS)}"
                )
            self._add_range(field, form, *whole_range(form))
        elif logical == "number":
            if form not in _FLOAT_FORMATS:
                raise ContractError(
                    self.source, where, f"unknown format {form!r}{nearest(form, _FLOAT_FORMATS)}"
                )
            if form == "f32":
                self._add_range(field, form, -_FLOAT_FORMATS[form], _FLOAT_FORMATS[form])

    def _add_range(self, field: Field, form: str, low: float, high: float) -> None:
        expected = f"a number in the format {form} ({bound_text(low)} to {bound_text(high)})"
        if low > lexical.LOWEST or field.kind.logical == "number":
            self._add("format", field, expected, Compared(field.name, ">=", low))
        if high < lexical.HIGHEST or field.kind.logical == "number":
            self._add("format", field, expected, Compared(field.name, "<=", high))

    def _add_enum(self, field: Field, values: Any, where: str, more: Mapping[str, Any]) -> None:
        if not isinstance(values, list | tuple) or not values:
            raise ContractError(self.source, where, "must be a list of at least one value")
        read = lexical.json_reader(field.kind)
        typed = []
        for index, value in enumerate(values):
            text = value.isoformat() if hasattr(value, "isoformat") else value
            known = read(text)
            if known is INVALID:
                hint = "; put it in quotes" if field.kind.logical == "string" else ""
                raise ContractError(
                    self.source, f"{where}[{index}]", f"{value!r} is not a {field.kind.logical}{hint}"
                )
            typed.append(known)
        if field.kind.logical in ("object", "array"):
            raise ContractError(
                self.source, where, f"a list of values does not go with an {field.kind.logical}"
            )
        expected = ", ".join(bound_text(v) for v in values)
        self._add("enum", field, _shortened(expected), OneOf(field.name, frozenset(typed)), **more)

    def _add_relationship(
        self, field: Field, relationship: Mapping[str, Any], where: str, **more: Any
    ) -> None:
        if relationship.get("type", "foreignKey") != "foreignKey":
            kind = relationship["type"]
            raise ContractError(
                self.source, f"{where}.type", f"unknown relationship {kind!r}{nearest(kind, ['foreignKey'])}"
            )
        if relationship.get("from") is not None:
            raise ContractError(
                self.source,
                f"{where}.from",
                "goes with the relationships of the schema object, not of a property",
            )
        target = relationship.get("to")
        if not isinstance(target, str) or not target.strip():
            raise ContractError(
                self.source,
                f"{where}.to",
                "must name what it refers to: a code list or an entity type, name.column",
            )
        if field.kind.logical not in ("string", "integer"):
            raise ContractError(
                self.source,
                where,
                f"a foreign key is a string or an integer; {field.name!r} is a {field.kind.logical}",
            )
        self._add(
            "foreignKey",
            field,
            f"one of {target}",
            Refers(field.name, target),
            dimension="consistency",
            **more,
        )

    def _add_schema_relationship(self, relationship: Mapping[str, Any], where: str) -> None:
        start, to = relationship.get("from"), relationship.get("to")
        starts = start if isinstance(start, list) else [start]
        targets = to if isinstance(to, list) else [to]
        if len(starts) != 1 or len(targets) != 1:
            raise ContractError(
                self.source, where, "a foreign key of several fields is not checked yet; give one field"
            )
        name = str(starts[0]).rpartition(".")[2]
        if name not in self.fields:
            raise ContractError(
                self.source, f"{where}.from", f"unknown field {starts[0]!r}{nearest(name, self.fields)}"
            )
        self._add_relationship(self.fields[name], {**relationship, "from": None, "to": targets[0]}, where)

    def _add_quality(self, field: Field | None, quality: Mapping[str, Any], where: str) -> None:
        kind = quality.get("type") or "library"
        if kind not in ("library", "text", "sql", "custom"):
            raise ContractError(
                self.source,
                f"{where}.type",
                f"unknown type {kind!r}{nearest(kind, ('library', 'text', 'custom'))}",
            )
        more = self._common(quality, where)
        if kind == "text":
            return
        if kind == "sql":
            self._add_sql(field, quality, where, more)
            return
        if kind == "custom":
            self._add_custom(field, quality, where, more)
        else:
            self._add_metric(field, quality, where, more)

    def _common(self, quality: Mapping[str, Any], where: str) -> dict[str, Any]:
        severity = quality.get("severity") or "error"
        if severity not in get_args(Severity):
            raise ContractError(
                self.source,
                f"{where}.severity",
                f"unknown severity {severity!r}{nearest(severity, get_args(Severity))}",
            )
        dimension = quality.get("dimension")
        if dimension is not None and dimension not in DIMENSIONS:
            raise ContractError(
                self.source,
                f"{where}.dimension",
                f"unknown dimension {dimension!r}{nearest(dimension, DIMENSIONS)}",
            )
        more = {
            "severity": severity,
            "message": quality.get("description") or "",
            "impact": quality.get("businessImpact") or "",
        }
        return {**more, "dimension": dimension} if dimension else more

    def _add_sql(
        self, field: Field | None, quality: Mapping[str, Any], where: str, more: dict[str, Any]
    ) -> None:
        """A query whose one answer the operator judges; ``${object}`` and ``${property}`` stand for their names."""
        text = quality.get("query")
        if (
            not isinstance(text, str)
            or not re.match(r"\s*(?:SELECT|WITH)\b", text, re.IGNORECASE)
            or ";" in text
        ):
            raise ContractError(self.source, f"{where}.query", "must be one SELECT over ${object}")
        threshold = self._threshold(quality, where)
        if threshold is None or threshold.percent:
            raise ContractError(self.source, where, "sql needs an operator such as mustBe: 0, without a unit")
        text = re.sub(r"\$?\{(?:object|model|table|schema)\}", lambda _: f'"{self.entity}"', text)
        if re.search(r"\$?\{(?:property|column|field)\}", text):
            if field is None:
                raise ContractError(self.source, f"{where}.query", "${property} goes with a property's rule")
            own = f'"{field.name}"'
            text = re.sub(r"\$?\{(?:property|column|field)\}", lambda _: own, text)
        every = "*" in re.sub(r"count\s*\(\s*\*\s*\)", "", text, flags=re.IGNORECASE)
        named = tuple(name for name in self.fields if every or name.casefold() in text.casefold())
        more.setdefault("dimension", "consistency")
        expected = threshold.expected("as the answer of the query")
        check = Query(text, self.entity, named)
        self._add(quality.get("name") or "sql", field, expected, check, threshold=threshold, **more)

    def _add_custom(
        self, field: Field | None, quality: Mapping[str, Any], where: str, more: dict[str, Any]
    ) -> None:
        engine = quality.get("engine")
        if engine != "mahakam":
            raise ContractError(
                self.source,
                f"{where}.engine",
                f"must be mahakam, not {engine!r}; other engines are not run here",
            )
        text = quality.get("implementation")
        if isinstance(text, Mapping):
            self._add_across(field, quality, text, f"{where}.implementation", more)
            return
        if not isinstance(text, str) or not text.strip():
            raise ContractError(
                self.source,
                f"{where}.implementation",
                "must be an expression over the fields, e.g. a <= b, or rule: …",
            )
        try:
            node = parse(text, {name: f.kind for name, f in self.fields.items()})
        except ExpressionError as error:
            raise ContractError(self.source, f"{where}.implementation", str(error)) from error
        name, dimension = (
            _FUNCTION_RULES.get(node.operation, ("", "")) if isinstance(node, Call) else ("", "")
        )
        more.setdefault("dimension", dimension or "consistency")
        at = field or self.fields.get(next(iter(columns_of(node)), ""))
        expected = {
            "notInFuture": "not later than now",
            "insideBoundary": "inside the boundary of the place",
        }.get(name, text)
        self._add(quality.get("name") or name or EXPRESSION, at, _shortened(expected), Holds(node), **more)

    def _add_across(
        self,
        field: Field | None,
        quality: Mapping[str, Any],
        given: Mapping[str, Any],
        where: str,
        more: dict[str, Any],
    ) -> None:
        """A rule that looks at rows beside each other, or at the file as a whole."""
        kinds = {name: f.kind for name, f in self.fields.items()}
        try:
            check, name, expected, dimension = across.read(given, field.name if field else "", kinds)
        except across.AcrossError as error:
            at = f"{where}.{error.where}" if error.where else where
            raise ContractError(self.source, at, str(error)) from error
        more.setdefault("dimension", dimension)
        at_field = self.fields.get(next(iter(reads(check)), ""))
        self._add(quality.get("name") or name, at_field, expected, check, **more)

    def _add_metric(
        self, field: Field | None, quality: Mapping[str, Any], where: str, more: dict[str, Any]
    ) -> None:
        metric = quality.get("metric") or quality.get("rule")
        if metric not in METRICS:
            raise ContractError(
                self.source, f"{where}.metric", f"unknown metric {metric!r}{nearest(str(metric), METRICS)}"
            )
        arguments = quality.get("arguments") or {}
        for key in arguments if isinstance(arguments, Mapping) else [arguments]:
            if key not in _ARGUMENTS[metric]:
                known = _ARGUMENTS[metric]
                hint = nearest(key, known) if known else "; it takes none"
                raise ContractError(
                    self.source, f"{where}.arguments", f"unknown argument {key!r} of {metric}{hint}"
                )
        threshold = self._threshold(quality, where)
        if metric == "rowCount":
            self._add_row_count(field, threshold, where, more)
            return
        before = len(self.rules)
        if metric == "duplicateValues":
            self._add_duplicates(field, arguments, where, more)
        else:
            self._add_values(field, metric, arguments, where, more)
        if threshold is not None and not (threshold.operator == "mustBe" and threshold.bound == (0.0,)):
            self.rules[before:] = [self._whole(rule, metric, threshold) for rule in self.rules[before:]]

    def _whole(self, rule: Rule, metric: str, threshold: Threshold) -> Rule:
        what = {
            "nullValues": "rows without a value", "missingValues": "rows without a value",
            "duplicateValues": "rows with a repeated value",
        }.get(metric, "rows with an invalid value")  # fmt: skip
        name = "nullValues" if metric in ("nullValues", "missingValues") else rule.name
        return replace(rule, name=name, threshold=threshold, expected=threshold.expected(what))

    def _add_values(
        self, field: Field | None, metric: str, arguments: Mapping[str, Any], where: str, more: dict[str, Any]
    ) -> None:
        if field is None:
            raise ContractError(
                self.source, where, f"{metric} goes with a property, not with the schema object"
            )
        if metric == "invalidValues":
            if not arguments:
                raise ContractError(
                    self.source, f"{where}.arguments", "is missing; give validValues: [...] or pattern: '...'"
                )
            if "validValues" in arguments:
                self._add_enum(field, arguments["validValues"], f"{where}.arguments.validValues", more)
            if "pattern" in arguments:
                self._add_pattern(field, arguments["pattern"], f"{where}.arguments.pattern", **more)
            return
        markers = arguments.get("missingValues") or []
        if not isinstance(markers, list) or not all(m is None or isinstance(m, str) for m in markers):
            raise ContractError(self.source, f"{where}.arguments.missingValues", "must be a list of text")
        more.setdefault("dimension", "completeness")
        present = Present(field.name, frozenset(m for m in markers if m))
        name = "required" if metric == "missingValues" or present.missing else "nullValues"
        self._add(name, field, "a value", present, **more)

    def _add_duplicates(
        self, field: Field | None, arguments: Mapping[str, Any], where: str, more: dict[str, Any]
    ) -> None:
        names = arguments.get("properties") or ([field.name] if field else [])
        at = f"{where}.arguments.properties"
        if not isinstance(names, list) or not names:
            raise ContractError(self.source, at, "must list the fields that together are unique")
        for name in names:
            if name not in self.fields:
                raise ContractError(self.source, at, f"unknown field {name!r}{nearest(name, self.fields)}")
        more.setdefault("dimension", "uniqueness")
        expected = (
            "a value that occurs once"
            if len(names) == 1
            else f"values that occur once together ({', '.join(names)})"
        )
        self._add("unique", field or self.fields[names[0]], expected, Unique(tuple(names)), **more)

    def _add_row_count(
        self, field: Field | None, threshold: Threshold | None, where: str, more: dict[str, Any]
    ) -> None:
        if field is not None:
            raise ContractError(
                self.source, where, "rowCount goes with the schema object, not with a property"
            )
        if threshold is None or threshold.percent:
            raise ContractError(
                self.source, where, "rowCount needs an operator such as mustBeGreaterThan: 0, in rows"
            )
        more.setdefault("dimension", "completeness")
        self._add("rowCount", None, threshold.expected("rows"), None, threshold=threshold, **more)

    def _threshold(self, quality: Mapping[str, Any], where: str) -> Threshold | None:
        given = [operator for operator in OPERATORS if quality.get(operator) is not None]
        if len(given) > 1:
            raise ContractError(self.source, where, f"give one operator, not {' and '.join(given)}")
        unit = quality.get("unit") or "rows"
        if unit not in ("rows", "percent"):
            raise ContractError(
                self.source, f"{where}.unit", f"unknown unit {unit!r}{nearest(unit, ('rows', 'percent'))}"
            )
        if not given:
            return None
        raw = quality[given[0]]
        values = raw if isinstance(raw, list) else [raw]
        at = f"{where}.{given[0]}"
        if not all(
            isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values
        ):
            raise ContractError(self.source, at, f"must be a number, not {raw!r}")
        if (
            given[0].endswith("Between") != (len(values) == 2)
            or len(values) > 2
            or list(values) != sorted(values)
        ):
            raise ContractError(
                self.source,
                at,
                "must be two numbers, the smaller first" if len(values) > 1 else "must be two numbers",
            )
        return Threshold(given[0], tuple(map(float, values)), unit == "percent")


def reads(check: Check | None) -> tuple[str, ...]:
    """The fields that a check reads."""
    if check is None:
        return ()
    if isinstance(check, Unique | Across | Query):
        return check.fields
    if isinstance(check, Holds):
        return tuple(columns_of(check.expression))
    return (check.field,) if check.field else ()


def whole_range(form: str) -> tuple[int, int]:
    """Lowest and highest value of a format i8 … u128."""
    bits = int(form[1:])
    return (0, 2**bits - 1) if form[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def type_text(field: Field) -> str:
    """What a value of the field's type looks like, in data terms."""
    kind = field.kind
    if kind.geometry:
        return "a GeoJSON geometry"
    if kind.format and kind.logical in ("date", "time", "timestamp"):
        return f"a {kind.logical} as {kind.format}"
    words = {
        "integer": "a whole number", "number": "a number", "boolean": "true or false",
        "date": "a date as yyyy-mm-dd",
        "time": "a time as hh:mm:ss", "timestamp": "a date and time as yyyy-mm-ddThh:mm:ss",
        "object": "a JSON object",
        "array": "a JSON list",
    }  # fmt: skip
    text = words[kind.logical]
    if not kind.plain_number:
        text += f" with decimal {kind.decimal!r}" + (f" and group {kind.group!r}" if kind.group else "")
    return text


def _shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
