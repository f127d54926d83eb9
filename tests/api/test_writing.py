"""The matrix of writing: every role, verb and way in, of types that a city's rights.yaml names, on both stores."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from mahakam.access.keys import add_key
from mahakam.access.policy import OFFICES, PEOPLE, POLICY, PUBLIC, SCOPES, Principal
from mahakam.access.sessions import begin_demo_session, cookie_name
from mahakam.access.writing import VERBS, read_writing
from mahakam.app import Application, Node, open_node
from mahakam.broker.writes import Create, Upsert
from mahakam.config import ConfigError, Settings
from mahakam.ngsild.draft import Draft
from mahakam.ngsild.patch import Change
from mahakam.ngsild.problem import Problem
from mahakam.store.acting import Acting, act
from support.node import RunningNode

POLICY_FILE = """
write:
  Sensor:
    create: [writer, steward]
    change: [writer, steward, officer]
    delete: [steward]
    attributes:
      owner: [steward]
      seal: {create: [writer, steward], change: [], delete: [admin]}
  Closed: []
  Own:
    create: ["key:gauges", "account:siti"]
    change: ["key:gauges"]
  Everybody: [public]
  Road: ["officer@roads"]
"""
BASE = "/ngsi-ld/v1"
HERE, THERE = "/town", "/bay"
ROLES = (*PEOPLE, *SCOPES, *OFFICES)
MAY = {
    "create": {"writer", "steward"},
    "change": {"writer", "steward", "officer"},
    "delete": {"steward"},
    "owner": {"steward"},
}


class World:
    def __init__(self, root: Path, store: str = "", **settings: Any) -> None:
        for name in ("town", "bay"):
            (root / "places" / name).mkdir(parents=True, exist_ok=True)
            (root / "places" / name / "city.yaml").write_text(f"name: {name.title()}\n")
        (root / "places" / "rights.yaml").write_text(POLICY_FILE)
        self.node: Node = open_node(
            Settings(data=root / "data", config=(root / "places",), store=store, **settings)
        )
        self.client = TestClient(Application(self.node), base_url="http://localhost")
        self.store = self.node.store.tenant()
        self._as: dict[tuple[str, str], dict[str, str]] = {}

    def role(self, role: str, place: str = "*") -> dict[str, str]:
        """The headers of somebody with a role."""
        found = self._as.get((role, place))
        if found is None:
            value = begin_demo_session(self.store, Principal(f"one-{role}", (role,), (place,)))
            found = self._as[role, place] = {"cookie": f"{cookie_name(self.store)}={value}"}
        return found

    def at_agency(self, role: str, place: str, agency: str) -> dict[str, str]:
        """The headers of somebody who works for an agency."""
        who = Principal(f"one-{role}", (role,), (place,), agencies=(agency,))
        return {"cookie": f"{cookie_name(self.store)}={begin_demo_session(self.store, who)}"}

    def key(self, name: str, place: str = "*") -> dict[str, str]:
        return {"authorization": f"Bearer {add_key(self.store, name, ('write',), (place,))[0]}"}

    def __call__(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        return self.client.request(method, BASE + path, headers=headers, **more)

    def put(self, type: str, number: int = 1, scope: Any = HERE, **attributes: Any) -> str:
        """An entity that the node itself wrote."""
        act(None)
        id = f"urn:ngsi-ld:{type}:{number}"
        said = {name: {"type": "Property", "value": value} for name, value in attributes.items()}
        self.node.broker.upsert({"id": id, "type": type, "scope": scope, **said})
        return id

    def now(self, id: str) -> Any:
        act(None)
        return self.node.broker.get(id)


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    made = World(tmp_path, store_url)
    yield made
    made.node.close()


def entity(type: str = "Sensor", number: int = 1, scope: str | None = HERE, **more: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:{type}:{number}", "type": type, "level": 1, **({"scope": scope} if scope else {}), **more,
    }  # fmt: skip


def patched(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def ways(id: str, type: str) -> list[tuple[str, str, str, Any, set[str]]]:
    """Verb, method, path, body, who may: every way in of the API that writes one entity."""
    one = f"/entities/{id}"
    stood = {"id": id, "type": type, "scope": HERE}
    level, owner = {"level": patched(2)}, {"owner": patched("b")}
    return [
        ("change", "PATCH", f"{one}/attrs", level, MAY["change"]),
        ("change", "PATCH", f"{one}/attrs/level", patched(3), MAY["change"]),
        ("change", "PUT", f"{one}/attrs/level", patched(4), MAY["change"]),
        ("change", "PATCH", one, {"level": patched(5)}, MAY["change"]),
        ("create", "POST", f"{one}/attrs", {"rain": patched(1)}, MAY["change"] & MAY["create"]),
        ("change", "PUT", one, stood | {"level": patched(6), "owner": patched("a")}, MAY["change"]),
        ("owner", "PUT", one, stood | {"level": patched(1), "owner": patched("z")}, MAY["owner"]),
        ("owner", "PUT", one, stood | {"level": patched(1)}, MAY["owner"]),
        ("owner", "PATCH", f"{one}/attrs", owner, MAY["owner"]),
        ("owner", "PATCH", one, owner, MAY["owner"]),
        ("owner", "PATCH", one, {"owner": "urn:ngsi-ld:null"}, MAY["owner"]),
        ("owner", "DELETE", f"{one}/attrs/owner", None, MAY["owner"]),
        ("delete", "DELETE", f"{one}/attrs/level", None, MAY["delete"]),
        ("delete", "DELETE", one, None, MAY["delete"]),
    ]


def test_every_role_every_verb_every_way_in(world: World) -> None:
    seen = 0
    for role in (None, *ROLES):
        headers = world.role(role) if role else {}
        for _verb, method, path, body, may in ways("urn:ngsi-ld:Sensor:1", "Sensor"):
            id = world.put("Sensor", level=1, owner="a")
            before = world.now(id)
            answer = world(method, path, headers, json=body)
            case = (role, method, path, body, answer.text)
            if role in may:
                assert answer.status_code in (200, 201, 204), case
            else:
                assert answer.status_code == (403 if role else 401), case
                assert world.now(id) == before, case
            seen += 1
        made = world("POST", "/entities", headers, json=entity(number=2))
        assert (made.status_code == 201) is (role in MAY["create"]), (role, made.text)
        act(None)
        if made.status_code == 201:
            world.node.broker.delete("urn:ngsi-ld:Sensor:2")
        owned = world("POST", "/entities", headers, json=entity(number=3, owner="a"))
        assert (owned.status_code == 201) is (role == "steward"), (role, owned.text)
        act(None)
        if owned.status_code == 201:
            world.node.broker.delete("urn:ngsi-ld:Sensor:3")
        refused = world("POST", "/entities", headers, json=entity("Closed"))
        assert refused.status_code in (401, 403), (role, refused.text)
        free = world("POST", "/entities", headers, json=entity("Free", seen))
        assert (free.status_code == 201) is (role in POLICY["data.write"]), "a type that is not named"
    assert seen == 14 * (1 + len(ROLES))


@pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge", "delete"])
def test_a_batch_says_of_each_entity_whether_it_may_be_written(world: World, operation: str) -> None:
    """A writer: of four entities one is of a closed type, one has an attribute of the steward's."""
    writer = world.key("gauges of somebody")
    for number in (1, 3):
        if operation != "create":
            world.put("Sensor", number, level=0, owner="a")
    world.put("Closed", 2, level=0)
    world.put("Free", 4, level=0)
    body: list[Any] = [
        entity(), entity("Closed", 2), entity(number=3, owner="z"), entity("Free", 5 if operation == "create" else 4),
    ]  # fmt: skip
    if operation == "upsert":
        body[0]["owner"] = "a"
    if operation == "delete":
        body = [one["id"] for one in body]
    answer = world("POST", f"/entityOperations/{operation}", writer, json=body)
    assert answer.status_code == 207, answer.text
    said = answer.json()
    refused = {one["entityId"]: one["error"] for one in said["errors"]}
    expected = {"urn:ngsi-ld:Closed:2", "urn:ngsi-ld:Sensor:3"}
    if operation == "delete":
        expected.add("urn:ngsi-ld:Sensor:1")
    if operation == "create":
        assert refused.pop("urn:ngsi-ld:Closed:2")["status"] == 403
        expected.discard("urn:ngsi-ld:Closed:2")
    assert set(refused) == expected
    assert {one["status"] for one in refused.values()} == {403}
    assert all("/rights" in one["detail"] for one in refused.values())
    assert len(said["success"]) == (1 if operation == "delete" else 2)


