"""Whom a city could ask: where it is weak, who is like it and did better, and the weights that say what like is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mahakam.config import ConfigError, Place, load_places
from mahakam.indicators.compute import compute_all
from mahakam.solutions.definition import all_solutions
from mahakam.solutions.evidence import Measures
from mahakam.solutions.likeness import DEFAULTS, conditions_of, likeness, weights_of
from mahakam.solutions.matching import Suggestion, suggestions, unmeasured, weaknesses
from support.indicators import City

WASTE = (
    '{name: W, from: Waste, theme: environment, formula: "sum(tons)", per: year, time: year, better: lower}'
)
SOLUTION = {
    "name": "Sorting", "problem": "p", "context": "c", "method": "m", "cost": {"note": "n"}, "went_wrong": ["w"],
    "started": dt.date(2021, 1, 1), "sources": ["s"], "theme": "environment",
}  # fmt: skip
figures = st.floats(1, 1e8)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "population": figures,
        "density": figures,
        "latitude": st.floats(-25, 25),
        "coast": st.booleans(),
        "river": st.booleans(),
        "country": st.sampled_from(["ID", "MY"]),
    },
)
weights = st.fixed_dictionaries({name: st.floats(0, 100) for name in DEFAULTS})


@given(conditions, conditions, weights)
def test_likeness_is_a_share_alike_both_ways_and_whole_with_itself(
    mine: dict[str, float], theirs: dict[str, float], weights: dict[str, float]
) -> None:
    found = likeness(mine, theirs, weights)
    back = likeness(theirs, mine, weights)
    known = {name for name in mine.keys() & theirs.keys() if weights[name] > 0}
    assert {part.name for part in found.parts} == known
    assert set(found.unknown) == {name for name, weight in weights.items() if weight > 0} - known
    assert (found.share is None) == (not known)
    if found.share is not None:
        assert back.share is not None
        assert 0 <= found.share <= 1 + 1e-9
        assert found.share == pytest.approx(back.share)
        by_hand = sum(part.weight * part.share for part in found.parts) / sum(
            part.weight for part in found.parts
        )
        assert found.share == pytest.approx(by_hand)
        itself = likeness(mine, mine, weights).share
        assert itself is not None
        assert itself == pytest.approx(1)


def test_likeness_of_two_cities_by_hand() -> None:
    """Half the people, the same density, 10 of 23.4 degrees apart (the south counts as the north), another country."""
    mine = {"population": 100.0, "density": 50.0, "latitude": -2.0, "country": "ID"}
    theirs = {"population": 200.0, "density": 50.0, "latitude": 12.0, "country": "TH"}
    found = likeness(mine, theirs, DEFAULTS)
    assert found.share == pytest.approx((3 * 0.5 + 2 * 1 + 1 * (1 - 10 / 23.4) + 0) / 7)
    assert found.unknown == ("coast", "river")


@pytest.fixture
def province(tmp_path: Path) -> Iterator[City]:
    """Town got worse; Shore, which is like it, and Hill, which is not, improved; Delta did not."""
    found = City(tmp_path)
    (found.folder / "city.yaml").unlink()
    cities = {
        "town": (100_000, True, {2019: 50, 2020: 52, 2021: 53}),
        "shore": (80_000, True, {2019: 60, 2020: 50, 2021: 40}),
        "hill": (1_000_000, False, {2019: 45, 2020: 44, 2021: 43}),
        "delta": (100_000, True, {2019: 60, 2020: 61, 2021: 62}),
    }
    for name, (people, coast, _values) in cities.items():
        folder = found.config / "prov" / name
        (folder / "indicators").mkdir(parents=True, exist_ok=True)
        (folder / "solutions").mkdir()
        facts = {
            "name": name.title(), "parent": "prov", "conditions": {"coast": coast},
            "facts": [{"name": {"en": "people", "id": "jiwa"}, "value": people}],
        }  # fmt: skip
        (folder / "city.yaml").write_text(yaml.safe_dump(facts))
    found.reopen()
    for name, (_people, _coast, values) in cities.items():
        found.indicator("waste", WASTE, f"prov/{name}")
        rows = [{"year": year, "tons": tons} for year, tons in values.items()]
        found.bring("Waste", rows, feed=name, scope=f"/prov/{name}")
    yield found
    found.close()


def solve(found: City, city: str, name: str, **more: object) -> None:
    path = found.config / "prov" / city / "solutions" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(SOLUTION | more))


def look(found: City, weights: dict[str, float] | None = None) -> list[Suggestion]:
    found.reopen()
    assert all(one.state != "failed" for one in compute_all(found.broker))
    solutions = all_solutions(found.places)
    return suggestions(Measures(found.broker), found.place, solutions, weights or weights_of(found.places))


def test_the_likest_city_that_improved_comes_first_with_what_it_did(province: City) -> None:
    solve(province, "shore", "sorting", indicator="waste", components={"indicators": ["waste"]})
    solve(province, "shore", "trees", unmeasured="why")
    solve(province, "delta", "bins", indicator="waste", components={"indicators": ["waste"]})
    (found,) = look(province)
    weak = found.weak
    assert (weak.ahead, weak.compared, weak.missed) == (2, 3, None)
    assert weak.worsened is not None
    assert (weak.worsened.label, weak.worsened.value) == ("2020", 52)
    assert [match.place.id for match in found.matches] == ["shore", "hill"]
    shore, hill = found.matches
    assert shore.first is not None
    assert (shore.first.value, shore.latest.value, shore.ahead) == (60, 40, True)
    # 80,000 of 100,000 people with weight 3, the same coast with 2; nothing else is stated by both.
    assert shore.likeness.share == pytest.approx((3 * 0.8 + 2 * 1) / 5)
    assert hill.likeness.share == pytest.approx((3 * 0.1 + 2 * 0) / 5)
    assert [done.solution.id for done in shore.solutions] == ["sorting"]
    assert [done.solution.id for done in shore.others] == ["trees"], "of the same theme"
    assert shore.solutions[0].found.verdict == "few", "with its evidence: one value after"
    assert (hill.solutions, hill.others) == ((), ())
    assert [place.id for place in found.without] == ["delta"], "what it did did not help: it is not suggested"


def test_the_weights_decide_and_are_the_node_s(province: City) -> None:
    folder = province.config / "net"
    folder.mkdir()
    path = folder / "network.yaml"
    path.write_text("{name: Net, matching: {weights: {population: 0, coast: 5, river: 1}}}")
    places = load_places([province.config])
    assert weights_of(places) == {**DEFAULTS, "population": 0, "coast": 5, "river": 1}
    (found,) = look(province)
    assert [match.likeness.share for match in found.matches] == [1, 0], "only the coast counts"
    # The hill has ten times the people and no coast: where neither counts nothing is known of both.
    (found,) = look(province, dict.fromkeys(DEFAULTS, 0.0))
    assert [match.likeness.share for match in found.matches] == [None, None]
    for wrong, said in (
        (
            "{weights: {populaton: 1}}",
            "matching.weights: unknown condition 'populaton'; did you mean 'population'?",
        ),
        ("{weights: {coast: -1}}", "matching.weights.coast: must be a number from 0 to 100, not -1"),
        ("{weights: {coast: much}}", "matching.weights.coast: must be a number"),
        ("{weight: {coast: 1}}", "matching: must be {weights:"),
    ):
        path.write_text(f"{{name: Net, matching: {wrong}}}")
        with pytest.raises(ConfigError) as caught:
            weights_of(load_places([province.config]))
        assert caught.value.path == path
        assert caught.value.problem.startswith(said)


@pytest.mark.parametrize("wrong", ["coast", {"coats": True}, {"coast": "yes"}, ["coast"]])
def test_conditions_that_cannot_be_used_say_so(tmp_path: Path, wrong: object) -> None:
    place = Place("town", "city", tmp_path, {"name": "Town", "conditions": wrong})
    with pytest.raises(ConfigError, match="conditions:") as caught:
        conditions_of(place)
    assert caught.value.path == tmp_path / "city.yaml"


def test_what_is_not_stated_is_not_guessed(tmp_path: Path) -> None:
    facts = {
        "name": "Town",
        "facts": [{"name": "people", "value": "many"}, {"name": "area", "value": 5}],
        "centre": [1],
    }
    assert conditions_of(Place("town", "city", tmp_path, facts)) == {}


def test_a_city_that_does_well_is_not_weak(province: City) -> None:
    look(province)
    measures = Measures(province.broker)
    assert weaknesses(measures, province.places["shore"]) == []
    assert [one.series.definition.id for one in weaknesses(measures, province.places["delta"])] == ["waste"]
    for name in ("town", "shore", "hill", "delta"):
        province.indicator("waste", WASTE.replace("lower", "neutral"), f"prov/{name}")
    look(province)
    assert weaknesses(Measures(province.broker), province.place) == [], (
        "nobody says which direction is better"
    )


def test_a_missed_target_is_a_weakness_and_a_break_is_not_crossed(province: City) -> None:
    province.indicator("waste", WASTE[:-1] + ", target: {2045: 10}}", "prov/shore")
    province.indicator("waste", WASTE[:-1] + ", breaks: {2021: Another scale}}", "prov/hill")
    (found,) = look(province)
    hill = next(match for match in found.matches if match.place.id == "hill")
    assert (hill.improved, hill.ahead) == (False, True), (
        "one value since the break: it stands better, that is all"
    )
    (weak,) = weaknesses(Measures(province.broker), province.places["shore"])
    assert weak.missed is not None
    assert (weak.missed.year, weak.ahead, weak.worsened) == (2045, 0, None)


def test_what_others_measure_and_the_city_does_not_is_offered(province: City) -> None:
    solve(province, "hill", "lamps", indicator="lamps", components={"indicators": ["lamps"]})
    province.indicator("lamps", WASTE.replace("Waste", "Lamp"), "prov/hill")
    solve(province, "shore", "sorting", indicator="waste", components={"indicators": ["waste"]})
    look(province)
    found = unmeasured(Measures(province.broker), province.place, all_solutions(province.places), DEFAULTS)
    assert [(one.place.id, one.done.solution.id, one.names) for one in found] == [
        ("hill", "lamps", ("lamps",))
    ]
