"""A first contract from a file: what most of its values have in common, so that the others can be found. A person then
says which of it is a rule and which chance."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from mahakam.quality.between import Between, between
from mahakam.quality.between import rules as between_rules
from mahakam.quality.dependencies import ROWS, Dependency, dependencies, evidence
from mahakam.quality.profile import PLACE_NAMES, ColumnProfile, Profile, pairs, profile
from mahakam.quality.remarks import remarks
from mahakam.quality.series import Series, series
from mahakam.quality.series import rules as series_rules
from mahakam.quality.totals import Totals, totals
from mahakam.quality.typing_sql import identifier, text_literal

_KEY_NAMES = re.compile(r"(?i)(^|[_ .-])(id|kode|code|key|no|nomor|number|tanggal|date|uuid)($|[_ .-])|id$")


_IDENTITY = re.compile(r"(?i)(^|[\W_])(nik|ktp|kk)($|[\W_])")

_MANY, _NEARLY = 50, 0.95
"""From so many rows on, a column named like a key whose values are so nearly all different is taken for one."""
_BLANK, _BLANK_PLACES = 0.05, 0.3
"""Up to this share of missing values a blank is a finding, in any column and in longitudes and latitudes; where more
are missing it is said of the column as a whole."""
_TWICE = 0.1
"""Up to this share of rows that are the same as others, that is a finding."""
_tables = itertools.count(1)


def infer(connection: Any, relation: str, columns: Sequence[str], name: str) -> dict[str, Any]:
    """An ODCS document that the rows of the table or view follow: types, missing marks, formats, keys,
    ranges, codes.

    ``name`` is the file's name without its ending: it gives the contract's id and the entity type.
    """
    return inspect(connection, relation, columns, name)[1]


def inspect(
    connection: Any, relation: str, columns: Sequence[str], name: str, *, without_totals: bool = False
) -> tuple[Profile, dict[str, Any]]:
    """What was seen, and the contract made of it, as :func:`infer`.

    ``without_totals``: rows that add up others are named, and the contract is that of the other rows.
    """
    # Read once: the file behind a view would be read again for every question.
    table = f"mahakam_seen_{next(_tables)}"
    listed = ", ".join(["_row", *map(identifier, columns)])
    connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {listed} FROM {identifier(relation)}")  # noqa: S608 - quoted
    try:
        seen = profile(connection, table, columns)
        seen.totals = totals(connection, table, seen)
        if without_totals and seen.totals.marks:
            out, rows = seen.totals, seen.rows
            _leave_out(connection, table, out)
            seen = profile(connection, table, columns)
            seen.totals, seen.left_out = out, rows - seen.rows
        decided = dependencies(_sample(connection, table, seen))
        key = _key(connection, table, seen)
        found = series(connection, table, seen)
        seen.remarks = remarks(connection, table, seen)
        repeated = _repeated(connection, table, seen)
        return seen, document(
            seen, name, key, decided, found, repeated, between(connection, table, seen, key)
        )
    finally:
        connection.execute(f"DROP TABLE {table}")


def _leave_out(connection: Any, table: str, found: Totals) -> None:
    conditions = " OR ".join(mark.condition() for mark in found.marks)
    connection.execute(f"DELETE FROM {table} WHERE {conditions}")  # noqa: S608 - quoted


def document(
    seen: Profile,
    name: str,
    key: Sequence[str] = (),
    decided: Sequence[Dependency] = (),
    series: Series | None = None,
    repeated: Sequence[str] = (),
    across: Sequence[Between] = (),
) -> dict[str, Any]:
    """The contract of a profile. ``repeated``: the columns by which some rows are the same as others; ``across``: what
    holds between columns."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "data"
    names = _field_names([column.name for column in seen.columns])
    named = dict(zip((column.name for column in seen.columns), names, strict=True))
    properties = []
    for column, field in zip(seen.columns, names, strict=True):
        position = list(key).index(column.name) + 1 if column.name in key else 0
        made = _property(column, field, position, len(key))
        rules = [
            *_quality(column, field),
            *_total_rows(column, seen.totals),
            *_decided(column, decided, named, key),
        ]
        if series is not None:
            rules += series_rules(series, column, named, key)
        if rules:
            made["quality"] = rules
        properties.append(made)
    schema: dict[str, Any] = {"name": entity_name(name), "properties": properties}
    quality = between_rules(across, named)
    if repeated:
        fields = [named[one] for one in repeated]
        quality.append(
            {
                "metric": "duplicateValues",
                "arguments": {"properties": fields},
                "mustBe": 0,
                "severity": "warning",
                "description": "The whole row stands twice, apart from its number.",
            }
        )
    if quality:
        schema["quality"] = quality
    if seen.markers:
        schema["customProperties"] = [{"property": "missing", "value": seen.markers}]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": slug,
        "version": "0.1.0",
        "status": "draft",
        "description": {"purpose": f"Inferred from {seen.rows} rows; check each rule before relying on it."},
        "schema": [schema],
    }


