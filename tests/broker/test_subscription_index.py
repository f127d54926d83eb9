"""The index of subscriptions: it leaves out none that matches, and looks at few others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.broker.changes import changes_of
from mahakam.broker.matching import Index
from mahakam.broker.subscriptions import concerns
from mahakam.ngsild.subscription import Subscription
from support.notify import subscription

NAMES = ("n", "m", "name", "location")
TYPES = ("Sensor", "Road", "Stop")
SCOPES = ("/kaltim", "/kaltim/samarinda", "/kaltim/samarinda/north", "/jakarta")
GEORELS = ("near;maxDistance==9000", "near;minDistance==9000", "within", "intersects", "disjoint")
TRIGGERS = ("entityCreated", "entityUpdated", "entityDeleted", "attributeDeleted")
numbers = st.integers(-3, 3)
places = st.tuples(st.floats(116.9, 117.3), st.floats(-0.8, -0.3)).map(lambda p: [round(x, 3) for x in p])


@st.composite
def subscriptions(draw: st.DrawFn, number: int = 0) -> Subscription:
    members: dict[str, Any] = {}
    selector: dict[str, Any] = {
        "type": draw(st.sampled_from(("Sensor", "Road", "Road,Stop", "(Road;Stop)", "*")))
    }
    if draw(st.booleans()):
        selector["id"] = f"urn:x:{draw(st.integers(0, 3))}"
    elif draw(st.integers(0, 3)) == 0:
        selector["idPattern"] = "x:[0-2]$"
    if draw(st.booleans()):
        members["watchedAttributes"] = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
    members["entities"] = [selector]
    if draw(st.integers(0, 4)) == 0 and "watchedAttributes" in members:
        del members["entities"]
        members["entities"] = [{"type": "*"}]
    if draw(st.booleans()):
        value = draw(numbers)
        members["q"] = draw(
            st.sampled_from(
                (f"n=={value}", f"n>{value}", f"n>={value};m<2", f"n=={value}..{value + 1}", f'name=="{value}"',
                 f"n=={value},{value + 1}", f"n=={value}|m>1", f"n!={value}", "m", "!m", f"n.unit=={value}",
                 f'name~="{abs(value)}"', 'id=="urn:x:1"')
            )
        )  # fmt: skip
    if draw(st.booleans()):
        kind = draw(st.sampled_from(GEORELS))
        x, y = draw(places)
        if kind.startswith("near"):
            shape = {"geometry": "Point", "coordinates": [x, y]}
        else:
            ring = [[x, y], [x + 0.2, y], [x + 0.2, y + 0.2], [x, y + 0.2], [x, y]]
            shape = {"geometry": "Polygon", "coordinates": [ring]}
        members["geoQ"] = {"georel": kind, **shape}
    if draw(st.integers(0, 2)) == 0:
        members["scopeQ"] = draw(st.sampled_from(("/kaltim", "/kaltim/#", "/+/samarinda", "/jakarta/#")))
    if draw(st.booleans()):
        members["notificationTrigger"] = draw(
            st.lists(
                st.sampled_from(TRIGGERS),
                min_size=1,
            )
        )
    return subscription(id=f"urn:s:{number}", **members)


@st.composite
def entities(draw: st.DrawFn) -> dict[str, Any]:
    types = draw(st.sampled_from(("Sensor", "Road", "Stop", ["Road", "Stop"])))
    found: dict[str, Any] = {"id": f"urn:x:{draw(st.integers(0, 3))}", "type": types}
    if draw(st.booleans()):
        found["scope"] = draw(st.sampled_from((*SCOPES, ["/jakarta", "/kaltim/samarinda"])))
    value = st.one_of(
        numbers, numbers.map(float), numbers.map(str), st.lists(numbers, min_size=1, max_size=2)
    )
    for name in ("n", "m"):
        if draw(st.booleans()):
            found[name] = {"type": "Property", "value": draw(value)}
    if draw(st.booleans()):
        found["name"] = {"type": "LanguageProperty", "languageMap": {"id": str(draw(numbers))}}
    if draw(st.booleans()):
        x, y = draw(places)
        shape = draw(st.sampled_from(("Point", "LineString")))
        line = [[x, y], [x + draw(st.sampled_from((0.01, 5.0))), y]]
        geometry = {"type": shape, "coordinates": line[0] if shape == "Point" else line}
        found["location"] = {"type": "GeoProperty", "value": geometry}
    return found


@settings(max_examples=400, deadline=None)
@given(st.data(), st.one_of(st.none(), entities()), st.one_of(st.none(), entities()))
def test_index_leaves_out_none_that_matches(data: st.DataObject, before: Any, after: Any) -> None:
    if before is None and after is None:
        return
    if before is not None and after is not None:
        after = {**after, "id": before["id"]}
    index = Index()
    found = [data.draw(subscriptions(number)) for number in range(6)]
    for one in found:
        index.put(one)
    changes = changes_of(before, after)
    wanted = {one.id for one in found if concerns(one, changes, lambda _: None)}
    assert {one.id for one in index.candidates(changes) if concerns(one, changes, lambda _: None)} == wanted
    for one in found[:3]:
        index.discard(one.id)
    assert {one.id for one in index} == {one.id for one in found[3:]}
    left = {one.id for one in index.candidates(changes) if concerns(one, changes, lambda _: None)}
    assert left == wanted & {one.id for one in found[3:]}
    for one in found[3:]:
        index.discard(one.id)
    assert not list(index.candidates(changes))


def _near(number: int) -> dict[str, Any]:
    at = [100 + number % 200 * 0.1, number // 200 * 0.1]
    return {"geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": at}}


@pytest.mark.parametrize(
    "members",
    [
        lambda n: {"entities": [{"type": "Sensor", "id": f"urn:x:{n // 10}"}]},
        lambda n: {"entities": [{"type": f"Type{n // 10}"}, {"type": f"Type{n // 10 + 1000}"}]},
        lambda n: {"watchedAttributes": [f"a{n // 10}"]},
        lambda n: {"q": f'name=="station {n // 10}";n>1'},
        lambda n: {"q": f"n>{n}"},
        lambda n: {"scopeQ": f"/kaltim/village{n // 10}/#"},
        _near,
    ],
    ids=["id", "type", "watched", "equal", "bound", "scope", "near"],
)
def test_of_ten_thousand_few_are_looked_at(members: Any) -> None:
    """Ten of them match; a few more may be looked at, not thousands."""
    index = Index()
    for number in range(10_000):
        index.put(subscription(id=f"urn:s:{number}", **members(number)))
    type = "Type5" if members(50).get("entities", [{}])[0].get("type") == "Type5" else "Sensor"
    after = {**_sensor(), "type": type}
    changes = changes_of(None, after)
    candidates = list(index.candidates(changes))
    matching = [one for one in candidates if concerns(one, changes, lambda _: None)]
    assert matching
    assert len(matching) <= len(candidates) <= 12


def _sensor() -> dict[str, Any]:
    return {
        "id": "urn:x:5",
        "type": "Sensor",
        "scope": "/kaltim/village5/rt1",
        "a5": {"type": "Property", "value": 1},
        "n": {"type": "Property", "value": 10},
        "name": {"type": "Property", "value": "station 5"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [100.5, 0.0]}},
    }
