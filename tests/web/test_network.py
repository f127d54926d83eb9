"""The network's countries, cities and projects, filtered as asked."""

from __future__ import annotations

import csv
import io

import pytest
from starlette.testclient import TestClient

from support.html import Page


def _rows(demo: TestClient, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(demo.get(path).text)))


def test_everything_is_there(demo: TestClient) -> None:
    projects = _rows(demo, "/network/projects.csv")
    assert len(projects) == 134
    assert list(projects[0]) == ["country", "city", "project", "focus_area", "status"]
    assert len(_rows(demo, "/network/cities.csv")) == 38
    assert len(_rows(demo, "/network/countries.csv")) == 11
    assert demo.get("/network/projects.json").json() == [
        {key: value or None for key, value in row.items()} for row in projects
    ]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("country=Thailand", lambda row: row["country"] == "Thailand"),
        ("focus_area=Quality+Environment", lambda row: row["focus_area"] == "Quality Environment"),
        (
            "country=Malaysia&focus_area=Built+Infrastructure",
            lambda row: (row["country"], row["focus_area"]) == ("Malaysia", "Built Infrastructure"),
        ),
        ("q=water", lambda row: "water" in " ".join(row.values()).casefold()),
        ("country=Narnia", lambda row: False),
    ],
)
def test_filters(demo: TestClient, query: str, kept: object) -> None:
    assert callable(kept)
    every = _rows(demo, "/network/projects.csv")
    assert _rows(demo, f"/network/projects.csv?{query}") == [row for row in every if kept(row)]
    page = Page(demo.get(f"/network?{query}").text)
    assert f"/network/projects.csv?{query}" in page.links, "the download is filtered as the page is"


def test_cities_are_filtered_by_what_they_build(demo: TestClient) -> None:
    cities = {row["city"] for row in _rows(demo, "/network/cities.csv?focus_area=Health+%26+Well-Being")}
    projects = _rows(demo, "/network/projects.csv?focus_area=Health+%26+Well-Being")
    assert cities <= {row["city"] for row in projects}
    assert cities


def test_the_nodes_own_cities_stand_beside(demo: TestClient) -> None:
    page = Page(demo.get("/network").text)
    for place in ("samarinda", "balikpapan", "bontang", "jakarta"):
        assert f"/cities/{place}" in page.links


def test_every_city_on_the_map_is_in_the_table(demo: TestClient) -> None:
    text = demo.get("/network").text
    assert text.count('<circle class="member"') >= 38
    assert len(Page(text).tables[1]) - 1 == 38


def test_reserved_characters_in_a_filter_survive(demo: TestClient) -> None:
    assert len(_rows(demo, "/network/projects.csv?focus_area=Civic+%26+Social")) == 34
