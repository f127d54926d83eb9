"""Pages and counts of a hub where nodes have some entities in common, far apart in their orders (6.3.10, 6.3.13)."""

from __future__ import annotations

from typing import Any

import pytest

from federation.conftest import Network, Place

PREFIX = "urn:ngsi-ld:Weather:"
MANY = 150
"""More than a source is asked for at once."""


def heat(value: float, minute: int = 0) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-01-01T10:{minute:02}:00Z"}


def fill(place: Place, *ids: str, **attributes: Any) -> None:
    entities = [{"id": PREFIX + id, "type": "Weather", **attributes} for id in ids]
    answer = place("POST", "/entityOperations/create?local=true", json=entities)
    assert answer.status_code == 201, answer.text


def overlapping(network: Network) -> int:
    """What two nodes and the hub have in common stands first at one, last at another. How many there are."""
    common = [f"common:{number}" for number in range(3)]
    fill(network["samarinda"], *common, *(f"s:{number}" for number in range(MANY)), heat=heat(1))
    fill(network["balikpapan"], *(f"b:{number}" for number in range(MANY)), *reversed(common), wind=2)
    fill(network.hub, *(f"h:{number}" for number in range(5)), "b:149", "s:149", rain=3)
    return 2 * MANY + 3 + 5


def walked(hub: Place, path: str, step: int) -> tuple[list[str], set[str], list[dict[str, Any]]]:
    """The ids of all pages, the counts that they told, and the entities."""
    ids: list[str] = []
    counts: set[str] = set()
    entities: list[dict[str, Any]] = []
    while True:
        answer = hub.get(f"{path}&limit={step}&offset={len(ids)}")
        assert answer.status_code == 200, answer.text
        assert "ngsild-warning" not in answer.headers
        counts.add(answer.headers["ngsild-results-count"])
        entities += answer.json()
        ids += [one["id"].removeprefix(PREFIX) for one in answer.json()]
        if 'rel="next"' not in answer.headers.get("link", ""):
            return ids, counts, entities


@pytest.mark.parametrize("filters", ["", "&q=heat==1|wind==2|rain==3&splitEntities=false"])
def test_every_page_tells_the_count_of_different_entities(network: Network, filters: str) -> None:
    for name in ("samarinda", "balikpapan"):
        network.hub.register(name, network[name])
    total = overlapping(network)
    ids, counts, entities = walked(network.hub, f"/entities?type=Weather&count=true{filters}", 40)
    assert counts == {str(total)}
    assert len(ids) == len(set(ids)) == total
    found = {id: one.keys() - {"id", "type"} for id, one in zip(ids, entities, strict=True)}
    assert found["common:0"] == found["common:2"] == {"heat", "wind"}
    assert found["b:149"] == {"wind", "rain"}
    assert found["s:149"] == {"heat", "rain"}
    alone = network.hub.get(f"/entities?type=Weather&count=true&limit=0{filters}")
    assert (alone.json(), alone.headers["ngsild-results-count"]) == ([], str(total))


def test_what_was_checked_before_is_shown_as_it_is_now_and_registered(network: Network) -> None:
    city = network["samarinda"]
    fill(city, "one", heat=heat(1), wind=2, secret=3)

    def register(*names: str) -> str:
        part = {"entities": [{"type": "Weather"}], "propertyNames": names}
        return network.hub.register("samarinda", city, information=[part])

    def shown() -> dict[str, Any]:
        (found,) = network.hub.get("/entities?type=Weather").json()
        return {name: found[name]["value"] for name in found.keys() - {"id", "type"}}

    registered = register("heat", "wind")
    assert shown() == shown() == {"heat": 1, "wind": 2}
    assert city("PATCH", f"/entities/{PREFIX}one/attrs/heat", json={"value": 4}).status_code == 204
    assert shown() == {"heat": 4, "wind": 2}
    network.hub("DELETE", f"/csourceRegistrations/{registered}")
    register("wind")
    assert shown() == {"wind": 2}
