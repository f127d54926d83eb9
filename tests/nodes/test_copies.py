"""Copies of a node's entities at its hub: in order, once, through a hub that is down, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.app import Node, open_node
from mahakam.config import Settings
from mahakam.nodes import copies, hub
from mahakam.nodes.faults import NodeError
from mahakam.nodes.intake import take
from mahakam.nodes.invitation import invite
from nodes.conftest import ONE, STOP, VALUE, Site, until

Pair = tuple[Site, Site]


def _at(second: int) -> str:
    return f"2026-11-24T04:00:{second:02}.000Z"


def said(
    id: str, second: int, *, told: int = 0, gone: bool = False, share: int = 1, **values: Any
) -> dict[str, Any]:
    """A notification about one stop, modified (or deleted) at a second."""
    entity: dict[str, Any] = {"id": id, "type": STOP, "scope": "/samarinda"}
    if gone:
        entity["deletedAt"] = _at(second)
    else:
        entity |= {"createdAt": _at(0), "modifiedAt": _at(second)}
        entity |= {name: {"type": "Property", "value": value} for name, value in values.items()}
    return {
        "id": "urn:ngsi-ld:Notification:1",
        "type": "Notification",
        "subscriptionId": "urn:ngsi-ld:Subscription:hub",
        "notifiedAt": _at(told or second),
        "share": share,
        "data": [entity],
    }


CITY = "name: {en: Samarinda}\nkind: city\ncentre: [117.1, -0.5]\n"
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: stops
version: 1.0.0
status: active
schema:
  - name: BusStop
    properties:
      - {name: waiting, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 100}}
"""


@pytest.fixture
def node(tmp_path: Path, store_url: str) -> Iterator[Node]:
    """A hub with a contract for stops, which two nodes have joined, of whom each sends copies of its stops."""
    place = tmp_path / "config" / "samarinda"
    (place / "contracts").mkdir(parents=True)
    (place / "city.yaml").write_text(CITY)
    (place / "contracts" / "stops.yaml").write_text(CONTRACT)
    settings = Settings(tmp_path / "hub", (tmp_path / "config",), store=store_url, private_addresses=True)
    found = open_node(settings)
    for name in ("samarinda", "bontang"):
        join(found, name)
    yield found
    found.close()


def join(node: Node, name: str, attempt: str = "", text: str = "") -> dict[str, Any]:
    text = text or invite(node.store.tenant(), name, "http://127.0.0.1:1")[0]
    asked = {
        "code": text.partition("#")[2], "attempt": attempt or f"{name}-and-a-secret-of-its-own", "key": "mhs_" + name,
        "address": "http://127.0.0.1:9", "version": 1, "shares": {STOP: ["waiting"]}, "push": [STOP],
    }  # fmt: skip
    return hub.join(node.broker, asked, {"en": "Hub"}, "http://127.0.0.1:1")


def waiting(node: Node, id: str = ONE) -> Any:
    found = node.broker.get(id)
    return found and found["waiting"]["value"]


def test_what_is_repeated_or_late_changes_nothing(node: Node) -> None:
    broker = node.broker
    assert take(broker, "samarinda", said(ONE, 10, waiting=7)).taken == 1
    before = broker.get(ONE)
    assert take(broker, "samarinda", said(ONE, 10, waiting=7)).unchanged == 1
    assert take(broker, "samarinda", said(ONE, 5, waiting=99)).unchanged == 1
    assert broker.get(ONE) == before
    assert take(broker, "samarinda", said(ONE, 11, waiting=8)).taken == 1
    assert waiting(node) == 8
    assert take(broker, "samarinda", said(ONE, 12, gone=True)).taken == 1
    assert broker.get(ONE) is None
    assert take(broker, "samarinda", said(ONE, 11, waiting=8)).unchanged == 1
    assert broker.get(ONE) is None, "what comes late brings nothing back"
    assert take(broker, "samarinda", said(ONE, 13, waiting=1)).taken == 1
    assert waiting(node) == 1


