"""A whole file against a contract: the compilation to column expressions (SQL on DuckDB), in one scan.

Every row gets a bit mask of the rules that it fails; only masks, keys and the text of failing rows are kept.
The other compilation, for single records, is :mod:`mahakam.quality.checker`; both give the same findings.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mahakam.quality.checker import area_of, known_districts
from mahakam.quality.column_expression import ColumnExpressions
from mahakam.quality.contract import Contract
from mahakam.quality.finding import Finding
from mahakam.quality.functions import Functions
from mahakam.quality.lexical import Kind
from mahakam.quality.odcs import ContractError
from mahakam.quality.of_file import of_file
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
from mahakam.quality.typing_sql import (
    TYPES,
    cast,
    has_cast,
    identifier,
    literal,
    loose,
    text_literal,
    typed,
)

BITS = 62
"""Rules to a mask: a signed 64-bit integer."""

_SLICE = 50_000
_FEW = 16
"""Values that are compared one by one: DuckDB would look them up through a join, which loses the order of rows."""
_tables = itertools.count(1)
_MOST = 200
"""Distinct values of a rule that are looked at."""


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
    _wrong: dict[int, list[tuple[Any, str, int]]] = field(default_factory=dict)
    _failing: str = ""
    _layout: _Layout = field(default_factory=lambda: _Layout((), [], [], [], [], [], []))

    def findings(self, limit: int | None = None) -> Iterator[Finding]:
        """The findings in the order of rows and rules, those on the whole file first; at most ``limit`` of
        them."""
        rows = self._row_findings()
        if self.extra:
            rows = heapq.merge(self.extra, rows, key=lambda finding: finding.row)
        every = itertools.chain(self.file_findings, rows)
        return every if limit is None else itertools.islice(every, limit)

    def _row_findings(self) -> Iterator[Finding]:
        layout = self._layout
        columns = ", ".join(["_row", *layout.masks, "_texts", *layout.keys, *layout.others])
        # In slices by row number, so that the caller may use the connection between two findings.
        sql = f"SELECT {columns} FROM {self._failing} WHERE _row > ? ORDER BY _row LIMIT {_SLICE}"  # noqa: S608 - our own names
        last = -1
        while batch := self.connection.execute(sql, [last]).fetchall():
            last = batch[-1][0]
            for row in batch:
                yield from layout.findings(row)

    def add(self, findings: Iterable[Finding]) -> None:
        """Findings on rows that were made elsewhere (a broken row of the file): counted and listed with the
        others."""
        findings = list(findings)
        known = {finding.row for finding in self.extra if finding.severity == "error"}
        self.extra = sorted([*self.extra, *findings], key=lambda finding: finding.row)
        errors = sorted({finding.row for finding in findings if finding.severity == "error"} - known)
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

    def examples(self, number: int = 3) -> dict[int, list[tuple[int, int, Any]]]:
        """Number of a rule → the first rows that fail it: row, line in the file, raw value.

        Two statements for all rules: one a rule would cost more than what it finds.
        """
        layout = self._layout
        rules = [rule for rule in layout.rules if rule.number in self.counts]
        if number < 1 or not rules:
            return {}
        firsts = ", ".join(
            f"min(_row, {int(number)}) FILTER (WHERE ({mask} & {bit}) <> 0)"
            for mask, bit in map(layout.bit, rules)
        )
        (places,) = self.connection.execute(f"SELECT {firsts} FROM {self._failing}").fetchall()  # noqa: S608 - our own names
        listed = ", ".join(map(str, sorted({row for rows in places for row in rows})))
        columns = ", ".join(["_row", "_line", "_texts", *layout.keys])
        sql = f"SELECT {columns} FROM {self._failing} WHERE _row IN ({listed})"  # noqa: S608 - our own names
        shown = {row: rest for row, *rest in self.connection.execute(sql).fetchall()}
        return {
            rule.number: [
                (row, line, layout.value(rule, texts, keys))
                for row in rows
                for line, texts, *keys in (shown[row],)
            ]
            for rule, rows in zip(rules, places, strict=True)
        }

    def common(self, rule: Rule, number: int = 5) -> list[tuple[Any, int]]:
        """The most frequent values that fail a rule, with how often each does."""
        if not isinstance(rule.check, Across):
            return [(value, rows) for value, _, rows in self.wrong(rule)[:number]]
        mask, bit = self._layout.bit(rule)
        sql = (
            f"SELECT _key{self._layout.names.index(rule.field)}, count(*) FROM {self._failing} "  # noqa: S608 - our own names
            f"WHERE ({mask} & {bit}) <> 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {int(number)}"
        )
        return [(row[0], row[1]) for row in self.connection.execute(sql).fetchall()]

    def wrong(self, rule: Rule) -> list[tuple[Any, str, int]]:
        """The distinct values that fail a rule, what would be right (where it differs by row), and how many rows:
        the most frequent first, and no more than a person could mend (a file with more has another fault)."""
        if rule.number not in self._wrong:
            self._wrong[rule.number] = self._wrong_values(rule)
        return self._wrong[rule.number]

    def _wrong_values(self, rule: Rule) -> list[tuple[Any, str, int]]:
        layout = self._layout
        mask, bit = layout.bit(rule)
        if rule.field not in layout.names or rule.whole or isinstance(rule.check, Unique):
            return []
        position = layout.names.index(rule.field)
        beside = isinstance(rule.check, Across)
        value, said = (
            (f"_key{position}", f"_other{rule.number}") if beside else (f"_texts[{position + 1}]", "''")
        )
        sql = (
            f"SELECT {value}, {said}, count(*) FROM {self._failing} WHERE ({mask} & {bit}) <> 0 "  # noqa: S608 - our own names
            f"GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT {_MOST}"
        )
        return [(row[0], row[1] or "", row[2]) for row in self.connection.execute(sql).fetchall()]

    def texts(self, rule: Rule, number: int) -> Iterator[dict[str, str | None]]:
        """The first rows that fail a rule of each row: field → text."""
        mask, bit = self._layout.bit(rule)
        sql = (
            f"SELECT _texts FROM {self._failing} WHERE ({mask} & {bit}) <> 0 AND _texts IS NOT NULL "  # noqa: S608 - our own names
            f"ORDER BY _row LIMIT {int(number)}"
        )
        for (texts,) in self.connection.execute(sql).fetchall():
            yield dict(zip(self._layout.names, texts, strict=True))

    def typed_sql(self) -> str:
        """SQL that selects ``_row``, ``_line`` and the typed fields of the rows without an error, in
        order."""
        fields = enumerate(self.contract.fields)
        names = ", ".join(f"_field{number} AS {identifier(name)}" for number, name in fields)
        return f"SELECT _row, _line, {names} FROM {self.table} WHERE NOT _held ORDER BY _row"  # noqa: S608 - names are quoted

    def close(self) -> None:
        """Drop the temporary tables."""
        self.connection.execute(f"DROP VIEW IF EXISTS {self.table}")
        for table in (self._failing, f"{self.table}_rows"):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")


def check_columns(
    connection: Any,
    relation: str,
    columns: Sequence[str],
    contract: Contract,
    references: References,
    *,
    typed_fields: bool = False,
    rename: Mapping[str, str] | None = None,
    lines_before: int | None = None,
    file_columns: Sequence[str] | None = None,
    lacks: frozenset[str] = frozenset(),
) -> ColumnCheck:
    """Check the rows of a table or view: ``_row`` (from 1), ``_line``, then VARCHAR columns.

    ``columns`` are the columns it has beside ``_row`` and ``_line``; ``rename`` says which of them is a field
    by another name (field → column). A field without a column gives one finding of rule ``column`` in row 0,
    and its rules are left out. ``lines_before``: the relation has no ``_row`` and ``_line``, but gives its rows in
    the order of the file, one to a line, under so many lines of header: their place is their number, and they
    are read by all threads. ``file_columns``: the columns of the file itself, where the relation is a mapping of it.
    are read by all threads. ``lacks``: characters that no cell holds, and the empty string if no cell is empty.
    Raises ContractError if the references lack what the contract needs.
    """

    def compiled_with(numbers: list[str]) -> Compiled:
        return Compiled(contract, references, relation, columns, rename or {}, typed_fields, lacks, numbers)

    compiled = compiled_with(["_row", "_line"] if lines_before is None else [])
    table = f"mahakam_check_{next(_tables)}"
    compiled.register(connection)
    try:
        if lines_before is not None and not _keeps_order(connection, compiled.sql):
            compiled.forget(connection)
            numbers = ["row_number() OVER () AS _row", f"_row + {int(lines_before)} AS _line"]
            compiled = compiled_with(numbers)
            compiled.register(connection)
            lines_before = None
        connection.execute(f"CREATE TEMP TABLE {table}_rows AS {compiled.sql}")
    finally:
        compiled.forget(connection)
    names = file_columns if file_columns is not None else columns
    return judged(connection, table, compiled, references, names, lines_before=lines_before)


def judged(
    connection: Any,
    table: str,
    compiled: Compiled,
    references: References,
    file_columns: Sequence[str],
    *,
    lines_before: int | None = None,
    passing: int = 0,
) -> ColumnCheck:
    """What the check of a file found, from the table ``TABLE_rows`` that ``compiled.sql`` made: here rows are seen
    beside each other, and counted. ``passing``: rows that pass every rule and are not in the table."""
    layout, contract = compiled.layout, compiled.contract
    # A table keeps the order of what it was made from: rowid counts its rows from 0.
    counted = "" if lines_before is None else f"rowid + 1 AS _row, rowid + 1 + {int(lines_before)} AS _line, "
    kept = ", ".join(["*", *(f"{sql} AS {value}" for value, sql in compiled.derived.items())])
    connection.execute(f"CREATE TEMP VIEW {table} AS SELECT {counted}{kept} FROM {table}_rows")  # noqa: S608 - our own names
    check = ColumnCheck(
        contract,
        connection,
        table,
        rows=passing,
        absent=compiled.absent,
        _failing=f"{table}_failing",
        _layout=layout,
    )
    for rule in compiled.across_rules:
        if isinstance(rule.check, Unique):
            _mark_repeated(connection, table, rule, layout, lines_before is None)
        else:
            _mark_across(connection, table, rule, layout, lines_before is None)
    if compiled.keep:
        _mark_held(connection, f"{table}_rows", layout)
    failing = " OR ".join(f"{mask} <> 0" for mask in layout.masks) or "false"
    kept = ", ".join(["_row", "_line", *layout.masks, "_texts", *layout.keys, *layout.others])
    connection.execute(f"CREATE TEMP TABLE {check._failing} AS SELECT {kept} FROM {table} WHERE {failing}")  # noqa: S608
    _count(check, compiled)
    check.file_findings += of_file(
        connection, table, compiled.rules, layout.names, references, check.rows, file_columns
    )
    return check


def _keeps_order(connection: Any, sql: str) -> bool:
    """Whether the rows come out as they stand in the file: they do from projections, not from a join (which a long
    IN becomes), where threads overtake each other."""
    if " IN (" not in sql:
        return True
    plan = "".join(row[1] for row in connection.execute(f"EXPLAIN {sql}").fetchall()).upper()
    return not any(word in plan for word in ("JOIN", "GROUP", "WINDOW", "UNION"))


_Texts = Sequence[Any] | None
_Teller = Callable[[int, _Texts, Sequence[Any], Sequence[Any]], Finding]
"""Row, texts, keys and other rows → the finding."""


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
    _tellers: dict[int, _Teller] = field(default_factory=dict)

    def bit(self, rule: Rule) -> tuple[str, int]:
        """The mask column and the bit of a rule."""
        return f"{'_file' if rule.whole else '_mask'}{rule.number // BITS}", 1 << (rule.number % BITS)

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
                number = index * BITS + low.bit_length() - 1
                tell = self._tellers.get(number) or self._teller(number)
                yield tell(row[0], texts, keys, others)

    def _teller(self, number: int) -> _Teller:
        """Makes the findings of a rule; what is the same in all of them is looked up once."""
        rule = self.rules[number]
        self._tellers[number] = tell = self._of_others(rule) if beside(rule) else self._of_itself(rule)
        return tell

    def _of_others(self, rule: Rule) -> _Teller:
        other = self.others.index(f"_other{rule.number}")
        also = f"{rule.expected}; also in row " if isinstance(rule.check, Unique) else ""

        def tell(row: int, texts: _Texts, keys: Sequence[Any], others: Sequence[Any]) -> Finding:
            said = f"{also}{others[other]}" if also else others[other]
            return rule.finding(self.value(rule, texts, keys), row, said)

        return tell

    def _of_itself(self, rule: Rule) -> _Teller:
        at = self.names.index(rule.field) if rule.field in self.names else None

        def tell(row: int, texts: _Texts, *_: Sequence[Any]) -> Finding:
            return rule.finding(None if at is None or texts is None else texts[at], row)

        return tell

    def value(self, rule: Rule, texts: Sequence[Any] | None, keys: Sequence[Any]) -> Any:
        """The raw value that a finding of a rule shows; of a key of several fields, all its parts."""
        if isinstance(rule.check, Unique):
            parts = [keys[self.keys.index(f"_key{self.names.index(name)}")] for name in rule.check.fields]
            return parts[0] if len(parts) == 1 else " | ".join(map(str, parts))
        if isinstance(rule.check, Across):
            return keys[self.keys.index(f"_key{self.names.index(rule.field)}")]
        return texts[self.names.index(rule.field)] if texts is not None and rule.field in self.names else None


class Compiled:
    """The SQL of one check, and what its columns mean."""

    def __init__(
        self,
        contract: Contract,
        references: References,
        relation: str,
        columns: Sequence[str],
        rename: Mapping[str, str],
        keep: bool,
        lacks: frozenset[str],
        numbers: list[str],
    ) -> None:
        self.contract = contract
        self.references = references
        self.functions = Functions(area_of(contract, references))
        known_districts(contract, references)
        self.lists: dict[str, str] = {}
        self.source = {name: rename.get(name, name) for name in contract.fields}
        self.absent = tuple(name for name in contract.fields if self.source[name] not in columns)
        self.names = [name for name in contract.fields if name not in self.absent]
        self.position = {name: position for position, name in enumerate(self.names)}
        self.keep = keep
        self.lacks = lacks
        self.derived: dict[str, str] = {}
        self.numbers = numbers
        self.rules = [rule for rule in contract.rules if not self._left_out(rule)]
        self.across_rules = [rule for rule in self.rules if isinstance(rule.check, Unique | Across)]
        self.layout = _Layout(contract.rules, self.names, [], [], [], [], [])
        self.sql = self._build(identifier(relation))

    def _left_out(self, rule: Rule) -> bool:
        if rule.check is None:
            return True
        missing = [name for name in rule.reads if name in self.absent]
        return bool(missing) and not (isinstance(rule.check, Holds) and len(missing) < len(rule.reads))

    def _build(self, relation: str) -> str:
        """Steps, each of which names what the next one uses: text, casts, typed values, what fails, masks, what
        is kept."""
        texts = [*self.numbers]
        values = ["*"]
        kinds = {f"t{position}": self._kind(name) for position, name in enumerate(self.names)}
        numbers = [text for text, kind in kinds.items() if has_cast(kind) and kind.logical == "number"]
        casts = ["*", f"{loose(numbers, self.lacks)} AS _loose"]
        for position, name in enumerate(self.names):
            raw, text, kind = identifier(self.source[name]), f"t{position}", kinds[f"t{position}"]
            texts += [f"{raw} AS r{position}", f"{self._present(raw)} AS {text}"]
            if has_cast(kind):
                casts.append(f"{cast(text, kind)} AS c{position}")
                values.append(f"{typed(text, kind, self.functions, f'c{position}', '_loose')} AS v{position}")
            elif kind.logical != "string":
                values.append(f"{typed(text, kind, self.functions)} AS v{position}")
        flags, masks = self._masks()
        steps = [texts, casts, values, flags, masks, self._kept()]
        sql = relation
        for step in steps:
            sql = f"SELECT {', '.join(step)} FROM {sql if sql is relation else f'({sql})'}"  # noqa: S608 - names are quoted
        return sql

    def _present(self, raw: str) -> str:
        """A cell's text, or NULL if it is empty or stands for no value."""
        markers = sorted({"", *self.contract.missing} - self.lacks)
        return (
            f"CASE WHEN {raw} IN ({', '.join(map(text_literal, markers))}) THEN NULL ELSE {raw} END"
            if markers
            else raw
        )

    def _kind(self, name: str) -> Kind:
        return self.contract.fields[name].kind.in_zone(self.references.zone)

    def _value(self, name: str) -> str:
        logical = self.contract.fields[name].kind.logical
        if name in self.absent:
            return f"CAST(NULL AS {TYPES[logical]})"
        return f"{'t' if logical == 'string' else 'v'}{self.position[name]}"

    def _masks(self) -> tuple[list[str], list[str]]:
        """A flag for each rule, and the masks: put together only for a row that fails something."""
        values = {name: self._value(name) for name in self.contract.fields}
        self.expressions = ColumnExpressions(values, self.references, self.functions)
        flags = ["*"]
        parts: dict[str, dict[str, int]] = {}
        for rule in self.rules:
            column, bit = self.layout.bit(rule)
            some = parts.setdefault(column, {})
            if not isinstance(rule.check, Unique | Across | OfFile | Query):
                flags.append(f"({self._failing(rule)}) AS _fails{rule.number}")
                some[f"_fails{rule.number}"] = bit
        masks = ["*"]
        for column in sorted(parts, key=lambda name: int(name[5:])):
            (self.layout.file_masks if column.startswith("_file") else self.layout.masks).append(column)
            bits = [
                f"CASE WHEN {flag} THEN {bit}::BIGINT ELSE 0::BIGINT END"
                for flag, bit in parts[column].items()
            ]
            some_fail = " OR ".join(parts[column]) or "false"
            mask = " + ".join(bits) or "0::BIGINT"
            masks.append(f"CASE WHEN {some_fail} THEN {mask} ELSE 0::BIGINT END AS {column}")
        return flags, masks

    def _kept(self) -> list[str]:
        layout = self.layout
        kept = [*(["_row", "_line"] if self.numbers else []), *layout.masks, *layout.file_masks]
        failing = " OR ".join(f"{column} <> 0" for column in layout.masks) or "false"
        raw = ", ".join(f"r{position}" for position in range(len(self.names)))
        kept.append(f"CASE WHEN {failing} THEN CAST([{raw}] AS VARCHAR[]) END AS _texts")
        for rule in self.across_rules:
            layout.others.append(f"_other{rule.number}")
            other = "BIGINT" if isinstance(rule.check, Unique) else "VARCHAR"
            kept.append(f"CAST(NULL AS {other}) AS _other{rule.number}")
        compared = [name for rule in self.rules if beside(rule) for name in rule.reads]
        for name in dict.fromkeys(compared):
            position = self.position[name]
            layout.keys.append(f"_key{position}")
            kept.append(f"r{position} AS _key{position}")
            if self._kind(name).logical == "string":
                self.derived[f"_val{position}"] = self._present(f"_key{position}")
            else:
                kept.append(f"{self._value(name)} AS _val{position}")
        if self.keep:
            kept.append("false AS _held")
            kept += [f"{self._value(name)} AS _field{n}" for n, name in enumerate(self.contract.fields)]
        return kept

    def _failing(self, rule: Rule) -> str:
        """True where a row fails the rule; false or NULL where it does not."""
        match rule.check:
            case Present(name, markers):
                text = f"t{self.position[name]}"
                listed = ", ".join(map(text_literal, sorted(markers)))
                return f"{text} IS NULL OR {text} IN ({listed})" if markers else f"{text} IS NULL"
            case OfType(name):
                return f"t{self.position[name]} IS NOT NULL AND {self._value(name)} IS NULL"
            case Compared(name, operator, bound):
                return f"NOT ({self._value(name)} {operator} {literal(bound)})"
            case MultipleOf(name, step):
                return _no_multiple(self._value(name), step)
            case Length(name, least, most):
                kind, value = self._kind(name), self._value(name)
                length = f"length({value})" if kind.logical == "string" else self.functions.size(value, kind)
                return f"{length} < {least}" if most is None else f"NOT ({length} BETWEEN {least} AND {most})"
            case Shaped(name, shape):
                return f"NOT {self.functions.shaped(self._value(name), self._kind(name), shape)}"
            case Matches(name, pattern):
                return f"NOT regexp_matches({self._value(name)}, {text_literal(pattern)})"
            case OneOf(name, values):
                options = sorted(values)
                if 0 < len(options) <= _FEW:
                    return " AND ".join(f"{self._value(name)} <> {literal(v)}" for v in options)
                return f"NOT ({self._value(name)} IN ({', '.join(map(literal, options))}))"
            case Refers(name, target):
                known = self.lists.setdefault(target, f"mahakam_list_{next(_tables)}")
                value = self._value(name)
                return (
                    f"{value} IS NOT NULL AND NOT (CAST({value} AS VARCHAR) IN (SELECT value FROM {known}))"  # noqa: S608
                )
            case Unmarked(name):
                position = self.position[name]
                return f"t{position} IS NULL AND r{position} <> ''"
            case Holds(expression):
                return f"NOT {self.expressions.build(expression)}"
        raise AssertionError(f"no column expression for {rule.check}")

    def register(self, connection: Any) -> None:
        """Make functions and code lists known to the connection."""
        self.functions.register(connection)
        for target, name in self.lists.items():
            import pyarrow as pa

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


