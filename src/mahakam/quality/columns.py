"""A whole file against a contract: the compilation to column expressions (Ibis on DuckDB), in one scan of the
file.

Every row gets a bit mask of the rules that it fails; only masks, keys and the text of failing rows are kept.
The other compilation, for single records, is :mod:`mahakam.quality.checker`; both give the same findings.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis

from mahakam.quality.checker import area_of
from mahakam.quality.column_expression import ColumnExpressions, literal
from mahakam.quality.contract import Contract
from mahakam.quality.finding import Finding
from mahakam.quality.functions import Functions
from mahakam.quality.odcs import ContractError
from mahakam.quality.references import References, UnknownTarget
from mahakam.quality.rule import (
    Compared,
    Holds,
    Length,
    Matches,
    MultipleOf,
    OfType,
    OneOf,
    Present,
    Refers,
    Rule,
    Unique,
)
from mahakam.quality.typing_sql import typed

BITS = 62
"""Rules to a mask: a signed 64-bit integer."""

_SLICE = 50_000
_tables = itertools.count(1)


@dataclass
class ColumnCheck:
    """What a check of a file found. It lives in temporary tables of ``connection`` until :meth:`close`.

    ``rows``: data rows; ``failed_rows``: rows with an error; ``warned_rows``: rows with warnings only;
    ``counts``: findings by the rule's number; ``by_dimension``: rows with a finding, by dimension;
    ``absent``: fields that the file has no column for;
    ``file_findings``: findings on the file as a whole.
    ``table``: a temporary table with ``_row``, ``_line``, ``_held`` (an error in the row) and, if asked
    for, a typed column for each field.
    """

    contract: Contract
    connection: Any
    table: str
    rows: int = 0
    failed_rows: int = 0
    warned_rows: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    by_dimension: dict[str, int] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    file_findings: list[Finding] = field(default_factory=list)
    extra: list[Finding] = field(default_factory=list)
    _layout: _Layout = field(default_factory=lambda: _Layout((), [], [], [], [], [], []))

    def findings(self, limit: int | None = None) -> Iterator[Finding]:
        """The findings in the order of rows and rules, those on the whole file first; at most ``limit`` of
        them."""
        rows = heapq.merge(self.extra, self._row_findings(), key=lambda finding: finding.row)
        every = itertools.chain(self.file_findings, rows)
        return every if limit is None else itertools.islice(every, limit)

    def _row_findings(self) -> Iterator[Finding]:
        layout = self._layout
        wanted = " OR ".join(f"{mask} <> 0" for mask in layout.masks) or "false"
        columns = ", ".join(["_row", *layout.masks, "_texts", *layout.keys, *layout.others])
        # In slices by row number, so that the caller may use the connection between two findings.
        sql = f"SELECT {columns} FROM {self.table} WHERE ({wanted}) AND _row > ? ORDER BY _row LIMIT {_SLICE}"  # noqa: S608
        last = -1
        while batch := self.connection.execute(sql, [last]).fetchall():
            last = batch[-1][0]
            for row in batch:
                yield from layout.findings(row)

    def add(self, findings: Iterable[Finding]) -> None:
        """Findings on rows that were made elsewhere (a broken row of the file): counted and listed with the
        others."""
        self.extra = sorted([*self.extra, *findings], key=lambda finding: finding.row)
        errors = sorted({finding.row for finding in self.extra if finding.severity == "error"})
        if not errors:
            return
        held = (
            " OR ".join(f"({m} & {bits}) <> 0" for m, bits in _error_bits(self._layout).items() if bits)
            or "false"
        )
        failing = " OR ".join(f"{m} <> 0" for m in self._layout.masks) or "false"
        listed = ", ".join(map(str, errors))
        sql = f"SELECT count(*) FILTER (WHERE {held}), count(*) FILTER (WHERE {failing}) "
        already, seen = self.connection.execute(
            f"{sql} FROM {self.table} WHERE _row IN ({listed})"
        ).fetchall()[0]
        self.failed_rows += len(errors) - already
        self.warned_rows -= seen - already

    def examples(self, rule: Rule, number: int = 3) -> list[tuple[int, int, Any]]:
        """The first rows that fail a rule: row, line in the file, raw value."""
        layout = self._layout
        mask, bit = layout.bit(rule)
        columns = ", ".join(["_row", "_line", "_texts", *layout.keys])
        where = f"WHERE ({mask} & {bit}) <> 0 ORDER BY _row LIMIT {int(number)}"
        rows = self.connection.execute(f"SELECT {columns} FROM {self.table} {where}").fetchall()  # noqa: S608
        return [(row[0], row[1], layout.value(rule, row[2], row[3:])) for row in rows]

    def common(self, rule: Rule, number: int = 5) -> list[tuple[Any, int]]:
        """The most frequent values that fail a rule, with how often each does."""
        layout = self._layout
        mask, bit = layout.bit(rule)
        if rule.field not in layout.names or isinstance(rule.check, Unique):
            return []
        value = f"_texts[{layout.names.index(rule.field) + 1}]"
        sql = (
            f"SELECT {value}, count(*) FROM {self.table} WHERE ({mask} & {bit}) <> 0 "  # noqa: S608 - our own names
            f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {int(number)}"
        )
        return [(row[0], row[1]) for row in self.connection.execute(sql).fetchall()]

    def typed_sql(self) -> str:
        """SQL that selects ``_row``, ``_line`` and the typed fields of the rows without an error, in
        order."""
        fields = enumerate(self.contract.fields)
        names = ", ".join(f"_field{number} AS {_quoted(name)}" for number, name in fields)
        return f"SELECT _row, _line, {names} FROM {self.table} WHERE NOT _held ORDER BY _row"  # noqa: S608 - names are quoted

    def close(self) -> None:
        """Drop the temporary tables."""
        self.connection.execute(f"DROP TABLE IF EXISTS {self.table}")


def check_columns(
    connection: Any,
    relation: str,
    columns: Sequence[str],
    contract: Contract,
    references: References,
    *,
    typed_fields: bool = False,
    rename: Mapping[str, str] | None = None,
) -> ColumnCheck:
    """Check the rows of a table or view: ``_row`` (from 1), ``_line``, then VARCHAR columns.

    ``columns`` are the columns it has beside ``_row`` and ``_line``; ``rename`` says which of them is a field
    by another name (field → column). A field without a column gives one finding of rule ``column`` in row 0,
    and its rules are left out. Raises ContractError if the references lack what the contract needs.
    """
    compiled = _Compiled(contract, references, relation, columns, rename or {}, typed_fields)
    table = f"mahakam_check_{next(_tables)}"
    compiled.register(connection)
    try:
        connection.execute(f"CREATE TEMP TABLE {table} AS {compiled.sql}")
    finally:
        compiled.forget(connection)
    check = ColumnCheck(contract, connection, table, absent=compiled.absent, _layout=compiled.layout)
    for rule in compiled.unique_rules:
        _mark_repeated(connection, table, rule, compiled.layout)
    if typed_fields:
        _mark_held(connection, table, compiled.layout)
    _count(check, compiled)
    return check


@dataclass
class _Layout:
    """Where things stand in the temporary table."""

    rules: tuple[Rule, ...]
    names: list[str]
    masks: list[str]
    file_masks: list[str]
    keys: list[str]
    others: list[str]
    errors: list[int]

    def bit(self, rule: Rule) -> tuple[str, int]:
        """The mask column and the bit of a rule."""
        return f"{'_file' if rule.threshold else '_mask'}{rule.number // BITS}", 1 << (rule.number % BITS)

    def findings(self, row: Sequence[Any]) -> Iterator[Finding]:
        """The findings of one row: ``_row``, masks, texts, keys, other rows."""
        at = 1 + len(self.masks)
        texts = row[at]
        keys = row[at + 1 : at + 1 + len(self.keys)]
        others = row[at + 1 + len(self.keys) :]
        for index in range(len(self.masks)):
            mask = row[1 + index]
            while mask:
                low = mask & -mask
                mask ^= low
                rule = self.rules[index * BITS + low.bit_length() - 1]
                yield self._finding(rule, row[0], texts, keys, others)

    def _finding(
        self, rule: Rule, number: int, texts: Sequence[Any] | None, keys: Sequence[Any], others: Sequence[Any]
    ) -> Finding:
        value = self.value(rule, texts, keys)
        if isinstance(rule.check, Unique):
            other = others[self.others.index(f"_other{rule.number}")]
            return rule.finding(value, number, f"{rule.expected}; also in row {other}")
        return rule.finding(value, number)

    def value(self, rule: Rule, texts: Sequence[Any] | None, keys: Sequence[Any]) -> Any:
        """The raw value that a finding of a rule shows; of a key of several fields, all its parts."""
        if isinstance(rule.check, Unique):
            parts = [keys[self.keys.index(f"_key{self.names.index(name)}")] for name in rule.check.fields]
            return parts[0] if len(parts) == 1 else " | ".join(map(str, parts))
        return texts[self.names.index(rule.field)] if texts is not None and rule.field in self.names else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Compiled:
    """The SQL of one check, and what its columns mean."""

    def __init__(
        self,
        contract: Contract,
        references: References,
        relation: str,
        columns: Sequence[str],
        rename: Mapping[str, str],
        keep: bool,
    ) -> None:
        self.contract = contract
        self.references = references
        self.functions = Functions(area_of(contract, references))
        self.lists: dict[str, str] = {}
        source = {name: rename.get(name, name) for name in contract.fields}
        self.absent = tuple(name for name in contract.fields if source[name] not in columns)
        self.names = [name for name in contract.fields if name not in self.absent]
        self.keep = keep
        schema = {"_row": "int64", "_line": "int64", **{source[name]: "string" for name in self.names}}
        self.table = ibis.table(schema, name=relation)
        self.source = source
        self.rules = [rule for rule in contract.rules if not self._left_out(rule)]
        self.unique_rules = [rule for rule in self.rules if isinstance(rule.check, Unique)]
        self.sql = self._build()

    def _left_out(self, rule: Rule) -> bool:
        if rule.check is None:
            return True
        missing = [name for name in rule.reads if name in self.absent]
        return bool(missing) and not (isinstance(rule.check, Holds) and len(missing) < len(rule.reads))

    def _build(self) -> str:
        texts, values = {}, {}
        missing = sorted({"", *self.contract.missing})
        for position, name in enumerate(self.names):
            raw = self.table[self.source[name]]
            texts[f"t{position}"] = (
                raw.nullif("") if missing == [""] else raw.isin(missing).ifelse(ibis.null("string"), raw)
            )
        raws = {f"r{i}": self.table[self.source[name]] for i, name in enumerate(self.names)}
        first = self.table.select("_row", "_line", **raws, **texts)
        for position, name in enumerate(self.names):
            kind = self.contract.fields[name].kind.in_zone(self.references.zone)
            if kind.logical != "string":
                values[f"v{position}"] = typed(first[f"t{position}"], kind, self.functions)
        second = first.mutate(**values) if values else first
        self.step = second
        masks = self._masks()
        third = second.mutate(**masks) if masks else second
        return str(ibis.to_sql(third.select(**self._kept(third, list(masks))), dialect="duckdb"))

    def _text(self, name: str) -> Any:
        return self.step[f"t{self.names.index(name)}"]

    def _value(self, name: str) -> Any:
        if name in self.absent:
            kind = self.contract.fields[name].kind.logical
            types = {"integer": "int64", "number": "float64", "object": "string", "array": "string"}
            return ibis.null(types.get(kind, kind))
        position = self.names.index(name)
        return self.step[f"{'t' if self.contract.fields[name].kind.logical == 'string' else 'v'}{position}"]

    def _masks(self) -> dict[str, Any]:
        values = {name: self._value(name) for name in self.contract.fields}
        self.expressions = ColumnExpressions(values, self.references, self.functions)
        parts: dict[str, list[Any]] = {}
        self.layout = _Layout(self.contract.rules, self.names, [], [], [], [], [])
        for rule in self.rules:
            column, bit = self.layout.bit(rule)
            target = self.layout.file_masks if rule.threshold else self.layout.masks
            if column not in target:
                target.append(column)
            parts.setdefault(column, [])
            if not isinstance(rule.check, Unique):
                parts[column].append(self._failing(rule).ifelse(literal(bit, "int64"), literal(0, "int64")))
        self._complete_masks()
        return {
            column: sum(some[1:], some[0]) if some else literal(0, "int64") for column, some in parts.items()
        }

    def _complete_masks(self) -> None:
        """Masks stand for consecutive rules, so one without rules of its own still has its place."""
        layout = self.layout
        layout.masks.sort(key=lambda name: int(name[5:]))

    def _kept(self, step: Any, masks: list[str]) -> dict[str, Any]:
        kept: dict[str, Any] = {"_row": step["_row"], "_line": step["_line"]}
        for column in masks:
            kept[column] = step[column]
        failing = literal(False, "boolean")
        for column in self.layout.masks:
            failing = failing | (step[column] != 0)
        if self.names:
            raw = ibis.array([step[f"r{i}"] for i in range(len(self.names))])
            kept["_texts"] = failing.ifelse(raw, ibis.null("array<string>"))
        else:
            kept["_texts"] = ibis.null("array<string>")
        for rule in self.unique_rules:
            assert isinstance(rule.check, Unique)
            kept[f"_other{rule.number}"] = ibis.null("int64")
            self.layout.others.append(f"_other{rule.number}")
            for name in rule.check.fields:
                position = self.names.index(name)
                if f"_key{position}" not in kept:
                    self.layout.keys.append(f"_key{position}")
                    kept[f"_key{position}"] = step[f"r{position}"]
                    kept[f"_val{position}"] = step[self._value(name).get_name()]
        if self.keep:
            kept["_held"] = literal(False, "boolean")
            for number, name in enumerate(self.contract.fields):
                value = self._value(name)
                kept[f"_field{number}"] = step[value.get_name()] if name in self.names else value
        return kept

    def _failing(self, rule: Rule) -> Any:
        """True where a row fails the rule; false or NULL where it does not."""
        check = rule.check
        match check:
            case Present(name, markers):
                absent = self._text(name).isnull()
                return absent | self._text(name).isin(sorted(markers)) if markers else absent
            case OfType(name):
                return self._text(name).notnull() & self._value(name).isnull()
            case Compared(name, operator, bound):
                value, limit = self._value(name), _bound(bound, self.contract.fields[name].kind.logical)
                return {"<=": value > limit, ">=": value < limit, "<": value >= limit, ">": value <= limit}[
                    operator
                ]
            case MultipleOf(name, step):
                return self._no_multiple(self._value(name), step)
            case Length(name, least, most):
                kind = self.contract.fields[name].kind
                value = self._value(name)
                length = value.length() if kind.logical == "string" else self.functions.size(value, kind)
                return (length < least) if most is None else (length < least) | (length > most)
            case Matches(name, pattern):
                return ~self._value(name).re_search(pattern)
            case OneOf(name, values):
                type_ = {"string": "string", "integer": "int64", "number": "float64"}
                logical = self.contract.fields[name].kind.logical
                options = [literal(v, type_.get(logical, logical)) for v in sorted(values)]
                return ~self._value(name).isin(options)
            case Refers(name, target):
                return self._not_in_target(name, target)
            case Holds(expression):
                return ~self.expressions.build(expression)
        raise AssertionError(f"no column expression for {check}")

    def _no_multiple(self, value: Any, step: int | float) -> Any:
        if isinstance(step, int):
            return (value % literal(step, "int64")) != 0 if step < 2**63 else value != 0
        quotient = value / literal(step, "float64")
        near = self.functions.floor(quotient + literal(0.5, "float64"))
        slack = literal(1e-9, "float64") * ibis.greatest(literal(1.0, "float64"), quotient.abs())
        return ~self.functions.isfinite(quotient) | ((quotient - near).abs() > slack)

    def _not_in_target(self, name: str, target: str) -> Any:
        value = self._value(name)
        text = value.cast("string") if self.contract.fields[name].kind.logical == "integer" else value
        if target not in self.lists:
            self.lists[target] = f"mahakam_list_{next(_tables)}"
        known = ibis.table({"value": "string"}, name=self.lists[target])
        return value.notnull() & ~text.isin(known["value"])

    def register(self, connection: Any) -> None:
        """Make functions and code lists known to the connection."""
        import pyarrow as pa

        self.functions.register(connection)
        for target, name in self.lists.items():
            try:
                values = sorted(self.references.values(target))
            except UnknownTarget as error:
                raise ContractError(
                    self.contract.source, "", f"a foreign key refers to {error.args[0]}"
                ) from error
            connection.register(name, pa.table({"value": pa.array(values, pa.string())}))

    def forget(self, connection: Any) -> None:
        """Take back what :meth:`register` did."""
        self.functions.forget(connection)
        for name in self.lists.values():
            connection.unregister(name)


def _bound(bound: Any, logical: str) -> Any:
    if logical == "integer":
        return ibis.literal(bound, "int64" if -(2**63) <= bound < 2**63 else "decimal(38, 0)")
    return literal(bound, {"number": "float64"}.get(logical, logical))


def _mark_repeated(connection: Any, table: str, rule: Rule, layout: _Layout) -> None:
    """Set the rule's bit, and the other row, in every row whose key occurs again."""
    assert isinstance(rule.check, Unique)
    values = [f"_val{layout.names.index(name)}" for name in rule.check.fields]
    mask, bit = layout.bit(rule)
    present = " AND ".join(f"{v} IS NOT NULL" for v in values)
    same = " AND ".join(f"{table}.{v} = repeated.{v}" for v in values)
    connection.execute(
        f"UPDATE {table} SET {mask} = {mask} | {bit}, _other{rule.number} = "  # noqa: S608 - our own and quoted names
        f"CASE WHEN {table}._row = repeated.rows[1] THEN repeated.rows[2] ELSE repeated.rows[1] END "
        f"FROM (SELECT {', '.join(values)}, min(_row, 2) AS rows FROM {table} WHERE {present} "
        f"GROUP BY ALL HAVING count(*) > 1) AS repeated WHERE {same}"
    )


