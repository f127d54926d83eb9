"""A feed's mapping as one DuckDB query: the source's columns become the contract's fields, still text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mahakam.config import ConfigError
from mahakam.feeds import transforms
from mahakam.feeds.definition import Feed, Field, Number, Skip
from mahakam.feeds.sources.model import GEOMETRY, LINE, ROW, SourceError, Table, identifier, literal
from mahakam.store.model import Correction, Held

if TYPE_CHECKING:
    import duckdb

NUMERIC = ("number", "integer")
KEPT = "_kept"


@dataclass(slots=True)
class Mapped:
    """``relation``: ``_row``, ``_line`` and one VARCHAR column a field of the contract; ``left_out`` by reason."""

    relation: duckdb.DuckDBPyRelation
    read: int
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Compiled:
    """The mapping of one feed over one set of columns, compiled to SQL expressions.

    ``types`` gives the contract's logical type by field name, in the contract's order. Raises SourceError for a
    column that the file lacks, ConfigError for a field that the contract lacks.
    """

    def __init__(
        self,
        feed: Feed,
        types: Mapping[str, str],
        columns: Sequence[str],
        file: str,
        corrections: Iterable[Correction] = (),
        required: Iterable[str] = (),
    ) -> None:
        self.feed = feed
        self.types = types
        self.columns = list(columns)
        self.file = file
        self.notes: list[str] = []
        self._folded = {fold(name): name for name in reversed(self.columns)}
        self._missing = feed.missing
        self._corrections: dict[str, list[tuple[str, str | None]]] = {}
        for correction in corrections:
            if correction.active:
                self._corrections.setdefault(correction.column, []).append((correction.old, correction.new))
        fields = feed.fields or self._by_name(required)
        for made in fields:
            if made.name not in types:
                near = difflib.get_close_matches(made.name, list(types), 1, 0.5)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ConfigError(
                    feed.path,
                    f"map.{made.name}: the contract {feed.contract!r} has no such field{hint} "
                    f"(fields: {', '.join(types)})",
                )
        self.fields = fields
        self.expressions = {made.name: self._expression(made) for made in fields}
        used = {
            self._column(name, "map")
            for made in fields
            for name in made.columns
            if "." not in name or self._find(name)
        }
        if any(made.geometry for made in fields):
            used.add(GEOMETRY)
        self.unused = [name for name in self.columns if name not in used]

    def _by_name(self, required: Iterable[str]) -> tuple[Field, ...]:
        """Without a map each field is the column of its name. Raises SourceError where a required one has none."""
        absent = [name for name in self.types if not self._find(name)]
        if lacking := [name for name in required if name in absent]:
            raise SourceError(
                self.file,
                f"has no column {', '.join(map(repr, lacking))}, which the contract {self.feed.contract!r} "
                f"requires; add it, or name its column in the feed's map "
                f"(columns: {', '.join(self.columns[:40])})",
            )
        if absent:
            self.notes.append(f"no column for: {', '.join(absent)}")
        return tuple(Field(name, column=name) for name in self.types if name not in absent)

    def projections(self) -> set[str]:
        """The coordinate reference systems that need functions of :mod:`mahakam.feeds.projection`."""
        return {
            made.crs
            for made in self.fields
            if (made.longitude or made.geometry) and not transforms.is_wgs84(made.crs)
        }

    def select(self, source: str) -> str:
        """SQL that gives ``_row``, ``_line`` and all fields of the contract, in its order, from a table's name."""
        fields = [
            f"CAST({self.expressions.get(name, 'NULL')} AS VARCHAR) AS {identifier(name)}"
            for name in self.types
        ]
        return f"SELECT {', '.join([ROW, LINE, *fields])} FROM {source}"  # noqa: S608 - names are quoted

    def reasons(self) -> list[tuple[str, str]]:
        """(reason, SQL condition) of the rows that do not belong: the feed's ``skip``, then its ``where``."""
        out = [(self._skip_reason(skip), self._skip_condition(skip)) for skip in self.feed.skips]
        if self.feed.where:
            condition = where_condition(self.feed, self._folded)
            out.append((f"not where {self.feed.where}", f"({condition}) IS NOT TRUE"))
        return out

    def corrected(self) -> str:
        """The source's columns with the stewards' corrections applied, for a SELECT list."""
        return ", ".join(
            [ROW, LINE, *(f"{self._corrected(name)} AS {identifier(name)}" for name in self.columns)]
        )

    def _corrected(self, column: str) -> str:
        pairs = self._corrections.get(column)
        name = identifier(column)
        return transforms.replaced(transforms.trimmed(name), tuple(pairs)) if pairs else name

    def _skip_reason(self, skip: Skip) -> str:
        if skip.reason:
            return skip.reason
        if skip.blank:
            return f"{skip.column} is blank"
        return (
            f"{skip.column} matches {skip.pattern}"
            if skip.pattern
            else f"{skip.column} is {', '.join(skip.values)}"
        )

    def _skip_condition(self, skip: Skip) -> str:
        text = transforms.trimmed(identifier(self._column(skip.column, "source.skip")))
        if skip.blank:
            return f"coalesce({text}, '') = ''"
        if skip.pattern:
            return f"coalesce(regexp_matches({text}, {literal(skip.pattern)}), false)"
        return f"coalesce({text} IN ({', '.join(literal(v.strip()) for v in skip.values)}), false)"

    def _find(self, name: str) -> str | None:
        if name in self.columns:
            return name
        return self._folded.get(fold(name))

    def _column(self, name: str, where: str) -> str:
        found = self._find(name)
        if found is None:
            near = difflib.get_close_matches(name, self.columns, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SourceError(
                self.file, f"has no column {name!r} ({where}){hint} (columns: {', '.join(self.columns[:40])})"
            )
        return found

    def _cell(self, name: str, where: str) -> str:
        """The text of a column, trimmed; ``a.b`` reaches into the JSON text of column ``a``."""
        if self._find(name) is None and "." in name:
            column, _, path = name.partition(".")
            if self._find(column):
                steps = literal("$." + ".".join(f'"{step}"' for step in path.split(".")))
                cell = identifier(self._column(column, where))
                return transforms.trimmed(
                    f"CASE WHEN json_valid({cell}) THEN json_extract_string({cell}, {steps}) END"
                )
        return transforms.trimmed(identifier(self._column(name, where)))

    def _expression(self, made: Field) -> str:
        where = f"map.{made.name}"
        if made.value is not None:
            return literal(made.value)
        if made.geometry:
            if GEOMETRY not in self.columns:
                raise SourceError(self.file, f"has no geometry ({where}): only GeoJSON has one")
            shape = identifier(GEOMETRY)
            return (
                shape
                if transforms.is_wgs84(made.crs)
                else f"{transforms.geometry_function(made.crs)}({shape})"
            )
        missing = self._missing
        if made.longitude is not None and made.latitude is not None:
            mark = made.number or self._default_number() or Number(group="")
            parts = [
                transforms.number(transforms.present(self._cell(name, where), missing), mark)
                for name in (made.longitude, made.latitude)
            ]
            return transforms.point(parts[0], parts[1], made.crs)
        text = (
            literal(self.file)
            if made.file
            else transforms.present(self._cell(made.column or "", where), missing)
        )
        text = transforms.replaced(text, made.replace)
        if made.pattern is not None:
            text = transforms.rewritten(text, made.pattern, made.to)
        if made.text:
            text = transforms.cased(text, made.text)
        number = made.number
        if number is None and not made.date and self.types[made.name] in NUMERIC:
            number = self._default_number()
        if number is not None:
            text = transforms.number(text, number)
        if made.date:
            text = transforms.date(text, made.date, self.types[made.name])
        return text

    def _default_number(self) -> Number | None:
        """How the source writes numbers, if the feed pins ``decimal``."""
        decimal = self.feed.pins.get("decimal")
        return Number(decimal, "." if decimal == "," else ",") if decimal else None


def fold(name: str) -> str:
    """A column name without case and repeated blanks: spreadsheets change these by themselves."""
    return " ".join(name.split()).casefold()


def where_condition(feed: Feed, columns: Mapping[str, str]) -> str:
    """The feed's ``where`` as one DuckDB condition over the source's columns.

    Raises ConfigError for what is no condition, reads anything else than the row, or names no column of the file.
    """
    import sqlglot
    from sqlglot import exp

    text = feed.where or ""
    try:
        tree = sqlglot.parse_one(f"SELECT 1 WHERE {text}", dialect="duckdb")
        condition = tree.args["where"].this
    except (sqlglot.errors.SqlglotError, KeyError, AttributeError) as error:
        raise ConfigError(feed.path, f"where: {text!r} is no SQL condition, as \"kind = 'fire'\"") from error
    if set(tree.args) - {"where", "expressions", "kind", "operation_modifiers"} and any(
        tree.args.get(part) for part in ("from", "from_", "joins", "group", "order", "limit", "with", "with_")
    ):
        raise ConfigError(feed.path, f"where: {text!r} must be one condition and nothing more")
    if condition.find(exp.Query, exp.Command, exp.Placeholder) is not None:
        raise ConfigError(feed.path, "where: may not hold a query of its own; it sees the row only")
    for column in condition.find_all(exp.Column):
        found = columns.get(fold(column.name))
        if found is None:
            near = difflib.get_close_matches(column.name, list(columns.values()), 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(feed.path, f"where: the file has no column {column.name!r}{hint}")
        column.set("this", exp.to_identifier(found, quoted=True))
    return str(condition.sql(dialect="duckdb"))


def map_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    feed: Feed,
    types: Mapping[str, str],
    corrections: Iterable[Correction] = (),
    *,
    name: str = "source",
    overrides: Mapping[int, Held] | None = None,
    required: Iterable[str] = (),
) -> Mapped:
    """Map a source: rows that do not belong are left out and counted, the others become the contract's fields.

    ``overrides``: rows that a steward fixed (row → what was held); where the file still has that row, its fix applies.
    The raw rows stay in the temporary table ``name`` (as in the file), the mapped ones in ``name_mapped``.
    Raises SourceError, ConfigError (see :class:`Compiled`) and ConfigError for a transform that DuckDB refuses.
    """
    import duckdb

    compiled = Compiled(feed, types, table.columns, table.info.file, corrections, required)
    _install(connection, compiled)
    raw, corrected, mapped = (identifier(name + suffix) for suffix in ("", "_corrected", "_mapped"))
    try:
        table.relation.create_view(name + "_file", replace=True)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {raw} AS SELECT * FROM {identifier(name + '_file')}"  # noqa: S608
        )
        kind = "TABLE" if overrides else "VIEW"
        connection.execute(
            f"CREATE OR REPLACE TEMP {kind} {corrected} AS SELECT {compiled.corrected()} FROM {raw}"  # noqa: S608
        )
        for row, held in (overrides or {}).items():
            _override(connection, raw, corrected, table.columns, row, held)
        left_out = _left_out(connection, compiled, corrected)
        conditions = [f"NOT ({condition})" for _, condition in compiled.reasons()]
        belonging = f"(SELECT * FROM {corrected}{' WHERE ' + ' AND '.join(conditions) if conditions else ''})"  # noqa: S608
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {mapped} AS {compiled.select(belonging)}")
    except duckdb.Error as error:
        raise ConfigError(feed.path, f"the mapping cannot be carried out: {first_line(error)}") from error
    read = int(connection.execute(f"SELECT count(*) FROM {raw}").fetchall()[0][0])  # noqa: S608
    notes = list(compiled.notes)
    if compiled.unused:
        notes.append(f"columns not used: {', '.join(compiled.unused[:20])}")
    return Mapped(connection.table(name + "_mapped"), read, {**table.left_out, **left_out}, notes)


