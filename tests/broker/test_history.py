"""What is kept of changes: by tenant, and for how long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mahakam.app import open_node
from mahakam.broker.history import Keeping
from mahakam.config import ConfigError, Settings
from mahakam.ngsild.temporal_query import View

ID = "urn:x:1"


def test_a_policy_is_for_all_or_for_one_tenant() -> None:
    keeping = Keeping.parse("off,air=on, drill=P2D")
    assert [keeping.kept(name) for name in ("", "air", "drill")] == [False, True, True]
    assert [keeping.seconds(name) for name in ("", "air", "drill")] == [0, 0, 172_800]
    assert Keeping.parse("").kept("")


@pytest.mark.parametrize("text", ["never", "air=", "P", "PT0S", "on,air=2 days"])
def test_a_wrong_policy_is_refused_before_anything_starts(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="history"):
        open_node(Settings(data=tmp_path, history=text))
    assert not list(tmp_path.iterdir())


def test_the_tenants_of_a_node_follow_it(tmp_path: Path) -> None:
    node = open_node(Settings(data=tmp_path, history="off,air=on"))
    for name in ("", "air"):
        broker = node.broker.tenant(name, create=True)
        broker.create({"id": ID, "type": "T", "a": {"type": "Property", "value": 1}})
        assert (broker.history.get(ID) is not None) == (name == "air")
    node.close()


def test_what_was_kept_long_enough_is_purged(tmp_path: Path) -> None:
    node = open_node(Settings(data=tmp_path, history="PT0.5S"))
    broker = node.broker
    broker.create({"id": ID, "type": "T", "a": {"type": "Property", "value": 1}})
    assert len(broker.store.moments(View(ID))) == 1
    time.sleep(2)
    assert broker.history.purge() == 1
    assert broker.history.purge() == 0
    assert broker.store.moments(View(ID)) == []
    node.close()


def test_without_an_end_nothing_is_purged(tmp_path: Path) -> None:
    node = open_node(Settings(data=tmp_path))
    node.broker.create({"id": ID, "type": "T", "a": {"type": "Property", "value": 1}})
    assert node.broker.history.purge() == 0
    assert len(node.broker.store.moments(View(ID))) == 1
    node.close()


def test_a_refused_write_leaves_no_trace(tmp_path: Path) -> None:
    node = open_node(Settings(data=tmp_path))
    document = {"id": ID, "type": "T", "a": {"type": "Property", "value": 1}}
    node.broker.create(document)
    with pytest.raises(Exception, match="exists"):
        node.broker.create({**document, "a": {"type": "Property", "value": 2}})
    assert len(node.broker.store.moments(View(ID))) == 1
    node.close()
