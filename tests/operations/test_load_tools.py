"""What ``tools.soak`` and ``tools.scale`` say: of a real node, and of figures that are known."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path

import pytest
from tools import delivery, scale, soak
from tools.load import ENTITIES, Done, Served, cpu, fill, load, memory


def walked(begin: Iterable[object]) -> int:
    """Objects that a collection of garbage comes to from these, without what their classes have."""
    seen: dict[int, object] = {}
    left = list(begin)
    while left:
        one = left.pop()
        if id(one) not in seen and not isinstance(one, type):
            seen[id(one)] = one
            left += gc.get_referents(one)
    return len(seen)


def test_a_node_under_load_is_measured(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as node:
        fill(node.url)
        done = load(node.url, 3.0, clients=4)
        assert len(done.took) > 50
        assert walked(vars(done).values()) < 50, "what is kept of each answer stops the load's own process"
        assert done.failed == 0
        assert done.cpu > 0
        assert memory(node.pid) > 10_000_000
        assert cpu(node.pid) > 0
        paced = load(node.url, 2.0, rate=5.0)
        assert len(paced.took) <= 11


def test_what_processes_deliver_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "OWED", 500)
    cost = delivery.delivered(2)
    assert cost.rate > 0
    assert cost.node > 0
    assert cost.clients < cost.node


def test_windows_and_what_did_not_hold() -> None:
    done = Done(seconds=60)
    for at in range(600):
        done.answered(at / 10, 0.001 if at < 500 else 0.004)
    steady = [soak.Sample(float(at), 100_000_000, at * 0.003) for at in range(60)]
    found = soak.windows(done, steady, 60)
    assert [one.requests for one in found] == [100] * 6
    assert [one.cpu for one in found] == pytest.approx([0.0003] * 6)
    assert soak.faults(found, done) == ["p99 went from 1.0 to 4.0 ms"]
    costlier = [soak.Sample(one.at, one.memory, one.cpu * (1 if one.at < 50 else 2)) for one in steady]
    assert soak.faults(soak.windows(done, costlier, 60), done)[1:] == [
        "a request went from 300 to 600 µs of CPU time"
    ]
    growing = [soak.Sample(float(at), 100_000_000 + at * 1_000_000, at * 0.003) for at in range(60)]
    said = soak.faults(soak.windows(done, growing, 60), Done(failed=2))
    assert said[0] == "2 requests failed"
    assert said[1].startswith("memory grew by 3")


def test_the_model_says_what_breaks_first() -> None:
    cost = scale.Cost(rate=900, node=0.001, database=0.0005, clients=0.0005)
    assert cost.predicted(1, 2) == pytest.approx(1000)
    assert cost.predicted(2, 2) == pytest.approx(1000), (
        "the cores are shared with the database and the clients"
    )
    assert cost.predicted(2, 8) == pytest.approx(2000)
    told = scale.Cost(rate=2_000, node=0.0004, database=0.0001, clients=0.0001)
    measured = scale.Measured(
        {"write": {1: cost, 2: cost}}, entity=2_000, change=500, delivered={1: told, 2: told}
    )
    text = scale.page(measured, "today", "a machine", 0.1, 2)
    assert "| write | 2 | 900 | 1,000 | +11% |" in text
    assert "| 2 | 2,000 | 3,333 | +67% | 400 | 100 | 100 |" in text
    assert "| cores of the database | 30.0 | 64.0 | 0.5 |" in text
    assert "| processes that deliver, a core each | 20.0 | 64.0 | 0.3 |" in text
    assert "What breaks first there: **TB of history in 30 days**" in text
    assert ENTITIES > 0
