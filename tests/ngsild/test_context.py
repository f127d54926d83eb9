"""Names of a request become canonical, and come back as the request knows them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.ngsild.context import CORE, build
from mahakam.ngsild.core import CORE_TERMS, CORE_URL, absolute, canonical, is_core
from mahakam.ngsild.problem import Problem
from support.ngsild import names

USER = {
    "schema": "https://schema.org/",
    "name": "schema:name",
    "temperature": {"@id": "https://example.org/heat", "@type": "@id"},
    "Weather": "https://example.org/weather#Weather",
    "location": "https://example.org/elsewhere",
    "plain": "https://uri.etsi.org/ngsi-ld/default-context/other",
}


def no_network(url: str) -> dict[str, Any]:
    raise AssertionError(f"{url} was fetched")


def test_without_a_context_names_stay() -> None:
    assert CORE.expand("temperature") == "temperature"
    assert CORE.compact("temperature") == "temperature"
    assert CORE.expand("location") == "location"
    assert CORE.is_core


@pytest.mark.parametrize(
    ("iri", "name"),
    [
        ("https://uri.etsi.org/ngsi-ld/location", "location"),
        ("https://uri.etsi.org/ngsi-ld/default-context/temperature", "temperature"),
        ("ngsi-ld:location", "location"),
        ("http://purl.org/dc/terms/title", "title"),
        ("https://schema.org/name", "https://schema.org/name"),
    ],
)
def test_iris_of_the_core_become_its_terms(iri: str, name: str) -> None:
    assert CORE.expand(iri) == name


def test_a_core_term_of_the_default_vocabulary_keeps_its_iri() -> None:
    iri = "https://uri.etsi.org/ngsi-ld/default-context/location"
    assert CORE.expand(iri) == iri
    assert absolute(canonical(iri)) == iri


@pytest.mark.parametrize("version", ["", "-v1.3", "-v1.5", "-v1.6", "-v1.7", "-v1.8", "-v1.9"])
def test_every_version_of_the_core_is_built_in(version: str) -> None:
    url = f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld"
    assert is_core(url)
    assert build(url, no_network) is CORE


def test_a_user_context_expands_and_compacts() -> None:
    context = build([USER, CORE_URL], no_network)
    assert context.expand("name") == "https://schema.org/name"
    assert context.expand("temperature") == "https://example.org/heat"
    assert context.expand("schema:url") == "https://schema.org/url"
    assert context.expand("plain") == "other"
    assert context.expand("unheard") == "unheard"
    assert context.compact("https://schema.org/name") == "name"
    assert context.compact("https://schema.org/url") == "schema:url"
    assert context.compact("https://nowhere.org/x") == "https://nowhere.org/x"


def test_the_core_wins_over_a_user_context() -> None:
    context = build([CORE_URL, USER], no_network)
    assert context.expand("location") == "location"
    assert context.compact("location") == "location"


def test_a_term_that_the_user_took_is_not_used_for_the_default_vocabulary() -> None:
    context = build(USER, no_network)
    shown = context.compact("temperature")
    assert shown == "ngsi-ld:default-context/temperature"
    assert context.expand(shown) == "temperature"


def test_of_several_contexts_the_last_wins() -> None:
    context = build([{"a": "https://one.org/a"}, {"a": "https://two.org/a"}], no_network)
    assert context.expand("a") == "https://two.org/a"


def test_vocabulary_serves_the_contexts_own_terms() -> None:
    context = build({"@vocab": "https://example.org/v#", "warm": "heat"}, no_network)
    assert context.expand("warm") == "https://example.org/v#heat"
    assert context.expand("unheard") == "unheard"


def test_remote_contexts_are_loaded_and_may_refer_to_others() -> None:
    documents = {
        "https://a.org/c": {"@context": ["https://b.org/c", {"x": "https://a.org/x"}]},
        "https://b.org/c": {"@context": {"y": "https://b.org/y"}},
    }
    context = build("https://a.org/c", documents.__getitem__)
    assert (context.expand("x"), context.expand("y")) == ("https://a.org/x", "https://b.org/y")
    assert context.link == "https://a.org/c"
    assert context.with_core() == ["https://a.org/c", CORE_URL]


def test_an_answer_names_the_core_once() -> None:
    documents = {"https://a.org/c": {"@context": [{"x": "https://a.org/x"}, CORE_URL]}}
    assert build("https://a.org/c", documents.__getitem__).with_core() == "https://a.org/c"
    assert build([USER, CORE_URL], no_network).with_core() == [USER, CORE_URL]
    assert build(USER, no_network).with_core() == [USER, CORE_URL]
    assert CORE.with_core() == CORE_URL


@pytest.mark.parametrize(
    "value",
    [
        7,
        "no-url",
        {"a": 7},
        {"a": {"@id": "https://a.org/", "@context": {}}},
        [[["https://loop.org"]]],
    ],
)
def test_what_is_no_context_is_refused(value: Any) -> None:
    with pytest.raises(Problem) as refusal:
        build(value, lambda url: {"@context": url})
    assert refusal.value.kind == "BadRequestData"


def test_a_chain_of_terms_without_end_is_refused_or_read_but_never_crashes() -> None:
    chain = {f"t{n}": f"t{n + 1}:x" for n in range(20_000)}
    with pytest.raises(Problem, match="too deeply"):
        build(chain, no_network)


iris = st.one_of(
    st.sampled_from(("https://schema.org/", "https://uri.etsi.org/ngsi-ld/default-context/")),
    st.just("https://example.org/v#"),
).flatmap(lambda base: names.map(lambda name: base + name))


@given(
    terms=st.dictionaries(names, iris, max_size=6),
    prefix=names,
    name=st.one_of(names, iris, st.sampled_from(sorted(CORE_TERMS))),
)
def test_expand_after_compact_is_the_same_name(terms: dict[str, str], prefix: str, name: str) -> None:
    context = build({**terms, prefix: "https://schema.org/"}, no_network)
    known = canonical(absolute(name))
    assert context.expand(context.compact(known)) == known


@given(
    st.recursive(
        st.one_of(st.none(), st.text(max_size=5), st.integers()),
        lambda x: st.one_of(
            st.lists(x, max_size=3),
            st.dictionaries(st.sampled_from(("a", "b", "@id", "@vocab", "@context")), x, max_size=4),
        ),
        max_leaves=10,
    )
)
def test_no_context_raises_anything_but_a_problem(value: Any) -> None:
    with suppress(Problem):
        build(value, lambda url: {"@context": {}})