def test_two_changes_in_one_millisecond_are_both_taken(node: Node) -> None:
    take(node.broker, "samarinda", said(ONE, 10, waiting=7))
    take(node.broker, "samarinda", said(ONE, 10, waiting=8))
    assert waiting(node) == 8


def test_a_node_writes_its_own_copies_and_nothing_else(node: Node) -> None:
    broker = node.broker
    broker.create(
        {
            "id": "urn:ngsi-ld:BusStop:own",
            "type": STOP,
            "scope": "/samarinda",
            "waiting": {"type": "Property", "value": 1},
        }
    )
    take(broker, "samarinda", said(ONE, 10, waiting=7))
    for id in (ONE, "urn:ngsi-ld:BusStop:own"):
        before = broker.get(id)
        for message in (said(id, 20, waiting=0), said(id, 21, gone=True), said(id, 22, waiting=0)):
            assert take(broker, "bontang", message).refused == 1
        assert broker.get(id) == before
    assert {one["id"] for one in copies.held(broker.store, "bontang")} == {ONE, "urn:ngsi-ld:BusStop:own"}
    hub.end(broker, "bontang", "hub")
    assert waiting(node) == 7
    assert waiting(node, "urn:ngsi-ld:BusStop:own") == 1
    assert broker.history.get(ONE) is not None, "nor does another's end take the history away"


def test_what_is_not_shared_is_not_taken(node: Node) -> None:
    take(node.broker, "samarinda", said(ONE, 10, waiting=7, secret=1))
    found = node.broker.get(ONE)
    assert found is not None
    assert "secret" not in found
    message = said("urn:ngsi-ld:Ledger:1", 10, amount=1)
    message["data"][0]["type"] = "Ledger"
    assert take(node.broker, "samarinda", message).refused == 1
    with pytest.raises(NodeError) as error:
        take(node.broker, "samarinda", said(ONE, 11, waiting=7, share=2))
    assert error.value.status == 425


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "Notification", "data": {}},
        {**said(ONE, 1, waiting=1), "share": None},
        {**said(ONE, 1, waiting=1), "notifiedAt": "yesterday"},
        {**said(ONE, 1, waiting=1), "data": [{"id": ONE}]},
        {**said(ONE, 1, waiting=1), "data": [{"id": ONE, "type": STOP}]},
        {**said(ONE, 1, waiting=1), "data": [1]},
    ],
)
def test_what_is_no_notification_is_said(node: Node, message: dict[str, Any]) -> None:
    with pytest.raises(NodeError) as error:
        take(node.broker, "samarinda", message)
    assert error.value.status == 400
    assert "expected" in str(error.value) or "says" in str(error.value)


def test_an_entity_that_is_none_is_kept_with_its_reason(node: Node) -> None:
    message = said(ONE, 10, waiting=7)
    message["data"][0]["waiting"] = {"type": "Relationship", "object": "no uri"}
    assert take(node.broker, "samarinda", message).refused == 1
    (held,) = copies.held(node.broker.store, "samarinda")
    assert held["id"] == ONE
    assert "waiting" in held["detail"]
    assert hub.standing(node.broker, hub.members(node.broker.store)[1])["held"] == 1
    assert take(node.broker, "samarinda", said(ONE, 11, waiting=7)).taken == 1
    assert copies.held(node.broker.store, "samarinda") == []


