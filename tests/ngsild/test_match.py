"""What a selection selects, example by example (clause 4.9, 4.10, 4.17, 4.19)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.ngsild.context import CORE
from mahakam.ngsild.entity import parse_entity
from mahakam.ngsild.match import great_circle, matches
from mahakam.ngsild.query import selection_from
from support.ngsild import NOW, entities

SQUARE = [[[117.0, -1.0], [118.0, -1.0], [118.0, 0.0], [117.0, 0.0], [117.0, -1.0]]]
DOCUMENT = parse_entity(
    {
        "id": "urn:ngsi-ld:Weather:1",
        "type": ["Weather", "Station"],
        "scope": ["/kaltim/samarinda", "/ascn"],
        "heat": {
            "value": 30.5,
            "unitCode": "CEL",
            "observedAt": "2026-01-31T08:00:00.5Z",
            "by": {"object": "urn:a:b", "trust": 0.9},
        },
        "count": 3,
        "name": "Mahakam",
        "open": True,
        "colours": ["blue", "red"],
        "address": {"value": {"city": "Samarinda", "geo": {"rt": 7}}},
        "title2": {"languageMap": {"id": "Hujan", "en": ["Rain", "Shower"]}},
        "owner": {"object": ["urn:a:1", "urn:a:2"]},
        "day": {"value": {"@type": "Date", "@value": "2026-01-31"}},
        "speed": [{"value": 10}, {"value": 90, "datasetId": "urn:a:gps"}],
        "sky": {"vocab": "cloudy"},
        "list": {"valueList": [1, 2, 3]},
        "links": {"objectList": ["urn:a:9"]},
        "raw": {"json": {"id": "x", "n": None}},
        "location": {"type": "Point", "coordinates": [117.1, -0.5]},
        "area": {"type": "Polygon", "coordinates": SQUARE},
    },
    CORE,
    NOW,
)


def selected(**params: str) -> bool:
    return matches(DOCUMENT, selection_from(params, CORE))


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("heat", True),
        ("nothing", False),
        ("!nothing", True),
        ("heat==30.5", True),
        ("heat>30;heat<31", True),
        ("heat>31|count<=3", True),
        ("heat>31;count<=3", False),
        ('heat=="30.5"', False),
        ("count==3.0", True),
        ("count==true", False),
        ("open==true", True),
        ("open==1", False),
        ("open!=1", True),
        ("open>0", False),
        ('name=="Mahakam"', True),
        ('name!="Mahakam"', False),
        ('nothing!="Mahakam"', False),
        ('name>"Maha"', True),
        ("name>1", False),
        ('name=="x","Mahakam"', True),
        ("name~=^Maha", True),
        ("name~=kam$", True),
        ("name!~=^X", True),
        ("name!~=kam", False),
        ("count~=3", False),
        ("count!~=4", False),
        ("heat==30..31", True),
        ("heat!=30..31", False),
        ("count==4..9", False),
        ('colours=="red"', True),
        ('colours=="green"', False),
        ('colours!="red"', False),
        ('colours!="green"', True),
        ('address[city]=="Samarinda"', True),
        ("address[geo.rt]==7", True),
        ("address[geo.rw]", False),
        ("address[city.x]", False),
        ('title2=="Hujan"', True),
        ('title2[id]=="Hujan"', True),
        ('title2[en]=="Shower"', True),
        ('title2[id]=="Rain"', False),
        ('title2[*]=="Rain"', True),
        ('title2[ms]=="Rain"', False),
        ("owner==urn:a:2", True),
        ('owner=="urn:a:1"', True),
        ("owner!=urn:a:1", False),
        ("owner!=urn:a:7", True),
        ('owner>"a"', False),
        ("owner~=urn", False),
        ("links==urn:a:9", True),
        ("day==2026-01-31", True),
        ("day>2026-01-30", True),
        ("heat.observedAt>2026-01-31T08:00:00Z", True),
        ("heat.observedAt<2026-01-31T08:00:01Z", True),
        ("heat.observedAt==2026-01-31T08:00:00.5Z", True),
        ('heat.unitCode=="CEL"', True),
        ("heat.by==urn:a:b", True),
        ("heat.by.trust>0.5", True),
        ("heat.by.nothing", False),
        ("heat.nothing", False),
        ("speed==90", True),
        ("speed>50", True),
        ("speed!=90", False),
        ("speed.datasetId==urn:a:gps", True),
        ('sky=="cloudy"', True),
        ("list==2", True),
        ("list>2", True),
        ('raw[id]=="x"', True),
        ("raw[n]", True),
        (f"modifiedAt>=2026-11-24T03:00:00Z;createdAt=={NOW}", True),
        ("modifiedAt>2026-11-24T05:00:00Z", False),
    ],
)
def test_query_language(q: str, expected: bool) -> None:
    assert selected(q=q) is expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"type": "Weather"}, True),
        ({"type": "(Weather;Station)"}, True),
        ({"type": "(Weather;Bus)"}, False),
        ({"type": "Bus,Station"}, True),
        ({"id": "urn:ngsi-ld:Weather:1,urn:a:b"}, True),
        ({"id": "urn:a:b"}, False),
        ({"idPattern": "Weather:[0-9]$"}, True),
        ({"idPattern": "^Weather"}, False),
        ({"attrs": "nothing,heat"}, True),
        ({"attrs": "nothing"}, False),
        ({"scopeQ": "/kaltim/samarinda"}, True),
        ({"scopeQ": "/kaltim"}, False),
        ({"scopeQ": "/kaltim/#"}, True),
        ({"scopeQ": "/kaltim/samarinda/#"}, True),
        ({"scopeQ": "/kaltim/samarinda/x/#"}, False),
        ({"scopeQ": "/+/samarinda"}, True),
        ({"scopeQ": "/+"}, True),
        ({"scopeQ": "/#"}, True),
        ({"scopeQ": "(/ascn;/kaltim/#)"}, True),
        ({"scopeQ": "(/ascn;/other)"}, False),
        ({"scopeQ": "/other,/ascn"}, True),
    ],
)
def test_types_ids_scopes(params: dict[str, str], expected: bool) -> None:
    assert selected(**params) is expected


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "geoproperty", "expected"),
    [
        ("near;maxDistance==1200", "Point", "[117.11,-0.5]", "location", True),
        ("near;maxDistance==1100", "Point", "[117.11,-0.5]", "location", False),
        ("near;minDistance==1100", "Point", "[117.11,-0.5]", "location", True),
        ("near;maxDistance==1", "Point", "[117.5,-0.5]", "area", True),
        ("near;maxDistance==112000", "Point", "[119,-0.5]", "area", True),
        ("near;maxDistance==111000", "Point", "[119,-0.5]", "area", False),
        ("within", "Polygon", str(SQUARE), "location", True),
        ("disjoint", "Polygon", str(SQUARE), "location", False),
        ("intersects", "LineString", "[[116,-0.5],[119,-0.5]]", "area", True),
        ("contains", "Point", "[117.5,-0.5]", "area", True),
        ("contains", "Point", "[119,-0.5]", "area", False),
        ("equals", "Polygon", str(SQUARE), "area", True),
        ("overlaps", "Polygon", "[[[117.5,-1],[119,-1],[119,0],[117.5,0],[117.5,-1]]]", "area", True),
        ("within", "Polygon", str(SQUARE), "nothing", False),
        ("within", "Polygon", str(SQUARE), "name", False),
    ],
)
def test_geo(georel: str, geometry: str, coordinates: str, geoproperty: str, expected: bool) -> None:
    params = {"georel": georel, "geometry": geometry, "coordinates": coordinates, "geoproperty": geoproperty}
    assert selected(**params) is expected


def test_a_box() -> None:
    assert selected(bbox="117,-1,118,0")
    assert not selected(bbox="116,-1,117,0")


def test_a_degree_of_latitude_is_111_km() -> None:
    assert 111_000 < great_circle(117, 0, 117, 1) < 111_400
    assert great_circle(0, 0, 180, 0) == pytest.approx(20_015_115, rel=1e-6)
    assert great_circle(5, 5, 5, 5) == 0


def test_near_a_line_in_high_latitude() -> None:
    """A degree of longitude is short there: the end nearer in metres counts, not in degrees."""
    line = {"type": "LineString", "coordinates": [[1, 85], [0, 85.6]]}
    document = parse_entity({"id": "urn:a:b", "type": "Line", "location": line}, CORE, NOW)
    for metres, expected in ((20_000, True), (5_000, False)):
        params = {"georel": f"near;maxDistance=={metres}", "geometry": "Point", "coordinates": "[0,85]"}
        assert matches(document, selection_from(params, CORE)) is expected


def test_the_date_line_is_no_border() -> None:
    assert great_circle(179.9, 0, -179.9, 0) < 23_000


names = st.sampled_from(["a", "b", "name", "heat"])
terms = st.builds(
    lambda name, operator, value: f"{name}{operator}{value}",
    names,
    st.sampled_from(["==", "!=", ">", "<=", "~=", "!~="]),
    st.sampled_from(["1", '"x"', "2026-01-01", '"1"']),
)


@given(entities(), terms, terms)
def test_and_is_both_and_or_is_either(entity: dict[str, Any], one: str, other: str) -> None:
    document = parse_entity(entity, CORE, NOW)

    def holds(q: str) -> bool:
        return matches(document, selection_from({"q": q}, CORE))

    assert holds(f"{one};{other}") == (holds(one) and holds(other))
    assert holds(f"{one}|({other})") == (holds(one) or holds(other))
    assert holds(f"!({one})") != holds(one)