def to_yaml(contract: dict[str, Any]) -> str:
    """The document as YAML, fields in the order of the standard."""
    text: str = yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=110)
    return text


def entity_name(name: str) -> str:
    """A file's name as a type: ``air-quality 2025`` → ``AirQuality2025``."""
    joined = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", name) if part)
    return joined if joined and joined[0].isalpha() else f"Data{joined}"


def _field_names(columns: Sequence[str]) -> list[str]:
    """Attribute names: letters, digits and ``_``, each once."""
    taken: set[str] = set()
    names = []
    for column in columns:
        base = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_") or "column"
        base = base if base[0].isalpha() else f"c_{base}"
        name, again = base, 1
        while name in taken:
            again += 1
            name = f"{base}_{again}"
        taken.add(name)
        names.append(name)
    return names


def _property(column: ColumnProfile, name: str, position: int, parts: int) -> dict[str, Any]:
    kind = column.kind
    prop: dict[str, Any] = {"name": name}
    if column.name != name:
        prop["physicalName"] = column.name
    prop["logicalType"] = kind.logical
    if kind.geometry:
        prop["physicalType"] = "geometry"
    options = _options(column)
    if options:
        prop["logicalTypeOptions"] = options
    if kind.decimal != "." or kind.group:
        prop["customProperties"] = [
            {"property": "decimal", "value": kind.decimal},
            {"property": "group", "value": kind.group},
        ]
    if column.complete:
        prop["required"] = True
    if column.suspected:
        prop["classification"] = "personal"
    if position:
        prop["primaryKey"] = True
        if parts > 1:
            prop["primaryKeyPosition"] = position
    return prop


def _quality(column: ColumnProfile, field: str) -> Iterator[dict[str, Any]]:
    """The rules that values deviate from, or may: all but the list of codes are warnings, as they are guesses."""
    if column.values:
        arguments = {"validValues": column.values}
        yield {"metric": "invalidValues", "arguments": arguments, "mustBe": 0, "dimension": "conformity"}
    elif column.slips:
        yield _rule("spelling")
    if column.suspected == "nik" and _IDENTITY.search(column.name) and column.kind.logical == "string":
        yield {
            "metric": "invalidValues", "arguments": {"pattern": "^[0-9]{16}$"}, "mustBe": 0, "severity": "warning",
            "description": "The number of a person or a family card has 16 digits.",
        }  # fmt: skip
    elif column.pattern:
        pattern = {"pattern": column.pattern}
        yield {"metric": "invalidValues", "arguments": pattern, "mustBe": 0, "severity": "warning"}
    most = _BLANK_PLACES if _is_place(column) else _BLANK
    few = column.blank <= most * column.rows and column.missing <= _BLANK_PLACES * column.rows
    some_marked = column.marked and column.kind.logical == "string" and column.missing <= _BLANK * column.rows
    if (column.blank or some_marked) and few and column.rows >= _MANY:
        yield {"metric": "nullValues", "mustBe": 0, "severity": "warning", "dimension": "completeness"}
    if column.errors or (column.marked and column.kind.logical != "string"):
        yield _rule("marker")
    if column.broken and column.kind.logical == "string":
        yield _rule("mojibake")
    if column.trimmed and column.kind.logical == "string":
        text = f'"{field}" = trim("{field}")'
        yield {
            "type": "custom", "engine": "mahakam", "name": "blanks", "implementation": text,
            "severity": "warning", "dimension": "conformity",
            "description": "Blanks stand before or after the value.",
        }  # fmt: skip
    like_key = column.complete and not column.unique and _KEY_NAMES.search(column.name)
    if like_key and column.rows >= _MANY and column.distinct >= _NEARLY * column.rows:
        yield {"metric": "duplicateValues", "mustBe": 0, "severity": "warning"}


