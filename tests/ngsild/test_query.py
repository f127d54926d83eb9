"""The query language and its siblings: what they mean, and what they say of a fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.ngsild.context import CORE, build
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.query import parse_geo, parse_q, parse_scopes, parse_types, selection_from
from mahakam.ngsild.selection import And, Compare, Exists, Geo, Linked, Not, Or, Path

A = Path("a")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("a", Exists(A)),
        ("!a", Not(Exists(A))),
        ("a==20", Compare(A, "==", (20,))),
        ("a==-2.5e3", Compare(A, "==", (-2500.0,))),
        ('a!="Mercedes"', Compare(A, "!=", ("Mercedes",))),
        (r'a=="say \"hi\"; \u00e9|"', Compare(A, "==", ('say "hi"; é|',))),
        ("a==true", Compare(A, "==", (True,))),
        ("a==urn:ngsi-ld:B:1", Compare(A, "==", ("urn:ngsi-ld:B:1",))),
        ('a==1,2.5,"x",false', Compare(A, "==", (1, 2.5, "x", False))),
        ("a==10..20", Compare(A, "==", (10, 20), range=True)),
        ('a!="a".."c"', Compare(A, "!=", ("a", "c"), range=True)),
        ("a==2026-01-01..2026-02-01", Compare(A, "==", ("2026-01-01", "2026-02-01"), range=True)),
        ("a>=2026-01-31T08:00:00Z", Compare(A, ">=", ("2026-01-31T08:00:00Z",))),
        ("a<12:30:00", Compare(A, "<", ("12:30:00",))),
        ("a~=^x.*y$", Compare(A, "~=", ("^x.*y$",))),
        ('a!~="(b|c);"', Compare(A, "!~=", ("(b|c);",))),
        ("a~=(b|c)d", Compare(A, "~=", ("(b|c)d",))),
        ("a.b.observedAt", Exists(Path("a", ("b", "observedAt")))),
        ('a[b.c]=="x"', Compare(Path("a", (), ("b", "c")), "==", ("x",))),
        ('a.b[c]=="x"', Compare(Path("a", ("b",), ("c",)), "==", ("x",))),
        ('a[*]=="x"', Compare(Path("a", (), ("*",)), "==", ("x",))),
        ("a;b|c", Or((And((Exists(A), Exists(Path("b")))), Exists(Path("c"))))),
        ("a;(b|c)", And((Exists(A), Or((Exists(Path("b")), Exists(Path("c"))))))),
        ("(a>1)", Compare(A, ">", (1,))),
        ("https://e.org/v#a.b==1", Compare(Path("https://e.org/v#a.b"), "==", (1,))),
    ],
)
def test_what_q_means(text: str, condition: Any) -> None:
    assert parse_q(text, CORE) == condition


def test_names_are_expanded_and_words_where_asked() -> None:
    context = build({"heat": "https://e.org/heat", "Hot": "https://e.org/Hot"}, lambda url: {})
    assert parse_q("heat.heat>1", context) == Compare(
        Path("https://e.org/heat", ("https://e.org/heat",)), ">", (1,)
    )
    assert parse_q("sky==Hot", context, expand_values=("sky",)) == Compare(
        Path("sky"), "==", ("https://e.org/Hot",)
    )


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 1, "attribute name"),
        ("a=1", 2, "operator"),
        ("a==", 4, "a number"),
        ("category==BAIK", 11, "double quotes"),
        ('a=="open', 4, "closed text"),
        ("a==1 b==2", 6, "or the end"),
        ("(a", 3, ")"),
        ("a)", 2, "or the end"),
        ("a;;b", 3, "attribute name"),
        ("a>1,2", 3, "one number"),
        ("a>1..2", 3, "one value"),
        ("a>true", 3, "one number"),
        ("a==1..x", 7, "a number"),
        ('a==1.."x"', 4, "range between"),
        ("a[b", 4, ". or ]"),
        ("a[]", 3, "member of the value"),
        ("a~=(", 4, "regular expression"),
        ("a~=", 4, "regular expression"),
        ("a==1e999", 4, "finite"),
        ("<script>", 1, "attribute name"),
    ],
)
def test_a_fault_names_its_position_and_what_was_expected(text: str, position: int, expected: str) -> None:
    with pytest.raises(Problem) as refusal:
        parse_q(text, CORE)
    assert refusal.value.kind == "BadRequestData"
    assert f"position {position}" in refusal.value.detail
    assert expected in refusal.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100 + "a" + ")" * 100,
        "!" * 5000 + "a",
        ";".join(["a"] * 1000),
        "a==" + ",".join(["1"] * 1000),
        "a" * 30_000,
    ],
)
def test_queries_beyond_the_limits_are_too_complex(text: str) -> None:
    with pytest.raises(Problem) as refusal:
        parse_q(text, CORE)
    assert refusal.value.kind == "TooComplexQuery"


def test_links_are_followed_as_far_as_the_join_goes() -> None:
    with pytest.raises(Problem, match="no link beyond") as refusal:
        parse_q("sensor{humidity}==40", CORE)
    assert refusal.value.kind == "BadRequestData"
    inner = Compare(Path("humidity"), "==", (40,))
    assert parse_q("sensor{humidity}==40", CORE, links=1) == Linked("sensor", "", inner)
    assert parse_q("sensor{Device:humidity}==40", CORE, links=1) == Linked("sensor", "Device", inner)
    assert parse_q("room{sensor{humidity}}==40", CORE, links=2) == Linked(
        "room", "", Linked("sensor", "", inner)
    )
    with pytest.raises(Problem):
        parse_q("room{sensor{humidity}}==40", CORE, links=1)
    with pytest.raises(Problem):
        parse_q("room{sensor{humidity}==40", CORE, links=2)


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("A", (("A",),)),
        ("A,B", (("A",), ("B",))),
        ("A|B", (("A",), ("B",))),
        ("(A;B),C", (("A", "B"), ("C",))),
        ("A;(B|C)", (("A", "B"), ("A", "C"))),
        ("A,A", (("A",),)),
    ],
)
def test_type_selections(text: str, sets: Any) -> None:
    assert parse_types(text, CORE).any_of == sets


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("/a/b", (("/a/b",),)),
        ("a/#", (("/a/#",),)),
        ("/#", (("/#",),)),
        ("/a/+/c", (("/a/+/c",),)),
        ("(/a;/b/#)|/c", (("/a", "/b/#"), ("/c",))),
    ],
)
def test_scope_queries(text: str, sets: Any) -> None:
    assert parse_scopes(text).any_of == sets


@pytest.mark.parametrize("text", ["", "A,", "(A", "A)", "A;;B", "<b>", ";", "1x y"])
def test_faulty_type_selections(text: str) -> None:
    with pytest.raises(Problem, match="type"):
        parse_types(text, CORE)


@pytest.mark.parametrize("text", ["", "/a//b", "/a,", "/#/a", "/a/#/b", "/a/'x"])
def test_faulty_scope_queries(text: str) -> None:
    with pytest.raises(Problem, match="scopeQ"):
        parse_scopes(text)


def test_formulas_do_not_explode() -> None:
    with pytest.raises(Problem) as refusal:
        parse_types(";".join("(A,B,C,D)" for _ in range(30)), CORE)
    assert refusal.value.kind == "TooComplexQuery"


POINT = {"type": "Point", "coordinates": [117.1, -0.5]}


def test_geo_queries() -> None:
    params = {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[117.1,-0.5]"}
    assert parse_geo(params, CORE) == Geo("near", POINT, "location", 2000.0, None)
    params = {**params, "georel": "near;minDistance==10", "geoproperty": "site"}
    assert parse_geo(params, CORE) == Geo("near", POINT, "site", None, 10.0)
    found = parse_geo({"bbox": "117,-1,118,0"}, CORE)
    assert found is not None
    assert found.georel == "intersects"
    assert found.geometry["coordinates"][0][2] == [118.0, 0.0]
    assert parse_geo({}, CORE) is None


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"georel": "near", "geometry": "Point", "coordinates": "[1,1]"}, "maxDistance"),
        ({"georel": "near;maxDistance=5", "geometry": "Point", "coordinates": "[1,1]"}, "maxDistance"),
        ({"georel": "near;maxDistance==0", "geometry": "Point", "coordinates": "[1,1]"}, "above 0"),
        ({"georel": "near;maxDistance==1e400", "geometry": "Point", "coordinates": "[1,1]"}, "above 0"),
        (
            {"georel": "near;maxDistance==5;minDistance==1", "geometry": "Point", "coordinates": "[1,1]"},
            "one of",
        ),
        ({"georel": "within;maxDistance==5", "geometry": "Point", "coordinates": "[1,1]"}, "only with near"),
        ({"georel": "beside", "geometry": "Point", "coordinates": "[1,1]"}, "none of near"),
        ({"georel": "within", "geometry": "Dot", "coordinates": "[1,1]"}, "none of"),
        ({"georel": "within", "geometry": "Point", "coordinates": "1,1"}, "JSON list"),
        ({"georel": "within", "geometry": "Point"}, "JSON list"),
        ({"georel": "within", "geometry": "Point", "coordinates": "[-0.5,117]"}, "swapped"),
        ({"georel": "within", "geometry": "Polygon", "coordinates": "[[[0,0],[1,1],[1,0]]]"}, "ring"),
        ({"geometry": "Point"}, "georel"),
        ({"bbox": "1,2,3"}, "west,south,east,north"),
        ({"bbox": "118,0,117,1"}, "west < east"),
        ({"bbox": "nan,0,1,1"}, "west < east"),
        ({"bbox": "0,0,1,1", "georel": "within"}, "exclude"),
    ],
)
def test_faulty_geo_queries(params: dict[str, str], word: str) -> None:
    with pytest.raises(Problem) as refusal:
        parse_geo(params, CORE)
    assert word in refusal.value.detail


def test_a_whole_selection() -> None:
    selection = selection_from(
        {
            "id": "urn:a:b,urn:a:c",
            "type": "A",
            "idPattern": "^urn",
            "attrs": "x,y",
            "q": "x>1",
            "scopeQ": "/k/#",
        },
        CORE,
    )
    assert selection.ids == ("urn:a:b", "urn:a:c")
    assert selection.attrs == ("x", "y")
    assert selection.condition == Compare(Path("x"), ">", (1,))
    assert selection_from({"type": "*"}, CORE).types is None


@pytest.mark.parametrize(
    "params",
    [
        {"id": "x"},
        {"idPattern": "("},
        {"attrs": "<b>"},
        {"attrs": "a,,b"},
        {"attrs": "type"},
        {"idPattern": "a" * 999},
    ],
)
def test_faulty_selections(params: dict[str, str]) -> None:
    with pytest.raises(Problem):
        selection_from(params, CORE)


pieces = st.sampled_from(
    [
        *'ab.[]{}();|!=<>~,"\\ 1.0',
        "==",
        "!~=",
        "..",
        '"x"',
        "true",
        "2026-01-01",
        "urn:a:b",
        "near;",
        "maxDistance==",
        "/#",
    ]
)
queries = st.one_of(st.text(max_size=30), st.lists(pieces, max_size=15).map("".join))


@settings(max_examples=400)
@given(queries)
def test_no_text_raises_anything_but_a_problem(text: str) -> None:
    for name in ("q", "type", "scopeQ", "attrs", "id", "idPattern", "georel", "bbox", "coordinates"):
        try:
            selection_from(
                {"geometry": "Point", "georel": "within", "coordinates": "[1,1]", name: text}, CORE
            )
        except Problem:
            continue


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(.*)*", "((a{2,})b?)+", "a*a*a*a*a*b", r"(a+)\1*", "(?=(a+)+)b"]
)
def test_patterns_that_may_never_end_are_refused(pattern: str) -> None:
    with pytest.raises(Problem, match="too long"):
        selection_from({"idPattern": pattern}, CORE)


@pytest.mark.parametrize(
    "pattern", ["^urn:ngsi-ld:.*:sam.*$", "(a|b)[0-9]{2,4}", "(?i)hujan", "^[A-Z]+-\\d+$", "(ab){3}"]
)
def test_patterns_of_daily_use_are_let_through(pattern: str) -> None:
    assert selection_from({"idPattern": pattern}, CORE).id_pattern == pattern
