"""Five nodes and their hub, each a process: what the network promises when nodes die, sleep, come back and leave."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from mahakam.app import open_node
from mahakam.broker.federation.client import TIMEOUT
from mahakam.broker.writes import Delete, Modify, Upsert
from mahakam.config import Settings
from mahakam.ngsild.entity import Document
from mahakam.ngsild.patch import Change
from nodes.conftest import STOP, VALUE, Site, until
from support.api import BASE

NAMES = ("samarinda", "balikpapan", "bontang", "jakarta", "kuala-lumpur")
STOPS = 4
"""Of each node, beside the one at the border of two."""
BORDER = "urn:ngsi-ld:BusStop:border"
BUSY = 15.0
"""Seconds that a machine with other work may add to a timeout."""


def stop(name: str, number: int) -> str:
    return f"urn:ngsi-ld:BusStop:{name}:{number}"


def value(name: str) -> str:
    return f"urn:ngsi-ld:KeyPerformanceIndicator:{name}:waiting:2026"


class Network:
    """A hub, and the nodes by name, each joined by invitation with its stops (asked) and its values (copies)."""

    def __init__(self, hub: Site, nodes: dict[str, Site]) -> None:
        self.hub = hub
        self.nodes = nodes

    def __getitem__(self, name: str) -> Site:
        return self.nodes[name]

    def ask(self, type: str = STOP, **params: str) -> httpx.Response:
        """The hub's answer for a type."""
        asked = {"type": type, "limit": "1000", **params}
        answer = self.hub.api("GET", f"{BASE}/entities", params=asked)
        assert answer.status_code == 200, answer.text
        return answer

    def values_of_nodes(self, *names: str) -> dict[str, dict[str, Any]]:
        """What the nodes themselves have."""
        return {id: one for name in names or NAMES for id, one in self[name].here(VALUE).items()}

    def settled(self, *names: str) -> None:
        """Wait until the hub's copies are what these nodes have, value by value."""
        wanted = self.values_of_nodes(*names)
        until(lambda: self.hub.here(VALUE) == wanted, f"copies, not {wanted}")

    def history(self, id: str) -> list[Any]:
        """The values that a copy has had at the hub, in order."""
        history = self.hub.get(f"/temporal/entities/{id}", local="true")["kpiValue"]
        return [one["value"] for one in (history if isinstance(history, list) else [history])]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder: Path = tmp_path_factory.mktemp("five")
    with ExitStack() as stack:

        def start(name: str) -> Site:
            site = Site(folder / name)
            stack.callback(site.stop)
            return site.start()

        hub, nodes = start("hub"), {name: start(name) for name in NAMES}
        for number, (name, node) in enumerate(nodes.items()):
            for each in range(STOPS):
                node.create(stop(name, each), STOP, waiting=10 * number + each, secret=each)
            node.create(value(name), VALUE, kpiValue=number, place=name)
        at = "2026-01-0{}T00:00:00Z"
        nodes["samarinda"].create(BORDER, STOP, waiting={"value": 1, "observedAt": at.format(1)}, line="A")
        nodes["balikpapan"].create(BORDER, STOP, waiting={"value": 2, "observedAt": at.format(2)}, bench=True)
        for name, node in nodes.items():
            node.run("join", hub.invite(name), "--share", f"{STOP}:waiting,line,bench", "--share", VALUE)
        found = Network(hub, nodes)
        found.settled()
        yield found


def every_stop(*but: str) -> list[str]:
    return sorted([BORDER, *(stop(name, each) for name in NAMES if name not in but for each in range(STOPS))])


def warnings(answer: httpx.Response) -> list[str]:
    """The nodes that the answer says are missing."""
    return re.findall(r":node:([a-z-]+):", " ".join(answer.headers.get_list("ngsild-warning")))


def test_a_query_on_the_hub_merges_them_all(network: Network) -> None:
    answer = network.ask(options="keyValues", count="true")
    assert "ngsild-warning" not in answer.headers
    found = {one["id"]: one for one in answer.json()}
    assert sorted(found) == every_stop()
    assert len(answer.json()) == len(found), "each once"
    assert answer.headers["ngsild-results-count"] == str(len(found))
    assert network.hub.here(STOP) == {}, "the hub stores none of them"
    for number, name in enumerate(NAMES):
        for each in range(STOPS):
            assert found[stop(name, each)]["waiting"] == 10 * number + each
    assert not any("secret" in one for one in found.values())
    assert found[BORDER] == {"id": BORDER, "type": STOP, "waiting": 2, "line": "A", "bench": True}


def test_pages_and_filters_reach_over_all_of_them(network: Network) -> None:
    paged = [
        one["id"]
        for offset in range(0, 30, 5)
        for one in network.ask(limit="5", offset=str(offset), options="keyValues").json()
    ]
    assert sorted(paged) == every_stop()
    many = network.ask(q="waiting>=30", options="keyValues", count="true")
    wanted = sorted(stop(name, each) for name in ("jakarta", "kuala-lumpur") for each in range(STOPS))
    assert sorted(one["id"] for one in many.json()) == wanted
    assert many.headers["ngsild-results-count"] == str(len(wanted))
    assert network.ask(q="secret>=0").json() == [], "what is not shared is not asked for either"


