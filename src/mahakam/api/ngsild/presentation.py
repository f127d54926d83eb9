"""How a read wants its entities: form, projection, language, GeoJSON (clause 6.3.7, 6.3.11, 6.3.15, 4.21)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from mahakam.api.http import Response
from mahakam.api.ngsild.call import GEO_JSON, JSON, JSON_LD, Call, context_link
from mahakam.broker.joining import JOIN_PARAMETERS, NO_JOIN, Fetch, Graph, Join, check_depth, parse_join
from mahakam.ngsild.context import Context
from mahakam.ngsild.core import CORE_URL
from mahakam.ngsild.entity import Document
from mahakam.ngsild.lexical import is_uri, require_name
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.projection import EVERYTHING, Projection, parse_projection
from mahakam.ngsild.query import attributes_of
from mahakam.ngsild.represent import Form, collection, feature, render
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.versions import EARLIEST, NATIVE, for_version

FORMS: dict[str, Form] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
READ_OPTIONS = frozenset((*FORMS, "sysAttrs"))
READ_PARAMETERS = frozenset(
    (
        "attrs", "pick", "omit", "options", "format", "lang", "datasetId", "geometryProperty", "local", "csf",
        *JOIN_PARAMETERS,
    )
)  # fmt: skip
_SHAPING = READ_PARAMETERS - {"options", "local", "csf"}
ENTITY_MEDIA = (JSON, JSON_LD, GEO_JSON)
_VERSION = re.compile(r"(?:^|,)\s*ngsi-ld\s*=\s*\"?(\d)\.(\d{1,2})\b", re.IGNORECASE)
_CORE_MEMBER = b'{"@context":' + orjson.dumps(CORE_URL) + b","


@dataclass(frozen=True, slots=True)
class Presentation:
    """``plain``: the stored bytes are the answer (given the core context and a JSON media type)."""

    form: Form = "normalized"
    sys_attrs: bool = False
    attrs: tuple[str, ...] = ()
    projection: Projection = EVERYTHING
    join: Join = NO_JOIN
    lang: str = ""
    datasets: tuple[str, ...] = ()
    geometry_property: str = "location"
    plain: bool = True

    def entity(
        self, document: Document, context: Context, projection: Projection | None = None
    ) -> dict[str, Any]:
        """``projection``: that of a linked entity; without it the request's own."""
        kept = projection or self.projection
        return render(
            document,
            context,
            form=self.form,
            sys_attrs=self.sys_attrs,
            attrs=self.attrs if projection is None else (),
            pick=kept.pick,
            omit=kept.omit,
            lang=self.lang,
            datasets=self.datasets,
        )

    def feature(self, document: Document, rendered: dict[str, Any]) -> dict[str, Any]:
        dataset = self.datasets[0] if self.datasets else None
        return feature(document, rendered, self.geometry_property, dataset)


_PLAIN = Presentation()


def presentation(params: Mapping[str, str], options: frozenset[str], context: Context) -> Presentation:
    """What the parameters of a read say about its answer; raises Problem InvalidRequest or BadRequestData."""
    if not options and _SHAPING.isdisjoint(params):
        return _PLAIN
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
        projection=parse_projection(params.get("pick", ""), params.get("omit", ""), context),
        join=parse_join(params),
        lang=params.get("lang", ""),
        datasets=datasets,
        geometry_property=require_name(geometry_property, context, "The parameter geometryProperty")
        if geometry_property
        else "location",
    )
    if shape.attrs and shape.projection != EVERYTHING:
        raise bad_request(
            "attrs goes without pick and omit", "pick and omit say the same and more (clause 4.21)"
        )
    check_depth(shape.projection, shape.join)
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
    documents, status, preference = _for_version(call, [document], context)
    answers = _answers(call, documents, shape, context)
    several = len(answers) > 1
    if accept == GEO_JSON:
        features = [shape.feature(one, rendered) for one, rendered in answers]
        return _geo(call, collection(features) if several else features[0], context, *preference)
    entities = [rendered for _, rendered in answers]
    if not entities[0]:
        raise not_found(f"{document['id']} has nothing of what was picked")
    shown = entities if several else entities[0]
    return call.answer(shown, context, accept, *preference, status=status)


def preferred(call: Call, earliest: tuple[int, int] = EARLIEST) -> tuple[int, int] | None:
    """The version of the standard that a ``Prefer`` header asks for, if it is one we know (clause 4.3.6.8)."""
    prefer = call.request.headers.get("prefer")
    match = _VERSION.search(prefer) if prefer else None
    version = (int(match[1]), int(match[2])) if match is not None else None
    return version if version is not None and earliest <= version <= NATIVE else None


def preference(call: Call) -> list[tuple[str, str]]:
    """The header that says which version an answer keeps to."""
    version = preferred(call)
    return [] if version is None else [("preference-applied", f"ngsi-ld={version[0]}.{version[1]}")]


def _for_version(
    call: Call, documents: Sequence[Document], context: Context
) -> tuple[Sequence[Document], int, list[tuple[str, str]]]:
    """The documents for the version preferred, with the answer's status and headers."""
    version = preferred(call)
    if version is None:
        return documents, 200, []
    older = [for_version(document, version, context) for document in documents]
    status = 200 if all(one is other for one, other in zip(older, documents, strict=True)) else 203
    return older, status, preference(call)


def _answers(
    call: Call, documents: Sequence[Document], shape: Presentation, context: Context
) -> list[tuple[Document, dict[str, Any]]]:
    """Documents and how they are shown; with ``join=flat`` the linked ones follow."""
    if shape.join.form == "inline":
        return list(zip(documents, Graph(_fetcher(call), shape, context).inline(documents), strict=True))
    answers = [(document, shape.entity(document, context)) for document in documents]
    if shape.join.form == "flat":
        linked = Graph(_fetcher(call), shape, context).flat(documents)
        answers += [(one, shape.entity(one, context, projection)) for one, projection in linked]
    return answers


def _fetcher(call: Call) -> Fetch:
    return lambda ids: call.broker.query(Selection(ids=ids), len(ids))


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
    documents, status, preference = _for_version(call, documents, context)
    more = (*more, *preference)
    answers = _answers(call, documents, shape, context)
    if accept == GEO_JSON:
        features = [shape.feature(document, rendered) for document, rendered in answers]
        return _geo(call, collection(features), context, *more)
    entities = [rendered for _, rendered in answers if rendered]
    return call.answer(entities, context, accept, *more, status=status)


def _geo(call: Call, value: dict[str, Any], context: Context, *more: tuple[str, str]) -> Response:
    """The context is in the body, unless ``Prefer: body=json`` asks for a Link header (clause 6.3.15)."""
    if "body=json" in (call.request.headers.get("prefer") or "").replace(" ", "").split(","):
        headers = call.headers(("content-type", GEO_JSON), ("link", context_link(context)), *more)
    else:
        value = {**value, "@context": context.with_core()}
        headers = call.headers(("content-type", GEO_JSON), *more)
    return Response(200, headers, orjson.dumps(value))
