"""A hub's rounds and who joins have the same registrations made: they meet, and neither fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.app import Node, open_node
from mahakam.config import Settings
from mahakam.nodes.member import Member
from mahakam.nodes.registering import prefix, settle
from mahakam.nodes.shares import Shares

TYPES = [f"Type{number}" for number in range(12)]


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[list[Node]]:
    """One store opened several times, as by several processes."""
    nodes = [open_node(Settings(tmp_path, private_addresses=True)) for _ in range(4)]
    yield nodes
    for node in nodes:
        node.close()


def together(nodes: list[Node], member: Member) -> list[BaseException]:
    """Settle a member in all of them at the same time; what went wrong."""
    start, problems = threading.Barrier(len(nodes)), list[BaseException]()

    def work(node: Node) -> None:
        start.wait()
        try:
            settle(node.broker, member)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def test_several_at_once_make_and_end_the_same_registrations(brokers: list[Node]) -> None:
    shares = Shares({type: frozenset(("name",)) for type in TYPES})
    member = Member("tepian", "http://127.0.0.1:9", shares, 1, key="mhs_of-a-test")
    gone = Member("tepian", "http://127.0.0.1:9", shares, 1, key="", state="ended")
    for wanted, number in ((member, len(TYPES)), (gone, 0)):
        assert together(brokers, wanted) == []
        made = [one for one in brokers[0].broker.registrations.all() if one.id.startswith(prefix("tepian"))]
        assert len(made) == number
