"""One value of an indicator, and the NGSI-LD entity that it is stored as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

from mahakam.config import Place, PlaceKind, Text, as_text
from mahakam.indicators.confidence import Confidence, confidence
from mahakam.indicators.definition import Better, Definition, Per, Theme
from mahakam.indicators.evaluate import Figure
from mahakam.indicators.period import Period
from mahakam.store.protocol import Document

TYPE = "KeyPerformanceIndicator"
State = Literal["available", "notEnoughData"]
Reason = Literal["", "noInputs", "completeness", "noResult"]
_FREQUENCY = {"year": "yearly", "month": "monthly", "none": "once"}
_MEANING = (
    "note", "placeKind", "theme", "better", "decimals", "comparedAs", "calculationCondition", "breaks",
)  # fmt: skip
"""Attributes of :func:`meaning` that a definition may not have, or have no longer."""


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


def entity_of(value: Value, definition: Definition, place: Place, scope: str, now: str) -> Document:
    """The value as a normalized entity of the Smart Data Models' type, without system attributes.

    ``kpiValue`` is absent where there is not enough data: ``state`` and ``reason`` say so.
    """
    entity: Document = {
        "id": value.id,
        "type": TYPE,
        "scope": scope,
        "place": _property(value.place),
        "indicator": _property(value.indicator),
        "period": _property(value.label),
        "calculationFormula": _property(value.formula),
        "calculationMethod": _property("automatic"),
        "state": _property(value.state),
        "inputType": _property(value.source),
        "inputs": _property(value.inputs),
        "counted": _property(value.counted),
        "covered": _property(value.covered),
        "flagged": _property(value.flagged),
        "definitionHash": _property(value.definition),
        "updatedAt": _property({"@type": "DateTime", "@value": now}),
        **meaning(definition, place),
    }
    if value.value is not None:
        entity["kpiValue"] = _property(value.value)
    if value.period.first and value.period.last:
        entity["calculationPeriod"] = _property(
            {"from": value.period.first.isoformat(), "to": value.period.last.isoformat()}
        )
    optional: dict[str, Any] = {
        "unit": value.unit,
        "reason": value.reason,
        "confidence": value.confidence,
        "expected": value.expected,
        "completeness": value.completeness,
        "needed": value.needed,
        # NGSI-LD has no null inside a value, and another node would refuse one: what a term lacks is left out.
        "terms": [
            {"expression": term.text} | ({} if term.value is None else {"value": term.value})
            for term in value.terms
        ],
        "runs": [{"run": run, "inputs": count} for run, count in sorted(value.runs.items())],
        "source": list(value.sources),
        "inputsFrom": value.first,
        "inputsTo": value.last,
    }
    entity.update((key, _property(found)) for key, found in optional.items() if found not in (None, "", []))
    return entity


def meaning(definition: Definition, place: Place) -> dict[str, Any]:
    """What whoever reads a value without its definition's file must know, as attributes: another node, an application.
    An attribute that would say nothing is absent.
    """
    said: dict[str, Any] = {
        "name": _words(definition.name),
        "placeName": _words(place.name),
        "calculationFrequency": _property(_FREQUENCY[definition.per]),
    }
    if definition.note:
        said["note"] = _words(definition.note)
    optional: dict[str, Any] = {
        "placeKind": place.kind if place.kind != "city" else None,
        "theme": definition.theme,
        "better": definition.better if definition.better != "neutral" else None,
        "decimals": definition.decimals,
        "comparedAs": definition.compare or None,
        "calculationCondition": definition.where or None,
        "breaks": [{"from": label, "reason": dict(why)} for label, why in definition.breaks.items()] or None,
    }
    said.update((key, _property(found)) for key, found in optional.items() if found is not None)
    return said


def says_meaning(document: Document, definition: Definition, place: Place) -> bool:
    """Whether a stored value still says of its definition what that says now."""
    now = meaning(definition, place)
    return all(_said(document.get(key)) == _said(now.get(key)) for key in {*now, *_MEANING})


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


def _said(attribute: Any) -> Any:
    """What an attribute says, whatever else is known of it."""
    if not isinstance(attribute, dict):
        return attribute
    found = attribute.get("languageMap", attribute.get("value"))
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _words(text: Text) -> dict[str, Any]:
    return {"type": "LanguageProperty", "languageMap": dict(text)}


def definition_in(document: Document) -> Definition:
    """As much of its definition as a stored value says: of a node whose files are elsewhere.

    Raises KeyError, ValueError or TypeError for an entity that :func:`entity_of` did not write.
    """

    def get(name: str, default: Any = None) -> Any:
        found = document.get(name)
        return default if found is None else found["value"]

    frequency: dict[str, Per] = {"yearly": "year", "monthly": "month", "once": "none"}
    decimals = get("decimals")
    better, theme = get("better", "neutral"), get("theme")
    breaks = [(one["from"], one["reason"]) for one in _list(get("breaks", []))]
    return Definition(
        id=str(get("indicator")),
        path=Path(),
        name=_text(document["name"]["languageMap"]),
        source=str(get("inputType", "")),
        formula=str(get("calculationFormula", "")),
        theme=theme if theme in get_args(Theme) else None,
        where=str(get("calculationCondition", "")),
        per=frequency[get("calculationFrequency")],
        unit=str(get("unit", "")),
        decimals=decimals if decimals in range(7) else None,
        better=better if better in get_args(Better) else "neutral",
        note=_text(document["note"]["languageMap"]) if "note" in document else None,
        compare=str(get("comparedAs", "")),
        breaks={Period.parse(label).label: _text(reason) for label, reason in breaks},
        projection=None,
    )


def place_in(document: Document) -> tuple[Text, PlaceKind]:
    """What its place calls itself (its id if it does not say), and of which kind it is. Raises KeyError, TypeError."""
    named, kind = document.get("placeName"), document.get("placeKind", {}).get("value", "city")
    text = _text(named["languageMap"]) if named else as_text(document["place"]["value"])
    return text, kind if kind in get_args(PlaceKind) else "city"


def _text(words: Mapping[str, Any]) -> Text:
    found = {str(language): str(text) for language, text in words.items() if text}
    if not found:
        raise ValueError("a text in no language")
    return found


def _property(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def _list(value: Any) -> list[Any]:
    """A list of one may come back from JSON-LD as its only member."""
    return value if isinstance(value, list) else [value]
