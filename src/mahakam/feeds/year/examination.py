"""What the node itself knows of a dataset when it is examined, point by point of Satu Data Indonesia's principles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mahakam.feeds.catalogue.entry import Entry
from mahakam.feeds.known import Dataset, reasons
from mahakam.feeds.standard import Statistics
from mahakam.feeds.year.item import Facts, Plan, Submission

Principle = Literal["standard", "metadata", "interoperability", "codes", "quality"]
ENOUGH = 0.9
"""The score from which a dataset counts as good, as the pages of quality colour it."""
_PERIOD = re.compile(r"\b(?:19|20)\d\d\b")
_ABBREVIATION = re.compile(r"\b[A-Z]{2,6}\b")


@dataclass(frozen=True, slots=True)
class Point:
    """One thing looked at; ``ok`` is None where there is nothing to judge. The web room has its words."""

    principle: Principle
    code: str
    ok: bool | None
    values: Mapping[str, Any] = field(default_factory=dict)


def points(
    plan: Plan,
    one: Entry | None,
    known: Dataset | None,
    place_names: Iterable[str],
    before: Submission | None = None,
) -> list[Point]:
    """Everything looked at. ``one`` and ``known``: the feed of the plan, None where it has none; ``before``: what was
    handed over for the release before."""
    found = [_name(plan, place_names), *_declared(declared(plan.statistics, one))]
    if one is None or known is None:
        return [*found, Point("interoperability", "feed", False, {"feed": plan.feed})]
    codes = one.code_lists
    run = known.run
    found.append(Point("codes", "codes", True if codes else None, {"codes": ", ".join(codes)}))
    found.append(
        Point(
            "interoperability",
            "contract",
            True,
            {"contract": one.contract.id, "version": one.contract.version},
        )
    )
    if run is None:
        return [*found, Point("quality", "run", False)]
    if before and before.facts and before.facts.run:
        values = {"when": known.updated, "before": before.facts.modified}
        found.append(Point("quality", "newer", run.id > before.facts.run, values))
    if plan.access != "open":
        found.append(Point("interoperability", "access", False, {"access": plan.access}))
    errors = [reason for reason in reasons(run) if not reason.warning]
    found += [
        Point("quality", "run", known.last is not None and known.last.state != "failed", {"when": known.checked}),
        Point("quality", "score", known.score is not None and known.score >= ENOUGH, {"score": known.score}),
        Point("quality", "held", known.held == 0, {"held": known.held}),
        Point("quality", "findings", not errors, {"rules": len(errors)}),
    ]  # fmt: skip
    return found


def whole(found: Iterable[Point]) -> bool:
    """Whether nothing that was looked at is amiss."""
    return all(point.ok is not False for point in found)


def facts(known: Dataset | None) -> Facts | None:
    """What is known of a feed now, to be kept with a submission; None before its first run."""
    run = known.run if known else None
    if known is None or run is None:
        return None
    return Facts(
        run=run.id,
        rows=run.stored + run.unchanged,
        score=None if known.score is None else round(known.score, 4),
        held=known.held,
        warnings=run.warnings,
        modified=known.updated,
        findings=tuple((one.rule, one.field, one.rows, one.warning) for one in reasons(run)[:20]),
    )


def declared(written: Statistics, one: Entry | None) -> Statistics:
    """All that is declared of a dataset, with a feed or without one."""
    return written if one is None else one.declared(written)


def _name(plan: Plan, place_names: Iterable[str]) -> Point:
    """A name says what is measured, not where or when (BPS's guide for naming)."""
    said = " ".join(plan.title.values())
    wrong = _PERIOD.search(said) or _ABBREVIATION.search(said)
    amiss = wrong[0] if wrong else next(
        (name for name in place_names if re.search(rf"\b{re.escape(name)}\b", said, re.I)), ""
    )  # fmt: skip
    return Point("standard", "name", not amiss, {"word": amiss})


def _declared(found: Statistics) -> list[Point]:
    gaps = found.gaps()
    made = []
    for part in ("standard", "activity", "variables", "indicators"):
        missing = gaps.get(part, ())
        nothing = part == "indicators" and not found.indicators
        values = {
            "part": part,
            "fields": missing,
            "n": len(found.variables if part == "variables" else found.indicators),
        }
        principle: Principle = "standard" if part == "standard" else "metadata"
        made.append(Point(principle, part, None if nothing else not missing, values))
    return made
