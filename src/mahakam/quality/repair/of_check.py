"""The repairs that a check of a file can propose: of values, of two coordinates together, of whole rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mahakam.quality.checker import Checker
from mahakam.quality.contract import Contract
from mahakam.quality.expression import Call, Column
from mahakam.quality.odcs import ContractError
from mahakam.quality.references import References
from mahakam.quality.repair.proposals import Proposal, Proposer, Wrong
from mahakam.quality.rule import Holds, Rule, Unique
from mahakam.quality.typing_sql import identifier

if TYPE_CHECKING:
    from mahakam.quality.columns import ColumnCheck

_POINTS = 200
"""Rows of a rule on a point that are looked at; a file with more has another fault."""
_COMPARED = 200_000
"""Rows of a file that are compared whole: in a longer one that would cost as much as the check."""


def repairs(
    check: ColumnCheck, references: References, relation: str, columns: Sequence[str]
) -> dict[int, list[Proposal]]:
    """Number of a rule → its repairs, the most frequent first. ``relation``, ``columns``: what was checked."""
    proposer = Proposer(check.contract, references)
    found: dict[int, list[Proposal]] = {}
    for number in check.counts:
        rule = check.contract.rules[number]
        if isinstance(rule.check, Unique):
            some = list(_repeated(check, rule, relation, columns))
        elif isinstance(rule.check, Holds):
            some = list(_swapped(check, rule, references))
        else:
            wrong = [Wrong(str(value), rows, said) for value, said, rows in check.wrong(rule) if value]
            some = proposer.propose(rule.name, rule.field, wrong)
        if some:
            found[number] = some
    return found


def _repeated(check: ColumnCheck, rule: Rule, relation: str, columns: Sequence[str]) -> Iterator[Proposal]:
    """Rows that say again, in every column, what an earlier row says."""
    if check.rows > _COMPARED:
        return
    listed = ", ".join(map(identifier, columns))
    rows = check.connection.execute(
        f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {identifier(relation)} "  # noqa: S608 - quoted
        f"GROUP BY {listed} HAVING count(*) > 1)"
    ).fetchall()[0][0]
    if rows:
        yield Proposal("duplicate", rule.name, rule.field, "", "", int(rows))


def _swapped(check: ColumnCheck, rule: Rule, references: References) -> Iterator[Proposal]:
    """Points that lie where they should once longitude and latitude change places."""
    pair = point_of(rule)
    checker = point_checker(check.contract, rule, references) if pair else None
    if pair is None or checker is None:
        return
    for texts in check.texts(rule, _POINTS):
        x, y = (texts.get(name) for name in pair)
        if x and y and not checker.check({**texts, pair[0]: y, pair[1]: x}, lexical=True):
            yield Proposal("swapped", rule.name, ", ".join(pair), f"{x}, {y}", f"{y}, {x}", 1)


def point_of(rule: Rule) -> tuple[str, str] | None:
    """The fields of longitude and latitude of a rule that a point lies inside."""
    call = rule.check.expression if isinstance(rule.check, Holds) else None
    if not isinstance(call, Call) or call.operation not in ("inside_boundary", "in_district"):
        return None
    names = [one.name for one in call.arguments if isinstance(one, Column) and one.type == "number"]
    return (names[0], names[1]) if len(names) == 2 else None


def point_checker(contract: Contract, rule: Rule, references: References) -> Checker | None:
    """A checker of a rule on a point and of the rules on its fields, and of nothing else."""
    from dataclasses import replace
    from types import MappingProxyType

    rules = [r for r in contract.row_rules if r.reads and set(r.reads) <= set(rule.reads)]
    numbered = tuple(replace(r, number=number) for number, r in enumerate(rules))
    fields = MappingProxyType({name: contract.fields[name] for name in rule.reads})
    try:
        return Checker(replace(contract, fields=fields, rules=numbered), references)
    except ContractError:
        return None
