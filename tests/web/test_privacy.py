"""What a contract marks as personal never reaches a visitor's page, table, map or file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.access.accounts import add_account
from mahakam.access.audit import verify
from mahakam.app import Application, Node, open_node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed

SECRET = "0812-555-777"
INSIDE = "checked by unit 7"
_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: houses
version: 1.0.0
status: active
schema:
  - name: House
    properties:
      - {name: number, logicalType: string, required: true, primaryKey: true}
      - {name: name, logicalType: string}
      - {name: phone, logicalType: string, classification: personal}
      - {name: remark, logicalType: string, classification: internal}
      - {name: location, logicalType: object, physicalType: geometry}
"""
_FEED = """
title: Houses
source: {file: data/houses.csv}
contract: houses
map: {number: nr, name: name, phone: phone, remark: remark, location: {longitude: lon, latitude: lat}}
entity: {id: "urn:ngsi-ld:House:{number}"}
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    town = tmp_path / "places" / "town"
    for room in ("contracts", "feeds", "data"):
        (town / room).mkdir(parents=True)
    (town / "city.yaml").write_text("name: Town\nlayers: [{name: Houses, type: House, style: point}]\n")
    (town / "contracts" / "houses.yaml").write_text(_CONTRACT)
    (town / "feeds" / "houses.yaml").write_text(_FEED)
    (town / "data" / "houses.csv").write_text(
        f"nr,name,phone,remark,lon,lat\n1,<b>Ani</b>,{SECRET},{INSIDE},117.1,-0.5\n2,Budi,0813,,117.2,-0.4\n"
    )
    made = open_node(Settings(data=tmp_path / "data", config=(tmp_path / "places",)))
    run = run_feed(Parts.of(made), "town", "houses")
    assert run.stored == 2, run.message
    yield made
    made.close()


_PATHS = (
    "/cities/town",
    "/cities/town/map",
    "/cities/town/layers/0.geojson",
    "/cities/town/data/House",
    "/cities/town/data/House.csv",
    "/cities/town/data/House.json",
    "/cities/town/data/House.geojson",
    "/cities/town/data/House?sort=phone",
    "/trace/entity/urn:ngsi-ld:House:1",
    "/trace/popup?id=urn:ngsi-ld:House:1",
    "/quality/town/houses",
)


def test_a_visitor_sees_nothing_personal(node: Node) -> None:
    visitor = TestClient(Application(node), base_url="http://localhost")
    for path in _PATHS:
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert SECRET not in answer.text, path
        assert INSIDE not in answer.text, path
        assert "<b>Ani" not in answer.text or "json" in answer.headers["content-type"] or ".csv" in path, path
    run = node.store.tenant().runs("town", "houses")[0]
    file = visitor.get(f"/trace/file/{run.id}/{run.source['sha256']}", follow_redirects=False)
    assert file.status_code in (303, 401, 403)


def test_one_who_works_with_the_rows_sees_them(tmp_path: Path, node: Node) -> None:
    node.close()
    opened = open_node(Settings(data=node.settings.data, config=node.settings.config, open=True))
    steward = TestClient(Application(opened), base_url="http://localhost")
    assert SECRET in steward.get("/trace/entity/urn:ngsi-ld:House:1").text
    assert SECRET in steward.get("/cities/town/data/House.csv").text
    opened.close()


def test_whoever_is_shown_something_personal_is_in_the_audit_trail(node: Node) -> None:
    store = node.store.tenant()
    add_account(store, "siti", "correct horse battery", ["steward"], ["town"])
    add_account(store, "budi", "correct horse battery", ["officer"], ["town"])
    run = store.runs("town", "houses")[0]
    file = f"/trace/file/{run.id}/{run.source['sha256']}"
    steward, officer = signed_in(node, "siti"), signed_in(node, "budi")
    for path in (*_PATHS, file):
        for name, browser in (("siti", steward), ("budi", officer), ("", TestClient(Application(node)))):
            before = len(store.audit_entries(action="read"))
            shown = SECRET in browser.get(path, follow_redirects=False).text
            entries = store.audit_entries(action="read")
            new = entries[: len(entries) - before]
            if shown:
                assert [one.principal for one in new] == [name], path
                assert "phone" in json.loads(new[0].detail)["fields"]
            assert all(one.principal == "siti" for one in new), path
            assert SECRET not in str(new)
    assert {one.object for one in store.audit_entries(action="read")} == {
        "town/House", "town/houses", "urn:ngsi-ld:House:1",
    }  # fmt: skip
    assert verify(store.audit_chain()).faults == []


def signed_in(node: Node, name: str) -> TestClient:
    browser = TestClient(Application(node), base_url="http://localhost")
    page = browser.get("/signin").text
    token = re.search('name="form" value="([^"]+)"', page)
    assert token
    answer = browser.post(
        "/signin",
        data={"name": name, "password": "correct horse battery", "form": token[1]},
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    return browser


def test_the_rows_of_a_dataset_hide_their_personal_columns(node: Node) -> None:
    """They are no entities: their contract is that of the feed behind the dataset."""
    from mahakam.indicators.compute import compute_all

    town = node.places["town"].folder
    (town / "indicators").mkdir()
    (town / "feeds/table.yaml").write_text(_FEED.partition("entity:")[0] + "store: dataset\n")
    (town / "indicators/phones.yaml").write_text(
        '{name: Phones, from: "dataset:table", formula: "count(distinct phone)", where: "number > \'\'", per: none}'
    )
    run = run_feed(Parts.of(node), "town", "table")
    assert run.stored == 2, run.message
    (outcome,) = compute_all(node.broker)
    assert outcome.written == 1, outcome.problem
    visitor = TestClient(Application(node), base_url="http://localhost")
    for ending in ("", ".csv", ".json"):
        answer = visitor.get(f"/trace/value/town/phones/all{ending}")
        assert answer.status_code == 200
        assert SECRET not in answer.text
        assert "houses.csv" in answer.text, "the file that the row stands in"
    opened = open_node(Settings(data=node.settings.data, config=node.settings.config, open=True))
    steward = TestClient(Application(opened), base_url="http://localhost")
    assert SECRET in steward.get("/trace/value/town/phones/all.csv").text
    opened.close()