def test_a_batch_of_plain_new_entities_passes_no_faster_door(world: World) -> None:
    writer = world.key("gauges of somebody")
    body = [entity("Closed", number) for number in range(5)]
    answer = world("POST", "/entityOperations/create", writer, json=body)
    assert answer.status_code in (207, 403), answer.text
    assert world.now("urn:ngsi-ld:Closed:0") is None
    body = [entity("Sensor", number, owner="a") for number in range(5)]
    world("POST", "/entityOperations/upsert", writer, json=body)
    assert world.now("urn:ngsi-ld:Sensor:0") is None
    allowed = [entity("Sensor", number) for number in range(5)]
    assert world("POST", "/entityOperations/create", writer, json=allowed).status_code == 201


def test_who_is_named_alone_writes_what_is_named_and_nothing_else(world: World) -> None:
    """An officer may not write entities at all, but for what the file says."""
    officer, elsewhere = world.role("officer", "town"), world.role("officer", "bay")
    id = world.put("Sensor", level=1)
    free = world.put("Free", level=1)
    level = {"level": patched(2)}
    assert world("PATCH", f"/entities/{id}/attrs", officer, json=level).status_code == 204
    assert world("PATCH", f"/entities/{id}/attrs", elsewhere, json=level).status_code == 403
    assert world("PATCH", f"/entities/{free}/attrs", officer, json=level).status_code == 403
    assert world("DELETE", f"/entities/{free}", officer).status_code == 403
    assert world("POST", "/entities", officer, json=entity("Free", 7)).status_code == 403
    body = [entity("Free", number) for number in (8, 9)]
    world("POST", "/entityOperations/create", officer, json=body)
    assert world.now("urn:ngsi-ld:Free:8") is None
    batch = world(
        "POST", "/entityOperations/update", officer, json=[{"id": id, **level}, {"id": free, **level}]
    )
    assert batch.status_code == 207
    assert batch.json()["success"] == [id] or batch.json()["errors"][0]["entityId"] == free
    for path, body in (
        ("/subscriptions", {"type": "Subscription", "entities": [{"type": "Sensor"}],
                            "notification": {"endpoint": {"uri": "https://a.example/"}}}),
        ("/csourceRegistrations", {"type": "ContextSourceRegistration", "endpoint": "https://a.example/",
                                   "information": [{"entities": [{"type": "Sensor"}]}]}),
        ("/jsonldContexts", {"@context": {}}),
    ):  # fmt: skip
        assert world("POST", path, officer, json=body).status_code == 403, path
    new = {**officer, "ngsild-tenant": "mine"}
    assert world("POST", "/entities", new, json=entity()).status_code == 403


