"""Small counts that are not shown, and cannot be worked out from what is."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.app import open_node
from mahakam.config import ConfigError, Settings
from mahakam.services import satisfaction
from mahakam.services.desk import Desk
from mahakam.services.request import Draft
from mahakam.services.suppression import FEWEST, hidden_counts
from support.portal import BAY, TOWN, Portal, two_cities

RATING = {element.code: 4 for element in satisfaction.survey().elements}


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({}, ""),
        ({"a": 0, "b": 5, "c": 9}, ""),
        ({"a": 4, "b": 50, "c": 9}, "ac"),
        ({"a": 4, "b": 1, "c": 9}, "ab"),
        ({"a": 1, "b": 2, "c": 9, "d": 30}, "abc"),
        ({"a": 1}, "a"),
        ({"a": 1, "b": 0}, "a"),
        ({"a": 3, "b": 7}, "ab"),
        ({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 6, "g": 7}, "abcdef"),
    ],
)
def test_by_hand(counts: dict[str, int], hidden: str) -> None:
    assert hidden_counts(counts, 5) == frozenset(hidden)


def possible(counts: Mapping[str, int], hidden: frozenset[str], fewest: int) -> set[tuple[int, ...]]:
    """All that somebody must think possible who sees the other counts and the sum, and knows that at least one of the
    hidden is small and none is 0."""
    total = sum(counts[name] for name in hidden)
    found = itertools.product(range(1, total + 1), repeat=len(hidden))
    return {one for one in found if sum(one) == total and any(n < fewest for n in one)}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12), min_size=1),
    st.integers(2, 6),
)
def test_no_small_count_is_shown_or_worked_out(counts: dict[str, int], fewest: int) -> None:
    hidden = hidden_counts(counts, fewest)
    assert all(n == 0 or n >= fewest for name, n in counts.items() if name not in hidden)
    assert bool(hidden) == any(0 < n < fewest for n in counts.values())
    alone = len([n for n in counts.values() if n]) == len(hidden)
    if hidden and not alone:
        assert len(hidden) > 1
        assert sum(counts[name] for name in hidden) >= fewest
        if len(hidden) <= 3:
            assert len(possible(counts, hidden, fewest)) > 1, "the sum without the others leaves a choice"


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1e3", "99999", "٥"])
def test_a_setting_that_is_no_count_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="FEWEST"):
        open_node(Settings(tmp_path, fewest=text))


def test_the_setting_s_default_is_the_one_of_the_code(tmp_path: Path) -> None:
    assert Settings(tmp_path).fewest_shown == FEWEST
    assert Settings.from_environment({"MAHAKAM_FEWEST": "7"}).fewest_shown == 7


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    for city in ("town", "bay"):
        for code in ("aid", "stall", "letter"):
            service = places / f"prov/{city}/services/{code}.yaml"
            service.write_text(f"name: {code.title()}\nagency: Office of {code}\npersonal: true\n")
    with Portal(tmp_path / "data", places) as made:
        yield made


def send(portal: Portal, city: str, service: str, count: int) -> None:
    desk = Desk(portal.node.broker, portal.node.places, portal.node.settings.data)
    for number in range(count):
        desk.send(Draft(city, service, f"Number {number} of them", TOWN if city == "town" else BAY))


def table(portal: Portal, path: str) -> list[dict[str, Any]]:
    found = portal.browser().get(path)
    assert found.status_code == 200, found.text
    rows: list[dict[str, Any]] = found.json()
    return rows


def test_rows_of_personal_services_are_left_out_with_the_next_smallest(portal: Portal) -> None:
    for service, count in (("aid", 2), ("stall", 6), ("letter", 8), ("pothole", 1)):
        send(portal, "town", service, count)
    rows = {row["service"]: row["reports"] for row in table(portal, "/insight.json?city=town")}
    assert rows == {"letter": 8, "pothole": 1}, "what everybody may read one by one is counted as ever"
    agencies = {row["agency"]: row["reports"] for row in table(portal, "/insight/agencies.json?city=town")}
    assert agencies == {"Office of letter": 8, "Dinas PU": 1}
    page = portal.browser().get("/insight?city=town").text
    assert "Aid</td>" not in page
    assert "Office of aid" not in page


def test_a_few_of_a_personal_service_are_not_told_by_month_city_or_hour(portal: Portal) -> None:
    send(portal, "town", "aid", 3)
    send(portal, "bay", "aid", 7)
    for path in ("", "/months", "/hours", "/agencies"):
        rows = table(portal, f"/insight{path}.json?city=town&service=aid")
        assert not any(row["reports"] for row in rows), path
    assert table(portal, "/insight/cities.json?city=town&service=aid") == []
    page = portal.browser().get("/insight?city=town&service=aid&lang=en").text
    assert "Fewer than 5 reports of this kind" in page
    seven = table(portal, "/insight.json?city=bay&service=aid")
    assert [row["reports"] for row in seven] == [7]


def answer(portal: Portal, city: str, service: str, count: int) -> None:
    day = dt.date(2026, 11, 1).isoformat()
    for number in range(count):
        key = f"{city}{service}{number}"
        satisfaction.keep(portal.node.broker, key, f"/prov/{city}", service, "Dinas", RATING, day)


def test_results_of_few_answers_are_left_out_and_not_worked_out_from_the_sum(portal: Portal) -> None:
    for city, service, count in (
        ("town", "waste", 4), ("bay", "waste", 9), ("town", "light", 6), ("bay", "light", 7), ("bay", "aid", 2),
    ):  # fmt: skip
        answer(portal, city, service, count)

    def shown(query: str) -> dict[str, int]:
        return {row["service"]: row["answers"] for row in table(portal, f"/satisfaction.json{query}")}

    assert shown("?city=town") == {"light": 6}
    assert shown("?city=bay") == {"light": 7}, "13 - 9 would give the four away"
    assert shown("") == {"waste": 13, "light": 13}
