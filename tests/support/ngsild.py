"""Entities as hypothesis draws them: documents of every attribute kind, and payloads that may be anything."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NOW = "2026-11-24T04:00:00.000Z"
LATER = "2026-11-24T05:00:00.000Z"

names = st.from_regex(r"[a-z][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: (
        name
        not in ("id", "type", "scope", "value", "object", "json", "vocab", "lang", "observedAt", "datasetId")
    )
)
uris = st.from_regex(r"urn:ngsi-ld:[A-Z][a-z]{0,6}:[A-Za-z0-9]{1,6}", fullmatch=True).filter(
    lambda u: u[12:] != "null"
)
times = st.datetimes(allow_imaginary=False).map(lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20))
texts = st.text(max_size=12).filter(lambda text: text != "urn:ngsi-ld:null")
scalars = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), texts
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)
positions = st.tuples(
    st.floats(-180, 180, allow_nan=False).map(lambda x: round(x, 6)),
    st.floats(-90, 90, allow_nan=False).map(lambda y: round(y, 6)),
).map(list)
geometries = st.one_of(
    positions.map(lambda p: {"type": "Point", "coordinates": p}),
    st.lists(positions, min_size=2, max_size=4).map(lambda line: {"type": "LineString", "coordinates": line}),
)
languages = st.sampled_from(("id", "en", "ms", "zh-Hant", "@none"))


def _kind(kind: str, member: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return value.map(lambda drawn: {"type": kind, member: drawn})


bare = st.one_of(
    _kind("Property", "value", values),
    _kind("GeoProperty", "value", geometries),
    _kind("Relationship", "object", st.one_of(uris, st.lists(uris, min_size=1, max_size=3))),
    _kind("LanguageProperty", "languageMap", st.dictionaries(languages, texts, min_size=1, max_size=3)),
    _kind("VocabProperty", "vocab", st.one_of(names, st.lists(names, min_size=1, max_size=2))),
    _kind("JsonProperty", "json", st.dictionaries(names, values, max_size=3)),
    _kind("ListProperty", "valueList", st.lists(scalars, max_size=3)),
    _kind("ListRelationship", "objectList", st.lists(uris.map(lambda uri: {"object": uri}), max_size=3)),
)


@st.composite
def attributes(draw: st.DrawFn, depth: int = 1) -> dict[str, Any]:
    """A normalized attribute instance, some with observedAt, unitCode and sub-attributes."""
    instance = dict(draw(bare))
    if draw(st.booleans()):
        instance["observedAt"] = draw(times)
    if instance["type"] in ("Property", "ListProperty") and draw(st.booleans()):
        instance["unitCode"] = draw(st.sampled_from(("CEL", "GP", "MTR")))
    if depth and draw(st.booleans()):
        instance["by" + draw(names)] = draw(attributes(depth - 1))
    return instance


@st.composite
def several(draw: st.DrawFn) -> Any:
    """An attribute: one instance, or several told apart by datasetId."""
    if draw(st.integers(0, 3)):
        return draw(attributes())
    found = [draw(attributes())]
    for dataset in draw(st.lists(uris, unique=True, min_size=1, max_size=2)):
        found.append({**draw(attributes()), "datasetId": dataset})
    return found


@st.composite
def entities(draw: st.DrawFn) -> dict[str, Any]:
    """A normalized entity payload."""
    entity: dict[str, Any] = {"id": draw(uris), "type": draw(st.sampled_from(("Weather", "Road", "Stop")))}
    if draw(st.booleans()):
        entity["scope"] = draw(st.sampled_from(("/kaltim/samarinda", ["/kaltim", "/ascn"])))
    entity.update(draw(st.dictionaries(names, several(), max_size=4)))
    return entity


anything = st.recursive(
    st.one_of(st.none(), scalars, st.floats(), st.just("urn:ngsi-ld:null"), uris, times),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    (
                        *(
                            "id",
                            "type",
                            "scope",
                            "value",
                            "object",
                            "languageMap",
                            "vocab",
                            "json",
                            "valueList",
                        ),
                        *(
                            "objectList",
                            "observedAt",
                            "datasetId",
                            "unitCode",
                            "coordinates",
                            "@context",
                            "lang",
                        ),
                    )
                ),
                st.text(max_size=8),
            ),
            st.one_of(
                inner, st.sampled_from(("Property", "GeoProperty", "Relationship", "Point", "Polygon"))
            ),
            max_size=5,
        ),
    ),
    max_leaves=20,
)
"""JSON and beyond, with the standard's words in likely places."""
