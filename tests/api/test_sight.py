"""Who reads what through NGSI-LD: each role × each class of attribute × each way out, and no way round by filtering."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mahakam.access.audit import verify
from mahakam.access.policy import OFFICES, PEOPLE, SCOPES, Principal
from mahakam.access.rights import Rights
from mahakam.app import Application, Node, open_node
from mahakam.config import ConfigError, Settings
from mahakam.store.acting import Acting, act
from mahakam.store.protocol import Transaction
from support.api import Api

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: hilltown-people
version: 1.0.0
status: active
schema:
  - name: Household
    properties:
      - {name: village, logicalType: string}
      - {name: visited, logicalType: string, classification: internal}
      - {name: nik, logicalType: string, classification: personal}
      - {name: home, logicalType: object, physicalType: geometry, classification: personal}
"""
ID = "urn:ngsi-ld:Household:1"
SECRET, INSIDE = "6472010101900001", "by the health post"
HOUSE = {
    "id": ID,
    "type": "Household",
    "scope": "/hilltown",
    "village": {"type": "Property", "value": "Loa Bakung"},
    "visited": {"type": "Property", "value": INSIDE},
    "nik": {"type": "Property", "value": SECRET, "observedAt": "2026-01-01T00:00:00Z"},
    "home": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.1, -0.5]}},
}
OTHER = {"id": "urn:ngsi-ld:Household:2", "type": "Household", "scope": "/hilltown", "village": "Karang Asam"}
# By hand, a second time: who reads what is internal, and what is personal.
INTERNAL = {"officer", "head", "steward", "supervisor", "admin", "city_officer", "reader"}
PERSONAL = {"steward", "admin"}
ROLES = (None, *PEOPLE, *SCOPES, *OFFICES)


class City:
    """A node that is not open, asked as whoever is named in the ``authorization`` header."""

    def __init__(self, node: Node, client: TestClient) -> None:
        self.node, self.api = node, Api(client)

    def text(self, role: str | None, method: str, path: str, place: str = "hilltown", **more: Any) -> str:
        answer = self.api(method, path, headers=self.bearer(role, place), **more)
        assert answer.status_code in (200, 404), answer.text
        return str(answer.text)

    def bearer(self, role: str | None, place: str = "hilltown") -> dict[str, str]:
        return {} if role is None else {"cookie": self._session(role, place)}

    def _session(self, role: str, place: str) -> str:
        from mahakam.access.sessions import begin_demo_session, cookie_name

        store = self.node.store.tenant("")
        value = begin_demo_session(store, Principal(f"one-{role}", (role,), (place,)))
        return f"{cookie_name(store)}={value}"


@pytest.fixture
def city(tmp_path: Path, store_url: str) -> Iterator[City]:
    for name in ("hilltown", "valley"):
        place = tmp_path / "config" / name
        (place / "contracts").mkdir(parents=True)
        (place / "city.yaml").write_text(f"name: {name.title()}\n")
        if name == "hilltown":
            (place / "contracts" / "people.yaml").write_text(CONTRACT)
    settings = Settings(
        data=tmp_path / "data",
        config=(tmp_path / "config",),
        store=store_url,
        history="*=on",
        private_addresses=True,
    )
    node = open_node(settings)
    with TestClient(Application(node), base_url="http://localhost") as client:
        node.broker.create(dict(HOUSE))
        node.broker.create(_plain(OTHER))
        yield City(node, client)
    node.close()


def _plain(entity: dict[str, Any]) -> dict[str, Any]:
    return {**entity, "village": {"type": "Property", "value": entity["village"]}}