def _error_bits(layout: _Layout) -> dict[str, int]:
    bits: dict[str, int] = dict.fromkeys(layout.masks, 0)
    for rule in layout.rules:
        column, bit = layout.bit(rule)
        if rule.severity == "error" and column in bits:
            bits[column] |= bit
    return bits


def _dimension_bits(layout: _Layout, rules: Iterable[Rule]) -> dict[str, dict[str, int]]:
    bits: dict[str, dict[str, int]] = {}
    for rule in rules:
        if rule.threshold is None:
            column, bit = layout.bit(rule)
            at = bits.setdefault(rule.dimension, {})
            at[column] = at.get(column, 0) | bit
    return bits


def _mark_held(connection: Any, table: str, layout: _Layout) -> None:
    held = " OR ".join(f"({mask} & {bits}) <> 0" for mask, bits in _error_bits(layout).items() if bits)
    if held:
        connection.execute(f"UPDATE {table} SET _held = true WHERE {held}")  # noqa: S608 - our own names


def _count(check: ColumnCheck, compiled: _Compiled) -> None:
    """Rows and findings by rule, from the combinations of masks that occur; then the findings on the whole
    file."""
    layout = compiled.layout
    masks = [*layout.masks, *layout.file_masks]
    errors = _error_bits(layout)
    counts: Counter[int] = Counter()
    dimensions = _dimension_bits(layout, compiled.rules)
    by_dimension: Counter[str] = Counter(dict.fromkeys(dimensions, 0))
    listed = ", ".join([*masks, "count(*)"])
    group = f" GROUP BY {', '.join(masks)}" if masks else ""
    for row in check.connection.execute(f"SELECT {listed} FROM {check.table}{group}").fetchall():  # noqa: S608 - our own names
        number = row[-1]
        check.rows += number
        held = any(value & errors[mask] for mask, value in zip(masks, row, strict=False) if mask in errors)
        warned = any(value for mask, value in zip(masks, row, strict=False) if mask in errors)
        check.failed_rows += number if held else 0
        check.warned_rows += number if warned and not held else 0
        for name, bits in dimensions.items():
            if any(value & bits.get(mask, 0) for mask, value in zip(masks, row, strict=False)):
                by_dimension[name] += number
        for mask, value in zip(masks, row, strict=False):
            first = int(mask[5:]) * BITS
            while value:
                low = value & -value
                value ^= low
                counts[first + low.bit_length() - 1] += number
    for name in check.absent:
        check.file_findings.append(Finding(0, name, "column", None, f"a column {name!r}", "error"))
    for rule in check.contract.file_rules:
        if rule.check is not None and rule not in compiled.rules:
            continue
        failing = check.rows if rule.check is None else counts.pop(rule.number, 0)
        assert rule.threshold is not None
        if not rule.threshold.passes(failing, check.rows):
            measured = rule.threshold.measure(failing, check.rows)
            check.file_findings.append(
                rule.finding(int(measured) if measured == int(measured) else round(measured, 4))
            )
    check.counts = dict(sorted(counts.items()))
    check.by_dimension = dict(by_dimension)