def test_a_copy_passes_the_hubs_contract(node: Node) -> None:
    take(node.broker, "samarinda", said(ONE, 10, waiting=7))
    assert take(node.broker, "samarinda", said(ONE, 11, waiting=700)).refused == 1
    assert waiting(node) == 7, "the copy that is in order stays"
    (held,) = copies.held(node.broker.store, "samarinda")
    (reason,) = held["reasons"]
    assert (reason["field"], reason["value"]) == ("waiting", 700)
    shown = hub.standing(node.broker, hub.members(node.broker.store)[1])["refused"]
    assert [(one["id"], one["reasons"]) for one in shown] == [(ONE, held["reasons"])]
    assert take(node.broker, "samarinda", said(ONE, 11, waiting=700)).refused == 1, "the same again"
    assert take(node.broker, "samarinda", said(ONE, 10, waiting=7)).unchanged == 1
    assert take(node.broker, "samarinda", said(ONE, 12, waiting=8)).taken == 1
    assert copies.held(node.broker.store, "samarinda") == []


def test_a_node_of_a_place_sends_of_that_place_only(node: Node) -> None:
    text, _ = invite(node.store.tenant(), "berau", "http://127.0.0.1:1", place="samarinda")
    join(node, "berau", text=text)
    for scope, refused in (("/samarinda", 0), ("/samarinda/ulu", 0), ("/bontang", 1), (None, 1)):
        message = said(f"urn:ngsi-ld:BusStop:{scope}", 10, waiting=7)
        message["data"][0]["scope"] = scope
        if scope is None:
            del message["data"][0]["scope"]
        assert take(node.broker, "berau", message).refused == refused, scope


def test_the_end_of_a_membership_leaves_nothing(node: Node) -> None:
    for number in range(450):
        take(node.broker, "samarinda", said(f"urn:ngsi-ld:BusStop:{number}", 10, waiting=7))
    take(node.broker, "samarinda", said("urn:ngsi-ld:BusStop:bad", 10, waiting=700))
    take(node.broker, "bontang", said(ONE, 10, waiting=5))
    hub.end(node.broker, "samarinda", "hub")
    assert node.broker.types() == {STOP: 1}
    assert node.broker.history.get("urn:ngsi-ld:BusStop:7") is None
    assert copies.count(node.broker.store, "samarinda") == 0
    assert copies.held(node.broker.store, "samarinda") == []
    assert [one.id for one in node.broker.registrations.all() if "samarinda" in one.id] == []
    with pytest.raises(NodeError) as error:
        take(node.broker, "samarinda", said(ONE, 11, waiting=7))
    assert error.value.kind == "MembershipEnded"


def test_the_same_try_may_join_again_and_no_other(node: Node) -> None:
    text, _ = invite(node.store.tenant(), "berau", "http://127.0.0.1:1")
    first = join(node, "berau", "the-first-try-of-berau-node", text)
    again = join(node, "berau", "the-first-try-of-berau-node", text)
    assert first["key"] != again["key"]
    with pytest.raises(NodeError) as error:
        join(node, "berau", "somebody-elses-try-with-it", text)
    assert error.value.kind == "Used"


def test_a_member_is_not_replaced_by_another_invitation(node: Node) -> None:
    with pytest.raises(NodeError) as error:
        join(node, "samarinda", "somebody-elses-try-with-it")
    assert error.value.kind == "Member"


def test_a_hub_that_is_down_misses_nothing(joined: Pair) -> None:
    hub_site, city = joined
    ids = [f"urn:ngsi-ld:KeyPerformanceIndicator:{number}" for number in range(20)]
    until(lambda: hub_site.here(VALUE), "the first copies")
    hub_site.kill()
    for id in ids:
        city.create(id, VALUE, calculated=1)
    for round in range(2, 5):
        for id in ids:
            city.change(id, calculated=round)
    for id in ids[:5]:
        city.delete(id)
    hub_site.start()
    wanted = dict.fromkeys(ids[5:], 4) | {"urn:ngsi-ld:KeyPerformanceIndicator:one": 61.5}
    until(
        lambda: {id: one["calculated"] for id, one in hub_site.here(VALUE).items()} == wanted,
        "everything that happened meanwhile",
    )
    history = hub_site.get(f"/temporal/entities/{ids[5]}", local="true")
    values = [one["value"] for one in history["calculated"]]
    assert values == sorted(values), "in order"
    assert len(values) == len(set(values)), "nothing twice"


