"""The questions of a service on pages: what a form sent, and answers in the reader's words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.datastructures import FormData

from mahakam.services.catalogue import Service, catalogue
from mahakam.services.form import LONGEST_TEXT, Answer, Answers, Question
from mahakam.services.request import Request
from mahakam.web.language import _, number, words
from mahakam.web.site import Site


def typed_answers(form: FormData, service: Service | None) -> dict[str, Any]:
    """What was typed for the questions of the chosen service: code → text, or texts of a choice of several."""
    found: dict[str, Any] = {}
    if service is None:
        return found
    for question in service.questions:
        texts = [
            value for value in form.getlist(f"q-{service.code}-{question.code}") if isinstance(value, str)
        ]
        given = [text[: LONGEST_TEXT + 1] for text in texts if text.strip()][: len(question.options) + 1]
        if given:
            found[question.code] = given if question.kind == "choices" else given[0]
    return found


def answered(site: Site, request: Request) -> list[tuple[str, str]]:
    """Question and answer of a request in the reader's language, in the order of the form."""
    return said(site, request, request.answers)


def said(site: Site, request: Request, answers: Answers) -> list[tuple[str, str]]:
    """The same of other answers to the questions of the request's service."""
    place = site.places.get(request.place)
    service = catalogue(place, site.places).get(request.service) if place else None
    questions = {question.code: question for question in service.questions} if service else {}
    known = [code for code in questions if code in answers]
    return [
        (
            words(questions[code].title) if code in questions else code,
            _said(questions.get(code), answers[code]),
        )
        for code in [*known, *(code for code in answers if code not in questions)]
    ]


def _said(question: Question | None, answer: Answer) -> str:
    if isinstance(answer, bool):
        return _("Yes") if answer else _("No")
    if isinstance(answer, int | float):
        return number(answer)
    if isinstance(answer, tuple):
        return ", ".join(_said(question, key) for key in answer)
    option = question.option(answer) if question else None
    if option:
        return words(option.title)
    if question and question.kind == "datetime":
        return dt.datetime.fromisoformat(answer).strftime("%Y-%m-%d %H:%M")
    return answer
