"""A hub that has a city's folder computes its indicators; what the city's own node sent stays as the node sent it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.indicators.compute import compute_all
from mahakam.indicators.definition import Definition, definitions_of
from mahakam.indicators.value import value_of
from mahakam.nodes import copies, hub
from support.copies import add_member, send, values_of
from support.indicators import City

WASTE = (
    '{name: W, from: Waste, theme: environment, formula: "sum(tons)", per: year, time: year, better: lower}'
)
FIRES = Definition(
    id="fires", path=Path(), name={"en": "Fires"}, source="Fire", formula="count(*)", theme="safety", per="year",
    time="year", unit="1/100000", better="lower",
)  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Iterator[City]:
    """The hub has the folder and rows of 2023 and 2024; the town's node sent 2024, another figure, and fires."""
    found = City(tmp_path)
    found.indicator("waste", WASTE)
    found.bring("Waste", [{"year": "2023", "tons": 10.0}, {"year": "2024", "tons": 20.0}])
    found.reopen()
    waste = definitions_of(found.place, found.places, [])["waste"]
    sent = [
        *values_of(found.place, waste, {"2024": 19.5}, "/prov/town"),
        *values_of(found.place, FIRES, {"2024": 3.0}, "/prov/town"),
    ]
    add_member(found.broker, "town", "https://town.example", sent, "Town")
    send(found.broker, "town", sent)
    yield found
    found.node.close()


def values(town: City) -> dict[str, float | None]:
    from mahakam.ngsild.selection import Selection, Types

    found = map(value_of, town.broker.scan(Selection(types=Types((("KeyPerformanceIndicator",),)))))
    return {f"{one.indicator} {one.label}": one.value for one in found}


def test_what_the_node_sent_is_neither_replaced_nor_taken_away(town: City) -> None:
    wanted = {"waste 2023": 10.0, "waste 2024": 19.5, "fires 2024": 3.0}
    for force in (False, True):
        outcomes = compute_all(town.broker, force=force)
        assert [one.problem for one in outcomes if one.problem] == []
        assert values(town) == wanted
    assert copies.count(town.broker.store, "town") == 2
    (town.folder / "indicators" / "waste.yaml").unlink()
    town.reopen()
    compute_all(town.broker)
    assert values(town) == {"waste 2024": 19.5, "fires 2024": 3.0}, "what the hub computed itself goes"


def test_once_the_node_has_left_the_hub_computes_all(town: City) -> None:
    compute_all(town.broker)
    hub.end(town.broker, "town", "node")
    assert values(town) == {"waste 2023": 10.0}
    compute_all(town.broker)
    assert values(town) == {"waste 2023": 10.0, "waste 2024": 20.0}