def test_a_change_of_shares_holds_at_once_and_is_told(joined: Pair) -> None:
    hub_site, city = joined
    until(lambda: hub_site.here(VALUE), "copies")
    hub_site.stop()
    city.change("urn:ngsi-ld:KeyPerformanceIndicator:one", calculated=70)  # owed, when the share changes
    city.run("change", hub_site.id, "--share", f"{STOP}:nameOf,waiting", "--push", STOP)
    hub_site.start()
    until(lambda: set(hub_site.here(STOP)) == {ONE, "urn:ngsi-ld:BusStop:two"}, "what is pushed now")
    until(lambda: not hub_site.here(VALUE), "what is not shared goes")
    city.run("change", hub_site.id, "--share", f"{STOP}:waiting", "--push", STOP)
    until(lambda: all("nameOf" not in one for one in hub_site.here(STOP).values()), "a field goes")
    history = hub_site.get(f"/temporal/entities/{ONE}", local="true")
    assert "nameOf" not in history
    assert all("secret" not in one for one in hub_site.here(STOP).values())
    hub_site.stop()  # which hears only of what is shared in the end
    city.run("change", hub_site.id, "--share", f"{VALUE}:calculated", "--push", VALUE)
    city.delete("urn:ngsi-ld:BusStop:two")
    city.run("change", hub_site.id, "--share", f"{STOP}:waiting", "--push", STOP)
    hub_site.start()
    until(lambda: set(hub_site.here(STOP)) == {ONE}, "what went while it was not shared")
    city.run("change", hub_site.id, "--share", f"{STOP}:waiting,nameOf", "--push", STOP)
    until(lambda: all("nameOf" in one for one in hub_site.here(STOP).values()), "and comes back")


def test_keys_are_changed_without_a_gap(joined: Pair) -> None:
    hub_site, city = joined
    hub_site.stop()
    city.run("rotate", hub_site.id)
    hub_site.start()
    assert hub_site.query(STOP), "the old key holds until the hub has the new one"
    until(lambda: city.facts()["hubs"][0]["told"], "told")
    assert hub_site.query(STOP)
    city.change("urn:ngsi-ld:KeyPerformanceIndicator:one", calculated=71)
    until(
        lambda: [one["calculated"] for one in hub_site.here(VALUE).values()] == [71],
        "copies come with the new key",
    )


@pytest.mark.parametrize("after", ["begin", "ask"])
def test_joining_goes_on_after_the_node_was_killed(hub: Site, city: Site, after: str) -> None:
    """``after``: the step that was the last one done. The command is killed between two of them."""
    import os
    import signal
    import subprocess
    import sys

    text = hub.invite("samarinda")
    program = f"""
import os, signal
from mahakam.nodes import sharing
real, after = sharing.ask, {after!r}
def ask(*arguments, **more):
    if after == "begin":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = real(*arguments, **more)
    os.kill(os.getpid(), signal.SIGKILL)
sharing.ask = ask
from mahakam.cli import main
main(["node", "join", {text!r}, "--share", "{STOP}:waiting", "--share", "{VALUE}", "--data", {str(city.data)!r}])
"""
    environment = os.environ | {"MAHAKAM_PRIVATE_ADDRESSES": "1", "MAHAKAM_URL": city.url}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert city.facts()["hubs"][0]["state"] == "joining"
    city.run("join", text, "--share", f"{STOP}:waiting", "--share", VALUE)
    assert hub.query(STOP)[ONE] == {"id": ONE, "type": STOP, "waiting": 7}
    until(lambda: hub.here(VALUE), "copies")
    city.change("urn:ngsi-ld:KeyPerformanceIndicator:one", calculated=5)
    until(lambda: [one["calculated"] for one in hub.here(VALUE).values()] == [5], "and changes")
