"""One value of an indicator, and the NGSI-LD entity that it is stored as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from urllib.parse import quote

from mahakam.config import Text
from mahakam.indicators.confidence import Confidence, confidence
from mahakam.indicators.definition import Definition
from mahakam.indicators.evaluate import Figure
from mahakam.indicators.period import Period
from mahakam.store.protocol import Document

TYPE = "KeyPerformanceIndicator"
State = Literal["available", "notEnoughData"]
Reason = Literal["", "noInputs", "completeness", "noResult"]
_FREQUENCY = {"year": "yearly", "month": "monthly", "none": "once"}


@dataclass(frozen=True, slots=True)
class Term:
    """One aggregate of the formula, as a person reads it, with what it came to."""

    text: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Value:
    """A value for one place and period. ``value`` is None exactly if ``state`` is ``notEnoughData``;
    ``reason`` says why: ``noInputs`` (nothing reported), ``completeness`` (below ``needed``),
    ``noResult`` (the formula gives none).

    ``inputs`` rows went in, ``counted`` of them make the number, ``flagged`` is the share of them with a
    warning, ``completeness`` a share (None: nobody said what a full period has), ``runs`` feed run → inputs
    from it.
    """

    id: str
    place: str
    indicator: str
    period: Period
    value: float | None
    state: State
    reason: Reason
    unit: str
    inputs: int
    counted: int
    covered: int
    expected: int | None
    completeness: float | None
    needed: float | None
    flagged: float
    confidence: Confidence | None
    terms: tuple[Term, ...]
    runs: dict[int, int]
    first: str
    last: str
    formula: str
    source: str
    sources: tuple[str, ...]
    definition: str
    computed: str = ""

    @property
    def label(self) -> str:
        return self.period.label

    def row(self) -> dict[str, Any]:
        """The value as a flat row for a table, CSV or JSON."""
        return {
            "place": self.place,
            "indicator": self.indicator,
            "period": self.label,
            "value": self.value,
            "unit": self.unit,
            "state": self.state,
            "reason": self.reason,
            "confidence": self.confidence,
            "completeness": self.completeness,
            "inputs": self.inputs,
            "counted": self.counted,
            "flagged": self.flagged,
            "formula": self.formula,
            "sources": "; ".join(self.sources),
            "computed": self.computed,
            "id": self.id,
        }


def value_id(place: str, indicator: str, label: str) -> str:
    return f"urn:ngsi-ld:{TYPE}:{quote(place, safe='')}:{quote(indicator, safe='')}:{label}"


def judge(definition: Definition, place: str, figure: Figure, sources: tuple[str, ...]) -> Value:
    """From a figure to a value: is there enough data, and how far can it be trusted?"""
    expected = figure.period.expects(definition.expected)
    completeness = None if expected is None else round(min(1.0, figure.covered / expected), 4)
    flagged = round(figure.flagged / figure.inputs, 4) if figure.inputs else 0.0
    reason: Reason = ""
    if not figure.inputs:
        reason = "noInputs"
    elif completeness is not None and definition.minimum is not None and completeness < definition.minimum:
        reason = "completeness"
    elif figure.value is None:
        reason = "noResult"
    return Value(
        id=value_id(place, definition.id, figure.period.label),
        place=place,
        indicator=definition.id,
        period=figure.period,
        value=None if reason else figure.value,
        state="notEnoughData" if reason else "available",
        reason=reason,
        unit=definition.unit,
        inputs=figure.inputs,
        counted=figure.counted,
        covered=figure.covered,
        expected=expected,
        completeness=completeness,
        needed=definition.minimum,
        flagged=flagged,
        confidence=None if reason else confidence(completeness, flagged),
        terms=tuple(Term(*term) for term in figure.terms),
        runs=figure.runs,
        first=figure.first,
        last=figure.last,
        formula=definition.formula,
        source=definition.source,
        sources=sources,
        definition=definition.hash,
    )


def entity_of(value: Value, name: Text, theme: str | None, scope: str, per: str, now: str) -> Document:
    """The value as a normalized entity of the Smart Data Models' type, without system attributes.

    ``kpiValue`` is absent where there is not enough data: ``state`` and ``reason`` say so.
    """
    entity: Document = {
        "id": value.id,
        "type": TYPE,
        "scope": scope,
        "name": {"type": "LanguageProperty", "languageMap": dict(name)},
        "place": _property(value.place),
        "indicator": _property(value.indicator),
        "period": _property(value.label),
        "calculationFormula": _property(value.formula),
        "calculationFrequency": _property(_FREQUENCY[per]),
        "calculationMethod": _property("automatic"),
        "state": _property(value.state),
        "inputType": _property(value.source),
        "inputs": _property(value.inputs),
        "counted": _property(value.counted),
        "covered": _property(value.covered),
        "flagged": _property(value.flagged),
        "definitionHash": _property(value.definition),
        "updatedAt": _property({"@type": "DateTime", "@value": now}),
    }
    if value.value is not None:
        entity["kpiValue"] = _property(value.value)
    if value.period.first and value.period.last:
        entity["calculationPeriod"] = _property(
            {"from": value.period.first.isoformat(), "to": value.period.last.isoformat()}
        )
    optional: dict[str, Any] = {
        "unit": value.unit,
        "theme": theme,
        "reason": value.reason,
        "confidence": value.confidence,
        "expected": value.expected,
        "completeness": value.completeness,
        "needed": value.needed,
        "terms": [{"expression": term.text, "value": term.value} for term in value.terms],
        "runs": [{"run": run, "inputs": count} for run, count in sorted(value.runs.items())],
        "source": list(value.sources),
        "inputsFrom": value.first,
        "inputsTo": value.last,
    }
    entity.update((key, _property(found)) for key, found in optional.items() if found not in (None, "", []))
    return entity


def value_of(document: Document) -> Value:
    """Read a stored value back. Raises KeyError or ValueError for an entity that :func:`entity_of` did not
    write.
    """

    def get(name: str, default: Any = None) -> Any:
        found = document.get(name)
        return default if found is None else found["value"]

    computed = get("updatedAt", "")
    return Value(
        id=document["id"],
        place=document["place"]["value"],
        indicator=document["indicator"]["value"],
        period=Period.parse(document["period"]["value"]),
        value=get("kpiValue"),
        state=document["state"]["value"],
        reason=get("reason", ""),
        unit=get("unit", ""),
        inputs=get("inputs", 0),
        counted=get("counted", 0),
        covered=get("covered", 0),
        expected=get("expected"),
        completeness=get("completeness"),
        needed=get("needed"),
        flagged=get("flagged", 0.0),
        confidence=get("confidence"),
        terms=tuple(Term(one["expression"], one.get("value")) for one in _list(get("terms", []))),
        runs={one["run"]: one["inputs"] for one in _list(get("runs", []))},
        first=get("inputsFrom", ""),
        last=get("inputsTo", ""),
        formula=get("calculationFormula", ""),
        source=get("inputType", ""),
        sources=tuple(_list(get("source", []))),
        definition=get("definitionHash", ""),
        computed=computed["@value"] if isinstance(computed, dict) else str(computed),
    )


def age_of(value: Value, today: date) -> int | None:
    """Days since the value's period ended; None for a value about all there is."""
    return (today - value.period.last).days if value.period.last else None


def _property(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def _list(value: Any) -> list[Any]:
    """A list of one may come back from JSON-LD as its only member."""
    return value if isinstance(value, list) else [value]
