"""The questions of a service: strict reading, and answers checked from forms and from applications alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mahakam.config import ConfigError
from mahakam.services.form import check, read_form, schema_of

FORM = """
properties:
  size:
    title: {en: "How large?", id: "Seberapa besar?"}
    type: string
    oneOf: [{const: hand, title: Hand}, {const: car, title: {en: Car, id: Mobil}}]
  depth: {title: "How deep?", type: number, minimum: 0, maximum: 500}
  count: {title: "How many?", type: integer}
  since: {title: "Since when?", type: string, format: date-time}
  seen: {title: "What?", type: array, items: {oneOf: [{const: drain, title: D}, {const: river, title: R}]}}
  hurt: {title: "Somebody hurt?", type: boolean}
  pole: {title: Pole, type: string, maxLength: 5}
  more: {title: More, type: string, maxLength: 1000}
required: [size]
"""
QUESTIONS = read_form(Path("x.yaml"), yaml.safe_load(FORM))


def test_each_schema_is_a_kind_of_question() -> None:
    assert {one.code: one.kind for one in QUESTIONS} == {
        "size": "choice",
        "depth": "number",
        "count": "integer",
        "since": "datetime",
        "seen": "choices",
        "hurt": "yes",
        "pole": "string",
        "more": "text",
    }
    assert [one.code for one in QUESTIONS if one.required] == ["size"]
    assert QUESTIONS[0].title == {"en": "How large?", "id": "Seberapa besar?"}


def test_the_schema_that_is_given_out_is_read_as_the_same_questions() -> None:
    assert read_form(Path("x.yaml"), schema_of(QUESTIONS)) == QUESTIONS
    assert read_form(Path("x.yaml"), schema_of(())) == ()


def test_answers_from_a_form_and_from_json_are_the_same() -> None:
    typed = {
        "size": "car",
        "depth": "12,5",
        "count": "3",
        "since": "2026-01-31T08:00",
        "seen": ["river", "drain"],
        "hurt": "yes",
        "pole": " P1 ",
        "more": "",
    }
    sent = typed | {"depth": 12.5, "count": 3, "hurt": True}
    expected = {
        "size": "car",
        "depth": 12.5,
        "count": 3,
        "since": "2026-01-31T08:00:00",
        "seen": ("drain", "river"),
        "hurt": True,
        "pole": "P1",
    }
    assert check(QUESTIONS, typed) == (expected, [])
    assert check(QUESTIONS, sent) == (expected, [])


@pytest.mark.parametrize(
    ("given", "code", "rule"),
    [
        ({}, "size", "missing"),
        ({"size": "boat"}, "size", "choice"),
        ({"size": "car", "depth": "deep"}, "depth", "number"),
        ({"size": "car", "depth": "nan"}, "depth", "number"),
        ({"size": "car", "depth": True}, "depth", "number"),
        ({"size": "car", "depth": "501"}, "depth", "range"),
        ({"size": "car", "count": "1.5"}, "count", "whole"),
        ({"size": "car", "since": "yesterday"}, "since", "datetime"),
        ({"size": "car", "seen": ["sea"]}, "seen", "choice"),
        ({"size": "car", "hurt": "perhaps"}, "hurt", "choice"),
        ({"size": "car", "pole": "123456"}, "pole", "long"),
        ({"size": "car", "colour": "red"}, "colour", "unknown"),
    ],
)
def test_a_wrong_answer_is_named(given: dict[str, Any], code: str, rule: str) -> None:
    _answers, wrong = check(QUESTIONS, given)
    assert [(one.code, one.rule) for one in wrong] == [(code, rule)]


@given(
    st.dictionaries(
        st.sampled_from([one.code for one in QUESTIONS] + ["other"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.lists(st.text())
        | st.dictionaries(st.text(), st.text()),
    )
)
def test_whatever_comes_is_answered(given: dict[str, Any]) -> None:
    answers, wrong = check(QUESTIONS, given)
    assert set(answers) <= set(given)
    assert not {one.code for one in wrong} & set(answers)
    assert check(QUESTIONS, answers)[0] == answers, "what was accepted is accepted again"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[a]", "object schema"),
        ("{properties: {a: {title: A}}}", "form.a needs a type"),
        ("{properties: {a: {type: string}}}", "needs a title"),
        ("{properties: {a: {type: string, title: A, colour: red}}}", "unknown 'colour'"),
        ("{properties: {a: {type: array, title: A}}}", "needs items"),
        ("{properties: {a: {type: string, title: A, oneOf: [b]}}}", "oneOf is a list"),
        (
            "{properties: {a: {type: string, title: A, oneOf: [{const: b, title: B}, {const: b, title: C}]}}}",
            "twice",
        ),
        ("{properties: {a: {type: string, title: A, maxLength: 0}}}", "maxLength"),
        ("{properties: {a: {type: number, title: A, minimum: low}}}", "minimum is a number"),
        ("{properties: {a: {type: string, title: A, format: email}}}", "format is date-time"),
        ("{properties: {}, required: [a]}", "requires 'a'"),
    ],
)
def test_a_wrong_form_says_what_and_where(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_form(Path("services/x.yaml"), yaml.safe_load(text))
