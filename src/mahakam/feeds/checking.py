"""A feed's rows against its contract: findings by row, and the typed values of rows that may be stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources.model import identifier
from mahakam.quality.contract import Contract
from mahakam.quality.finding import Finding
from mahakam.quality.formula_errors import formula_errors
from mahakam.quality.undeclared import undeclared

if TYPE_CHECKING:
    import duckdb

    from mahakam.quality.columns import ColumnCheck
    from mahakam.quality.references import References

_PAGE = 4_000
STRUCTURE = "structure"
"""The rule of a row whose shape is broken (see ``sources.Fault``)."""


@dataclass
class Judged:
    """``errors``: row → findings that hold it; ``warnings``: row → findings that flag it; ``file``: all."""

    check: ColumnCheck
    connection: duckdb.DuckDBPyConnection
    errors: dict[int, list[Finding]] = field(default_factory=dict)
    warnings: dict[int, list[Finding]] = field(default_factory=dict)
    file: list[Finding] = field(default_factory=list)

    def passed(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """(row, line, typed record) of the rows without an error, in order."""
        names = list(self.check.contract.fields)
        table = self.check.typed_sql()
        highest = self.connection.execute(f"SELECT max(_row) FROM ({table})").fetchall()[0][0] or 0  # noqa: S608
        for first in range(1, highest + 1, _PAGE):
            # by ranges of rows: an open result would be lost when another query runs meanwhile
            rows = self.connection.execute(
                f"SELECT * FROM ({table}) WHERE _row BETWEEN ? AND ? ORDER BY _row",  # noqa: S608
                [first, first + _PAGE - 1],
            ).fetchall()
            for values in rows:
                if values[0] not in self.errors:
                    yield values[0], values[1], dict(zip(names, values[2:], strict=True))

    def add(self, finding: Finding) -> None:
        """One more finding on a row; of all rules ours come first, as they are about the row as a whole."""
        into = self.errors if finding.severity == "error" else self.warnings
        into.setdefault(finding.row, []).insert(0, finding)


def types_of(contract: Contract) -> dict[str, str]:
    """Field → logical type, in the contract's order."""
    return {name: field.kind.logical for name, field in contract.fields.items()}


def needed(contract: Contract) -> tuple[str, ...]:
    """The fields without which no row can pass."""
    return tuple(name for name, field in contract.fields.items() if field.required or name in contract.key)


def judge(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    references: References,
    file_columns: Sequence[str] | None = None,
) -> Judged:
    """Check the mapped rows of a table; ``file_columns``: those of the file that it was made of.

    Raises ContractError if the contract asks for what the place has not.
    """
    from mahakam.quality.columns import check_columns

    check = check_columns(
        connection,
        table,
        list(contract.fields),
        contract,
        references,
        typed_fields=True,
        file_columns=file_columns,
    )
    judged = Judged(check, connection)
    for finding in check.findings():
        if finding.row == 0:
            judged.file.append(finding)
        else:
            into = judged.errors if finding.severity == "error" else judged.warnings
            into.setdefault(finding.row, []).append(finding)
    for finding in (*undeclared(connection, table, contract), *formula_errors(connection, table, contract)):
        judged.add(finding)
    return judged


def keep_duplicates(
    connection: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...], keep: str
) -> int:
    """Of mapped rows with one key, keep the first or the last; gives the number left out."""
    if not key:
        return 0
    columns = ", ".join(identifier(name) for name in key)
    order = "ASC" if keep == "first" else "DESC"
    present = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in key)
    quoted = identifier(table)
    before = _count(connection, quoted)
    connection.execute(
        f"DELETE FROM {quoted} WHERE _row IN (SELECT _row FROM (SELECT _row, row_number() OVER "  # noqa: S608
        f"(PARTITION BY {columns} ORDER BY _row {order}) AS n FROM {quoted} WHERE {present}) WHERE n > 1)"
    )
    return before - _count(connection, quoted)


def _count(connection: duckdb.DuckDBPyConnection, quoted: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchall()[0][0])  # noqa: S608


def counted(findings: Mapping[int, list[Finding]]) -> dict[str, int]:
    """``"rule field"`` → number of rows, the most frequent first."""
    counts: dict[str, int] = {}
    for row in findings.values():
        for key in {f"{finding.rule} {finding.field}".strip() for finding in row}:
            counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
