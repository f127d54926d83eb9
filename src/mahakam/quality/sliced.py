"""A table too large for one machine, checked slice by slice wherever the slices are, and judged in one place.

Each slice is checked by the very column expressions of :mod:`mahakam.quality.columns`; what comes back are the rows
that fail, or, where a rule sees rows beside each other (a key, a series, a total), of every row the values that it
compares. So the findings are those of a check in one piece.
"""

from __future__ import annotations

import copyreg
import io
import itertools
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mahakam.quality.columns import ColumnCheck, Compiled, beside, judged
from mahakam.quality.contract import Contract
from mahakam.quality.expression import Call, Literal
from mahakam.quality.finding import Finding
from mahakam.quality.formula_errors import formula_errors
from mahakam.quality.odcs import ContractError
from mahakam.quality.references import FixedReferences, References, UnknownTarget
from mahakam.quality.rule import Holds
from mahakam.quality.undeclared import looking_so

if TYPE_CHECKING:
    import pyarrow as pa

_RELATION = "source"
_tables = itertools.count(1)


def frozen(contract: Contract, references: References) -> FixedReferences:
    """What the contract's rules refer to, read once, to be sent elsewhere: every slice sees the same lists and clock.

    Raises ContractError for what is not there."""
    asked = [
        call.arguments[-1].value
        for rule in contract.rules
        if isinstance(rule.check, Holds) and isinstance(call := rule.check.expression, Call)
        if call.operation == "in_district" and isinstance(call.arguments[-1], Literal)
    ]
    try:
        lists = {target: references.values(target) for target in sorted(contract.targets)}
        areas = {target: references.districts(target) for target in asked}
    except UnknownTarget as error:
        raise ContractError(contract.source, "", f"a rule refers to {error.args[0]}") from error
    return FixedReferences(
        lists, references.boundary(), references.zone, references.now(), references.last, areas
    )


@dataclass(frozen=True)
class Job:
    """What every slice is checked by. ``columns`` are the table's, ``rename`` as of ``check_columns``.
    ``suspects``: the fields of the whole table that are taken for personal, as
    :func:`mahakam.quality.undeclared.suspected_fields` gives them; None: nothing beyond the contract is looked for."""

    contract: Contract
    references: FixedReferences
    columns: Sequence[str]
    rename: Mapping[str, str] = field(default_factory=dict)
    suspects: Mapping[str, str] | None = None

    def compiled(self) -> Compiled:
        """The same SQL on every machine, but for the names of its functions and lists."""
        numbers = ["_row", "_line"]
        return Compiled(
            self.contract, self.references, _RELATION, self.columns, self.rename, False, frozenset(), numbers
        )

    def packed(self) -> bytes:
        """As bytes, for :func:`unpacked` elsewhere."""
        out = io.BytesIO()
        pickler = pickle.Pickler(out)
        pickler.dispatch_table = copyreg.dispatch_table.copy()
        pickler.dispatch_table[MappingProxyType] = lambda view: (_view, (dict(view),))
        pickler.dump(self)
        return out.getvalue()


def _view(values: dict[Any, Any]) -> Mapping[Any, Any]:
    """What a read-only mapping, which pickle does not know, is made of again."""
    return MappingProxyType(values)


def unpacked(packed: bytes) -> Job:
    """The job of :meth:`Job.packed`."""
    job: Job = pickle.loads(packed)  # noqa: S301 - our own, sent by the driver
    return job


@dataclass(frozen=True)
class Slice:
    """``rows``: those that are to be judged; ``passing``: how many more there are; ``beyond``: what is wrong whatever
    the contract says."""

    rows: pa.Table
    passing: int
    beyond: list[Finding]


def checked_slice(job: Job, sql: str) -> Slice:
    """What is found in a slice.

    ``sql`` selects ``_row``, ``_line`` and the columns, as text, of the slice. Raises duckdb.Error.
    """
    import duckdb

    compiled = job.compiled()
    whole = any(beside(rule) for rule in compiled.rules)
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"CREATE VIEW {_RELATION} AS {sql}")
        compiled.register(connection)
        masks = [*compiled.layout.masks, *compiled.layout.file_masks]
        failing = " OR ".join(f"{mask} <> 0" for mask in masks) or "false"
        connection.execute(f"CREATE TEMP TABLE found AS {compiled.sql}")
        where = "" if whole else f" WHERE {failing}"
        rows: pa.Table = connection.sql(f"SELECT * FROM found{where} ORDER BY _row").to_arrow_table()  # noqa: S608
        total = connection.execute("SELECT count(*) FROM found").fetchall()[0][0]
        beyond: list[Finding] = []
        if job.suspects is not None:
            beyond += looking_so(connection, _RELATION, job.suspects, job.rename)
            beyond += formula_errors(connection, _RELATION, job.contract, job.rename)
    return Slice(rows, total - rows.num_rows, beyond)


def check_slices(connection: Any, job: Job, slices: Iterable[Slice]) -> ColumnCheck:
    """The findings on all slices, in the order of their rows. The check lives in tables of ``connection``."""
    compiled = job.compiled()
    table = f"mahakam_slices_{next(_tables)}"
    passing, begun = 0, False
    beyond: list[Finding] = []
    for each in slices:
        passing += each.passing
        beyond += each.beyond
        connection.register("mahakam_slice", each.rows)
        into = f"INSERT INTO {table}_rows BY NAME" if begun else f"CREATE TEMP TABLE {table}_rows AS"
        connection.execute(f"{into} SELECT * FROM mahakam_slice")  # noqa: S608 - our own
        connection.unregister("mahakam_slice")
        begun = True
    check = judged(connection, table, compiled, job.references, job.columns, passing=passing)
    check.add(beyond)
    return check
