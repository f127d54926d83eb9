"""What runs found in a dataset, in words for a person."""

from __future__ import annotations

from collections.abc import Iterable

from mahakam.feeds.known import Dataset, Reason, dataset, datasets, feed_of, reasons, score
from mahakam.store.model import Run
from mahakam.web.entities import spoken
from mahakam.web.language import N_, _, number

__all__ = [
    "Dataset", "Reason", "dataset", "datasets", "feed_of", "finding_words", "newest", "reasons", "rule_words",
    "score",
]  # fmt: skip

_RULES = {
    "required": N_("%(field)s is missing"),
    "type": N_("%(field)s cannot be read"),
    "minimum": N_("%(field)s is too small"),
    "exclusiveMinimum": N_("%(field)s is too small"),
    "maximum": N_("%(field)s is too large"),
    "exclusiveMaximum": N_("%(field)s is too large"),
    "multipleOf": N_("%(field)s is not a round value"),
    "minLength": N_("%(field)s is too short"),
    "maxLength": N_("%(field)s is too long"),
    "pattern": N_("%(field)s is written in another form"),
    "format": N_("%(field)s is written in another form"),
    "enum": N_("%(field)s is not one of the possible values"),
    "unique": N_("%(field)s stands twice"),
    "primaryKey": N_("%(field)s stands twice"),
    "foreignKey": N_("%(field)s is not in the code list"),
    "insideBoundary": N_("%(field)s lies outside the boundary"),
    "notInFuture": N_("%(field)s lies in the future"),
    "column": N_("The column %(field)s is missing"),
    "rowCount": N_("The number of rows is not as expected"),
    "structure": N_("The row is broken"),
    "erased": N_("%(field)s was left empty: somebody stands there who was erased"),
    "personalData": N_("%(field)s seems to hold personal data, and the contract does not say so"),
    "expression": N_("Values contradict each other"),
    "nullValues": N_("%(field)s is missing too often"),
    "determined": N_("%(field)s differs from rows that should say the same"),
}


def rule_words(rule: str, field: str) -> str:
    """What a rule's failure means, as a person says it."""
    known = _RULES.get(rule)
    name = spoken(field) if field else _("a value")
    if known:
        return _(known, field=name) if "%(field)s" in known else _(known)
    rule_name = spoken(rule)
    return _("The rule “%(rule)s” is broken", rule=rule_name) if rule_name else name


def finding_words(found: Reason | None) -> str:
    """``Date stands twice: 335``; "" for none."""
    return f"{rule_words(found.rule, found.field)}: {number(found.rows)}" if found else ""


def newest(runs: Iterable[Run]) -> str:
    """The end of the newest run, ISO 8601 UTC; "" without any."""
    return max((run.ended for run in runs if run.ended), default="")