WAYS: dict[str, tuple[str, str, Any]] = {
    "retrieve": ("GET", f"/entities/{ID}", None),
    "simplified": ("GET", f"/entities/{ID}?format=simplified", None),
    "attrs": ("GET", f"/entities/{ID}?attrs=nik,visited", None),
    "query": ("GET", "/entities?type=Household", None),
    "without a type": ("GET", "/entities?scopeQ=/hilltown", None),
    "with counts": ("GET", "/entities?type=Household&count=true&options=sysAttrs", None),
    "ordered": ("GET", "/entities?type=Household&orderBy=nik", None),
    "posted": ("POST", "/entityOperations/query", {"type": "Query", "entities": [{"type": "Household"}]}),
    "evolution": ("GET", f"/temporal/entities/{ID}", None),
    "values": ("GET", f"/temporal/entities/{ID}?format=temporalValues&timeproperty=createdAt", None),
    "evolutions": (
        "GET",
        "/temporal/entities?type=Household&timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=createdAt",
        None,
    ),
    "one attribute's evolution": ("GET", f"/temporal/entities/{ID}?attrs=nik,visited", None),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_role_reads_its_classes_and_no_more(city: City, way: str) -> None:
    method, path, body = WAYS[way]
    for role in ROLES:
        text = city.text(role, method, path, **({"json": body} if body else {}))
        assert (SECRET in text) == (role in PERSONAL), (role, way)
        assert ("117.1" in text) == (role in PERSONAL and "nik,visited" not in path), (role, way)
        assert (INSIDE in text) == (role in INTERNAL), (role, way)
        assert "Loa Bakung" in text or "nik,visited" in path, (role, way)


@pytest.mark.parametrize(
    "query",
    [
        f'q=nik=="{SECRET}"',
        'q=nik~="^6472"',
        "q=nik",
        "q=!nik",
        f'q=nik!="{SECRET}"',
        'q=village=="Loa Bakung";nik',
        "attrs=nik",
        "georel=near;maxDistance==1000&geometry=Point&coordinates=[117.1,-0.5]&geoproperty=home",
    ],
)
def test_what_is_hidden_is_not_found_out_by_filtering(city: City, query: str) -> None:
    for path in (
        f"/entities?type=Household&count=true&{query}",
        f"/entities?scopeQ=/hilltown&{query}",
        f"/entities?type=Household,Shop&{query}",
    ):
        for role in (None, "officer", "writer"):
            assert ID not in city.text(role, "GET", path), path
    count = city.api("GET", f"/entities?type=Household&count=true&{query}").headers["ngsild-results-count"]
    assert count in ("0", "1")
    found = {
        one["id"] for one in json.loads(city.text("steward", "GET", f"/entities?type=Household&{query}"))
    }
    assert (ID in found) == (query not in ("q=!nik", f'q=nik!="{SECRET}"'))


def test_presence_tells_nothing(city: City) -> None:
    """That one has the attribute and another has not is as hidden as its value."""
    assert city.text(None, "GET", "/entities?type=Household&q=nik") == "[]"
    assert city.text(None, "GET", "/entities?type=Household&q=!nik") == "[]"


def test_a_role_holds_in_its_place(city: City) -> None:
    assert SECRET not in city.text("steward", "GET", f"/entities/{ID}", place="valley")
    assert SECRET in city.text("steward", "GET", f"/entities/{ID}", place="*")
    assert ID not in city.text("steward", "GET", "/entities?type=Household&q=nik", place="valley")


def test_entities_of_several_types_keep_what_one_of_them_hides(city: City) -> None:
    city.node.store.tenant("").write(_shop)
    for path in ("/entities?type=Shop", "/entities?type=Shop&q=village", "/entities/urn:ngsi-ld:Shop:1"):
        text = city.text(None, "GET", path)
        assert "Harapan Baru" in text
        assert SECRET not in text
    assert "Shop:1" not in city.text(None, "GET", "/entities?type=Shop&q=nik")


def _shop(transaction: Transaction) -> None:
    from mahakam.broker.clock import now, stamped
    from mahakam.ngsild import represent

    document = stamped({**HOUSE, "id": "urn:ngsi-ld:Shop:1", "type": ["Shop", "Household"]}, now())
    document["village"] = {**document["village"], "value": "Harapan Baru"}
    transaction.put(document, represent.body(document))


def test_notifications_tell_what_everybody_may_read(city: City) -> None:
    key = {"authorization": "Bearer " + _key(city.node)}
    for watched in ({}, {"q": "nik"}, {"watchedAttributes": ["nik"]}):
        made = {
            "type": "Subscription",
            "entities": [{"type": "Household"}],
            "notification": {"endpoint": {"uri": "http://127.0.0.1:9/told"}},
            **watched,
        }
        assert city.api("POST", "/subscriptions", json=made, headers=key).status_code == 201
    store, broker = city.node.store.tenant(""), city.node.broker
    owed = lambda: [one for id in store.owing() for one in store.owed(id)]  # noqa: E731
    changed = {**HOUSE, "nik": {"type": "Property", "value": "6472010101900009"}}
    broker.upsert(dict(changed))
    assert owed() == []
    broker.upsert({**changed, "village": {"type": "Property", "value": "Sempaja"}})
    (one,) = owed()
    assert b"Sempaja" in one.body
    assert b"64720101" not in one.body
    assert b"117.1" not in one.body


def test_a_snapshot_holds_what_everybody_may_read(city: City) -> None:
    query = {"type": "Query", "entities": [{"type": "Household"}]}
    body = {"type": "Snapshot", "id": "urn:ngsi-ld:Snapshot:1", "snapshotQueries": [query]}
    made = city.api("POST", "/snapshots", json=body, headers=city.bearer("admin", "*"))
    assert made.status_code == 201, made.text
    there = {"ngsild-snapshot": "urn:ngsi-ld:Snapshot:1"}
    text = city.api("GET", f"/entities/{ID}", headers=there).text
    assert "Loa Bakung" in text
    assert SECRET not in text


def test_a_writer_changes_what_it_does_not_see(city: City) -> None:
    """A patch of one attribute keeps those that are hidden from its author."""
    key = {"authorization": "Bearer " + _key(city.node)}
    assert city.api("PATCH", f"/entities/{ID}", json={"village": "Sempaja"}, headers=key).status_code == 204
    text = city.text("steward", "GET", f"/entities/{ID}")
    assert SECRET in text
    assert "Sempaja" in text


def test_a_contract_that_is_added_or_changed_holds_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mahakam.access.rights.LOOK", 0.0)
    place = tmp_path / "hilltown"
    (place / "contracts").mkdir(parents=True)
    (place / "city.yaml").write_text("name: Hilltown\n")
    rights = Rights(Node(Settings(data=tmp_path / "data", config=(tmp_path,))).places)
    everybody, head = rights.open, {"type": "Household", "scope": "/hilltown"}
    assert everybody.hidden(head) == frozenset()

    def shown(text: str) -> frozenset[str]:
        (place / "contracts" / "people.yaml").write_text(text)
        deadline = time.monotonic() + 120
        while (found := rights.open.hidden(head)) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    before: frozenset[str] = frozenset()
    before = shown(CONTRACT)
    assert "nik" in before
    assert everybody.names >= before, "who holds on to what everybody sees is told too"
    assert "nik" not in shown(CONTRACT.replace("classification: personal", "classification: public"))


def test_what_a_broken_contract_protects_stays_closed(tmp_path: Path) -> None:
    place = tmp_path / "hilltown"
    (place / "contracts").mkdir(parents=True)
    (place / "city.yaml").write_text("name: Hilltown\n")
    (place / "contracts" / "people.yaml").write_text(CONTRACT.replace("version: 1.0.0", "version: [1"))
    places = Node(Settings(data=tmp_path / "data", config=(tmp_path,))).places
    assert Rights(places).open.hidden({"type": "Household", "scope": "/hilltown"}) >= {
        "nik",
        "home",
        "village",
    }


def test_a_city_writes_its_own_policy(tmp_path: Path) -> None:
    path = tmp_path / "rights.yaml"
    path.write_text("read: {personal: [head]}\ntypes: {Sensor: {owner: personal}}\n")
    rights = Rights({}, [tmp_path])
    head = {"type": "Sensor", "scope": "/anywhere"}
    assert rights.open.hidden(head) == {"owner"}
    assert rights.sight(Principal("h", ("head",), ("*",))).hidden(head) == frozenset()
    assert rights.sight(Principal("s", ("steward",), ("*",))).hidden(head) == {"owner"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("read: {personal: [chef]}", "'chef' is no role"),
        ("read: {secret: [admin]}", "internal or personal"),
        ("types: {Sensor: {owner: secret}}", "types.Sensor"),
        ("reed: {}", "read:, write: and types:"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rights.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        Rights({}, [tmp_path])


def _key(node: Node) -> str:
    from mahakam.access.keys import add_key

    return add_key(node.store.tenant(""), "all", ("write",), ("*",))[0]


def test_the_tag_of_an_entity_tells_nothing_of_what_is_hidden(city: City) -> None:
    def tag(role: str | None) -> str:
        answer = city.api("HEAD", f"/entities/{ID}", headers=city.bearer(role))
        return str(answer.headers["etag"])

    before = {role: tag(role) for role in (None, "steward")}
    city.node.broker.replace({**HOUSE, "nik": {"type": "Property", "value": "6472010101900002"}})
    assert tag(None) == before[None]
    assert tag("steward") != before["steward"]

    def write(name: str, tag: str) -> int:
        headers = {**city.bearer("steward"), "if-match": tag, "origin": "http://localhost"}
        sent = city.api("PATCH", f"/entities/{ID}/attrs", json={"village": name}, headers=headers)
        return int(sent.status_code)

    assert write("Karang Asam", before["steward"]) == 412
    assert write("Karang Asam", tag("steward")) == 204


def reads(city: City) -> list[Any]:
    return city.node.store.tenant().audit_entries(action="read", limit=1000)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_reads_what_is_personal_is_in_the_audit_trail(city: City, way: str) -> None:
    method, path, body = WAYS[way]
    for role in ROLES:
        before = len(reads(city))
        text = city.text(role, method, path, **({"json": body} if body else {}))
        new = reads(city)[: len(reads(city)) - before]
        assert [one.principal for one in new] == ([f"one-{role}"] if SECRET in text else []), (role, way)
        for one in new:
            detail = json.loads(one.detail)
            assert one.object == ID
            assert "nik" in detail["fields"]
            assert detail["route"].startswith(f"{method} /ngsi-ld/v1/")
            assert SECRET not in one.detail
    assert verify(city.node.store.tenant().audit_chain()).faults == []


def test_whoever_asks_for_a_personal_value_is_in_the_audit_trail(city: City) -> None:
    """That nobody has this number is as personal an answer as that somebody has."""
    city.text("steward", "GET", '/entities?type=Household&count=true&limit=0&q=nik=="1"')
    (one,) = reads(city)
    assert (one.principal, json.loads(one.detail)["fields"]) == ("one-steward", ["nik"])
    city.text("officer", "GET", '/entities?type=Household&q=nik=="1"')
    city.text(None, "GET", '/entities?type=Household&q=nik=="1"')
    city.text("steward", "GET", "/entities?type=Household&pick=id,village&q=village")
    assert {one.principal for one in reads(city)} == {"one-steward"}


def test_whoever_started_the_server_is_not_taken_for_who_reads(city: City) -> None:
    """A command acts in the process that serves afterwards: each read has its own reader and its own request."""
    act(Acting("operator", "command", asked="the-command"))
    try:
        for role, request in (("steward", "first"), ("officer", "second"), ("steward", "third")):
            headers = {**city.bearer(role), "x-request-id": request}
            city.api("GET", f"/entities/{ID}", headers=headers)
    finally:
        act(None)
    read = [
        one for one in city.node.store.tenant().audit_entries(action="read") if one.principal != "operator"
    ]
    said = [(one.principal, one.request) for one in read][::-1]
    assert said == [("one-steward", "first"), ("one-steward", "third")], (
        "an officer is shown nothing personal"
    )


def test_a_request_keeps_the_id_that_its_sender_gave(city: City) -> None:
    headers = {**city.bearer("steward"), "x-request-id": "proxy-17"}
    city.api("GET", f"/entities/{ID}", headers=headers)
    city.api(
        "PATCH", f"/entities/{ID}", headers=headers, json={"village": {"type": "Property", "value": "x"}}
    )
    entries = city.node.store.tenant().audit_entries(principal="one-steward", limit=2)
    assert [(one.action, one.request) for one in entries] == [("change", "proxy-17"), ("read", "proxy-17")]
    assert json.loads(entries[0].detail)["route"] == "PATCH /ngsi-ld/v1/entities/{entityId}"