def _is_place(column: ColumnProfile) -> bool:
    return column.kind.logical == "number" and bool(PLACE_NAMES.match(column.name))


def _rule(rule: str, **settings: Any) -> dict[str, Any]:
    implementation = {"rule": rule, **settings}
    return {"type": "custom", "engine": "mahakam", "implementation": implementation, "severity": "warning"}


def _total_rows(column: ColumnProfile, found: Totals) -> Iterator[dict[str, Any]]:
    for mark in found.marks:
        if mark.column == column.name:
            yield _rule(**mark.rule)


def _decided(
    column: ColumnProfile, decided: Sequence[Dependency], named: Mapping[str, str], key: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for one in decided:
        if one.field == column.name and one.by not in key and one.field not in key:
            rule = _rule("determined", by=named[one.by], majority=True)
            yield {**rule, "customProperties": evidence(one.following, one.against)}


def _sample(connection: Any, table: str, seen: Profile) -> dict[str, list[Any]]:
    """The columns that may decide one another, or be decided: text, missing values None."""
    missing = ", ".join(text_literal(marker) for marker in ["", *seen.markers])
    chosen = [c.name for c in seen.columns if 1 < c.distinct < 0.9 * c.rows]
    if not chosen:
        return {}
    values = ", ".join(
        f"CASE WHEN {identifier(n)} NOT IN ({missing}) THEN {identifier(n)} END" for n in chosen
    )
    rows = connection.execute(f"SELECT {values} FROM {table} LIMIT {ROWS}").fetchall()  # noqa: S608 - quoted
    return dict(zip(chosen, map(list, zip(*rows, strict=True)), strict=True))


def _options(column: ColumnProfile) -> dict[str, Any]:
    kind = column.kind
    options: dict[str, Any] = {}
    if kind.format:
        options["format"] = kind.format
    if kind.logical in ("integer", "number") and column.low is not None:
        options["minimum"], options["maximum"] = column.low, column.high
    if kind.logical in ("date", "time") and column.low is not None:
        options["minimum"], options["maximum"] = column.low.isoformat(), column.high.isoformat()
    if kind.logical == "string" and column.digits and column.length > 1 and column.suspected != "phone":
        options["pattern"] = f"^[0-9]{{{column.length}}}$"
    return options


def _key(connection: Any, relation: str, seen: Profile) -> tuple[str, ...]:
    """The column, or the two columns, whose values occur once; a name that sounds like a key comes first."""
    if seen.rows < 2:
        return ()
    single = [
        c for c in seen.columns if c.unique and c.kind.logical not in ("number", "object", "array", "boolean")
    ]
    if single:
        return (next((c for c in single if _KEY_NAMES.search(c.name)), single[0]).name,)
    for first, second in pairs(seen.columns):
        if _distinct(connection, relation, first, second) == seen.rows:
            return (first.name, second.name)
    return ()


def _repeated(connection: Any, relation: str, seen: Profile) -> list[str]:
    """The columns by which some rows are the same as others: all that are never empty and are no running number."""
    chosen = [c.name for c in seen.columns if c.complete and not c.unique]
    if len(chosen) < 4 or seen.rows < _MANY:
        return []
    listed = ", ".join(map(identifier, chosen))
    sql = f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {identifier(relation)})"  # noqa: S608 - quoted
    apart = int(connection.execute(sql).fetchall()[0][0])
    return chosen if 0 < seen.rows - apart <= _TWICE * seen.rows else []


def _distinct(connection: Any, relation: str, first: ColumnProfile, second: ColumnProfile) -> int:
    from mahakam.quality.functions import Functions
    from mahakam.quality.typing_sql import typed

    functions = Functions(None)
    pair = ", ".join(typed(identifier(column.name), column.kind, functions) for column in (first, second))
    sql = f"SELECT count(*) FROM (SELECT DISTINCT {pair} FROM {identifier(relation)})"  # noqa: S608 - names are quoted
    return int(connection.execute(sql).fetchall()[0][0])