def test_an_attribute_has_a_line_for_each_verb(world: World) -> None:
    writer, admin = world.role("writer"), world.role("admin")
    assert world("POST", "/entities", writer, json=entity(seal="s")).status_code == 201
    one = "/entities/urn:ngsi-ld:Sensor:1/attrs"
    for who in (writer, admin, world.role("steward")):
        assert world("PATCH", one, who, json={"seal": patched("t")}).status_code == 403
    assert world("PATCH", one, writer, json={"seal": patched("s"), "level": patched(7)}).status_code == 204
    assert world("DELETE", f"{one}/seal", writer).status_code == 403
    assert world("DELETE", f"{one}/seal", admin).status_code == 204


def test_a_role_holds_where_it_holds(world: World) -> None:
    here = world.role("steward", "town")
    world.put("Sensor", 1, HERE, level=1)
    world.put("Sensor", 2, THERE, level=1)
    for number, status in ((1, 204), (2, 403)):
        one = f"/entities/urn:ngsi-ld:Sensor:{number}"
        assert world("PATCH", one, here, json={"level": patched(2)}).status_code == status
    moved = world("PATCH", "/entities/urn:ngsi-ld:Sensor:1", here, json={"scope": THERE})
    assert moved.status_code == 403


@pytest.mark.parametrize(
    ("role", "place", "agency", "here", "there"),
    [
        ("officer", "*", "town/roads", True, False),
        ("officer", "*", "bay/roads", False, True),
        ("officer", "town", "town/roads", True, False),
        ("officer", "town", "bay/roads", False, False),
        ("officer", "bay", "town/roads", False, False),
        ("officer", "*", "town/health", False, False),
        ("head", "*", "town/roads", False, False),
    ],
)
def test_an_agency_writes_in_its_place_and_not_as_the_one_of_that_name_elsewhere(
    world: World, role: str, place: str, agency: str, here: bool, there: bool
) -> None:
    who = world.at_agency(role, place, agency)
    cases = ((HERE, here), (THERE, there), ([HERE, THERE], False), (None, False))
    for number, (scope, may) in enumerate(cases):
        one = entity("Road", number, None) | ({"scope": scope} if scope else {})
        assert world("POST", "/entities", who, json=one).status_code == (201 if may else 403), scope
        id = world.put("Road", number, scope or "/nowhere", level=1)
        changed = world("PATCH", f"/entities/{id}", who, json={"level": 2})
        assert changed.status_code == (204 if may else 403), scope
        deleted = world("DELETE", f"/entities/{id}", who)
        assert deleted.status_code == (204 if may else 403), scope
    assert world("POST", "/entities", who, json=entity("Other", 1)).status_code == 403


