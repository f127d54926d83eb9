"""CKAN's action API with CKAN's own client, errors in CKAN's form, and our own ``ckan`` origin harvesting a node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as parquet
import pytest
from ckanapi import NotFound, RemoteCKAN, ValidationError
from ckanapi.errors import CKANAPIError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.access.rights import Rights
from mahakam.api.ckan.asked import Asked
from mahakam.api.ckan.datastore import datastore_search
from mahakam.app import Node
from mahakam.feeds.catalogue.entry import entries
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from support.demo_part import CONFIG, node_over, part_of_demo
from support.node import RunningNode
from support.portal import Portal, two_cities, with_stops

RAIN = "samarinda--rain"


@pytest.fixture(scope="module")
def served() -> Iterator[RunningNode]:
    with RunningNode(part_of_demo(), config=CONFIG) as node:
        yield node


@pytest.fixture(params=["POST", "GET"])
def ckan(served: RunningNode, request: pytest.FixtureRequest) -> Iterator[RemoteCKAN]:
    with RemoteCKAN(served.url, get_only=request.param == "GET") as client:
        yield client


@pytest.fixture(scope="module")
def demo() -> Iterator[Node]:
    node = node_over(part_of_demo())
    yield node
    node.close()


def csv_of(package: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in package["resources"] if one["format"] == "CSV")


def test_what_a_harvester_asks_first(ckan: RemoteCKAN, demo: Node) -> None:
    every = {one.name for one in entries(demo.store.tenant(), demo.places, demo.rights.open)}
    assert set(ckan.action.package_list()) == every
    assert ckan.action.package_list(limit=2, offset=1) == sorted(every)[1:3]
    assert ckan.action.status_show()["extensions"] == ["datastore"]
    names = [one["name"] for one in ckan.action.current_package_list_with_resources()]
    assert names == sorted(every)


def test_a_package(ckan: RemoteCKAN, served: RunningNode) -> None:
    package = ckan.action.package_show(id=RAIN)
    assert ckan.action.package_show(id=package["id"]) == package
    assert package["title"] == "Daily rain"
    assert package["organization"]["title"].startswith("BMKG")
    assert [group["name"] for group in package["groups"]] == ["environment"]
    assert {tag["name"] for tag in package["tags"]} == {"WeatherObserved", "environment", "samarinda"}
    assert package["license_id"] == "other-open"
    assert package["license_title"].startswith("measured facts")
    extras = {one["key"]: one["value"] for one in package["extras"]}
    assert extras["place_code"] == "64.72"
    assert extras["quality_rowsRead"] == "1826"
    for resource in package["resources"]:
        assert httpx.get(resource["url"]).status_code == 200
        assert ckan.action.resource_show(id=resource["id"]) == resource
    assert ckan.action.package_show(id="jakarta--air-quality")["isopen"] is False


def test_search_by_words_fields_and_facets(ckan: RemoteCKAN) -> None:
    found = ckan.action.package_search(q="hujn", rows=3)
    assert RAIN in [one["name"] for one in found["results"]]
    assert len(found["results"]) <= 3 <= found["count"]
    narrowed = ckan.action.package_search(fq="groups:environment +place:samarinda", rows=1000)
    assert {one["name"].partition("--")[0] for one in narrowed["results"]} == {"samarinda"}
    assert ckan.action.package_search(fq="-groups:environment", rows=0)["count"] == (
        ckan.action.package_search(rows=0)["count"]
        - ckan.action.package_search(fq="groups:(environment)", rows=0)["count"]
    )
    listed = {"facet.field": json.dumps(["organization", "groups", "res_format"])}
    faceted = ckan.call_action("package_search", {**listed, "rows": 0})
    groups = {one["name"]: one["count"] for one in faceted["search_facets"]["groups"]["items"]}
    assert groups == faceted["facets"]["groups"]
    for name, count in groups.items():
        assert ckan.action.package_search(fq=f"groups:{name}", rows=0)["count"] == count
    pages = [ckan.action.package_search(rows=10, start=at, sort="name asc") for at in range(0, 40, 10)]
    names = [one["name"] for page in pages for one in page["results"]]
    assert names == ckan.action.package_list()
    back = ckan.action.package_search(sort="name desc", rows=1000)["results"]
    assert [one["name"] for one in back] == names[::-1]


def test_organizations_groups_tags_licences(ckan: RemoteCKAN) -> None:
    for kind in ("organization", "group"):
        names = ckan.call_action(f"{kind}_list")
        full = ckan.call_action(f"{kind}_list", {"all_fields": True})
        assert [one["name"] for one in full] == names
        for one in full:
            shown = ckan.call_action(f"{kind}_show", {"id": one["name"], "include_datasets": True})
            assert shown["id"] == one["id"]
            assert len(shown["packages"]) == one["package_count"]
    assert "WeatherObserved" in ckan.action.tag_list()
    assert ckan.action.tag_list(query="weatherobs") == ["WeatherObserved"]
    assert "CC-BY-4.0" in [one["id"] for one in ckan.action.license_list()]


def test_rows_by_filters_words_order_and_pages(ckan: RemoteCKAN, served: RunningNode) -> None:
    rain = csv_of(ckan.action.package_show(id=RAIN))["id"]
    rows = httpx.get(f"{served.url}/catalogue/samarinda/rain.json").json()
    first = ckan.action.datastore_search(resource_id=rain)
    assert (first["total"], len(first["records"])) == (len(rows), 100)
    assert [{k: v for k, v in one.items() if k != "_id"} for one in first["records"]] == rows[:100]
    assert [one["_id"] for one in first["records"]] == list(range(1, 101))
    assert {one["id"]: one["type"] for one in first["fields"]} == {
        "_id": "int", "id": "text", "dateObserved": "date", "precipitation": "numeric", "rainDuration": "numeric",
    }  # fmt: skip
    day = ckan.action.datastore_search(resource_id=rain, filters=json.dumps({"dateObserved": "2021-03-01"}))
    assert [one["dateObserved"] for one in day["records"]] == ["2021-03-01"]
    some = ckan.action.datastore_search(
        resource_id=rain,
        filters=json.dumps({"dateObserved": ["2021-03-01", "2021-03-02", "no day"]}),
        fields=["dateObserved", "precipitation"],
        sort="dateObserved desc",
    )
    assert [list(one) for one in some["records"]] == [["dateObserved", "precipitation"]] * 2
    assert some["records"][0]["dateObserved"] == "2021-03-02"
    wettest = ckan.action.datastore_search(resource_id=rain, sort="precipitation desc, dateObserved", limit=5)
    known = sorted((one["precipitation"] for one in rows if one["precipitation"] is not None), reverse=True)
    assert [one["precipitation"] for one in wettest["records"]] == known[:5]
    words = ckan.action.datastore_search(resource_id=rain, q="2021-03", limit=100)
    assert words["total"] == len([one for one in rows if "2021-03" in one["dateObserved"]])
    following = httpx.get(served.url + first["_links"]["next"]).json()["result"]["records"]
    assert following[0]["_id"] == 101


def test_errors_are_ckan_s(ckan: RemoteCKAN, served: RunningNode) -> None:
    with pytest.raises(NotFound):
        ckan.action.package_show(id="nothing")
    with pytest.raises(NotFound):
        ckan.action.datastore_search(resource_id="00000000-0000-0000-0000-000000000000")
    with pytest.raises(ValidationError) as missing:
        ckan.action.package_show()
    assert missing.value.error_dict["id"] == ["Missing value"]
    rain = csv_of(ckan.action.package_show(id=RAIN))["id"]
    for wrong in (
        {"limit": -1}, {"limit": "x"}, {"fields": ["nope"]}, {"sort": "nope"}, {"filters": {"nope": 1}},
        {"sort": "id; DROP TABLE x"}, {"filters": [1]}, {"records_format": "xml"},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            ckan.call_action("datastore_search", {"resource_id": rain, **_texts(wrong)})
    with pytest.raises(CKANAPIError):
        ckan.call_action("package_delete", {"id": RAIN})
    said = httpx.post(f"{served.url}/api/3/action/package_show", content=b"{")
    assert (said.status_code, said.json()["success"]) == (400, False)
    lost = httpx.get(f"{served.url}/api/3/action/package_show?id=nothing")
    assert lost.status_code == 404
    assert lost.json()["error"] == {"__type": "Not Found Error", "message": "Not found"}
    odd = httpx.get(f"{served.url}/api/3/action/package_search", params={"fq": "colour:red"})
    assert odd.json()["error"]["__type"] == "Search Query Error"


def _texts(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int) else json.dumps(value) for name, value in given.items()
    }


COLUMNS = {
    "name": st.text(max_size=6),
    "code": st.sampled_from(["0", "01", "a'b", '"', "%", ""]),
    "seats": st.integers(-9, 9),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | one for name, one in COLUMNS.items()}), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), rows=ROWS)
def test_a_filter_selects_what_a_plain_loop_selects(
    tmp_path: Path, data: st.DataObject, rows: list[Any]
) -> None:
    import pyarrow as pa

    schema = pa.schema([("name", pa.string()), ("code", pa.string()), ("seats", pa.int64())])
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist(rows, schema), path)
    name = data.draw(st.sampled_from(list(COLUMNS)))
    wanted = data.draw(
        st.lists(st.none() | COLUMNS[name] | st.sampled_from([row[name] for row in rows]), max_size=3)
    )
    found = datastore_search(
        path, list(COLUMNS), Asked({"filters": {name: wanted}, "sort": "_id"}, "", Rights({}).open)
    )
    records = [{key: value for key, value in one.items() if key != "_id"} for one in found["records"]]
    assert records == [row for row in rows if row[name] in wanted]
    assert found["total"] == len(records)


def test_our_own_ckan_origin_harvests_a_node(served: RunningNode, tmp_path: Path) -> None:
    with RemoteCKAN(served.url) as client:
        rain = csv_of(client.action.package_show(id=RAIN))["id"]
    places = with_stops(two_cities(tmp_path / "places"))
    town = places / "prov" / "town"
    (town / "contracts" / "rain.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: rain\nversion: 1.0.0\nstatus: active\nschema:\n"
        "  - name: Rain\n    properties:\n"
        "      - {name: day, logicalType: date, required: true, primaryKey: true}\n"
        "      - {name: rain, logicalType: number}\n"
    )
    (town / "feeds" / "rain.yaml").write_text(
        f'source: {{ckan: {{url: "{served.url}", resource: {rain}, page: 500}}}}\ncontract: rain\n'
        "map: {day: dateObserved, rain: precipitation}\nstore: dataset\n"
    )
    with Portal(tmp_path / "data", places, private_addresses=True) as portal:
        run = run_feed(Parts.of(portal.node), "town", "rain", author="tester")
        assert (run.state, run.read, run.stored) == ("clean", 1826, 1826), run.message
        harvested = portal.browser().get("/catalogue/town/rain.json").json()
    rows = httpx.get(f"{served.url}/catalogue/samarinda/rain.json").json()
    assert harvested == [{"day": one["dateObserved"], "rain": one["precipitation"]} for one in rows]
