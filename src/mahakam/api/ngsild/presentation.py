"""How a read wants its entities: form, projection, language, GeoJSON (clause 6.3.7, 6.3.11, 6.3.15, 4.21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from mahakam.api.http import Response
from mahakam.api.ngsild.call import GEO_JSON, JSON, JSON_LD, Call, context_link
from mahakam.ngsild.context import Context
from mahakam.ngsild.core import CORE_URL
from mahakam.ngsild.entity import Document
from mahakam.ngsild.lexical import is_uri, require_name
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.query import attributes_of, names_of
from mahakam.ngsild.represent import Form, collection, feature, render

FORMS: dict[str, Form] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
READ_OPTIONS = frozenset((*FORMS, "sysAttrs"))
READ_PARAMETERS = frozenset(
    ("attrs", "pick", "omit", "options", "format", "lang", "datasetId", "geometryProperty", "local")
)
ENTITY_MEDIA = (JSON, JSON_LD, GEO_JSON)
_CORE_MEMBER = b'{"@context":' + orjson.dumps(CORE_URL) + b","


@dataclass(frozen=True, slots=True)
class Presentation:
    """``plain``: the stored bytes are the answer (given the core context and a JSON media type)."""

    form: Form = "normalized"
    sys_attrs: bool = False
    attrs: tuple[str, ...] = ()
    pick: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    lang: str = ""
    datasets: tuple[str, ...] = ()
    geometry_property: str = "location"
    plain: bool = True

    def entity(self, document: Document, context: Context) -> dict[str, Any]:
        return render(
            document,
            context,
            form=self.form,
            sys_attrs=self.sys_attrs,
            attrs=self.attrs,
            pick=self.pick,
            omit=self.omit,
            lang=self.lang,
            datasets=self.datasets,
        )

    def feature(self, document: Document, context: Context) -> dict[str, Any]:
        dataset = self.datasets[0] if self.datasets else None
        return feature(document, self.entity(document, context), self.geometry_property, dataset)


def presentation(params: Mapping[str, str], options: frozenset[str], context: Context) -> Presentation:
    """What the parameters of a read say about its answer; raises Problem InvalidRequest or BadRequestData."""
    forms = {FORMS[option] for option in options if option in FORMS}
    wanted = params.get("format")
    if wanted is not None:
        if wanted not in FORMS:
            raise Problem("InvalidRequest", "The parameter format is not valid", f"one of {', '.join(FORMS)}")
        forms = {FORMS[wanted]}
    if len(forms) > 1:
        raise Problem("InvalidRequest", "Two representations", " and ".join(sorted(forms)))
    datasets = tuple(params["datasetId"].split(",")) if "datasetId" in params else ()
    for dataset in datasets:
        if dataset != "@none" and not is_uri(dataset):
            raise bad_request(
                "The parameter datasetId is not valid", f"{dataset[:80]!r} is no URI, nor @none"
            )
    geometry_property = params.get("geometryProperty")
    shape = Presentation(
        form=cast(Form, next(iter(forms), "normalized")),
        sys_attrs="sysAttrs" in options,
        attrs=attributes_of(params.get("attrs", ""), context),
        pick=names_of(params.get("pick", ""), context),
        omit=names_of(params.get("omit", ""), context),
        lang=params.get("lang", ""),
        datasets=datasets,
        geometry_property=require_name(geometry_property, context, "The parameter geometryProperty")
        if geometry_property
        else "location",
    )
    if shape.attrs and (shape.pick or shape.omit):
        raise bad_request(
            "attrs goes without pick and omit", "pick and omit say the same and more (clause 4.21)"
        )
    if set(shape.pick) & set(shape.omit):
        raise bad_request("pick and omit name the same", ", ".join(sorted(set(shape.pick) & set(shape.omit))))
    plain = shape == Presentation(geometry_property=shape.geometry_property)
    return Presentation(**{**_fields(shape), "plain": plain})


def _fields(shape: Presentation) -> dict[str, Any]:
    return {name: getattr(shape, name) for name in Presentation.__slots__}


def with_core_context(body: bytes) -> bytes:
    """The bytes of an entity with the core context as its first member."""
    return _CORE_MEMBER + body[1:]


def one_entity(
    call: Call, document: Document, shape: Presentation, context: Context, accept: str
) -> Response:
    """The answer to a retrieve; raises Problem ResourceNotFound if nothing is left of the entity."""
    require_geo_json(call, accept)
    if accept == GEO_JSON:
        return _geo(call, shape.feature(document, context), context)
    entity = shape.entity(document, context)
    if not entity:
        raise not_found(f"{document['id']} has nothing of what was picked")
    return call.answer(entity, context, accept)


def require_geo_json(call: Call, accept: str) -> None:
    """Raises Problem BadRequestData for a geometryProperty where no GeoJSON is wanted (clause 6.3.15)."""
    if accept != GEO_JSON and "geometryProperty" in call.params:
        raise bad_request("geometryProperty goes with GeoJSON", f"send accept: {GEO_JSON}")


def many_entities(
    call: Call,
    documents: Sequence[Document],
    shape: Presentation,
    context: Context,
    accept: str,
    *more: tuple[str, str],
) -> Response:
    """The answer to a query; entities of which nothing is left are left out."""
    if accept == GEO_JSON:
        return _geo(
            call, collection(shape.feature(document, context) for document in documents), context, *more
        )
    entities = (shape.entity(document, context) for document in documents)
    return call.answer([entity for entity in entities if entity], context, accept, *more)


def _geo(call: Call, value: dict[str, Any], context: Context, *more: tuple[str, str]) -> Response:
    """The context is in the body, unless ``Prefer: body=json`` asks for a Link header (clause 6.3.15)."""
    if "body=json" in (call.request.headers.get("prefer") or "").replace(" ", "").split(","):
        headers = call.headers(("content-type", GEO_JSON), ("link", context_link(context)), *more)
    else:
        value = {**value, "@context": context.with_core()}
        headers = call.headers(("content-type", GEO_JSON), *more)
    return Response(200, headers, orjson.dumps(value))