def test_an_entity_of_a_second_type_needs_the_rights_of_both(world: World) -> None:
    writer = world.role("writer")
    both = entity() | {"type": ["Free", "Closed"]}
    assert world("POST", "/entities", writer, json=both).status_code == 403
    id = world.put("Free", level=1)
    grown = world("PATCH", f"/entities/{id}", writer, json={"type": ["Free", "Closed"]})
    assert grown.status_code == 403
    assert world.now(id)["type"] == "Free"


def test_a_key_and_an_account_can_be_named(world: World) -> None:
    gauges, others = world.key("gauges"), world.key("others")
    own = entity("Own")
    assert world("POST", "/entities", others, json=own).status_code == 403
    assert world("POST", "/entities", world.role("admin"), json=own).status_code == 403
    assert world("POST", "/entities", gauges, json=own).status_code == 201
    assert world("PATCH", f"/entities/{own['id']}", gauges, json={"level": patched(2)}).status_code == 204
    assert world("DELETE", f"/entities/{own['id']}", gauges).status_code == 403
    value = begin_demo_session(world.store, Principal("gauges", ("steward",), ("*",)))
    person = {"cookie": f"{cookie_name(world.store)}={value}"}
    assert world("PATCH", f"/entities/{own['id']}", person, json={"level": patched(3)}).status_code == 403


