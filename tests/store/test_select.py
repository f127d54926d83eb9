"""The store's SQL and the in-memory match select the same entities, whatever the query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.ngsild import represent
from mahakam.ngsild import selection as s
from mahakam.ngsild.match import matches
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore
from mahakam.store.sql.paths import text_of
from mahakam.store.sqlite.entities import SqliteEntities
from support.postgres import PostgresServer

NAMES = ["n", "text", "when", "a b", 'q"uote', "https://example.org/é"]
TIMES = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-02-01T12:00:00Z"]
SCOPES = ["/a", "/a/b", "/a/b/c", "/ab", "/x/b"]
TYPES = ["A", "B", "C"]

BELOW = [(), (("observedAt",),), (("sub",),), ((), ("k",)), ((), ("en",))]
"""What may be indexed of each: itself, a member, a sub-attribute, keys of its value."""

scalars = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.5, -0.5, 1e20, 2**60]), st.booleans(),
    st.sampled_from(["", "a", "A", "b", "10", "9", "é", "true", "1"]), st.sampled_from(TIMES),
)  # fmt: skip
values = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.dictionaries(st.sampled_from(["k", "l"]), scalars, max_size=2)
)
coordinates = st.tuples(
    st.floats(-180, 180).map(lambda x: round(x, 4)), st.floats(-90, 90).map(lambda x: round(x, 4))
).map(list)
close = st.tuples(
    st.floats(116, 118).map(lambda x: round(x, 3)), st.floats(-1, 1).map(lambda x: round(x, 3))
).map(list)
positions = st.one_of(coordinates, close)


@st.composite
def rectangles(draw: st.DrawFn) -> dict[str, Any]:
    west, south = draw(close)
    east, north = west + draw(st.floats(0.01, 3)), south + draw(st.floats(0.01, 3))
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


points = positions.map(lambda position: {"type": "Point", "coordinates": position})
lines = st.lists(close, min_size=2, max_size=4, unique_by=tuple).map(
    lambda line: {"type": "LineString", "coordinates": line}
)
geometries = st.one_of(points, rectangles(), lines)


def timed(instance: dict[str, Any], at: str) -> dict[str, Any]:
    return {**instance, "createdAt": TIMES[0], "modifiedAt": at}


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["Property", "Property", "Property", "Relationship", "LanguageProperty"]))
    if kind == "Relationship":
        out: dict[str, Any] = {"type": kind, "object": draw(st.sampled_from(["urn:a", "urn:b"]))}
    elif kind == "LanguageProperty":
        out = {"type": kind, "languageMap": {"en": "a", "id": draw(st.sampled_from(["a", "b"]))}}
    else:
        out = {"type": kind, "value": draw(values)}
    if draw(st.booleans()):
        out["observedAt"] = draw(st.sampled_from(TIMES))
    if draw(st.booleans()):
        out["sub"] = {"type": "Property", "value": draw(scalars)}
    return timed(out, draw(st.sampled_from(TIMES)))


@st.composite
def documents(draw: st.DrawFn, number: int = 0) -> dict[str, Any]:
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True))
    out: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    scopes = draw(st.lists(st.sampled_from(SCOPES), max_size=2, unique=True))
    if scopes:
        out["scope"] = scopes[0] if len(scopes) == 1 else scopes
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True)):
        several = draw(st.lists(instances(), min_size=1, max_size=2))
        if len(several) == 1:
            out[name] = several[0]
        else:
            out[name] = [{**one, "datasetId": f"urn:d:{index}"} for index, one in enumerate(several)]
    if draw(st.booleans()):
        out["location"] = timed({"type": "GeoProperty", "value": draw(geometries)}, TIMES[0])
    return timed(out, draw(st.sampled_from(TIMES)))


paths = st.builds(
    s.Path,
    st.sampled_from([*NAMES, "createdAt", "modifiedAt", "location"]),
    st.sampled_from([(), (), (), ("observedAt",), ("sub",), ("modifiedAt",)]),
    st.sampled_from([(), (), (), ("k",), ("en",)]),
)
orders = st.sampled_from([">", ">=", "<", "<="])
comparisons = st.one_of(
    st.builds(
        s.Compare, paths, st.sampled_from(["==", "!="]), st.lists(scalars, min_size=1, max_size=2).map(tuple)
    ),
    st.builds(
        lambda path, operator, low, high: s.Compare(path, operator, (low, high), range=True),
        paths, st.sampled_from(["==", "!="]), scalars, scalars,
    ),
    st.builds(lambda path, operator, value: s.Compare(path, operator, (value,)), paths, orders, scalars),
    st.builds(
        lambda path, operator, value: s.Compare(path, operator, (value,)),
        paths, st.sampled_from(["~=", "!~="]), st.sampled_from(["a", "^a$", "[0-9]+", "é|b"]),
    ),
)  # fmt: skip
conditions = st.recursive(
    st.one_of(comparisons, st.builds(s.Exists, paths)),
    lambda inner: st.one_of(
        st.builds(s.And, st.tuples(inner, inner)),
        st.builds(s.Or, st.tuples(inner, inner)),
        st.builds(s.Not, inner),
    ),
    max_leaves=4,
)
geo = st.one_of(
    st.builds(
        lambda geometry, high, low: s.Geo("near", geometry, max_distance=high, min_distance=low),
        points, st.one_of(st.none(), st.floats(0, 3e6)), st.one_of(st.none(), st.floats(0, 1e5)),
    ),
    st.builds(
        s.Geo,
        st.sampled_from(["within", "contains", "intersects", "disjoint", "equals", "overlaps"]),
        geometries,
    ),
)  # fmt: skip
patterns = st.sampled_from([*SCOPES, "/a/#", "/a/b/#", "/+/b", "/a/+", "/a/+/#", "/#"])
type_sets = st.lists(
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True).map(tuple), min_size=1, max_size=3
)
scope_sets = st.lists(st.lists(patterns, min_size=1, max_size=2).map(tuple), min_size=1, max_size=2)
selections = st.builds(
    s.Selection,
    ids=st.sampled_from([(), (), ("urn:e:0", "urn:e:3", "urn:none")]),
    id_pattern=st.sampled_from([None, None, "[0-3]$"]),
    types=st.one_of(st.none(), type_sets.map(lambda sets: s.Types(tuple(sets)))),
    attrs=st.lists(st.sampled_from([*NAMES, "location"]), max_size=2, unique=True).map(tuple),
    condition=st.one_of(st.none(), conditions),
    geo=st.one_of(st.none(), geo),
    scopes=st.one_of(st.none(), scope_sets.map(lambda sets: s.Scopes(tuple(sets)))),
)


@pytest.fixture(scope="module", params=["sqlite", "sqlite with indexes of values", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntityStore]:
    url = ""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    opened = open_store(url, tmp_path_factory.mktemp("store"))
    tenant = opened.tenant()
    if "indexes" in request.param:
        assert isinstance(tenant, SqliteEntities)
        indexed = [s.Path(name, *below) for name in NAMES for below in BELOW]
        for path in indexed:
            tenant.values.make_for(s.Selection(condition=s.Compare(path, "==", ("a",))))
        assert tenant.values.names == {text_of(path) for path in indexed}
    yield tenant
    opened.close()
    if url:
        server.give_back(url)


def _moved(geo: s.Geo) -> s.Geo:
    def by(positions: Any) -> Any:
        if isinstance(positions[0], list):
            return [by(one) for one in positions]
        return [positions[0] / 2 + 1, positions[1] / 2 + 1]

    return replace(geo, geometry={**geo.geometry, "coordinates": by(geo.geometry["coordinates"])})


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(documents(), min_size=1, max_size=6), st.lists(selections, min_size=1, max_size=8))
def test_sql_agrees_with_match(
    store: EntityStore, entities: list[dict[str, Any]], queries: list[s.Selection]
) -> None:
    named = [{"id": f"urn:e:{number}", **one} for number, one in enumerate(entities)]

    def work(transaction: Any) -> None:
        for number in range(6):
            transaction.delete(f"urn:e:{number}")
        for one in named:
            transaction.put(one, represent.body(one))

    store.write(work)
    # What differs by its place alone shares a plan.
    for query in [*queries, *(replace(query, geo=_moved(query.geo)) for query in queries if query.geo)]:
        expected = [one["id"] for one in named if matches(one, query)]
        assert [one["id"] for one in store.documents(query)] == expected, query
        assert store.count(query) == len(expected)
        assert [one["id"] for one in store.scan(query)] == expected
        assert store.bodies(query, 2, 1) == [
            represent.body(one) for one in named if one["id"] in expected[1:3]
        ]
        array, more = store.page(query, 2)
        assert orjson.loads(array) == [
            orjson.loads(represent.body(one)) for one in named if one["id"] in expected[:2]
        ]
        assert more == (store.number(expected[2]) if len(expected) > 2 else None)
        if more is not None:
            assert [one["id"] for one in store.documents(query, start=more)] == expected[2:]
            assert [one["id"] for one in store.documents(query, 1, 1, more)] == expected[3:4]
            assert store.page(query, 9, start=more)[0] == store.page(query, 9, 2)[0]
            assert store.bodies(query, 2, start=more) == store.bodies(query, 2, 2)


def test_many_conditions_deep(store: EntityStore) -> None:
    condition: s.Condition = s.Exists(s.Path("n"))
    for _ in range(200):
        condition = s.Not(condition)
    assert store.count(s.Selection(condition=condition)) >= 0


def test_a_query_that_took_long_gets_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mahakam.store.sqlite.entities.MOMENT", 0.0)
    opened = open_store("", tmp_path)
    tenant = opened.tenant()
    assert isinstance(tenant, SqliteEntities)
    named = [
        {
            "id": f"urn:e:{number}",
            "type": "A",
            **timed({"pm10": {"type": "Property", "value": number}}, TIMES[0]),
        }
        for number in range(500)
    ]
    for one in named:
        one["pm10"].update(createdAt=TIMES[0], modifiedAt=TIMES[0])
    tenant.write(lambda transaction: [transaction.put(one, represent.body(one)) for one in named])
    query = s.Selection(condition=s.Compare(s.Path("pm10"), ">", (400,)))
    assert tenant.count(query) == 99
    assert tenant.values.names == {"pm10"}
    assert [one["id"] for one in tenant.documents(query, 2)] == ["urn:e:401", "urn:e:402"]
    steps = tenant.explain(query)
    assert any("SEARCH v USING PRIMARY KEY" in step for step in steps)
    assert not any(step == "SCAN entity" for step in steps)
    opened.close()
    again = open_store("", tmp_path)  # another process, or the next start, knows it
    assert again.tenant().values.names == {"pm10"}  # type: ignore[attr-defined]
    again.close()


DAY = [
    f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
    for second in range(0, 86_400, 60)
]
OBSERVED, ACCURACY, CITY = (
    s.Path("pm10", ("observedAt",)),
    s.Path("pm10", ("accuracy",)),
    s.Path("address", (), ("city",)),
)
DATE = s.Path("dateObserved")


@pytest.mark.parametrize(
    ("compare", "expected"),
    [
        (s.Compare(OBSERVED, ">", (DAY[1400],)), range(1401, 1440)),
        (s.Compare(OBSERVED, ">=", (DAY[1400],)), range(1400, 1440)),
        (s.Compare(OBSERVED, "<", (DAY[30],)), range(30)),
        (s.Compare(OBSERVED, "<=", (DAY[30],)), range(31)),
        (s.Compare(OBSERVED, "==", (DAY[30],)), (30,)),
        (s.Compare(OBSERVED, ">", (DAY[1400][:-1],)), range(1401, 1440)),
        (s.Compare(ACCURACY, ">", (1430,)), range(1431, 1440)),
        (s.Compare(CITY, "==", ("city 77",)), (77,)),
        (s.Compare(DATE, ">", (DAY[1400],)), range(1401, 1440)),
        (s.Compare(DATE, "==", (DAY[30],)), (30,)),
    ],
    ids=lambda value: f"{value.path} {value.operator}" if isinstance(value, s.Compare) else "",
)
def test_what_is_asked_below_an_attribute_gets_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compare: s.Compare, expected: Any
) -> None:
    """``q=pm10.observedAt>…`` alone, and its like: no table is scanned again, nor is it wrong later."""
    monkeypatch.setattr("mahakam.store.sqlite.entities.MOMENT", 0.0)
    opened = open_store("", tmp_path)
    tenant = opened.tenant()
    assert isinstance(tenant, SqliteEntities)

    def reading(number: int, at: str) -> dict[str, Any]:
        accuracy = {"type": "Property", "value": number}
        pm10 = {"type": "Property", "value": 1, "observedAt": at, "accuracy": accuracy}
        parts = {
            "pm10": pm10,
            "address": {"type": "Property", "value": {"city": f"city {number}"}},
            "dateObserved": {"type": "Property", "value": at},
        }
        return {"id": f"urn:e:{number}", "type": "A", **timed(parts, TIMES[0])}

    def put(numbers: Any) -> None:
        documents = [reading(number, DAY[number]) for number in numbers]
        tenant.write(lambda transaction: [transaction.put(one, represent.body(one)) for one in documents])

    put(range(1000))
    selection = s.Selection(condition=compare)
    tenant.count(selection)
    assert tenant.values.names == {text_of(compare.path)}
    steps = tenant.explain(selection)
    assert any("SEARCH v USING PRIMARY KEY" in step for step in steps), steps
    assert not any(step.startswith("SCAN") and "e" in step.split()[1:2] for step in steps), steps
    put(range(1000, 1440))
    ids = [f"urn:e:{number}" for number in expected]
    assert [one["id"] for one in tenant.documents(selection)] == ids
    tenant.write(lambda transaction: [transaction.delete(id) for id in ids[:-1]])
    assert [one["id"] for one in tenant.documents(selection)] == ids[-1:]
    opened.close()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[SqliteEntities]:
    """A village, and 300 benches of its city at one point in it."""
    store = SqliteEntities(tmp_path / "city.sqlite", audit=False)
    ring = [[117.0, 0.0], [117.1, 0.0], [117.1, 0.1], [117.0, 0.1], [117.0, 0.0]]
    documents: list[dict[str, Any]] = [
        _placed("village", "Village", {"type": "Polygon", "coordinates": [ring]})
    ]
    bench = {"type": "Point", "coordinates": [117.05, 0.05]}
    documents += [_placed(f"bench:{number}", "Bench", bench) for number in range(300)]
    with_bodies = [(one, represent.body(one)) for one in documents]
    store.write(lambda transaction: transaction.insert_all(with_bodies, "2026-01-01T00:00:00Z"))
    yield store
    store.close()


def _placed(name: str, type: str, geometry: dict[str, Any]) -> dict[str, Any]:
    location = {"type": "GeoProperty", "value": geometry}
    return {"id": f"urn:ngsi-ld:{name}", "type": type, "scope": ["/a/b"], "location": location}


def test_what_lies_at_a_place_does_not_cost_what_lies_in_the_city(
    city: SqliteEntities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report asks for its village: not all entities of the city are listed for that, and other kinds of entities at
    the same point are not compared with it."""
    compared: list[str] = []

    def noted(document: dict[str, Any], selection: s.Selection) -> bool:
        compared.append(document["id"])
        return matches(document, selection)

    monkeypatch.setattr("mahakam.ngsild.match.matches", noted)
    asked = s.Selection(
        types=s.Types((("Village",),)),
        geo=s.Geo("intersects", {"type": "Point", "coordinates": [117.05, 0.05]}),
        scopes=s.Scopes((("/a/#",),)),
    )
    assert [one["id"] for one in city.documents(asked)] == ["urn:ngsi-ld:village"]
    assert compared == ["urn:ngsi-ld:village"]
    assert not [step for step in city.explain(asked) if "entity_scope" in step]


def test_what_is_near_for_sure_is_not_compared_once_more(
    city: SqliteEntities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index knows the distance to a metre; the exact test, of which each costs as much as a row, is for the rim."""
    compared: list[str] = []

    def noted(document: dict[str, Any], selection: s.Selection) -> bool:
        compared.append(document["id"])
        return matches(document, selection)

    monkeypatch.setattr("mahakam.ngsild.match.matches", noted)
    centre = {"type": "Point", "coordinates": [117.0505, 0.05]}
    asked = s.Selection(types=s.Types((("Bench",),)), geo=s.Geo("near", centre, max_distance=500.0))
    assert len(city.documents(asked, limit=400)) == 300
    assert compared == []