def test_one_that_is_killed_is_named_in_time_and_the_rest_is_whole(network: Network) -> None:
    killed = network["bontang"]
    killed.kill()
    try:
        began = time.monotonic()
        answer = network.ask(options="keyValues")
        assert time.monotonic() - began < TIMEOUT + BUSY
        assert set(warnings(answer)) == {"bontang"}
        assert sorted(one["id"] for one in answer.json()) == every_stop("bontang")
        assert value("bontang") in network.hub.here(VALUE), "what it sent is there"
        until(lambda: network.hub.member("bontang")["off_since"], "the hub sees that it is off-line")
        assert not network.hub.member("jakarta")["off_since"]
    finally:
        killed.start()
    until(lambda: not warnings(network.ask()), "it is asked again")
    assert sorted(one["id"] for one in network.ask(options="keyValues").json()) == every_stop()
    until(lambda: not network.hub.member("bontang")["off_since"], "the hub sees that it is back")


def test_one_that_takes_the_question_and_never_answers_holds_nobody_longer_than_its_timeout(
    network: Network,
) -> None:
    hung = network["jakarta"].node.pid
    os.killpg(hung, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = network.ask(options="keyValues")
        taken = time.monotonic() - began
        assert set(warnings(answer)) == {"jakarta"}
        assert taken < TIMEOUT + BUSY, f"{taken:.1f} s"
        assert sorted(one["id"] for one in answer.json()) == every_stop("jakarta")
        began = time.monotonic()
        assert set(warnings(network.ask())) == {"jakarta"}
        assert time.monotonic() - began < TIMEOUT, "it rests: the next question does not wait for it again"
    finally:
        os.killpg(hung, signal.SIGCONT)
    until(lambda: not warnings(network.ask()), "it is asked again")


def test_one_that_is_off_line_for_a_while_loses_nothing_and_sends_nothing_twice(network: Network) -> None:
    away, other = network["kuala-lumpur"], network["samarinda"]
    mine, new, gone = value("kuala-lumpur"), value("kuala-lumpur") + ":new", value("kuala-lumpur") + ":gone"
    away.create(gone, VALUE, kpiValue=1, place="kuala-lumpur")
    network.settled()
    away.kill()
    # The city goes on without its server: what a feed or an officer's command writes, the store keeps and owes.
    node = open_node(Settings(away.data, private_addresses=True))
    for number in (101, 102, 103):
        node.broker.batch([Modify(mine, lambda stored, at, n=number: _changed(stored, at, n))], "a feed")
    made: Document = {"id": new, "type": VALUE, "kpiValue": _property(7), "place": _property("kuala-lumpur")}
    assert node.broker.batch([Upsert(made), Delete(gone)], "a feed")[0].problem is None
    node.close()
    # So does the network: another node's values change, and one of the hub's own.
    for number in (201, 202):
        other.change(value("samarinda"), kpiValue=number)
    until(lambda: network.hub.here(VALUE)[value("samarinda")]["kpiValue"] == 202, "the other's copy")
    assert network.hub.here(VALUE)[mine]["kpiValue"] == 4, "as it was sent last"
    assert gone in network.hub.here(VALUE)
    away.start()
    network.settled()
    assert network.hub.here(VALUE)[mine]["kpiValue"] == 103
    assert sorted(network.hub.here(VALUE)) == sorted([*map(value, NAMES), new])
    # The hub dies with copies on their way, too: what it has not acknowledged comes again, what it has does not count.
    away.change(mine, kpiValue=104)
    network.hub.kill()
    away.change(mine, kpiValue=105)
    other.change(value("samarinda"), kpiValue=203)
    network.hub.start()
    network.settled()
    for id, last in ((mine, 105), (value("samarinda"), 203)):
        seen = network.history(id)
        assert seen[-1] == last
        assert Counter(seen).most_common(1)[0][1] == 1, f"each value once: {seen}"
        assert seen == sorted(seen), "and in order"
    assert sorted(one["id"] for one in network.ask(VALUE).json()) == sorted(network.values_of_nodes())
    until(lambda: not warnings(network.ask()), "all are asked again")
    assert sorted(one["id"] for one in network.ask(options="keyValues").json()) == every_stop()


def _property(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def _changed(stored: Document, at: str, number: int) -> Change:
    changed = {**stored["kpiValue"], "value": number, "modifiedAt": at}
    return Change({**stored, "kpiValue": changed, "modifiedAt": at}, changed={"kpiValue"})


def test_a_revoked_share_answers_nothing_from_that_moment(network: Network) -> None:
    """The last of the module: balikpapan has left after it."""
    leaving = network["balikpapan"]
    assert value("balikpapan") in network.hub.here(VALUE)
    leaving.run("revoke", network.hub.id)
    answer = network.ask(options="keyValues")
    found = {one["id"]: one for one in answer.json()}
    assert sorted(found) == every_stop("balikpapan")
    assert found[BORDER] == {"id": BORDER, "type": STOP, "waiting": 1, "line": "A"}, (
        "nothing of its part either"
    )
    assert value("balikpapan") not in network.hub.query(VALUE)
    assert value("balikpapan") not in network.hub.here(VALUE), "its copies are gone"
    assert network.hub.api("GET", f"{BASE}/entities/{stop('balikpapan', 0)}").status_code == 404
    leaving.change(value("balikpapan"), kpiValue=999)
    leaving.create(value("balikpapan") + ":later", VALUE, kpiValue=1, place="balikpapan")
    network["jakarta"].change(value("jakarta"), kpiValue=301)
    until(lambda: network.hub.here(VALUE)[value("jakarta")]["kpiValue"] == 301, "what came after it")
    assert not [id for id in network.hub.query(VALUE) if "balikpapan" in id]
    assert sorted(network.hub.here(VALUE)) == sorted(
        network.values_of_nodes(*(name for name in NAMES if name != "balikpapan"))
    )