def test_evolutions_are_no_way_round(world: World) -> None:
    writer, steward = world.role("writer"), world.role("steward")
    moments = [{"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00Z"}]
    past = {"id": "urn:ngsi-ld:Sensor:9", "type": "Sensor", "scope": HERE}
    one = "/temporal/entities/urn:ngsi-ld:Sensor:9"
    assert (
        world("POST", "/temporal/entities", world.role("admin"), json=past | {"level": moments}).status_code
        == 403
    )
    assert world("POST", "/temporal/entities", writer, json=past | {"owner": moments}).status_code == 403
    assert world("POST", "/temporal/entities", writer, json=past | {"level": moments}).status_code == 201
    assert world("POST", f"{one}/attrs", writer, json={"owner": moments}).status_code == 403
    assert world("POST", f"{one}/attrs", writer, json={"level": moments}).status_code == 204
    assert world("POST", f"{one}/attrs", steward, json={"owner": moments}).status_code == 204
    owner = world("GET", one, steward).json()["owner"]
    instance = (owner if isinstance(owner, list) else [owner])[0]["instanceId"]
    at = f"{one}/attrs/owner/{instance}"
    assert world("PATCH", at, writer, json={"owner": {"type": "Property", "value": 2}}).status_code == 403
    assert world("DELETE", at, writer).status_code == 403
    assert world("DELETE", f"{one}/attrs/owner", writer).status_code == 403
    assert world("DELETE", f"{one}/attrs/level", writer).status_code == 403
    assert world("DELETE", one, writer).status_code == 403
    assert world("DELETE", f"{one}/attrs/owner", steward).status_code == 204
    assert world("DELETE", one, steward).status_code == 204


def test_what_goes_on_to_a_source_is_held_to_it_too(tmp_path: Path) -> None:
    world = World(tmp_path, private_addresses=True)
    with RunningNode(tmp_path / "source", open=True) as source:
        registration = {
            "type": "ContextSourceRegistration", "endpoint": source.url, "mode": "redirect",
            "information": [{"entities": [{"type": type} for type in ("Sensor", "Closed")]}],
            "operations": ["updateOps", "redirectionOps", "createBatch"],
        }  # fmt: skip
        made = world("POST", "/csourceRegistrations", world.role("admin"), json=registration)
        assert made.status_code == 201, made.text
        writer, officer = world.role("writer"), world.role("officer")
        assert world("POST", "/entities", writer, json=entity()).status_code == 201
        there = httpx.get(f"{source.url}{BASE}/entities?type=Sensor").json()
        assert [one["id"] for one in there] == ["urn:ngsi-ld:Sensor:1"], "it is at the source"
        one = "/entities/urn:ngsi-ld:Sensor:1"
        for method, path, body in (
            ("POST", "/entities", entity("Closed")),
            ("POST", "/entities", entity(number=2, owner="a")),
            ("PATCH", f"{one}/attrs", {"type": "Sensor", "owner": patched("a")}),
            ("DELETE", one, None),
        ):
            answer = world(method, path, writer, json=body)
            assert answer.status_code == 403, (method, path, answer.text)
        batch = [entity("Closed", 3), entity(number=4)]
        answer = world("POST", "/entityOperations/create", writer, json=batch)
        assert answer.json()["success"] == ["urn:ngsi-ld:Sensor:4"], answer.text
        assert world("DELETE", one, officer).status_code == 403
        assert httpx.get(f"{source.url}{BASE}/entities?type=Closed").json() == []
        assert httpx.get(f"{source.url}{BASE}{one}").json()["level"]
    world.node.close()


def test_a_purge_leaves_what_may_not_be_deleted(world: World) -> None:
    world.put("Sensor", level=1)
    world("DELETE", "/entities?type=Sensor", world.role("writer"))
    assert world.now("urn:ngsi-ld:Sensor:1") is not None
    assert world("DELETE", "/entities?type=Sensor", world.role("steward")).status_code == 204
    assert world.now("urn:ngsi-ld:Sensor:1") is None


