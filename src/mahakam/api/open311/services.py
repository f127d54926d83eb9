"""GET Service List and GET Service Definition: the catalogue of a city, and the questions of a service."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mahakam.api.open311.errors import Refusal
from mahakam.api.open311.formats import Listed, answer, format_of
from mahakam.api.open311.node import jurisdiction, language, parts_of
from mahakam.config import Text
from mahakam.services.catalogue import Service, catalogue
from mahakam.services.form import Kind, Question

_DATATYPES: dict[Kind, str] = {
    "string": "string",
    "text": "text",
    "number": "number",
    "integer": "number",
    "datetime": "datetime",
    "choice": "singlevaluelist",
    "choices": "multivaluelist",
    "yes": "singlevaluelist",
}
_YES = {"true": {"en": "Yes", "id": "Ya"}, "false": {"en": "No", "id": "Tidak"}}


def show_all(request: Request) -> Response:
    format = format_of(request)
    place = jurisdiction(request, request.query_params.get("jurisdiction_id"))
    lang = language(request)
    found = catalogue(place, parts_of(request).places).values()
    return answer(format, "services", "service", [_service(service, lang) for service in found])


def show_one(request: Request) -> Response:
    format = format_of(request)
    place = jurisdiction(request, request.query_params.get("jurisdiction_id"))
    code = request.path_params["code"]
    service = catalogue(place, parts_of(request).places).get(code)
    if service is None:
        raise Refusal(404, f"{place.id} has no service_code {code[:80]!r}; /open311/services lists them")
    lang = language(request)
    questions = [_attribute(question, order, lang) for order, question in enumerate(service.questions, 1)]
    definition = {"service_code": service.code, "attributes": Listed("attribute", questions)}
    return answer(format, "service_definition", "", definition)


def said(text: Text, lang: str) -> str:
    """A text in a language, else in the first that there is."""
    return text.get(lang) or next((one for one in text.values() if one), "")


def _service(service: Service, lang: str) -> dict[str, Any]:
    return {
        "service_code": service.code,
        "service_name": said(service.name, lang),
        "description": said(service.description, lang),
        "metadata": bool(service.questions),
        "type": "realtime",
        "keywords": ",".join(service.keywords),
        "group": said(service.group, lang),
    }


def _attribute(question: Question, order: int, lang: str) -> dict[str, Any]:
    values = [{"key": option.key, "name": said(option.title, lang)} for option in question.options]
    if question.kind == "yes":
        values = [{"key": key, "name": title[lang]} for key, title in _YES.items()]
    return {
        "variable": True,
        "code": question.code,
        "datatype": _DATATYPES[question.kind],
        "required": question.required,
        "datatype_description": said(question.hint, lang),
        "order": order,
        "description": said(question.title, lang),
    } | ({"values": Listed("value", values)} if values else {})
