"""The questions of a service: one JSON Schema in its file gives the web form, Open311's attributes and the check."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mahakam.config import ConfigError, Text, as_text

Kind = Literal["string", "text", "number", "integer", "datetime", "choice", "choices", "yes"]
LONGEST_STRING, LONGEST_TEXT = 200, 4000
MOST_QUESTIONS = 30
_SCHEMA = {"type", "title", "description", "format", "oneOf", "items", "minimum", "maximum", "maxLength"}
_TYPES = ("string", "number", "integer", "boolean", "array")

Answer = str | float | int | bool | tuple[str, ...]
Answers = Mapping[str, Answer]
"""Question's code → answer: text, number, moment (ISO 8601), yes or no, key of the choice or of the choices."""


@dataclass(frozen=True, slots=True)
class Option:
    key: str
    title: Text


@dataclass(frozen=True, slots=True)
class Question:
    """One property of the form's schema. ``longest`` counts characters; ``least`` and ``most`` bound a number."""

    code: str
    kind: Kind
    title: Text
    hint: Text
    required: bool
    options: tuple[Option, ...] = ()
    least: float | None = None
    most: float | None = None
    longest: int = LONGEST_STRING

    def option(self, key: str) -> Option | None:
        return next((one for one in self.options if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with an answer: a word for the rule, and what its sentence needs."""

    code: str
    rule: Literal["missing", "number", "range", "whole", "datetime", "choice", "long", "unknown"]
    values: Mapping[str, Any]


def read_form(path: Path, raw: object) -> tuple[Question, ...]:
    """The questions of ``form:``, an object schema of JSON Schema, in the order in which they stand.

    Each property is a string (``maxLength`` over 200 gives a large field, ``format: date-time`` a moment, ``oneOf``
    of ``const`` and ``title`` a choice), a number, an integer, a boolean, or an array of such a choice. Raises
    ConfigError naming the question and what would be right.
    """
    if raw is None:
        return ()
    if not isinstance(raw, Mapping) or set(raw) - {"type", "properties", "required"}:
        raise ConfigError(path, "form is an object schema: {properties: {…}, required: […]}")
    properties, required = raw.get("properties") or {}, raw.get("required") or []
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        raise ConfigError(
            path, "form needs properties (name: schema) and, if any, required (a list of names)"
        )
    if unknown := [name for name in required if name not in properties]:
        raise ConfigError(path, f"form requires {unknown[0]!r}, which is none of its properties")
    if len(properties) > MOST_QUESTIONS:
        raise ConfigError(path, f"form has {len(properties)} questions; at most {MOST_QUESTIONS}")
    return tuple(_question(path, str(code), schema, code in required) for code, schema in properties.items())


def schema_of(questions: Iterable[Question]) -> dict[str, Any]:
    """The questions as the JSON Schema that :func:`read_form` reads, with titles in every language that they have."""
    found = list(questions)
    return {
        "type": "object",
        "properties": {one.code: _schema_of(one) for one in found},
        "required": [one.code for one in found if one.required],
    }


def check(questions: tuple[Question, ...], given: Mapping[str, Any]) -> tuple[Answers, list[Wrong]]:
    """The answers as they are kept, and everything that is wrong, in the order of the questions.

    ``given`` holds what a form (text, or a list of texts) or an application (JSON) sent; empty is not given.
    """
    answers: dict[str, Answer] = {}
    wrong: list[Wrong] = []
    for question in questions:
        value = given.get(question.code)
        if value is None or value in ("", [], ()):
            if question.required:
                wrong.append(Wrong(question.code, "missing", {}))
            continue
        found = _READ[question.kind](question, value)
        if isinstance(found, Wrong):
            wrong.append(found)
        else:
            answers[question.code] = found
    known = {question.code for question in questions}
    wrong += [Wrong(str(code)[:80], "unknown", {}) for code in given if code not in known]
    return answers, wrong


def _string(question: Question, value: Any) -> Answer | Wrong:
    text = str(value).strip()
    if len(text) > question.longest:
        return Wrong(question.code, "long", {"most": question.longest, "length": len(text)})
    return text


def _number(question: Question, value: Any) -> Answer | Wrong:
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return Wrong(question.code, "number", {"value": str(value)[:40]})
    if not math.isfinite(number) or isinstance(value, bool):
        return Wrong(question.code, "number", {"value": str(value)[:40]})
    if question.kind == "integer" and not number.is_integer():
        return Wrong(question.code, "whole", {"value": str(value)[:40]})
    if (question.least is not None and number < question.least) or (
        question.most is not None and number > question.most
    ):
        return Wrong(question.code, "range", {"least": question.least, "most": question.most})
    return int(number) if question.kind == "integer" else number


def _datetime(question: Question, value: Any) -> Answer | Wrong:
    try:
        moment = dt.datetime.fromisoformat(str(value).strip())
    except ValueError:
        return Wrong(question.code, "datetime", {"value": str(value)[:40]})
    return moment.isoformat()


def _choice(question: Question, value: Any) -> Answer | Wrong:
    key = str(value)
    if question.option(key) is None:
        return Wrong(
            question.code, "choice", {"value": key[:40], "keys": [one.key for one in question.options]}
        )
    return key


def _choices(question: Question, value: Any) -> Answer | Wrong:
    keys = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
    for key in keys:
        found = _choice(question, key)
        if isinstance(found, Wrong):
            return found
    return tuple(one.key for one in question.options if one.key in keys)


def _yes(question: Question, value: Any) -> Answer | Wrong:
    text = str(value).strip().casefold()
    if text in ("true", "1", "yes", "on", "ya"):
        return True
    if text in ("false", "0", "no", "off", "tidak"):
        return False
    return Wrong(question.code, "choice", {"value": text[:40], "keys": ["true", "false"]})


_READ = {
    "string": _string,
    "text": _string,
    "number": _number,
    "integer": _number,
    "datetime": _datetime,
    "choice": _choice,
    "choices": _choices,
    "yes": _yes,
}


def _question(path: Path, code: str, schema: object, required: bool) -> Question:
    where = f"form.{code}"
    if not isinstance(schema, Mapping) or schema.get("type") not in _TYPES:
        raise ConfigError(path, f"{where} needs a type: {', '.join(_TYPES)}")
    if unknown := sorted(set(schema) - _SCHEMA):
        raise ConfigError(
            path, f"{where}: unknown {unknown[0]!r}; a question has {', '.join(sorted(_SCHEMA))}"
        )
    if not schema.get("title"):
        raise ConfigError(path, f"{where} needs a title: the question as a resident reads it")
    longest = schema.get("maxLength", LONGEST_STRING)
    if not isinstance(longest, int) or not 1 <= longest <= LONGEST_TEXT:
        raise ConfigError(path, f"{where}.maxLength is a number from 1 to {LONGEST_TEXT}")
    kind, options = _kind(path, where, schema, longest)
    return Question(
        code=code,
        kind=kind,
        title=as_text(schema["title"]),
        hint=as_text(schema.get("description") or ""),
        required=required,
        options=options,
        least=_bound(path, where, schema, "minimum"),
        most=_bound(path, where, schema, "maximum"),
        longest=longest,
    )


def _schema_of(question: Question) -> dict[str, Any]:
    options = [{"const": one.key, "title": dict(one.title)} for one in question.options]
    more: dict[str, Any] = {
        "title": dict(question.title),
        "description": dict(question.hint) if any(question.hint.values()) else None,
        "minimum": question.least,
        "maximum": question.most,
    }
    match question.kind:
        case "string" | "text":
            kind: dict[str, Any] = {"type": "string", "maxLength": question.longest}
        case "datetime":
            kind = {"type": "string", "format": "date-time"}
        case "choice":
            kind = {"type": "string", "oneOf": options}
        case "choices":
            kind = {"type": "array", "items": {"type": "string", "oneOf": options}}
        case "yes":
            kind = {"type": "boolean"}
        case _:
            kind = {"type": question.kind}
    return kind | {name: value for name, value in more.items() if value is not None}


def _kind(path: Path, where: str, schema: Mapping[str, Any], longest: int) -> tuple[Kind, tuple[Option, ...]]:
    match schema["type"]:
        case "array":
            items = schema.get("items")
            if not isinstance(items, Mapping) or not items.get("oneOf"):
                raise ConfigError(path, f"{where} needs items: {{oneOf: [{{const: …, title: …}}]}}")
            return "choices", _options(path, where, items["oneOf"])
        case "boolean":
            return "yes", ()
        case "number":
            return "number", ()
        case "integer":
            return "integer", ()
    if schema.get("oneOf"):
        return "choice", _options(path, where, schema["oneOf"])
    if schema.get("format") not in (None, "date-time"):
        raise ConfigError(path, f"{where}.format is date-time or left out")
    if schema.get("format"):
        return "datetime", ()
    return ("text" if longest > LONGEST_STRING else "string"), ()


def _options(path: Path, where: str, raw: object) -> tuple[Option, ...]:
    if not isinstance(raw, list) or not all(
        isinstance(one, Mapping) and {"const", "title"} == set(one) for one in raw
    ):
        raise ConfigError(path, f"{where}.oneOf is a list of {{const: KEY, title: what a resident reads}}")
    options = tuple(Option(str(one["const"]), as_text(one["title"])) for one in raw)
    if len({option.key for option in options}) < len(options):
        raise ConfigError(path, f"{where}.oneOf has the same const twice")
    return options


def _bound(path: Path, where: str, schema: Mapping[str, Any], name: str) -> float | None:
    value = schema.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(path, f"{where}.{name} is a number")
    return float(value)