def _no_multiple(value: str, step: int | float) -> str:
    if isinstance(step, int):
        return f"{value} % {literal(step)} <> 0" if step < 2**63 else f"{value} <> 0"
    quotient = f"({value} / {literal(step)})"
    near = f"abs({quotient} - floor({quotient} + 0.5::DOUBLE))"
    return f"NOT isfinite({quotient}) OR {near} > 1e-9::DOUBLE * greatest(1.0::DOUBLE, abs({quotient}))"


def _mark_repeated(connection: Any, table: str, rule: Rule, layout: _Layout, numbered: bool) -> None:
    """Set the rule's bit, and the other row, in every row whose key occurs again."""
    assert isinstance(rule.check, Unique)
    values = [f"_val{layout.names.index(name)}" for name in rule.check.fields]
    mask, bit = layout.bit(rule)
    listed = ", ".join(values)
    present = " AND ".join(f"{v} IS NOT NULL" for v in values)
    several = f"WHERE {present} GROUP BY ALL HAVING count(*) > 1"
    # Only the rows of repeated keys are numbered: a state for each of all keys would cost much more. They are found
    # again by their number, whatever their key is made of.
    again = f"{table} SEMI JOIN (SELECT {listed} FROM {table} {several}) USING ({listed})"  # noqa: S608
    alike = f"SELECT min(_row, 2) AS rows, list(_row) AS every FROM {again} GROUP BY {listed}"  # noqa: S608 - our own names
    own = f"{table}_rows._row" if numbered else f"{table}_rows.rowid + 1"
    connection.execute(
        f"UPDATE {table}_rows SET {mask} = {mask} | {bit}, _other{rule.number} = "  # noqa: S608 - our own names
        "CASE WHEN place = rows[1] THEN rows[2] ELSE rows[1] END "
        f"FROM (SELECT rows, unnest(every) AS place FROM ({alike})) AS repeated WHERE {own} = place"
    )