def test_no_method_of_the_broker_is_a_way_round(world: World) -> None:
    """Whatever a room calls, on behalf of a stranger or of somebody without the right."""
    id = world.put("Closed", level=0)
    before, broker = world.now(id), world.node.broker
    new = {"id": "urn:ngsi-ld:Closed:2", "type": "Closed", "scope": HERE}
    stood = {"id": id, "type": "Closed", "scope": HERE}

    def patch(document: Any, at: str) -> Change:
        return Change({**document, "level": patched(9)}, {"level"})

    ways: dict[str, Callable[[], object]] = {
        "create": lambda: broker.create(new),
        "create_as": lambda: broker.create_as(lambda _transaction: new),
        "acreate": lambda: asyncio.run(broker.acreate(Draft.of(new))),
        "replace": lambda: broker.replace(stood),
        "areplace": lambda: asyncio.run(broker.areplace(stood)),
        "upsert": lambda: broker.upsert(stood),
        "aupsert": lambda: asyncio.run(broker.aupsert(new)),
        "change": lambda: broker.change(id, patch),
        "achange": lambda: asyncio.run(broker.achange(id, patch)),
        "delete": lambda: broker.delete(id),
        "adelete": lambda: asyncio.run(broker.adelete(id)),
        "together": lambda: broker.together([Upsert(stood)]),
    }
    for principal in (None, Principal("siti", ("admin",), ("*",))):
        for name, write in ways.items():
            who = Acting(principal.name if principal else "", "person" if principal else "stranger")
            who.who = principal
            act(who)
            with pytest.raises(Problem) as refused:
                write()
            assert refused.value.status == (403 if principal else 401), name
            act(who)
            (said,) = broker.batch([Create(Draft.of(new))])
            assert said.problem is not None
    assert world.now(id) == before
    assert world.now(new["id"]) is None
    act(None)
    writing = {
        name for name in dir(broker) if re.fullmatch("a?(create|replace|upsert|change|delete).*", name)
    }
    assert writing <= ways.keys(), "a method that writes is in the list above"


def test_the_node_itself_writes_and_what_expires_ends(world: World) -> None:
    act(None)
    world.node.broker.create({"id": "urn:ngsi-ld:Closed:1", "type": "Closed", "scope": HERE})
    ended = {"id": "urn:ngsi-ld:Closed:2", "type": "Closed", "expiresAt": "2020-01-01T00:00:00Z"}
    world.node.broker.upsert(ended)
    assert world("GET", "/entities/urn:ngsi-ld:Closed:2").status_code == 404


def test_an_open_node_asks_nobody(tmp_path: Path) -> None:
    world = World(tmp_path, open=True)
    assert world.node.broker._pens is None
    assert world("POST", "/entities", json=entity("Closed")).status_code == 201
    world.node.close()


def test_without_a_word_on_writing_there_are_no_pens(tmp_path: Path) -> None:
    node = open_node(Settings(data=tmp_path))
    assert node.broker._pens is None
    node.close()


BAD: dict[str, tuple[Any, str]] = {
    "a role that there is not": ({"T": ["mayor"]}, "write.T: 'mayor' is no role"),
    "a verb that there is not": ({"T": {"write": ["admin"]}}, "write.T: create, change, delete"),
    "a text": ({"T": "admin"}, "write.T: create, change, delete"),
    "no list": ({"T": {"create": "admin"}}, r"write.T.create: a list of roles"),
    "of an attribute": (
        {"T": {"attributes": {"a": {"create": [7]}}}},
        r"write.T.attributes.a.create: 7 is no role",
    ),
    "attributes as a list": ({"T": {"attributes": ["a"]}}, "write.T: create, change, delete"),
    "a key without a name": ({"T": ["key:"]}, "'key:' is no role"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_policy_that_cannot_be_used_says_what_and_where(case: str) -> None:
    said, problem = BAD[case]
    with pytest.raises(ConfigError, match=problem):
        read_writing(Path("rights.yaml"), said)


def test_who_is_listed_is_who_may() -> None:
    types = read_writing(Path("rights.yaml"), {"T": [PUBLIC, "officer"]})
    assert set(types["T"].entity) == set(VERBS)
