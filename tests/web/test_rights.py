"""The page "Who can see this?" says of each attribute what the broker does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.access.policy import OFFICES, PEOPLE, SCOPES, Principal
from mahakam.access.sessions import begin_demo_session, cookie_name
from mahakam.app import Application, Node, open_node
from mahakam.config import Settings
from support.portal import words_of

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: Household
    properties:
      - {name: village, logicalType: string}
      - {name: visited, logicalType: string, classification: internal}
      - {name: nik, logicalType: string, classification: personal}
"""
HOUSE = {
    "id": "urn:ngsi-ld:Household:1",
    "type": "Household",
    "scope": "/town",
    **{name: {"type": "Property", "value": name} for name in ("village", "visited", "nik")},
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    for name in ("town", "bay"):
        (tmp_path / "places" / name / "contracts").mkdir(parents=True)
        (tmp_path / "places" / name / "city.yaml").write_text(f"name: {name.title()}\n")
    (tmp_path / "places" / "town" / "contracts" / "people.yaml").write_text(CONTRACT)
    made = open_node(Settings(data=tmp_path / "data", config=(tmp_path / "places",)))
    made.broker.create(dict(HOUSE))
    yield made
    made.close()


def test_it_says_for_each_role_what_the_broker_does(node: Node) -> None:
    browser = TestClient(Application(node), base_url="http://localhost")
    store = node.store.tenant()
    for role in (None, *PEOPLE, *SCOPES, *OFFICES):
        for place in ("town", "bay"):
            headers = {}
            if role is not None:
                value = begin_demo_session(store, Principal(f"one-{role}", (role,), (place,)))
                headers = {"cookie": f"{cookie_name(store)}={value}"}
            said = browser.get("/rights.json?type=Household&lang=en", headers=headers).json()
            read = browser.get(f"/ngsi-ld/v1/entities/{HOUSE['id']}", headers=headers).json()
            assert {row["attribute"]: row["you"] == "yes" for row in said} == {
                name: name in read for name in ("village", "visited", "nik")
            }, (role, place)


def test_it_is_narrowed_and_follows_the_city_s_own_policy(node: Node) -> None:
    browser = TestClient(Application(node), base_url="http://localhost")
    (row,) = browser.get("/rights.json?type=Household&class=personal&lang=en").json()
    assert row == {
        "type": "Household", "attribute": "nik", "place": "Town", "class": "personal",
        "read": "Data steward, Administrator", "write": "Data steward, Administrator, API key: write", "you": "no",
        "you_write": "no",
    }  # fmt: skip
    page = words_of(browser.get("/rights?type=Household&lang=en").text)
    assert "everybody" in page
    (node.settings.config[0] / "rights.yaml").write_text("read: {personal: [head]}\n")
    other = open_node(Settings(data=node.settings.data, config=node.settings.config))
    changed = TestClient(Application(other), base_url="http://localhost")
    (row,) = changed.get("/rights.json?type=Household&class=personal&lang=en").json()
    assert row["read"] == "Head of an agency"
    other.close()


WRITTEN = """
write:
  Household:
    create: [writer, steward]
    change: [officer, steward]
    delete: []
    attributes:
      visited: ["key:gauges", public]
"""


def test_it_says_who_writes_as_the_broker_does(node: Node) -> None:
    (node.settings.config[0] / "rights.yaml").write_text(WRITTEN)
    other = open_node(Settings(data=node.settings.data, config=node.settings.config))
    browser, store = TestClient(Application(other), base_url="http://localhost"), other.store.tenant()
    rows = {
        (row["attribute"], row["place"]): row["write"]
        for row in browser.get("/rights.json?type=Household&lang=en").json()
    }
    assert rows["nik", "Town"] == (
        "create: Data steward, API key: write; change: Agency officer, Data steward; delete: nobody"
    )
    assert rows["*", "everywhere"] == rows["nik", "Town"]
    assert rows["visited", "Town"] == "everybody, key:gauges"
    for role in (*PEOPLE, *SCOPES, *OFFICES):
        for place in ("town", "bay", "*"):
            value = begin_demo_session(store, Principal(f"one-{role}", (role,), (place,)))
            headers = {"cookie": f"{cookie_name(store)}={value}"}
            said = browser.get("/rights.json?type=Household&lang=en", headers=headers).json()
            row = next(one for one in said if (one["attribute"], one["place"]) == ("village", "Town"))
            body = {"type": "Property", "value": f"{role} {place}"}
            path = f"/ngsi-ld/v1/entities/{HOUSE['id']}/attrs/village"
            answer = browser.patch(path, json=body, headers=headers)
            assert (answer.status_code == 204) is (row["you_write"] == "yes"), (role, place, answer.text)
    other.close()