def _mark_across(connection: Any, table: str, rule: Rule, layout: _Layout, numbered: bool) -> None:
    """Set the rule's bit, and what would be right, in every row that fails beside the others."""
    from mahakam.quality.across_sql import failing

    assert isinstance(rule.check, Across)
    mask, bit = layout.bit(rule)
    scratch = f"{table}_scratch"
    sql = failing(connection, table, rule.check, lambda name: f"_val{layout.names.index(name)}", scratch)
    own = f"{table}_rows._row" if numbered else f"{table}_rows.rowid + 1"
    connection.execute(
        f"UPDATE {table}_rows SET {mask} = {mask} | {bit}, _other{rule.number} = failing.said "  # noqa: S608 - our own names
        f"FROM ({sql}) AS failing WHERE {own} = failing._row"
    )
    connection.execute(f"DROP TABLE IF EXISTS {scratch}")


def beside(rule: Rule) -> bool:
    """Whether the rule looks at the values of other rows."""
    return isinstance(rule.check, Unique | Across | OfFile | Query)


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
        if not rule.whole:
            column, bit = layout.bit(rule)
            at = bits.setdefault(rule.dimension, {})
            at[column] = at.get(column, 0) | bit
    return bits


def _mark_held(connection: Any, table: str, layout: _Layout) -> None:
    held = " OR ".join(f"({mask} & {bits}) <> 0" for mask, bits in _error_bits(layout).items() if bits)
    if held:
        connection.execute(f"UPDATE {table} SET _held = true WHERE {held}")  # noqa: S608 - our own names


def _count(check: ColumnCheck, compiled: Compiled) -> None:
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
        if isinstance(rule.check, OfFile | Query):
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