def _install(connection: duckdb.DuckDBPyConnection, compiled: Compiled) -> None:
    if not compiled.projections():
        return
    from mahakam.feeds import projection

    for crs in sorted(compiled.projections()):
        try:
            projection.install(connection, crs)
        except projection.UnknownProjection as error:
            raise ConfigError(compiled.feed.path, f"map: {error}") from error


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]


def _left_out(connection: duckdb.DuckDBPyConnection, compiled: Compiled, source: str) -> dict[str, int]:
    """How many rows each reason leaves out; a row counts for the first reason that fits."""
    reasons = compiled.reasons()
    if not reasons:
        return {}
    arms = " ".join(f"WHEN {condition} THEN {number}" for number, (_, condition) in enumerate(reasons))
    rows = connection.execute(
        f"SELECT reason, count(*) FROM (SELECT CASE {arms} END AS reason FROM {source}) "  # noqa: S608
        "WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {reasons[number][0]: count for number, count in rows}


def _override(
    connection: duckdb.DuckDBPyConnection,
    raw: str,
    corrected: str,
    columns: Sequence[str],
    row: int,
    held: Held,
) -> None:
    """Apply a steward's fix to a row, if the file still has the row as it was when it was fixed."""
    names = ", ".join(identifier(name) for name in columns)
    found = connection.execute(f"SELECT {names} FROM {raw} WHERE {ROW} = ?", [row]).fetchall()  # noqa: S608
    if not found or dict(zip(columns, found[0], strict=True)) != held.raw:
        return
    fixed = {column: value for column, value in held.fixed.items() if column in columns}
    if fixed:
        settings = ", ".join(f"{identifier(column)} = ?" for column in fixed)
        connection.execute(
            f"UPDATE {corrected} SET {settings} WHERE {ROW} = ?",  # noqa: S608
            [*fixed.values(), row],
        )
